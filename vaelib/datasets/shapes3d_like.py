"""Shapes3DLike: a room in colour, drawn here, that looks much like 3D Shapes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from vaelib.datasets.base import FactorData
from vaelib.datasets.room import SIZE, SOLIDS, layers
from vaelib.datasets.shapes3d import Shapes3D

SKY = np.array([153, 226, 249], np.float32)
FLOOR, SHADOW = 1.02, 0.33  # brightness of the floor, in the light and in the object's shadow
BLOCK = 128  # images painted at a time


@dataclass(frozen=True)
class Shapes3DLike(FactorData):
    """A room in colour, 480,000 images of 3×64×64 pixels: like 3D Shapes, but not that data set.

    The factors and their order are those of 3D Shapes (Burgess & Kim 2018):

    - floor_hue, wall_hue, object_hue (10 each): 0, 0.1 … 0.9, fully saturated
    - scale (8): of the object, 0.75 to 1.25
    - shape (4): cube, cylinder, sphere, capsule
    - orientation (15): of the camera around the object, −30° to 30°

    It needs no file: a ray caster, its measures fitted to 50 official pictures, draws the 480
    geometries once (some seconds in each process), and their layers are painted in any colours.
    The official images also have faint textures and a soft gradient, which are missing here: do not
    compare scores with published ones of 3D Shapes. The data set itself: :class:`Shapes3D`.

    >>> Shapes3DLike().render(np.zeros((2, 6), int)).shape
    (2, 3, 64, 64)
    """

    factor_names = Shapes3D.factor_names
    factor_sizes = Shapes3D.factor_sizes
    image_shape = (3, SIZE, SIZE)
    max_value = 255

    def render(self, factors: np.ndarray) -> np.ndarray:
        """Images of these factor vectors: (N, 6) int → (N, 3, 64, 64) uint8."""
        factors = self.check(factors)
        blocks = [_paint(factors[i : i + BLOCK]) for i in range(0, len(factors), BLOCK)]
        return np.concatenate(blocks or [np.zeros((0, *self.image_shape), np.uint8)])


def _paint(factors: np.ndarray) -> np.ndarray:
    floor, wall, thing, *geometry = factors.T
    colours = np.stack(  # (N, 3, 7): what each layer is multiplied by in each channel
        [
            np.broadcast_to(SKY, (len(factors), 3)),
            np.minimum(255 * FLOOR * HUES[floor], 255),
            255 * SHADOW * HUES[floor],
            255 * HUES[wall],
            255 * HUES[thing],
            255 * (HUES[thing] == HUES.dtype.type(0.8)),
            255 * (HUES[thing] == 1),
        ],
        axis=2,
    ).astype(np.float32)
    images = colours @ _layers()[tuple(geometry)]  # (N, 3, 4096)
    return (images + 0.5).astype(np.uint8).reshape(-1, 3, SIZE, SIZE)


def _hues() -> np.ndarray:
    """Ten fully saturated colours around the wheel: (10, 3), of 0, 0.2 … 1."""
    position = 6 * np.arange(10)[:, None] / 10 + np.array([0, 4, 2])
    return (np.abs(position % 6 - 3) - 1).clip(0, 1).round(1).astype(np.float32)


HUES = _hues()


@cache
def _layers() -> np.ndarray:
    """(8, 4, 15, 7, 4096) float32, 55 MB."""
    found = layers(SOLIDS, np.linspace(0.75, 1.25, 8), np.linspace(-30, 30, 15))
    found.setflags(write=False)
    return found
