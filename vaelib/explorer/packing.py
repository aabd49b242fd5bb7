"""Numbers for a web page: rounded, compressed, as text.

Weights are whole numbers on a grid of each row's own (a row is the first axis: an output of a
linear layer), `bits` wide. Sixteen bits are closer to the weights than half floats are, which
spend five of their bits on an exponent: on the shipped models the largest error of a pixel is
0.0009 instead of 0.005. Fewer bits make a smaller page; :mod:`vaelib.explorer.page` picks them.
"""

from __future__ import annotations

import base64
import zlib

import numpy as np

Place = list[int]  # where numbers lie: [first byte, rows, columns, bytes a number, first scale]


class Pack:
    """Collects arrays into one run of bytes; each method returns where its array lies."""

    def __init__(self, bits: int = 16):
        if not 2 <= bits <= 16:
            raise ValueError(f"bits must be in 2..16, got {bits}")
        self.bits = bits
        self._parts: list[bytes] = []
        self._length = 0

    def weights(self, values: np.ndarray) -> Place:
        """A weight, (rows, …), rounded to `bits`."""
        return self._rows(values, self.bits)

    def floats(self, values: np.ndarray) -> Place:
        """What is few and matters, (columns,) or (rows, columns): always 16 bits."""
        return self._rows(np.atleast_2d(values), 16)

    def bytes(self, values: np.ndarray) -> Place:
        """Whole numbers in 0..255, (rows, columns), as they are; ValueError for others."""
        values = np.atleast_2d(values)
        if values.size and not 0 <= values.min() <= values.max() <= 255:
            raise ValueError(f"bytes must be in 0..255, got {values.min()}..{values.max()}")
        return [self._add(values.astype(np.uint8).tobytes()), *values.shape, 1, -1]

    def text(self) -> str:
        """All of it, compressed (zlib), in base64."""
        return base64.b64encode(zlib.compress(b"".join(self._parts), 9)).decode()

    def _rows(self, values: np.ndarray, bits: int) -> Place:
        whole, scale = quantise(values, bits)
        size = 1 if bits <= 8 else 2
        first = self._add(scale.astype("<f4").tobytes())
        # low bytes first, then high bytes: the high ones repeat themselves and compress well
        planes = whole.ravel().astype(f"<i{size}").view(np.uint8).reshape(-1, size).T
        return [self._add(planes.tobytes()), *whole.shape, size, first]

    def _add(self, data: bytes) -> int:
        at, self._length = self._length, self._length + len(data)
        self._parts.append(data)
        return at


def quantise(values: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Whole numbers (rows, columns) and each row's scale (rows,), whose product is `values`."""
    rows = np.asarray(values, np.float64).reshape(len(values), -1)
    scale = np.abs(rows).max(axis=1) / (2 ** (bits - 1) - 1)
    scale = np.where(scale > 0, scale, 1).astype(np.float32)
    return np.rint(rows / scale[:, None]).astype(np.int64), scale


def rounded(values: np.ndarray, bits: int) -> np.ndarray:
    """`values` as they come out of a pack."""
    whole, scale = quantise(values, bits)
    return (whole * scale[:, None]).astype(np.float32).reshape(np.shape(values))
