// The networks, computed in the browser: one image at a time, plain typed arrays, no library.
// Layers are those of vaelib/explorer/layers.py; images are (C, H, W), row by row, as in torch.

/** The bytes of a pack, from base64 of zlib. */
async function unpack(text) {
  const packed = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Numbers that lie in a pack: whole numbers, or floats on a grid of each row's own. */
function read(bytes, [at, rows, columns, size, scaleAt]) {
  const n = rows * columns;
  if (scaleAt < 0) return bytes.subarray(at, at + n);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const values = new Float32Array(n);
  for (let row = 0, i = 0; row < rows; row++) {
    const scale = view.getFloat32(scaleAt + 4 * row, true);
    for (const end = i + columns; i < end; i++) {
      const low = bytes[at + i];
      const whole = size === 1 ? (low << 24) >> 24 : ((bytes[at + n + i] << 24) >> 16) | low;
      values[i] = Math.fround(whole * scale);
    }
  }
  return values;
}

/** out (M, P) = bias (M) + a (M, K) · b (K, P): two rows of out and four of b at a time. */
function multiply(a, b, bias, out, M, K, P) {
  for (let m = 0; m < M; m += 2) {
    const two = m + 1 < M;
    const row0 = m * P, row1 = two ? row0 + P : row0;
    if (bias) {
      out.fill(bias[m], row0, row0 + P);
      if (two) out.fill(bias[m + 1], row1, row1 + P);
    } else {
      out.fill(0, row0, row1 + P);
    }
    let k = 0;
    for (; k + 3 < K; k += 4) {
      const i = m * K + k, j = two ? i + K : i;
      const a0 = a[i], a1 = a[i + 1], a2 = a[i + 2], a3 = a[i + 3];
      const c0 = a[j], c1 = a[j + 1], c2 = a[j + 2], c3 = a[j + 3];
      const b0 = k * P, b1 = b0 + P, b2 = b1 + P, b3 = b2 + P;
      if (two) {
        for (let p = 0; p < P; p++) {
          const x0 = b[b0 + p], x1 = b[b1 + p], x2 = b[b2 + p], x3 = b[b3 + p];
          out[row0 + p] += a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3;
          out[row1 + p] += c0 * x0 + c1 * x1 + c2 * x2 + c3 * x3;
        }
      } else {
        for (let p = 0; p < P; p++) {
          out[row0 + p] += a0 * b[b0 + p] + a1 * b[b1 + p] + a2 * b[b2 + p] + a3 * b[b3 + p];
        }
      }
    }
    for (; k < K; k++) {
      const a0 = a[m * K + k], c0 = two ? a[(m + 1) * K + k] : 0, b0 = k * P;
      for (let p = 0; p < P; p++) out[row0 + p] += a0 * b[b0 + p];
      if (two) for (let p = 0; p < P; p++) out[row1 + p] += c0 * b[b0 + p];
    }
  }
}

/** Each maker gets a layer, its weights and the input's shape; it returns {shape, run(x)}. */
const LAYERS = {
  linear({ outputs }, [weight, bias], shape) {
    const K = size(shape), out = new Float32Array(outputs);
    const run = (x) => {
      for (let m = 0, i = 0; m < outputs; m++) {
        let s0 = 0, s1 = 0, s2 = 0, s3 = 0, k = 0;
        for (; k + 3 < K; k += 4, i += 4) {
          s0 += weight[i] * x[k];
          s1 += weight[i + 1] * x[k + 1];
          s2 += weight[i + 2] * x[k + 2];
          s3 += weight[i + 3] * x[k + 3];
        }
        for (; k < K; k++, i++) s0 += weight[i] * x[k];
        out[m] = bias[m] + s0 + s1 + s2 + s3;
      }
      return out;
    };
    return { shape: [outputs], run };
  },

  conv({ outputs, kernel, stride, padding }, [weight, bias], [C, H, W]) {
    const h = Math.floor((H + 2 * padding - kernel) / stride) + 1;
    const w = Math.floor((W + 2 * padding - kernel) / stride) + 1;
    const K = C * kernel * kernel, P = h * w;
    const columns = new Float32Array(K * P), out = new Float32Array(outputs * P);
    const run = (x) => {
      for (let k = 0; k < K; k++) {
        const c = Math.floor(k / (kernel * kernel));
        const top = (Math.floor(k / kernel) % kernel) - padding, left = (k % kernel) - padding;
        for (let i = 0, p = k * P; i < h; i++) {
          const y = i * stride + top, row = (c * H + y) * W + left;
          for (let j = 0; j < w; j++, p++) {
            const at = j * stride + left;
            columns[p] = y < 0 || y >= H || at < 0 || at >= W ? 0 : x[row + j * stride];
          }
        }
      }
      multiply(weight, columns, bias, out, outputs, K, P);
      return out;
    };
    return { shape: [outputs, h, w], run };
  },

  transposed({ outputs, kernel, stride, padding }, [weight, bias], [C, H, W]) {
    const h = (H - 1) * stride - 2 * padding + kernel, w = (W - 1) * stride - 2 * padding + kernel;
    const K = outputs * kernel * kernel, P = H * W;
    const turned = new Float32Array(K * C); // (outputs · kernel², C)
    for (let c = 0; c < C; c++) for (let k = 0; k < K; k++) turned[k * C + c] = weight[c * K + k];
    const columns = new Float32Array(K * P), out = new Float32Array(outputs * h * w);
    const run = (x) => {
      multiply(turned, x, null, columns, K, C, P);
      for (let o = 0; o < outputs; o++) out.fill(bias[o], o * h * w, (o + 1) * h * w);
      for (let k = 0; k < K; k++) {
        const o = Math.floor(k / (kernel * kernel));
        const top = (Math.floor(k / kernel) % kernel) - padding, left = (k % kernel) - padding;
        for (let i = 0, p = k * P; i < H; i++) {
          const y = i * stride + top;
          if (y < 0 || y >= h) {
            p += W;
            continue;
          }
          for (let j = 0, row = (o * h + y) * w + left, at = left; j < W; j++, p++, at += stride) {
            if (at >= 0 && at < w) out[row + j * stride] += columns[p];
          }
        }
      }
      return out;
    };
    return { shape: [outputs, h, w], run };
  },

  relu: (layer, weights, shape) => ({ shape, run: pointwise(shape, (v) => (v > 0 ? v : 0)) }),
  tanh: (layer, weights, shape) => ({ shape, run: pointwise(shape, Math.tanh) }),
  flatten: (layer, weights, shape) => ({ shape: [size(shape)], run: (x) => x }),
  unflatten: ({ shape }) => ({ shape, run: (x) => x }),

  /** The code at every place, plus what the place's coordinates add. */
  places({ cells, added }, weights, [W], bytes) {
    const where = read(bytes, added), P = cells * cells, out = new Float32Array(W * P);
    const run = (x) => {
      for (let c = 0, i = 0; c < W; c++) for (let p = 0; p < P; p++, i++) out[i] = x[c] + where[i];
      return out;
    };
    return { shape: [W, cells, cells], run };
  },

  shuffle({ cell }, weights, [C, H, W]) {
    const shape = [C / (cell * cell), H * cell, W * cell];
    return { shape, run: rearrange(cells(shape, cell), true) };
  },
  unshuffle({ cell }, weights, [C, H, W]) {
    const shape = [C * cell * cell, H / cell, W / cell];
    return { shape, run: rearrange(cells([C, H, W], cell), false) };
  },
};

const size = (shape) => shape.reduce((a, b) => a * b, 1);

function pointwise(shape, f) {
  const out = new Float32Array(size(shape));
  return (x) => {
    for (let i = 0; i < out.length; i++) out[i] = f(x[i]);
    return out;
  };
}

/** For each pixel of an image of this shape, its place when it is folded into cells. */
function cells([C, H, W], cell) {
  const places = new Int32Array(C * H * W), h = H / cell, w = W / cell;
  for (let c = 0, i = 0; c < C; c++) {
    for (let y = 0; y < H; y++) {
      for (let x = 0; x < W; x++, i++) {
        const channel = (c * cell + (y % cell)) * cell + (x % cell);
        places[i] = (channel * h + Math.floor(y / cell)) * w + Math.floor(x / cell);
      }
    }
  }
  return places;
}

function rearrange(places, back) {
  const out = new Float32Array(places.length);
  return (x) => {
    if (back) for (let i = 0; i < out.length; i++) out[i] = x[places[i]];
    else for (let i = 0; i < out.length; i++) out[places[i]] = x[i];
    return out;
  };
}

/** A function from the input to the output of a list of layers. Its result is overwritten by the
 * next call; `maps()` tells where a transformer's latents looked in that call, if it is one. Throws
 * an Error for a layer that is not known. */
function network(layers, bytes, shape) {
  const steps = layers.map((layer) => {
    if (!Object.hasOwn(LAYERS, layer.type)) {
      throw new Error(`unknown layer ${layer.type}; known are ${Object.keys(LAYERS).join(", ")}`);
    }
    const weights = layer.weight ? [read(bytes, layer.weight), read(bytes, layer.bias)] : [];
    const step = LAYERS[layer.type](layer, weights, shape, bytes);
    shape = step.shape;
    return step.run;
  });
  const run = (x) => steps.reduce((value, step) => step(value), x);
  run.maps = () => steps.find((step) => step.maps)?.maps;
  return run;
}
