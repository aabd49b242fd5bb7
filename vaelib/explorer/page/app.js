// The state that all views share. A view is {element, update(changes)}; changes is a Set of
// "model", "start", "code", "pair" and "playing". Views are updated once a frame, however often things change.

const PLAY_MS = 2500; // from one end of a slider to the other

class App {
  constructor(opened) {
    Object.assign(this, opened); // page, world, models, images, shape
    this.views = [];
    this.changes = new Set();
    this.playing = null;
    this.model = this.models[0];
    this.moved = this.model.used[0]; // the latent that was moved last
    this.pair = this.defaultPair();
    this.setStart(this.images[0], "image 1");
  }

  /** Take part: `build(app)` makes a view. */
  add(build) {
    const view = build(this);
    this.views.push(view);
    return view.element;
  }

  change(...what) {
    if (!this.changes.size) requestAnimationFrame(() => this.update());
    what.forEach((w) => this.changes.add(w));
  }

  update() {
    const changes = this.changes;
    this.changes = new Set();
    for (const view of this.views) view.update(changes);
    this.onupdate?.(changes);
  }

  /** Begin at an image: the sliders go to its code. */
  setStart(image, name) {
    this.playing = null;
    this.start = { image, name };
    this.encodeStart();
    this.change("start", "code");
  }

  encodeStart() {
    this.posterior = this.model.encode(this.start.image);
    this.code = this.posterior.mean.slice();
  }

  setModel(model) {
    this.playing = null;
    this.model = model;
    this.moved = model.used[0];
    this.pair = this.defaultPair();
    this.encodeStart();
    this.change("model", "start", "code");
  }

  setLatent(j, value) {
    this.code[j] = value;
    this.moved = j;
    this.change("code");
  }

  setCode(code) {
    this.code = Float32Array.from(code);
    this.change("code");
  }

  setPair(x, y) {
    this.pair = [x, y];
    this.change("pair");
  }

  reset() {
    this.playing = null;
    this.code = this.posterior.mean.slice();
    this.change("code");
  }

  shuffle() {
    const i = Math.floor(Math.random() * this.images.length);
    this.setStart(this.images[i], `image ${i + 1}`);
  }

  /** Move latent j to and fro, from where it is, until `play(null)`. */
  play(j) {
    this.playing = j;
    this.change("playing");
    if (j === null) return;
    const low = this.model.low[j], high = this.model.high[j];
    const place = Math.min(1, Math.max(0, (this.code[j] - low) / (high - low)));
    toAndFro(place, () => this.playing === j, (at) => this.setLatent(j, low + (high - low) * at));
  }

  /** The latents that follow the two factors that are most correlated in the data. */
  defaultPair(model = this.model) {
    const { used, order } = model;
    if (!this.world || used.length < 2) return [order[0], order[1] ?? order[0]];
    const [a, b] = mostCorrelated(model, this.world.names.length);
    const x = highest(model.follows(a)), scores = model.follows(b);
    scores[x] = -1;
    return [x, highest(scores)];
  }
}

/** The two factors of K with the highest correlation in a model's data; the last two if none has. */
function mostCorrelated(model, K) {
  const N = model.count, column = (k) => model.factors.subarray(k * N, (k + 1) * N);
  let best = [K - 2, K - 1], most = 0.2;
  for (let a = 0; a < K; a++) {
    for (let b = a + 1; b < K; b++) {
      const r = Math.abs(correlation(column(a), column(b)));
      if (r > most) [best, most] = [[a, b], r];
    }
  }
  return best[0] < 0 ? [0, 0] : best;
}

const highest = (values) => values.indexOf(Math.max(...values));

/** Call `move` once a frame, with places between 0 and 1 and back, from `place` on, while `going()`. */
function toAndFro(place, going, move) {
  const begun = performance.now();
  const tick = (now) => {
    if (!going()) return;
    const turn = (place + Math.max(0, now - begun) / PLAY_MS) % 2;
    move(turn < 1 ? turn : 2 - turn);
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}

/** Work in small pieces between frames. `again()` asks for all of it once more, after what is under
 * way; `pieces` is a generator function that yields after each piece. */
function background(pieces) {
  let running = null, asked = false;
  const go = () => {
    const until = performance.now() + 7;
    while (running && performance.now() < until) if (running.next().done) running = null;
    if (!running && asked) [running, asked] = [pieces(), false];
    if (running) requestAnimationFrame(go);
  };
  return () => {
    asked = true;
    if (!running) {
      [running, asked] = [pieces(), false];
      requestAnimationFrame(go);
    }
  };
}
