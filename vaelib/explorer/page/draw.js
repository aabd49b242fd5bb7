// Draw an image of your own: what does the model read in it, and is it like the data?

function drawView(app) {
  const { shape } = app, [C, H, W] = shape, side = 264;
  const canvas = h("canvas", {
    class: "image drawing", width: W, height: H, style: `width:${side}px`, tabIndex: 0,
    role: "application",
    ariaLabel: "draw here: with the mouse, or move with the arrow keys and paint with space",
  });
  const size = h("input", { type: "range", min: 1, max: H / 6, value: H / 16, step: 0.5 });
  const paper = new Float32Array(C * H * W), cursor = [W / 2, H / 2];
  let ink = 1, last = null;
  const hue = h("input", { type: "color", value: "#ffffff", ariaLabel: "colour" });
  const said = h("p", { class: "note", role: "status" });

  function stroke([x, y]) {
    const from = last ?? [x, y], steps = Math.ceil(Math.hypot(x - from[0], y - from[1])) || 1;
    for (let s = 1; s <= steps; s++) {
      const t = s / steps;
      stamp(paper, shape, from[0] + t * (x - from[0]), from[1] + t * (y - from[1]),
        Number(size.value), inkOf(ink, hue.value, C));
    }
    last = [x, y];
    show();
  }

  function show() {
    paint(canvas, paper, shape);
    app.setStart(paper.slice(), "your drawing");
  }

  function fill(image) {
    paper.set(image);
    show();
  }

  drag(canvas, (event) => {
    const box = canvas.getBoundingClientRect();
    stroke([((event.clientX - box.left) * W) / box.width, ((event.clientY - box.top) * H) / box.height]);
  }, () => (last = null));
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-2, 0], ArrowRight: [2, 0], ArrowUp: [0, -2], ArrowDown: [0, 2] };
    if (!step[event.key] && event.key !== " ") return;
    event.preventDefault();
    const [dx, dy] = step[event.key] ?? [0, 0];
    cursor[0] = Math.min(W, Math.max(0, cursor[0] + dx));
    cursor[1] = Math.min(H, Math.max(0, cursor[1] + dy));
    last = null;
    if (event.key === " ") return stroke(cursor);
    paint(canvas, paper, shape);
    const context = canvas.getContext("2d");
    context.strokeStyle = "#e69f00";
    context.strokeRect(cursor[0] - 2, cursor[1] - 2, 4, 4);
  });

  const button = (text, onclick) => h("button", { type: "button", onclick }, text);
  const rubber = h("button", {
    type: "button", ariaPressed: "false",
    onclick: () => {
      ink = 1 - ink;
      rubber.ariaPressed = String(!ink);
    },
  }, "Rubber");
  const element = h(
    "div", { class: "columns" },
    canvas,
    h(
      "div", {},
      h("p", {}, "Draw a sprite with the mouse. The model reads its code at once: the sliders jump "
        + "there, and the large picture shows what it makes of it."),
      h("div", { class: "buttons" }, button("Clear", () => fill(new Float32Array(paper.length))),
        rubber, button("Take the start image", () => fill(app.start.image)), C === 3 ? hue : null),
      h("label", { class: "choice" }, "brush ", size), said,
    ),
  );
  paint(canvas, paper, shape);

  return {
    element,
    update(changes) {
      if (!changes.has("start") || app.start.name !== "your drawing") return;
      said.textContent = verdict(app);
    },
  };
}

/** Where the start image falls among the data, and how well it is drawn again. */
function verdict(app) {
  const strange = app.model.strangeness(app.posterior.mean);
  const drawn = app.model.decode(app.posterior.mean), { image } = app.start;
  const error = surprise(image, drawn), nats = total(app.posterior.kl);
  const where = strange <= 1 ? "among those of the data" : `${strange.toFixed(1)} × as far away as usual`;
  return `Its code lies ${where}. It tells ${nats.toFixed(1)} nats about the drawing; `
    + `the reconstruction is wrong by ${error.toFixed(0)} nats.`;
}

/** −ln of the chance that an image in [0, 1] has under the chances `drawn` of its pixels, in nats. */
function surprise(image, drawn) {
  return image.reduce((sum, x, i) => {
    const q = Math.min(1 - 1e-7, Math.max(1e-7, drawn[i]));
    return sum - (x * Math.log(q) + (1 - x) * Math.log(1 - q));
  }, 0);
}

function inkOf(ink, hue, C) {
  if (!ink || C === 1) return Array(C).fill(ink);
  return [1, 3, 5].map((i) => parseInt(hue.slice(i, i + 2), 16) / 255);
}

/** Paint a round spot on an image. */
function stamp(image, [C, H, W], x, y, radius, ink) {
  for (let row = Math.max(0, Math.floor(y - radius)); row < Math.min(H, y + radius); row++) {
    for (let col = Math.max(0, Math.floor(x - radius)); col < Math.min(W, x + radius); col++) {
      if (Math.hypot(col + 0.5 - x, row + 0.5 - y) > radius) continue;
      for (let c = 0; c < C; c++) image[(c * H + row) * W + col] = ink[c];
    }
  }
}
