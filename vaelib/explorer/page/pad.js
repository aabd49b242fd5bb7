// Two latents at once: the codes of the data as a cloud, the present code as a point to drag.

const PAD = 264; // pixels

function padView(app) {
  const picture = cloudChart(PAD, {
    class: "pad", tabIndex: 0, role: "application",
    ariaLabel: "two latents: drag the point, or move it with the arrow keys",
  });
  const note = h("p", { class: "note" });
  const controls = h("div", { class: "choices" });
  const element = h(
    "section", { class: "two" },
    h("h2", {}, "Two latents at once"), picture.canvas, controls, note,
  );
  let colours = app.world ? String(mostCorrelated(app.model, app.world.names.length)[0]) : "";

  function build() {
    const latents = app.model.order.map((j) => [j, `z${j}`]);
    const [x, y] = app.pair;
    const factors = (app.world?.names ?? []).map((name, k) => [k, name]);
    controls.replaceChildren(
      select("across", latents, x, (j) => app.setPair(Number(j), app.pair[1])),
      select("up", latents, y, (j) => app.setPair(app.pair[0], Number(j))),
      select("colour", [["", "none"], ...factors], colours, (k) => {
        colours = k;
        app.change("pair");
      }),
    );
  }

  const move = (event) => {
    const box = picture.canvas.getBoundingClientRect();
    const [x, y] = app.pair, { model } = app;
    const across = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    const up = 1 - Math.min(1, Math.max(0, (event.clientY - box.top) / box.height));
    app.code[x] = fromPad(model, x, across);
    app.setLatent(y, fromPad(model, y, up));
  };
  drag(picture.canvas, move);
  picture.canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowDown: [1, -1], ArrowUp: [1, 1] };
    if (!step[event.key]) return;
    event.preventDefault();
    const [axis, way] = step[event.key], j = app.pair[axis], { low, high } = app.model;
    app.setLatent(j, app.code[j] + (way * (high[j] - low[j])) / 40);
  });

  return {
    element,
    update(changes) {
      if (changes.has("model") || changes.has("pair") || !controls.children.length) {
        build();
        const [x, y] = app.pair, r = correlation(app.model.column(x), app.model.column(y));
        note.textContent = `Over the data, the codes of z${x} and z${y} correlate with r = ${signed(r)}.`;
      }
      picture.show(element, app.model, app.pair, {
        point: app.code, start: app.posterior.mean, factor: colours === "" ? null : Number(colours),
      });
    },
  };
}

const MARGIN = 0.08; // of the pad, beyond the sliders' ranges

const onPad = (model, j, v) =>
  MARGIN + ((1 - 2 * MARGIN) * (v - model.low[j])) / (model.high[j] - model.low[j]);
const fromPad = (model, j, at) =>
  model.low[j] + ((at - MARGIN) / (1 - 2 * MARGIN)) * (model.high[j] - model.low[j]);

/** A canvas for the cloud of a pair and what lies on it. The cloud is drawn only when it changes. */
function cloudChart(side, properties) {
  const { canvas, draw } = chart(side, side, properties), behind = chart(side, side);
  let drawn = [];
  const show = (element, model, pair, { factor, ...marks }) => {
    const wanted = [model, ...pair, factor, colour(element, "cloud")];
    if (wanted.some((value, i) => value !== drawn[i])) {
      behind.draw((context) => drawCloud(context, element, model, pair, side, factor));
      drawn = wanted;
    }
    draw((context) => {
      context.drawImage(behind.canvas, 0, 0, side, side);
      drawMarks(context, element, model, pair, side, marks);
    });
  };
  return { canvas, show };
}

/** The codes of the data, in the colours of a factor if one is given. */
function drawCloud(context, element, model, [x, y], side, factor) {
  const xs = model.column(x), ys = model.column(y);
  const values = factor === null ? null : model.factors.subarray(factor * model.count);
  const top = values ? Math.max(...values.subarray(0, model.count)) || 1 : 1;
  context.fillStyle = colour(element, "cloud");
  for (let i = 0; i < model.count; i++) {
    if (values) context.fillStyle = scale(values[i] / top);
    const px = side * onPad(model, x, xs[i]), py = side * (1 - onPad(model, y, ys[i]));
    context.fillRect(px - 1.25, py - 1.25, 2.5, 2.5);
  }
}

/** A path of codes (a list of values for each latent), where it starts and where it is now. */
function drawMarks(context, element, model, [x, y], side, { point, start, path }) {
  const place = (v, w) => [side * onPad(model, x, v), side * (1 - onPad(model, y, w))];
  if (path) {
    context.beginPath();
    path[x].forEach((v, i) => context.lineTo(...place(v, path[y][i])));
    context.strokeStyle = colour(element, "start");
    context.lineWidth = 2;
    context.stroke();
  }
  if (start) dot(context, place(start[x], start[y]), colour(element, "start"), 4);
  dot(context, place(point[x], point[y]), colour(element, "accent"), 7);
}

function dot(context, [x, y], fill, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 7);
  context.fillStyle = fill;
  context.strokeStyle = "white";
  context.lineWidth = 2;
  context.fill();
  context.stroke();
}

/** Violet over green to amber, for 0 to 1: ever lighter, and seen on both grounds. */
function scale(t) {
  const stops = [[124, 92, 214], [33, 145, 140], [230, 170, 0]], part = 2 * Math.min(t, 0.9999);
  const at = Math.floor(part), f = part - at;
  return `rgb(${stops[at].map((v, i) => Math.round(v + f * (stops[at + 1][i] - v)))})`;
}

/** Call `move` while the pointer is down on a canvas. */
function drag(canvas, move, begin = () => {}) {
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    begin(event);
    move(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (canvas.hasPointerCapture(event.pointerId)) move(event);
  });
}

const GRID = 7; // pictures along each side

/** What the two latents of the pad draw together. */
function gridView(app) {
  const [, H, W] = app.shape;
  const canvas = h("canvas", {
    class: "image grid", width: GRID * W, height: GRID * H, role: "img",
    ariaLabel: "pictures over the two latents of the pad",
    onclick: (event) => {
      const [x, y] = app.pair;
      app.code[x] = value(x, Math.floor((GRID * event.offsetX) / canvas.clientWidth));
      const row = Math.floor((GRID * event.offsetY) / canvas.clientHeight);
      app.setLatent(y, value(y, GRID - 1 - row));
    },
  });
  const value = (j, i) => {
    const { low, high } = app.model;
    return low[j] + ((high[j] - low[j]) * i) / (GRID - 1);
  };
  const note = h("p", { class: "note" });
  const element = h("div", {}, canvas, note);
  const again = background(function* () {
    const [x, y] = app.pair, { model } = app, code = app.code.slice();
    for (let row = 0; row < GRID; row++) {
      for (let column = 0; column < GRID; column++) {
        [code[x], code[y]] = [value(x, column), value(y, GRID - 1 - row)];
        paint(canvas, model.decode(code), app.shape, column * W, row * H);
        yield;
      }
    }
    note.textContent = `Across z${x}, up z${y}; all other latents stay. Corners where the cloud has `
      + "no points are pictures of codes that no image has.";
  });
  let seen = null;
  return {
    element,
    update() {
      if (!element.offsetParent) return;
      // the pair's own values do not matter for the grid: dragging in the pad draws nothing anew
      const others = app.code.filter((_, j) => !app.pair.includes(j)).join();
      const now = `${app.models.indexOf(app.model)} ${app.pair} ${others}`;
      if (now !== seen) again();
      seen = now;
    },
  };
}
