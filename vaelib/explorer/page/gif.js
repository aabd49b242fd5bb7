// A film as a GIF89a, endless. The palette has 6 × 6 × 6 colours and 40 greys.

const GREYS = 40;
const nearestColour = (r, g, b) => [r, g, b].reduce((i, v) => 6 * i + Math.round(5 * v), 0);
const nearestGrey = (v) => 216 + Math.round((GREYS - 1) * v);

function palette() {
  const colours = new Uint8Array(3 * 256);
  for (let i = 0; i < 216; i++) {
    colours.set([Math.floor(i / 36), Math.floor(i / 6) % 6, i % 6].map((v) => 51 * v), 3 * i);
  }
  for (let i = 0; i < GREYS; i++) colours.fill((255 * i) / (GREYS - 1), 3 * (216 + i), 3 * (217 + i));
  return colours;
}

/** The bytes of a GIF of frames (palette numbers, row by row), each seen for `delay` / 100 s. */
function gif(frames, width, height, delay) {
  const bytes = [];
  const text = (s) => bytes.push(...[...s].map((c) => c.charCodeAt(0)));
  const short = (v) => bytes.push(v & 255, v >> 8);
  text("GIF89a");
  short(width);
  short(height);
  bytes.push(0xf7, 0, 0, ...palette());
  bytes.push(0x21, 0xff, 11);
  text("NETSCAPE2.0");
  bytes.push(3, 1, 0, 0, 0);
  for (const frame of frames) {
    bytes.push(0x21, 0xf9, 4, 0);
    short(delay);
    bytes.push(0, 0, 0x2c, 0, 0, 0, 0);
    short(width);
    short(height);
    bytes.push(0, 8);
    const data = compress(frame);
    for (let i = 0; i < data.length; i += 255) {
      const block = data.slice(i, i + 255);
      bytes.push(block.length, ...block);
    }
    bytes.push(0);
  }
  bytes.push(0x3b);
  return new Uint8Array(bytes);
}

/** LZW with codes of 9 to 12 bits; the table is cleared when it is full. */
function compress(numbers) {
  const CLEAR = 256, END = 257, out = [];
  let held = 0, bits = 0, width = 9, next = 258, table = new Map();
  const put = (code) => {
    held |= code << bits;
    for (bits += width; bits >= 8; bits -= 8, held >>>= 8) out.push(held & 255);
  };
  put(CLEAR);
  let word = numbers[0];
  for (let i = 1; i < numbers.length; i++) {
    const longer = (word << 8) | numbers[i], known = table.get(longer);
    if (known !== undefined) {
      word = known;
      continue;
    }
    put(word);
    if (next < 4096) {
      table.set(longer, next++);
      if (next > 1 << width && width < 12) width++;
    } else {
      put(CLEAR);
      [width, next, table] = [9, 258, new Map()];
    }
    word = numbers[i];
  }
  put(word);
  put(END);
  if (bits) out.push(held & 255);
  return out;
}
