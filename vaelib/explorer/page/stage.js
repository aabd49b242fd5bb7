// The picture that the sliders make, where it started, and whether the model has seen such codes.

function stageView(app) {
  const { shape } = app;
  const big = imageCanvas(shape, 264, "decoded image");
  const small = ["start", "drawn again", "nearest data"].map((name) => {
    const canvas = imageCanvas(shape, 84, name);
    return { canvas, figure: h("figure", {}, canvas, h("figcaption", {}, name)) };
  });
  const [start, again, near] = small;
  const cue = h("p", { class: "cue", role: "status" });
  const frame = h("div", { class: "big" }, big);
  const strip = h("div", { class: "strip", role: "group", ariaLabel: "images of the data" });
  app.images.forEach((image, i) => strip.append(stripButton(app, image, i)));
  const element = h(
    "div", { class: "stage" },
    frame, cue, stageButtons(app),
    h("div", { class: "small" }, ...small.map(({ figure }) => figure)),
    h("h2", {}, "Start from an image of the data"), strip,
  );

  return {
    element,
    update(changes) {
      if (changes.has("start")) {
        paint(start.canvas, app.start.image, shape);
        paint(again.canvas, app.model.decode(app.posterior.mean), shape);
        [...strip.children].forEach((button, i) => {
          button.ariaPressed = String(app.start.image === app.images[i]);
        });
      }
      if (!changes.has("code")) return;
      paint(big, app.model.decode(app.code), shape);
      const { index, distance } = app.model.nearest(app.code);
      const image = imageOf(app, app.model, index);
      near.figure.hidden = !image;
      if (image) paint(near.canvas, image, shape);
      say(cue, frame, distance / app.model.usual);
    },
  };
}

/** Image i of a model's data, if the page has it or can draw it. */
function imageOf(app, model, i) {
  if (app.world && !app.world.values) {
    return app.world.render(app.world.names.map((_, k) => model.factors[k * model.count + i]));
  }
  return model === app.models[0] ? app.images[i] : undefined;
}

const CUES = [
  [1, "inside", "● inside: the model has seen such codes"],
  [1.6, "edge", "▲ at the edge: few images have such a code"],
  [Infinity, "outside", "✕ outside: no image has such a code, the decoder is guessing"],
];

function say(cue, frame, strangeness) {
  const [, name, text] = CUES.find(([most]) => strangeness <= most);
  if (cue.textContent !== text) cue.textContent = text;
  cue.title = `${strangeness.toFixed(1)} times as far from the data's codes as these are usually `
    + "from one another (95 % of them are nearer than 1.0)";
  cue.dataset.cue = frame.dataset.cue = name;
}

function stripButton(app, image, i) {
  const canvas = imageCanvas(app.shape, 40);
  paint(canvas, image, app.shape);
  const label = `image ${i + 1}`;
  const onclick = () => app.setStart(image, label);
  return h("button", { type: "button", ariaLabel: `start from ${label}`, onclick }, canvas);
}

function stageButtons(app) {
  const button = (text, title, onclick) => h("button", { type: "button", title, onclick }, text);
  return h(
    "div", { class: "buttons" },
    button("Reset", "back to the code of the start image", () => app.reset()),
    button("Shuffle", "start from another image", () => app.shuffle()),
    button("Play", "move the latent that was moved last", () => {
      app.play(app.playing === null ? app.moved : null);
    }),
    button("PNG", "download this picture", () => savePicture(app)),
    button("GIF", "download the traversal of all active latents", () => saveTraversal(app)),
  );
}

/** The decoded picture, eight times as large. */
function savePicture(app) {
  const [, H, W] = app.shape, small = imageCanvas(app.shape, W);
  paint(small, app.model.decode(app.code), app.shape);
  const large = h("canvas", { width: 8 * W, height: 8 * H }), context = large.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, 8 * W, 8 * H);
  large.toBlob((blob) => save(blob, "decoded.png"));
}

/** A film of 32 pictures in which all active latents move to and fro, side by side. */
function saveTraversal(app) {
  const { model, shape } = app, steps = 16;
  const there = Array.from({ length: steps }, (_, s) => {
    const images = model.used.map((j) => {
      const code = app.code.slice();
      code[j] = model.low[j] + ((model.high[j] - model.low[j]) * s) / (steps - 1);
      return model.decode(code);
    });
    return sideBySide(images, shape);
  });
  const frames = [...there, ...there.slice(1, -1).reverse()];
  const [, H, W] = shape;
  save(new Blob([gif(frames, W * model.used.length, H, 9)], { type: "image/gif" }), "traversal.gif");
}

/** Images in a row as one picture of palette numbers, row by row. */
function sideBySide(images, [C, H, W]) {
  const picture = new Uint8Array(images.length * H * W);
  images.forEach((image, n) => {
    for (let y = 0; y < H; y++) {
      for (let x = 0; x < W; x++) {
        const p = y * W + x;
        picture[(y * images.length + n) * W + x] =
          C === 3 ? nearestColour(image[p], image[H * W + p], image[2 * H * W + p])
            : nearestGrey(image[p]);
      }
    }
  });
  return picture;
}
