"""What a user should know of own images before a training, beside what is in them."""

from __future__ import annotations

import numpy as np

FEW = 5  # images for a value: with fewer, histograms of a factor are mostly noise


def cropped(shape: tuple[int, ...], size: int | None) -> str:
    """What a size cuts off images (…, H, W), or "".

    >>> cropped((3, 48, 80), 32)
    'cropped from 48×80 to 48×48 pixels, their middle'
    """
    height, width = shape[-2:]
    if size is None or height == width:
        return ""
    side = min(height, width)
    return f"cropped from {height}×{width} to {side}×{side} pixels, their middle"


def unreadable(name: str, column: np.ndarray) -> str:
    """Whether a factor (N,), indices of values, has too few images for its values, or "".

    >>> unreadable("x", np.arange(600) % 400)
    'x has 400 values in 600 images: scores cannot read it; round it, or put it in classes'
    """
    counts = np.unique(column, return_counts=True)[1]
    if np.median(counts) >= FEW:
        return ""
    return (
        f"{name} has {len(counts)} values in {len(column)} images: scores cannot read it; "
        "round it, or put it in classes"
    )
