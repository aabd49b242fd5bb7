// Transformers over the patches of an image: the layers of vaelib/vit. Tokens are columns: (W, N).

LAYERS.vit_encoder = ({ parts, count, pooling }, weights, [K, h, w], bytes) => {
  const { patches, positions, pool, blocks, norm, heads: latents } = load(parts, bytes);
  const N = h * w, D = latents.weight.length / 2 / norm.bias.length;
  const out = new Float32Array(2 * D);
  const run = (x) => {
    let tokens = plus(dense(patches, x, N), turned(positions, N));
    if (pool.token) tokens = beside(pool.token, 1, tokens, N);
    for (const block of blocks) tokens = through(block, tokens, count);
    tokens = normed(norm, tokens);
    const [pooled, maps] = pools[pooling](pool, tokens, norm.bias.length, D);
    run.maps = maps; // (D, N), where each latent looks, or undefined
    const W = norm.bias.length, one = pooled.length === W;
    for (let j = 0; j < D; j++) {
      for (const k of [j, D + j]) {
        out[k] = latents.bias[k];
        for (let i = 0; i < W; i++) out[k] += latents.weight[k * W + i] * pooled[one ? i : j * W + i];
      }
    }
    return out;
  };
  return { shape: [2 * D], run };
};

LAYERS.vit_decoder = ({ parts, count, shape }, weights, [D], bytes) => {
  const { latents, memory_norm, positions, blocks, norm, pixels } = load(parts, bytes);
  const W = norm.bias.length, N = size(shape.slice(1)), places = turned(positions, N);
  const run = (z) => {
    const hidden = new Float32Array(W * D);
    for (let j = 0; j < D; j++) {
      for (let i = 0; i < W; i++) {
        hidden[i * D + j] = gelu(z[j] * latents.slope[j * W + i] + latents.offset[j * W + i]);
      }
    }
    const memory = normed(memory_norm, plus(dense(latents.mix, hidden, D), turned(latents.name, D)));
    let tokens = places;
    for (const block of blocks) tokens = through(block, tokens, count, memory);
    return dense(pixels, normed(norm, tokens), N);
  };
  return { shape, run };
};

/** What the latents are read from, (D, W) or (W,), and where each latent looks, (D, N). */
const pools = {
  attention({ queries, key }, tokens, W, D) {
    const N = tokens.length / W, keys = dense(key, tokens, N), maps = new Float32Array(D * N);
    const pooled = new Float32Array(D * W);
    multiply(queries.map((v) => v / Math.sqrt(W)), keys, null, maps, D, W, N);
    for (let j = 0; j < D; j++) {
      const map = softmax(maps.subarray(j * N, (j + 1) * N));
      for (let i = 0; i < W; i++) pooled[j * W + i] = inner(map, tokens.subarray(i * N, (i + 1) * N));
    }
    return [pooled, maps];
  },
  mean(pool, tokens, W) {
    const N = tokens.length / W;
    return [Float32Array.from({ length: W }, (_, i) => mean(tokens.subarray(i * N, (i + 1) * N)))];
  },
  first(pool, tokens, W) {
    const N = tokens.length / W;
    return [Float32Array.from({ length: W }, (_, i) => tokens[i * N])];
  },
};

/** A block: attention to all tokens, and to those of `memory`, then the feed-forward part. */
function through(block, tokens, heads, memory) {
  const N = tokens.length / block.before_feed.bias.length;
  const added = attention(block.attention, normed(block.before_attention, tokens), heads, memory);
  const between = plus(added, tokens), inputs = normed(block.before_feed, between);
  const fed = dense(block.feed[2], dense(block.feed[0], inputs, N).map(gelu), N);
  if (block.adapter) {
    const { down, up } = block.adapter;
    plus(fed, dense(up, dense(down, inputs, N).map(gelu), N));
  }
  return plus(fed, between);
}

function attention({ query, key_value, out }, tokens, heads, memory) {
  const W = out.bias.length, N = tokens.length / W, d = W / heads;
  const seen = memory ? beside(tokens, N, memory, memory.length / W) : tokens, P = seen.length / W;
  const q = dense(query, tokens, N), kv = dense(key_value, seen, P);
  const mixed = new Float32Array(W * N), weights = new Float32Array(P);
  for (let head = 0; head < W; head += d) {
    for (let n = 0; n < N; n++) {
      weights.fill(0);
      for (let i = head; i < head + d; i++) {
        const v = q[i * N + n] / Math.sqrt(d);
        for (let p = 0, k = i * P; p < P; p++, k++) weights[p] += v * kv[k];
      }
      softmax(weights);
      for (let i = head; i < head + d; i++) {
        mixed[i * N + n] = inner(weights, kv.subarray((W + i) * P, (W + i + 1) * P));
      }
    }
  }
  return dense(out, mixed, N);
}

/** A linear layer on each of N tokens. */
function dense({ weight, bias }, tokens, N) {
  const M = bias.length, out = new Float32Array(M * N);
  multiply(weight, tokens, bias, out, M, tokens.length / N, N);
  return out;
}

/** LayerNorm of each token. */
function normed({ weight, bias }, tokens) {
  const W = bias.length, N = tokens.length / W, out = new Float32Array(tokens.length);
  for (let n = 0; n < N; n++) {
    let sum = 0, squares = 0;
    for (let i = n; i < tokens.length; i += N) sum += tokens[i];
    for (let i = n; i < tokens.length; i += N) squares += (tokens[i] - sum / W) ** 2;
    const scale = 1 / Math.sqrt(squares / W + 1e-5);
    for (let i = 0, k = n; i < W; i++, k += N) {
      out[k] = (tokens[k] - sum / W) * scale * weight[i] + bias[i];
    }
  }
  return out;
}

/** x·Φ(x), with Φ by Abramowitz & Stegun 7.1.26: off by 2e-7 at most. */
function gelu(x) {
  const y = Math.abs(x) / Math.SQRT2, t = 1 / (1 + 0.3275911 * y);
  const series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741
    + t * (-1.453152027 + t * 1.061405429))));
  const tail = 0.5 * series * Math.exp(-y * y); // Φ(−|x|)
  return x * (x > 0 ? 1 - tail : tail);
}

function softmax(values) {
  let most = -Infinity, sum = 0;
  for (const v of values) most = Math.max(most, v);
  for (let i = 0; i < values.length; i++) sum += values[i] = Math.exp(values[i] - most);
  for (let i = 0; i < values.length; i++) values[i] /= sum;
  return values;
}

function inner(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** a += b. */
function plus(a, b) {
  for (let i = 0; i < a.length; i++) a[i] += b[i];
  return a;
}

/** (N, W) as (W, N). */
function turned(rows, N) {
  const W = rows.length / N;
  return rows.map((_, i) => rows[(i % N) * W + Math.floor(i / N)]);
}

/** Tokens (W, N) and further tokens (W, M) as (W, N + M). */
function beside(a, N, b, M) {
  const W = a.length / N, out = new Float32Array(a.length + b.length);
  for (let i = 0; i < W; i++) {
    out.set(a.subarray(i * N, (i + 1) * N), i * (N + M));
    out.set(b.subarray(i * M, (i + 1) * M), i * (N + M) + N);
  }
  return out;
}

/** The numbers in place of the places in the pack, at any depth. */
function load(entry, bytes) {
  if (typeof entry !== "object") return entry;
  if (!Array.isArray(entry)) {
    const parts = Object.entries(entry).map(([name, part]) => [name, load(part, bytes)]);
    return Object.fromEntries(parts);
  }
  return typeof entry[0] === "number" ? read(bytes, entry) : entry.map((part) => load(part, bytes));
}
