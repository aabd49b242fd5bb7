"""Images as pictures: arrays to [0, 1], many images to one mosaic, a mosaic to PNG bytes.

A picture is an array (height, width, 3) of float32 in [0, 1]; white is 1.

>>> images = unit(np.zeros((6, 1, 32, 32), np.uint8))
>>> picture = caption(enlarge(mosaic(images.reshape(2, 3, 1, 32, 32)), 2), "black")
>>> picture.shape, to_bytes(picture).dtype, png(picture)[1:4]
((150, 200, 3), dtype('uint8'), b'PNG')
"""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vaelib.types import Batch

Picture = np.ndarray  # (height, width, 3) float32 in [0, 1]


def unit(images: Any) -> np.ndarray:
    """Images as float32 in [0, 1], (..., C, H, W) with C = 1 or 3.

    Takes a :class:`Batch`, a tensor or an array. Integers above 1 are read as 0..255; a Batch
    says its own maximum. Raises ValueError for other shapes and for values outside the range.
    """
    top = 1
    if isinstance(images, Batch):
        images, top = images.images, images.max_value
    array = np.asarray(images.detach().cpu() if hasattr(images, "detach") else images)
    if array.ndim < 3 or array.shape[-3] not in (1, 3) or array.size == 0:
        raise ValueError(f"images must be (..., C, H, W) with C = 1 or 3, got {array.shape}")
    if np.issubdtype(array.dtype, np.integer) and array.max() > 1:
        top = 255
    array = array.astype(np.float32) / np.float32(top)
    if not (array.min() >= -1e-4 and array.max() <= 1 + 1e-4):
        raise ValueError(
            "images must be in [0, 1] (floats) or 0..255 (integers), "
            f"got {array.min():.3g}..{array.max():.3g}"
        )
    return array.clip(0, 1)


def mosaic(cells: Any, gap: int = 2) -> Picture:
    """A table of images, (rows, columns, C, H, W), as one picture with white gaps in between."""
    cells = unit(cells)
    rows, columns, channels, height, width = cells.shape
    pad = ((0, 0), (0, 0), (0, 0), (0, gap), (0, gap))
    cells = np.pad(cells, pad, constant_values=1.0)
    picture = cells.transpose(0, 3, 1, 4, 2).reshape(
        rows * (height + gap), columns * (width + gap), channels
    )
    picture = picture[: picture.shape[0] - gap, : picture.shape[1] - gap]
    return np.broadcast_to(picture, (*picture.shape[:2], 3))


def enlarge(picture: np.ndarray, scale: int) -> np.ndarray:
    """Each pixel as a square of scale × scale: no smoothing, one sees what the model gives."""
    return picture.repeat(scale, axis=0).repeat(scale, axis=1)


def caption(picture: Picture, text: str, size: int = 12) -> Picture:
    """The picture with one line of text above it, on white."""
    strip = Image.new("L", (picture.shape[1], size + 6), 255)
    ImageDraw.Draw(strip).text((1, 2), text, fill=0, font=_font(size))
    line = np.asarray(strip, np.float32)[..., None] / 255
    return np.concatenate([np.broadcast_to(line, (*line.shape[:2], 3)), picture])


def to_bytes(picture: Picture) -> np.ndarray:
    """(height, width, 3) in [0, 1] → uint8 in 0..255."""
    return np.round(picture * 255).astype(np.uint8)


def png(picture: Picture) -> bytes:
    """The picture as a PNG file's bytes."""
    buffer = io.BytesIO()
    Image.fromarray(to_bytes(picture)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


@lru_cache(maxsize=4)
def _font(size: int) -> ImageFont.FreeTypeFont:
    # Matplotlib always ships this font; Pillow's own scalable font came only with 10.1.
    import matplotlib

    file = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    return ImageFont.truetype(str(file), size)
