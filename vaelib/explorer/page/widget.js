// The explorer as a widget: its code and the choice of model are shared with Python.

async function render({ model, el }) {
  const root = el.attachShadow({ mode: "open" }); // the notebook's styles and ours stay apart
  const main = h("main"), page = model.get("page");
  el.setAttribute("data-lm-suppress-shortcuts", "true"); // arrow keys are the sliders', not JupyterLab's
  root.append(h("style", {}, model.get("style")), main);
  const app = mount(main, page, await unpack(page.blob), page.view);
  const same = (code) => code.length === app.code.length && code.every((v, j) => v === app.code[j]);

  app.onupdate = () => {
    const chosen = app.models.indexOf(app.model);
    if (same(model.get("code")) && chosen === model.get("model")) return;
    model.set("code", [...app.code]);
    model.set("model", chosen);
    model.save_changes();
  };
  model.on("change:model", () => {
    const chosen = app.models[model.get("model")];
    if (chosen && chosen !== app.model) app.setModel(chosen);
  });
  model.on("change:code", () => {
    const code = model.get("code");
    if (code.length === app.code.length && !same(Float32Array.from(code))) app.setCode(code);
  });
  return () => app.play(null);
}

export default { render };
