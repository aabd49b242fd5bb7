// dSprites drawn from its factors, pixel for pixel as vaelib/datasets/dsprites.py draws it (tested).

const SUB = 256, HALF = SUB / 2, SIDE = 64; // vertices snap to 1/256 pixel

const SHAPES = [
  () => [-1, 1, 1, -1].map((u, i) => [9.6 * u, 9.6 * [-1, -1, 1, 1][i]]),
  () => around(100, (t) => [9.6 * 1.33 * Math.cos(t), (9.6 / 1.33) * Math.sin(t)]),
  () =>
    around(150, (t) => {
      const line = 13 * Math.cos(t) - 5 * Math.cos(2 * t) - 2 * Math.cos(3 * t) - Math.cos(4 * t);
      return [9.6 * Math.sin(t) ** 3, -9.6 * (line / 14.5 + 0.15)];
    }),
];

function around(n, point) {
  return Array.from({ length: n }, (_, i) => point((2 * Math.PI * i) / n));
}

/** The image of [shape, scale, orientation, pos_x, pos_y], 64 × 64 values 0 or 1. */
function drawSprite([shape, scale, orientation, x, y]) {
  const s = SUB * (0.5 + 0.1 * scale), angle = (2 * Math.PI * orientation) / 39;
  const cos = Math.cos(angle), sin = Math.sin(angle);
  const middle = [x, y].map((p) => SUB * (16 + (32 * p) / 31));
  const corners = SHAPES[shape]().map(([u, v]) => [
    evenly(s * (cos * u + sin * v) + middle[0]),
    evenly(s * (cos * v - sin * u) + middle[1]),
  ]);
  return fill(corners);
}

/** The nearest whole number, the even one of two: numpy's rint. */
function evenly(v) {
  const r = Math.round(v);
  return r - v === 0.5 && r % 2 ? r - 1 : r;
}

/** Pixels whose centre lies inside the polygon: each edge turns over all pixels to its right. */
function fill(corners) {
  const image = new Float32Array(SIDE * SIDE);
  corners.forEach(([x0, y0], i) => {
    const [x1, y1] = corners[(i + 1) % corners.length];
    const above = Math.floor((y0 + HALF) / SUB), below = Math.floor((y1 + HALF) / SUB);
    const dx = x1 - x0, dy = y1 - y0;
    for (let row = Math.min(above, below); row < Math.max(above, below); row++) {
      const distance = (x0 - HALF) * dy + dx * (row * SUB + HALF - y0);
      const column = -Math.floor(-distance / (dy * SUB));
      for (let c = Math.max(0, column); c < SIDE; c++) image[row * SIDE + c] = 1 - image[row * SIDE + c];
    }
  });
  return image;
}
