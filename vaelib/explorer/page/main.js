// The page: everything is put together here.

/** Build the explorer inside `root`; returns its App, with `app.factorsView` for the factors. */
function mount(root, page, bytes, view) {
  const app = new App(open(page, bytes));
  const tools = [
    ["Grid", app.add(gridView)],
    ["Draw", app.add(drawView)],
    ["Between", app.add(betweenView)],
    ["Predict", app.add(questionsView)],
  ];
  if (app.models.length > 1) tools.splice(3, 0, [rising(app.models) ? "β atlas" : "All models", app.add(atlasView)]);
  const shown = () => app.change("shown");
  const bottom = tabs("tools", tools, shown);
  const latents = h(
    "div", {},
    h("div", { class: "top" }, app.add(stageView), app.add(slidersView)),
    h("div", { class: "bottom" }, app.add(padView),
      h("section", { class: "tools" }, bottom.list, ...tools.map(([, panel]) => panel))),
  );
  const panels = [["Move latents", latents]];
  if (app.world) {
    app.factorsView = factorsView(app);
    app.views.push(app.factorsView);
    panels.push([app.models.length > 1 ? "Compare by factors" : "Move factors", app.factorsView.element]);
  }
  const modes = tabs("view", panels, shown);
  root.append(
    h("header", {}, h("h1", {}, page.title), app.models.length > 1 ? app.add(modelChoice) : null,
      panels.length > 1 ? modes.list : null),
    ...panels.map(([, panel]) => panel),
    h("footer", {}, footnote(page)),
  );
  if (view === "factors" && panels.length > 1) modes.show(panels[1][0]);
  app.change("model", "start", "code", "pair", "factors", "shown");
  return app;
}

function modelChoice(app) {
  const buttons = inOrder(app.models).map((model) => ({
    model,
    button: h("button", { type: "button", title: model.label, onclick: () => app.setModel(model) }, model.name),
  }));
  const element = h("div", { class: "buttons models", role: "group", ariaLabel: "model" });
  element.append(...buttons.map(({ button }) => button));
  return {
    element,
    update() {
      for (const { model, button } of buttons) button.ariaPressed = String(model === app.model);
    },
  };
}

function footnote({ bits, error, samples }) {
  return `Everything is computed here, in your browser. Clouds and ranges: ${samples} images. `
    + `Weights in ${bits} bits; no pixel of the start images is off by more than ${error}.`;
}

/** A whole page: its contents stand in it as JSON. */
async function start() {
  const page = JSON.parse(document.getElementById("page").textContent);
  const root = document.querySelector("main");
  try {
    window.explorer = mount(root, page, await unpack(page.blob), page.view);
  } catch (error) {
    root.append(h("p", { class: "cue", role: "alert" }, `The explorer could not start: ${error.message}`));
    throw error;
  }
  fit(root);
}

/** Inside a frame of the same origin, as in a notebook: be as tall as the page is. */
function fit(root) {
  let frame = null;
  try {
    frame = window.frameElement;
  } catch {
    return; // of another origin: it scrolls
  }
  if (!frame) return;
  new ResizeObserver(() => {
    const box = frame.closest("[data-explorer]") ?? frame;
    box.style.height = `${Math.ceil(document.documentElement.getBoundingClientRect().height)}px`;
  }).observe(root);
}
