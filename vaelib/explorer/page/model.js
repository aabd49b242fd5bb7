// What a page knows: models with the codes of their data, and the world that the data come from.

const SAME = 0.01; // in spreads of a latent: codes so near are of one image, drawn twice

class Model {
  constructor(entry, bytes, shape) {
    Object.assign(this, entry); // label, beta, kl, active, low, high
    this.shape = shape;
    this.latents = entry.kl.length;
    this.order = [...entry.kl.keys()].sort((a, b) => entry.kl[b] - entry.kl[a]);
    this.used = this.order.filter((j) => entry.active[j]);
    if (!this.used.length) this.used = this.order.slice(0, 1); // one is always there to be moved
    this.count = entry.means[2];
    this.means = read(bytes, entry.means); // (D, N)
    this.factors = read(bytes, entry.factors); // (K, N)
    this.encoder = network(entry.encoder, bytes, shape);
    this.decoder = network(entry.decoder, bytes, [this.latents]);
    this.spread = this.used.map((j) => deviation(this.column(j)));
  }

  /** The values of latent j on the data. */
  column(j) {
    return this.means.subarray(j * this.count, (j + 1) * this.count);
  }

  codeOf(i) {
    return Float32Array.from(this.kl, (_, j) => this.means[j * this.count + i]);
  }

  /** q(z|x) of an image in [0, 1]: mean, std and KL in nats of each latent; maps (D, N), if any. */
  encode(image) {
    const out = this.encoder(image), D = this.latents;
    const mean = out.slice(0, D), logvar = out.slice(D, 2 * D);
    const kl = mean.map((m, j) => 0.5 * (m * m + Math.exp(logvar[j]) - 1 - logvar[j]));
    return { mean, std: logvar.map((v) => Math.exp(v / 2)), kl, maps: this.encoder.maps() };
  }

  /** The chance of each pixel to be white, or of each colour's brightness: a new array. */
  decode(code) {
    return this.decoder(code).map((logit) => 1 / (1 + Math.exp(-logit)));
  }

  /** The data's code nearest to this one: its index, and the distance in standard deviations. Codes
   * within `beyond` do not count. */
  nearest(code, beyond = -1) {
    let index = -1, least = Infinity;
    for (let i = 0; i < this.count; i++) {
      let sum = 0;
      for (let u = 0; u < this.used.length && sum < least; u++) {
        const j = this.used[u], d = (code[j] - this.means[j * this.count + i]) / this.spread[u];
        sum += d * d;
      }
      if (sum < least && sum > beyond * Math.abs(beyond)) [index, least] = [i, sum];
    }
    return { index, distance: Math.sqrt(least) };
  }

  /** The distance that 95 % of the data's codes have, or less, to the nearest one of another image. */
  get usual() {
    if (this._usual === undefined) {
      const own = [];
      for (let i = 0; i < this.count; i++) own.push(this.nearest(this.codeOf(i), SAME).distance);
      const usual = own.sort((a, b) => a - b)[Math.floor(0.95 * (this.count - 1))];
      this._usual = Number.isFinite(usual) ? usual : SAME; // infinite where all codes are one
    }
    return this._usual;
  }

  /** How far a code is from the data's, as a multiple of what is usual: up to 1 is inside. */
  strangeness(code) {
    return this.nearest(code).distance / this.usual;
  }

  /** |correlation| of each latent with a factor, over the data; the highest is what follows it. */
  follows(factor) {
    const values = this.factors.subarray(factor * this.count, (factor + 1) * this.count);
    return this.kl.map((_, j) => (this.active[j] ? Math.abs(correlation(this.column(j), values)) : 0));
  }
}

/** The images of a world from its factors: dSprites exactly, others on a coarse grid of values. */
class World {
  constructor(entry, bytes, shape) {
    Object.assign(this, entry); // names, sizes, and values and images if they are a table
    this.shape = shape;
    if (entry.images) this.table = read(bytes, entry.images);
  }

  /** The value of factor k that has an image and is nearest to v. */
  snap(k, v) {
    if (!this.values) return v;
    return this.values[k].reduce((a, b) => (Math.abs(b - v) < Math.abs(a - v) ? b : a));
  }

  render(factors) {
    if (!this.values) return drawSprite(factors);
    const at = factors.reduce((i, v, k) => i * this.values[k].length + this.values[k].indexOf(v), 0);
    return pixels(this.table, at, size(this.shape));
  }
}

/** Everything of a page; `bytes` is its unpacked blob. */
function open(page, bytes) {
  const world = page.world && new World(page.world, bytes, page.shape);
  const models = page.models.map((entry) => new Model(entry, bytes, page.shape));
  const shown = read(bytes, page.images), n = size(page.shape);
  const images = Array.from({ length: page.images[1] }, (_, i) => pixels(shown, i, n));
  return { page, world, models, images, shape: page.shape };
}

/** Image i of a table of bytes, in [0, 1]. */
function pixels(table, i, n) {
  return Float32Array.from(table.subarray(i * n, (i + 1) * n), (v) => v / 255);
}

const total = (values) => values.reduce((a, b) => a + b, 0);
const mean = (values) => total(values) / values.length;

function deviation(values) {
  const m = mean(values);
  return Math.sqrt(mean(values.map((v) => (v - m) * (v - m)))) || 1e-6;
}

function correlation(x, y) {
  const a = mean(x), b = mean(y);
  let xy = 0, xx = 0, yy = 0;
  for (let i = 0; i < x.length; i++) {
    xy += (x[i] - a) * (y[i] - b);
    xx += (x[i] - a) ** 2;
    yy += (y[i] - b) ** 2;
  }
  return xy / Math.sqrt(xx * yy || 1e-12);
}
