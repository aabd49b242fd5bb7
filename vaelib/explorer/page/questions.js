// Predict, then reveal: questions whose answers are computed from the model at hand.

function questionsView(app) {
  const text = h("p", { class: "question" }), pictures = h("div", { class: "columns" });
  const answers = h("div", { class: "buttons", role: "group", ariaLabel: "answers" });
  const verdict = h("p", { class: "note", role: "status" });
  const tally = h("p", { class: "note" });
  const next = h("button", { type: "button", onclick: ask }, "Another question");
  const reveal = h("button", { type: "button", onclick: () => answer(null) }, "Reveal");
  const element = h(
    "div", {},
    h("p", { class: "note" }, "Predict first. The answers are computed from this model and its data."),
    text, pictures, answers, h("div", { class: "buttons" }, reveal, next), verdict, tally,
  );
  let question = null, asked = 0, right = 0, kind = -1;

  function ask() {
    const makers = [whichLatentFollows, whichLatentMoved, app.models.length > 1 && whichModel]
      .filter((maker) => maker && (maker === whichModel || app.model.used.length > 1))
      .filter((maker) => maker !== whichLatentFollows || app.world);
    if (!makers.length) {
      text.textContent = "At most one latent of this model is active: there is nothing to choose from.";
      return;
    }
    kind = (kind + 1) % makers.length;
    question = makers[kind](app);
    text.textContent = question.text;
    pictures.replaceChildren(...(question.pictures ?? []));
    answers.replaceChildren(...question.options.map(([value, name]) =>
      h("button", { type: "button", onclick: () => answer(value), value }, name)));
    verdict.textContent = "";
  }

  function answer(value) {
    if (!question) return;
    const good = value === question.answer;
    if (value !== null) {
      asked += 1;
      right += good ? 1 : 0;
      tally.textContent = `${right} of ${asked} right`;
    }
    const begin = value === null ? "" : good ? "✓ Right. " : "✕ No. ";
    verdict.textContent = begin + question.because;
    for (const button of answers.children) {
      button.disabled = true;
      button.classList.toggle("right", button.value === String(question.answer));
    }
    question.show?.();
    question = null;
  }

  let shown = null;
  return {
    element,
    update() {
      if (!element.offsetParent || shown === app.model) return;
      shown = app.model;
      ask();
    },
  };
}

const draw = (list) => list[Math.floor(Math.random() * list.length)];
const latentOptions = (model) => [...model.used].sort((a, b) => a - b).map((j) => [j, `z${j}`]);

/** Which latent goes along with a factor? */
function whichLatentFollows(app) {
  const { model, world } = app, all = world.names.map((_, k) => model.follows(k));
  const clear = all.map((_, k) => k).filter((k) => Math.max(...all[k]) > 0.4);
  const k = draw(clear.length ? clear : [...all.keys()]), scores = all[k], best = highest(scores);
  const list = model.used.map((j) => `z${j} ${scores[j].toFixed(2)}`).join(", ");
  return {
    text: `Which latent follows ${world.names[k]} best? Move the sliders to find out.`,
    options: latentOptions(model),
    answer: best,
    because: `Absolute correlation of the codes with ${world.names[k]} over the data: ${list}.`,
    show: () => app.play(best),
  };
}

/** Two pictures: which latent was moved between them? */
function whichLatentMoved(app) {
  const { model, shape } = app, j = draw(model.used), code = model.codeOf(Math.floor(Math.random() * model.count));
  const pictures = [0.1, 0.9].map((at) => {
    code[j] = model.low[j] + at * (model.high[j] - model.low[j]);
    const canvas = imageCanvas(shape, 112, at < 0.5 ? "before" : "after");
    paint(canvas, model.decode(code), shape);
    return h("figure", {}, canvas, h("figcaption", {}, at < 0.5 ? "before" : "after"));
  });
  return {
    text: "One latent was moved from low to high, all others stood still. Which?",
    pictures,
    options: latentOptions(model),
    answer: j,
    because: `It was z${j}. Now the sliders stand at that code: look at its row.`,
    show: () => {
      app.setCode(code);
      app.setLatent(j, code[j]);
    },
  };
}

/** Which model drew this? */
function whichModel(app) {
  const model = draw(app.models), canvas = imageCanvas(app.shape, 112, "reconstruction");
  const original = imageCanvas(app.shape, 112, "image"), image = draw(app.images);
  paint(original, image, app.shape);
  paint(canvas, model.decode(model.encode(image).mean), app.shape);
  const models = inOrder(app.models);
  return {
    text: "Left an image, right what one of the models makes of it. Which model?",
    pictures: [original, canvas],
    options: models.map((m) => [app.models.indexOf(m), m.name]),
    answer: app.models.indexOf(model),
    because: `It was ${model.name}. Nats told about an image: `
      + `${models.map((m) => `${m.name} ${total(m.kl).toFixed(1)}`).join(", ")}.`,
  };
}
