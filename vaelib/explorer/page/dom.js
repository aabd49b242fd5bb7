// Elements and pictures. All text goes in as text, never as HTML.

/** An element: `h("button", { class: "x", onclick: f, ariaLabel: "Play" }, "text", child)`. */
function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") element.className = value;
    else if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

let ids = 0;
const freshId = (name) => `${name}-${++ids}`;

/** A select with a label; `options` are [value, text]. */
function select(label, options, value, onchange) {
  const box = h("select", { onchange: () => onchange(box.value) });
  for (const [v, text] of options) box.append(h("option", { value: v }, text));
  box.value = value;
  return h("label", { class: "choice" }, `${label} `, box);
}

/** A canvas for one image, `width` pixels wide on the page; without a label it is decoration. */
function imageCanvas([, H, W], width, label = "") {
  const named = label ? { role: "img", ariaLabel: label } : { ariaHidden: "true" };
  return h("canvas", { class: "image", width: W, height: H, style: `width:${width}px`, ...named });
}

/** Paint an image in [0, 1] on a canvas, its corner at (x, y). */
function paint(canvas, image, [C, H, W], x = 0, y = 0) {
  const data = new ImageData(W, H), P = H * W;
  for (let p = 0; p < P; p++) {
    for (let c = 0; c < 3; c++) data.data[4 * p + c] = 255 * image[C === 3 ? c * P + p : p];
    data.data[4 * p + 3] = 255;
  }
  canvas.getContext("2d").putImageData(data, x, y);
}

/** A canvas for lines and points, sharp on every screen; `draw(context, width, height)`. */
function chart(width, height, properties = {}) {
  const scale = Math.max(2, window.devicePixelRatio || 1);
  const canvas = h("canvas", {
    width: width * scale, height: height * scale, style: `width:${width}px;height:${height}px`,
    ...properties,
  });
  const draw = (paint) => {
    const context = canvas.getContext("2d");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    paint(context, width, height);
  };
  return { canvas, draw };
}

/** A colour of the style sheet, by its name. */
function colour(element, name) {
  return getComputedStyle(element).getPropertyValue(`--${name}`).trim() || "gray";
}

/** Let the browser save a Blob as a file. */
function save(blob, name) {
  const link = h("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Panels of which one is seen: [name, element] each. Arrow keys move between their tabs. */
function tabs(label, panels, onshow = () => {}) {
  const list = h("div", { role: "tablist", ariaLabel: label, class: "tabs" });
  const buttons = panels.map(([name, panel]) => {
    panel.id ||= freshId("panel");
    panel.setAttribute("role", "tabpanel");
    const button = h("button", { role: "tab", type: "button", onclick: () => show(name) }, name);
    button.setAttribute("aria-controls", panel.id);
    list.append(button);
    return button;
  });
  function show(name, focus = false) {
    panels.forEach(([other, panel], i) => {
      const on = other === name;
      buttons[i].ariaSelected = String(on);
      buttons[i].tabIndex = on ? 0 : -1;
      panel.hidden = !on;
      if (on && focus) buttons[i].focus();
    });
    onshow(name);
  }
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = buttons.findIndex((button) => button.tabIndex === 0);
    show(panels[(at + step + panels.length) % panels.length][0], true);
  });
  show(panels[0][0]);
  return { list, show };
}

const signed = (v) => (v <= -0.005 ? "−" : "") + Math.abs(v).toFixed(2);
