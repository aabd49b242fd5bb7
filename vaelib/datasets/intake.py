"""Images as a user has them, to bytes in 0..255 of one shape; and what is no image, refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from vaelib.datasets.resize import to_square

SIDES = (32, 64, 128)  # pixels that the networks take
LONGEST = 3  # times the shorter side; beyond that the axes were mixed up


def to_bytes(blocks: Iterable[np.ndarray], white: int, size: int | None) -> Iterator[np.ndarray]:
    """Blocks of raw images → (n, C, size, size) uint8, 0 black and 255 white.

    `white` is the value that stands for white: 1 or 255. ValueError for images of other shapes.
    """
    shape = None
    for block in blocks:
        images = channels_first(block)
        if images.dtype != np.uint8 or white != 255:
            images = np.rint(images.astype(np.float32) * (255 / white)).astype(np.uint8)
        images = images if size is None else to_square(images, size)
        if shape not in (None, images.shape[1:]):
            raise ValueError(
                f"images must all have one shape, got {shape} and {images.shape[1:]}: give a size, "
                "such as size=64, to have them resized"
            )
        shape = images.shape[1:]
        _check_side(shape)
        yield images


def channels_first(block: np.ndarray) -> np.ndarray:
    """(n, H, W), (n, H, W, C) or (n, C, H, W) → (n, C, H, W), numbers, with 1 or 3 channels."""
    if block.dtype.kind not in "buif":
        raise ValueError(f"images must be numbers, got {block.dtype}")
    if block.ndim == 3:
        block = block[:, None]
    elif block.ndim == 4 and block.shape[3] in (1, 3):
        block = block.transpose(0, 3, 1, 2)
    if block.ndim != 4 or block.shape[1] not in (1, 3):
        raise ValueError(
            f"images must be (N, H, W), (N, H, W, C) or (N, C, H, W) with C = 1 or 3, "
            f"got (N, {', '.join(map(str, block.shape[1:]))})"
        )
    height, width = block.shape[2:]
    if max(height, width) > LONGEST * min(height, width):
        raise ValueError(
            f"images of {height}×{width} pixels are no images: the axes must be in the order "
            "(N, H, W), (N, H, W, C) or (N, C, H, W)"
        )
    return block


def white_of(blocks: Iterable[np.ndarray]) -> int:
    """The value that stands for white in all these images: 1 (floats, or only 0 and 1) or 255.

    ValueError: NaN, floats beyond 1, integers beyond 255, negative values.
    """
    top = 0.0
    for block in blocks:
        low, high = block.min(), block.max()
        if not np.isfinite(low) or not np.isfinite(high):
            raise ValueError("images must be finite numbers, got NaN or infinity")
        limit = 1 if block.dtype.kind in "bf" else 255
        if low < 0 or high > limit:
            bytes_as_floats = 0 <= low and 1 < high <= 255
            advice = ": divide by 255, or save them as uint8" if bytes_as_floats else ""
            kind = "floats in [0, 1]" if limit == 1 else "integers in 0..255"
            raise ValueError(f"images must be {kind}, got {low:g}..{high:g}{advice}")
        top = max(top, float(high))
        if block.dtype == np.uint8 and top > 1:
            return 255  # nothing that follows can be wrong
    if top == 0:
        raise ValueError("all images are black")
    return 1 if top <= 1 else 255


def _check_side(shape: tuple[int, ...]) -> None:
    _, height, width = shape
    if height != width or height not in SIDES:
        raise ValueError(
            f"images are {height}×{width} pixels, the networks take 32×32, 64×64 or 128×128: give "
            "a size, such as size=64 (--data-option size=64), to have them resized"
        )
