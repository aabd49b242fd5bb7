"""Images at another size: exact means of areas downwards, linear upwards. Nothing but NumPy."""

from __future__ import annotations

from functools import cache

import numpy as np


def to_square(images: np.ndarray, size: int) -> np.ndarray:
    """Images (N, C, H, W) of bytes → (N, C, size, size) of bytes.

    What is not square is cropped to the square in its middle. A pixel of a smaller image is the
    mean of the area that it covers; a larger image is interpolated linearly between the middles of
    its pixels.
    """
    side = min(images.shape[2:])
    top, left = ((length - side) // 2 for length in images.shape[2:])
    images = images[:, :, top : top + side, left : left + side]
    if side == size:
        return images
    weights = _weights(side, size)
    resized = weights @ images.astype(np.float32) @ weights.T
    return np.rint(resized).astype(np.uint8)


@cache
def _weights(old: int, new: int) -> np.ndarray:
    """The share of each old pixel (columns) in each new one (rows), (new, old)."""
    if new < old:
        edges = np.linspace(0, old, new + 1)
        pixels = np.arange(old)
        overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
        return (overlap.clip(0) * new / old).astype(np.float32)
    places = ((np.arange(new) + 0.5) * old / new - 0.5).clip(0, old - 1)
    return (1 - np.abs(places[:, None] - np.arange(old))).clip(0).astype(np.float32)
