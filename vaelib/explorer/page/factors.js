// The other direction: choose factors, see the image, and what one to three models read in it.

function factorsView(app) {
  const { world, models, shape } = app;
  const factors = world.sizes.map((n, k) => world.snap(k, Math.floor(n / 2)));
  let moved = 0, playing = null;
  const canvas = imageCanvas(shape, 200, "image of these factors");
  const rows = world.names.map((name, k) => factorRow(k, name));
  const cards = inOrder(models).map((model) => modelCard(app, model));
  const element = h(
    "div", { class: "factors" },
    h("div", { class: "world" }, canvas, h("div", { class: "knobs" }, ...rows.map((row) => row.element)),
      h("p", { class: "note" }, "Bars: the code of this image; the thin line is its uncertainty, ± 2 σ. "
        + "Pale bars, and the line in the cloud: where the code goes while the factor in bold takes all "
        + "its values. Its value also colours the cloud, the codes of the data.")),
    h("div", { class: "cards" }, ...cards.map((card) => card.element)),
  );

  function factorRow(k, name) {
    const id = freshId("factor"), top = world.sizes[k] - 1;
    const input = h("input", {
      type: "range", id, min: 0, max: top, step: 1,
      oninput: () => set(k, Number(input.value)),
    });
    const play = h("button", {
      type: "button", class: "play", ariaLabel: `play ${name}`, onclick: () => run(playing === k ? null : k),
    }, "▶");
    const output = h("output", { htmlFor: id });
    return { element: h("div", { class: "factor" }, h("label", { htmlFor: id }, name), input, output, play), input, output, play };
  }

  function set(k, value) {
    factors[k] = world.snap(k, value);
    moved = k;
    app.change("factors");
  }

  function run(k) {
    playing = k;
    app.change("factors");
    if (k === null) return;
    const top = world.sizes[k] - 1;
    toAndFro(factors[k] / top, () => playing === k && element.offsetParent, (at) => {
      const value = world.snap(k, Math.round(top * at));
      if (value !== factors[k]) set(k, value);
    });
  }

  // what each latent does over all values of the factor that was moved last
  let swept = null;
  const sweep = background(function* () {
    const others = factors.map((v, k) => (k === moved ? "*" : v)).join();
    if (others === swept) return;
    const k = moved, images = valuesOf(world, k).map((v) => world.render(factors.with(k, v)));
    for (const card of cards) {
      const codes = [];
      for (const image of images) {
        codes.push(card.model.encode(image).mean);
        yield;
      }
      card.bands = card.model.kl.map((_, j) => codes.map((code) => code[j]));
      app.change("factors");
    }
    swept = others;
  });

  return {
    element,
    factors,
    set,
    update(changes) {
      if (!element.offsetParent || !(changes.has("factors") || changes.has("shown"))) return;
      const image = world.render(factors);
      paint(canvas, image, shape);
      rows.forEach((row, k) => {
        row.input.value = factors[k];
        row.output.value = `${factors[k] + 1} of ${world.sizes[k]}`;
        row.play.textContent = playing === k ? "⏸" : "▶";
        row.element.classList.toggle("moved", k === moved);
      });
      cards.forEach((card) => card.update(image, moved));
      sweep();
    },
  };
}

const valuesOf = (world, k) => world.values?.[k] ?? [...Array(world.sizes[k]).keys()];

/** One model: its reconstruction, its code as bars, and two of its latents with their cloud. */
function modelCard(app, model) {
  const { shape } = app;
  const canvas = imageCanvas(shape, 120, "reconstruction");
  const said = h("p", { class: "note" });
  const bars = model.order.map((j) => codeBar(model, j));
  const pad = cloudChart(120, { class: "pad", role: "img", ariaLabel: "codes of the data, and this one" });
  const choices = h("div", { class: "choices" });
  const element = h(
    "article", { class: "card" },
    h("h2", {}, model.name), model.name === model.label ? null : h("p", { class: "note label", title: model.label }, model.label),
    h("div", { class: "columns" }, canvas, pad.canvas), choices, said,
    h("div", { class: "bars" }, ...bars.map((bar) => bar.element)),
  );
  let pair = app.defaultPair(model);
  const latents = model.order.map((j) => [j, `z${j}`]);
  const choose = (axis) => (j) => {
    pair = pair.with(axis, Number(j));
    app.change("factors");
  };
  choices.append(select("across", latents, pair[0], choose(0)), select("up", latents, pair[1], choose(1)));

  const card = {
    element, model, bands: null,
    update(image, factor) {
      const { mean, std } = model.encode(image), drawn = model.decode(mean);
      paint(canvas, drawn, shape);
      const error = surprise(image, drawn);
      const r = correlation(model.column(pair[0]), model.column(pair[1]));
      said.textContent = `wrong by ${error.toFixed(0)} nats · z${pair[0]}, z${pair[1]}: r = ${signed(r)}`;
      bars.forEach((bar) => bar.update(mean, std, card.bands));
      pad.show(element, model, pair, { point: mean, factor, path: card.bands });
    },
  };
  return card;
}

const REACH = 3.5; // of a bar, to either side of 0

function codeBar(model, j) {
  const place = (v) => 50 + (50 * Math.min(REACH, Math.max(-REACH, v))) / REACH; // %
  const span = (part, from, to) => {
    part.style.left = `${Math.min(place(from), place(to))}%`;
    part.style.width = `${Math.abs(place(to) - place(from))}%`;
  };
  const [band, bar, doubt] = ["band", "bar", "doubt"].map((name) => h("span", { class: name }));
  const text = h("span", { class: "value" });
  const off = model.active[j] ? "" : " off";
  const element = h(
    "div", { class: `code${off}` }, h("span", {}, `z${j}`), h("span", { class: "axis" }, band, bar, doubt), text,
  );
  return {
    element,
    update(mean, std, bands) {
      span(bar, 0, mean[j]);
      span(doubt, mean[j] - 2 * std[j], mean[j] + 2 * std[j]);
      text.textContent = signed(mean[j]);
      if (bands) span(band, Math.min(...bands[j]), Math.max(...bands[j]));
    },
  };
}
