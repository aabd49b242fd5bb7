// Two views of several pictures: from one image to another, and one image through several models.

/** From image A to image B: through the code, and by mixing pixels. */
function betweenView(app) {
  const { shape } = app, [, H, W] = shape, steps = 9;
  const ends = ["A", "B"].map((name, i) => {
    const canvas = imageCanvas(shape, 84, `image ${name}`);
    const button = h("button", { type: "button", onclick: () => take(i) }, `start image → ${name}`);
    return { canvas, element: h("figure", {}, canvas, button), image: app.images[i] };
  });
  const slider = h("input", {
    type: "range", min: 0, max: 1, step: 0.01, value: 0, ariaLabel: "from A to B",
    oninput: () => app.setCode(code(Number(slider.value))),
  });
  const rows = ["through the code", "mixing the pixels"].map((name) => {
    const canvas = h("canvas", {
      class: "image", width: steps * W, height: H, role: "img", ariaLabel: `from A to B ${name}`,
    });
    return { canvas, element: h("figure", { class: "wide" }, canvas, h("figcaption", {}, name)) };
  });
  const element = h(
    "div", {},
    h("div", { class: "columns" }, ends[0].element, h("label", { class: "grow" }, "A ", slider, " B"),
      ends[1].element),
    ...rows.map((row) => row.element),
  );

  function take(i) {
    ends[i].image = app.start.image;
    show();
  }
  function code(t) {
    const [a, b] = ends.map(({ image }) => app.model.encode(image).mean);
    return a.map((v, j) => (1 - t) * v + t * b[j]);
  }
  function show() {
    const [a, b] = ends.map(({ image }) => image);
    ends.forEach((end) => paint(end.canvas, end.image, shape));
    for (let s = 0; s < steps; s++) {
      const t = s / (steps - 1);
      paint(rows[0].canvas, app.model.decode(code(t)), shape, s * W);
      paint(rows[1].canvas, a.map((v, p) => (1 - t) * v + t * b[p]), shape, s * W);
    }
  }
  let shown = null;
  return {
    element,
    update() {
      if (!element.offsetParent || shown === app.model) return;
      shown = app.model;
      show();
    },
  };
}

/** The start image through all models, by rising β if they have one: what each keeps of it and what it pays. */
function atlasView(app) {
  const models = inOrder(app.models);
  const columns = models.map((model) => {
    const canvas = imageCanvas(app.shape, 112, `drawn by ${model.name}`);
    const bars = chart(112, 70, { role: "img", ariaLabel: "KL of each latent" });
    const text = h("figcaption", {});
    const button = h("button", { type: "button", onclick: () => app.setModel(model) }, model.name);
    return { model, canvas, bars, text, button, element: h("figure", {}, button, canvas, bars.canvas, text) };
  });
  const element = h(
    "div", {},
    h("p", {}, `The same image through ${rising(models) ? "models of rising β" : "all models"}. Bars: `
      + "what each latent tells about it, in nats. A click on a name gives the sliders to that model."),
    h("div", { class: "columns" }, ...columns.map((column) => column.element)),
  );
  return {
    element,
    update(changes) {
      if (!element.offsetParent) return;
      for (const { model, canvas, bars, text, button } of columns) {
        button.ariaPressed = String(model === app.model);
        const { mean, kl } = model.encode(app.start.image), drawn = model.decode(mean);
        paint(canvas, drawn, app.shape);
        const wrong = surprise(app.start.image, drawn);
        text.textContent = `tells ${total(kl).toFixed(1)} nats, is wrong by ${wrong.toFixed(0)}`;
        bars.draw((context, w, height) => drawBars(context, w, height, [...kl], element));
      }
    },
  };
}

function drawBars(context, w, height, kl, element) {
  const step = w / kl.length, top = 8; // nats
  context.fillStyle = colour(element, "accent");
  kl.sort((a, b) => b - a).forEach((v, i) => {
    const tall = Math.max(1, (height * Math.min(v, top)) / top);
    context.fillRect(i * step + 1, height - tall, step - 2, tall);
  });
}

/** Whether each model has a β of its own. */
const rising = (models) =>
  models.every(({ beta }) => beta !== null) && new Set(models.map((m) => m.beta)).size === models.length;

/** By rising β where each model has its own, else as they were given. */
const inOrder = (models) => (rising(models) ? [...models].sort((a, b) => a.beta - b.beta) : models);
