"""Pictures of attention: a map for each latent, over the image.

>>> attention(np.zeros((2, 1, 32, 32)), np.ones((2, 3, 4, 4))).get_yticklabels()[1].get_text()
'z0'
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes

from vaelib.pixels import unit
from vaelib.plots._cells import name_rows, show
from vaelib.plots.palette import styled

_SHADE = 0.6  # how bright the white of the image is below the map


@styled
def attention(
    images: Any, maps: np.ndarray, names: Sequence[str] = (), ax: Axes | None = None
) -> Axes:
    """One image a column, one latent a row: where the latent's attention lies, over the image.

    Images (N, C, H, W), maps (N, D, h, w) as of `vit.attention_maps`; `names` (D) stand beside the
    rows. Each map is scaled to its own maximum. ValueError: numbers that do not match.
    """
    images, maps = unit(images), np.asarray(maps, float)
    if (
        maps.ndim != 4
        or len(maps) != len(images)
        or any(side % cells for side, cells in zip(images.shape[2:], maps.shape[2:], strict=True))
    ):
        raise ValueError(
            f"maps must be (N, D, h, w) for images (N, C, H, W) that divide into h×w cells, "
            f"got {maps.shape} and {images.shape}"
        )
    if names and len(names) != maps.shape[1]:
        raise ValueError(f"{maps.shape[1]} latents need as many names, got {len(names)}")
    rows = [np.stack([_overlay(i, m) for i, m in zip(images, part, strict=True)])
            for part in maps.transpose(1, 0, 2, 3)]  # fmt: skip
    cells = np.stack([np.broadcast_to(images, (len(images), 3, *images.shape[2:])), *rows])
    ax = show(cells, ax)
    name_rows(ax, cells, ["image", *(names or [f"z{j}" for j in range(maps.shape[1])])])
    ax.set_title("Attention of each latent, over the image")
    return ax


def _overlay(image: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The image (C, H, W) in grey with the map (h, w) in colour: (3, H, W)."""
    block = np.array(image.shape[1:]) // weights.shape
    strength = np.kron(weights / max(weights.max(), 1e-12), np.ones(block))
    colours = colormaps["inferno"](strength)[..., :3].transpose(2, 0, 1)
    return np.clip(0.75 * colours + (1 - _SHADE) * image.mean(0), 0, 1)
