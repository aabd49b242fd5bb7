"""How much a file may claim to hold, by its headers, before any of it is unpacked.

>>> check_size("'imgs' in a.npz", (10, 64, 64), np.dtype("uint8"), most=MOST_WHOLE)
"""

from __future__ import annotations

import math

import numpy as np

from vaelib.files import DataFileError

MOST_OF_A_ROW = 64 << 20  # bytes of an image, as of 2,300×2,300 pixels in colour and float32
MOST_OF_A_CHUNK = 256 << 20  # bytes; each is unpacked at once
MOST_WHOLE = 128 << 20  # bytes of an array that is read as one
SQUEEZED = 1100  # times smaller a file can be than its arrays: 1032 is what deflate can do


def check_size(what: str, shape: tuple[int, ...], dtype: np.dtype, most: int) -> None:
    """DataFileError when an array of this header takes more than `most` bytes."""
    if (size := math.prod(shape) * dtype.itemsize) > most:
        raise DataFileError(f"{what} takes {size:,} bytes by its header, at most {most:,} can be")
