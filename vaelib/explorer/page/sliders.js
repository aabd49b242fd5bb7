// One slider a latent, by falling KL: the density of the data's codes above it, and below it the
// pictures that the latent draws from here.

const CELLS = 9; // pictures in a row

function slidersView(app) {
  const element = h("div", { class: "sliders" });
  let rows = new Map();

  function build() {
    const { model } = app;
    rows = new Map(model.order.map((j) => [j, latentRow(app, j)]));
    const told = model.order.filter((j) => model.active[j]);
    const silent = model.order.filter((j) => !model.active[j]);
    const folded = h("details", {}, h("summary", {}, silentText(silent.length)));
    silent.forEach((j) => folded.append(rows.get(j).element));
    folded.addEventListener("toggle", again);
    element.replaceChildren(...told.map((j) => rows.get(j).element));
    if (silent.length) element.append(folded);
    element.append(h("p", { class: "note" }, "Keys: ← → move a slider, ↑ ↓ lead to the next one."));
  }

  const again = background(function* () {
    const first = rows.get(app.moved);
    for (const row of [first, ...rows.values()]) {
      if (row && row.element.offsetParent) yield* row.pictures();
    }
  });

  return {
    element,
    update(changes) {
      if (changes.has("model") || !rows.size) build();
      const begins = changes.has("start");
      rows.forEach((row) => row.update(begins));
      if (changes.has("code")) again();
    },
  };
}

function silentText(n) {
  const many = n === 1 ? "1 latent says" : `${n} latents say`;
  return `${many} nothing (less than 0.05 nats): unfold to see that it does not matter`;
}

function latentRow(app, j) {
  const { model, shape } = app, [low, high] = [model.low[j], model.high[j]];
  const id = freshId("latent");
  const input = h("input", {
    type: "range", id, min: low, max: high, step: (high - low) / 200,
    oninput: () => app.setLatent(j, Number(input.value)),
    onkeydown: (event) => focusNeighbour(event, input),
  });
  const output = h("output", { htmlFor: id });
  const play = h("button", {
    type: "button", class: "play", ariaLabel: `play latent ${j}`,
    onclick: () => app.play(app.playing === j ? null : j),
  });
  const most = Math.max(...model.kl);
  const bar = h("span", { class: "kl", style: `width:${(64 * model.kl[j]) / most}px` });
  const { maps } = app.posterior;
  const look = maps && imageCanvas([3, shape[1], shape[2]], 64, `where latent ${j} is read from`);
  const density = chart(560, 26, { class: "density", ariaHidden: "true" });
  const pictures = h("canvas", {
    class: "row", width: CELLS * shape[2], height: shape[1], role: "img",
    ariaLabel: `what latent ${j} draws, from low to high`,
    onclick: (event) => {
      const cell = Math.floor((CELLS * event.offsetX) / pictures.clientWidth);
      app.setLatent(j, cellValue(cell));
    },
  });
  const cellValue = (i) => low + ((high - low) * (i + 0.5)) / CELLS;
  const frame = h("span", { class: "frame" });
  const element = h(
    "div", { class: "latent" },
    h("label", { htmlFor: id }, `z${j}`),
    h("span", { class: "nats" }, bar, `${model.kl[j].toFixed(2)} nats`, look),
    h("div", { class: "track" }, density.canvas, input, h("div", { class: "cells" }, pictures, frame)),
    h("span", { class: "value" }, output, play),
  );

  return {
    element,
    update(begins) {
      const value = app.code[j];
      input.min = Math.min(low, value); // a drawing may have a code that no image has
      input.max = Math.max(high, value);
      input.value = value;
      output.value = signed(value);
      input.ariaValueText = `${signed(value)}, ${model.kl[j].toFixed(2)} nats`;
      const at = Math.min(CELLS - 1, Math.max(0, Math.floor((CELLS * (value - low)) / (high - low))));
      frame.style.left = `${(100 * at) / CELLS}%`;
      play.textContent = app.playing === j ? "⏸" : "▶";
      play.ariaPressed = String(app.playing === j);
      if (!begins) return;
      density.draw((context, w, height) => drawDensity(context, w, height, app, j, element));
      if (look) paint(look, lookedAt(app, j), [3, shape[1], shape[2]]);
    },
    *pictures() {
      const code = app.code.slice();
      for (let i = 0; i < CELLS; i++) {
        code[j] = cellValue(i);
        paint(pictures, model.decode(code), shape, i * shape[2]);
        yield;
      }
    },
  };
}

/** The start image in grey, over it in colour where the encoder looked for latent j: (3, H, W). */
function lookedAt({ start, posterior, model, shape: [C, H, W] }, j) {
  const n = posterior.maps.length / model.latents, cells = Math.sqrt(n), P = H * W;
  const map = posterior.maps.subarray(j * n, (j + 1) * n), most = Math.max(...map);
  const picture = new Float32Array(3 * P);
  for (let p = 0; p < P; p++) {
    const y = Math.floor(p / W), x = p % W;
    const cell = Math.floor((y * cells) / H) * cells + Math.floor((x * cells) / W);
    const strength = map[cell] / most;
    let grey = 0;
    for (let c = 0; c < C; c++) grey += (0.4 * start.image[c * P + p]) / C;
    [1, 0.55, 0].forEach((part, c) => (picture[c * P + p] = Math.min(1, grey + part * strength)));
  }
  return picture;
}

/** Up and down lead to the slider above or below; left and right move it. */
function focusNeighbour(event, input) {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const all = [...input.closest(".sliders").querySelectorAll("input")].filter((i) => i.offsetParent);
  all[all.indexOf(input) + step]?.focus();
}

/** The histogram of the latent's values on the data, and where the start image lies. */
function drawDensity(context, width, height, app, j, element) {
  const { model } = app, bins = new Float32Array(56), low = model.low[j], high = model.high[j];
  for (const v of model.column(j)) {
    const bin = Math.floor((bins.length * (v - low)) / (high - low));
    if (bin >= 0 && bin < bins.length) bins[bin]++;
  }
  const top = Math.max(...bins), step = width / bins.length;
  context.fillStyle = colour(element, "cloud");
  bins.forEach((n, i) => {
    const tall = ((height - 2) * n) / top;
    context.fillRect(i * step, height - tall, step - 1, tall);
  });
  const home = (width * (app.posterior.mean[j] - low)) / (high - low);
  context.fillStyle = colour(element, "start");
  context.fillRect(home - 1, 0, 2, height);
}
