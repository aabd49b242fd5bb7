"""dSprites, pixel for pixel: drawn on demand from the factors, or read from the official file."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np

from vaelib.datasets.base import FactorData

SUBPIXELS = 256  # vertices snap to 1/256 pixel, as on the graphics card that drew the originals
CENTRE = SUBPIXELS // 2  # a pixel is white when its centre is inside the polygon
SIZE = 64  # pixels of a row: one 64-bit word, whose highest bit is the leftmost pixel
BLOCK = 512  # images drawn at a time: their edges stay in the cache (3 × faster than 16,384)

# RIGHT_OF[c] is the row in which the pixels c, c + 1, … are white
RIGHT_OF = np.array([(1 << (SIZE - c)) - 1 for c in range(SIZE + 1)], dtype=np.uint64)


@dataclass(frozen=True, repr=False)
class DSprites(FactorData):
    """dSprites (Matthey, Higgins, Hassabis & Lerchner 2017): 737,280 binary images of 64×64 pixels.

    White squares, ellipses and hearts on black. The factors, in the official order:

    - shape (3): square, ellipse, heart
    - scale (6): 0.5, 0.6 … 1.0
    - orientation (40): 0 to 2π in equal steps, both ends included, counter-clockwise; so the last
      value gives the same images as the first
    - pos_x (32): left to right, steps of 32/31 pixel
    - pos_y (32): top to bottom, likewise

    `DSprites()` draws each image when it is asked for and needs no file. Of 65,013 official images
    65,004 come out identical, the other 9 have one wrong pixel each. `DSprites(path)` reads the
    official npz or hdf5 instead (see :mod:`vaelib.datasets.dsprites_files`, which also says which
    files it refuses); a path that does not exist from here is looked for in the data folder too.

    >>> data = DSprites()
    >>> len(data), data.factor_names
    (737280, ('shape', 'scale', 'orientation', 'pos_x', 'pos_y'))
    >>> int(data.render(np.array([[1, 5, 0, 16, 16]])).sum())  # white pixels of a large ellipse
    294
    """

    path: str | None = None  # the official npz or hdf5; None draws the images

    factor_names = ("shape", "scale", "orientation", "pos_x", "pos_y")
    factor_sizes = (3, 6, 40, 32, 32)
    image_shape = (1, SIZE, SIZE)

    def __post_init__(self) -> None:
        if self.path is not None:
            object.__setattr__(self, "path", os.fspath(self.path))

    def __repr__(self) -> str:
        return "DSprites()" if self.path is None else f"DSprites({self.path!r})"

    def render(self, factors: np.ndarray) -> np.ndarray:
        """Images of these factor vectors: (N, 5) int → (N, 1, 64, 64) uint8 in {0, 1}."""
        pixels = np.unpackbits(self.packed(factors), axis=1)  # (N, 4096)
        return pixels.reshape(-1, *self.image_shape)

    def packed(self, factors: np.ndarray) -> np.ndarray:
        """The same images as bits, row by row, leftmost pixel first: (N, 5) → (N, 512) uint8."""
        if self.path is not None:
            return np.asarray(self._table[self.index(factors)])
        factors = self.check(factors)
        blocks = [draw(factors[i : i + BLOCK]) for i in range(0, len(factors), BLOCK)]
        return np.concatenate(blocks or [np.zeros((0, SIZE * SIZE // 8), np.uint8)])

    @cached_property
    def _table(self) -> np.ndarray:
        from vaelib.datasets.dsprites_files import open_file

        return open_file(self.path, replace(self, path=None))

    def __getstate__(self) -> dict[str, str | None]:
        return {"path": self.path}  # a copy in another process opens the file itself


def draw(factors: np.ndarray) -> np.ndarray:
    """Bits of the images of these factor vectors: (N, 5) int → (N, 512) uint8.

    >>> draw(np.zeros((2, 5), int)).shape
    (2, 512)
    """
    rows = np.zeros((len(factors), SIZE), dtype=np.uint64)
    for shape in range(3):
        chosen = np.flatnonzero(factors[:, 0] == shape)
        _, scale, orientation, pos_x, pos_y = factors[chosen].T
        corners = _corners(shape)[:, scale, orientation]  # (2, n, V)
        x = np.rint(corners[0] + _centres()[pos_x, None]).astype(np.int64)
        y = np.rint(corners[1] + _centres()[pos_y, None]).astype(np.int64)
        rows[chosen] = _fill(x, y)
    return rows.astype(">u8").view(np.uint8)


def _fill(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Pixels whose centre lies inside each polygon, in whole numbers: (n, V) twice → (n, 64) words.

    The OpenGL rule: a row is crossed by the edges that pass its centre line, each crossing turns
    over all pixels to its right. A centre exactly on an edge is inside on the left and at the
    bottom of a polygon, outside at its right and top (y points down).
    """
    next_x, next_y = np.roll(x, -1, axis=1), np.roll(y, -1, axis=1)
    above, next_above = (y + CENTRE) // SUBPIXELS, (next_y + CENTRE) // SUBPIXELS  # rows above it
    crossed = np.abs(next_above - above).ravel()  # rows whose centre line each edge passes
    edge = np.repeat(np.arange(crossed.size), crossed)  # one entry a crossing
    row = np.minimum(above, next_above).ravel()[edge] + _count_up(crossed)

    x0, y0 = x.ravel()[edge], y.ravel()[edge]
    dx, dy = next_x.ravel()[edge] - x0, next_y.ravel()[edge] - y0
    # the crossing is at x0 + dx (line - y0) / dy; the first centre not left of it, by division
    # of integers that rounds up
    distance = (x0 - CENTRE) * dy + dx * (row * SUBPIXELS + CENTRE - y0)
    column = -(-distance // (dy * SUBPIXELS))

    words = np.zeros(len(x) * SIZE, dtype=np.uint64)
    np.bitwise_xor.at(words, edge // x.shape[1] * SIZE + row, RIGHT_OF[column])
    return words.reshape(len(x), SIZE)


def _count_up(counts: np.ndarray) -> np.ndarray:
    """0 … c-1 for each c of `counts`, end to end."""
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)


@cache
def _centres() -> np.ndarray:
    """The sprite's centre at each of the 32 positions, in 1/256 pixel, (32,)."""
    return SUBPIXELS * (16 + 32 * np.arange(32) / 31)


@cache
def _corners(shape: int) -> np.ndarray:
    """Vertices around the centre, x right and y down, in 1/256 pixel: (2, 6, 40, V)."""
    u, v = (_square, _ellipse, _heart)[shape]()
    scale = SUBPIXELS * np.linspace(0.5, 1, 6)[:, None, None]
    angle = np.linspace(0, 2 * np.pi, 40)[:, None]
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([scale * (cos * u + sin * v), scale * (cos * v - sin * u)])


def _square() -> tuple[np.ndarray, np.ndarray]:
    return 9.6 * np.array([-1, 1, 1, -1]), 9.6 * np.array([-1, -1, 1, 1])


def _ellipse() -> tuple[np.ndarray, np.ndarray]:
    t = 2 * np.pi * np.arange(100) / 100
    return 9.6 * 1.33 * np.cos(t), 9.6 / 1.33 * np.sin(t)


def _heart() -> tuple[np.ndarray, np.ndarray]:
    t = 2 * np.pi * np.arange(150) / 150
    outline = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return 9.6 * np.sin(t) ** 3, -9.6 * (outline / 14.5 + 0.15)
