"""The images of dSprites in a GPU's memory, as bits that are unpacked there.

A CPU draws some 200,000 images a second, fewer than a GPU can train on. All of dSprites take 377 MB
as bits. Which images a step sees is drawn as ever, so that a run stays the same run. Tested on the
CPU; how much it gains on a GPU is not measured.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from vaelib.datasets import DSprites, FactorData
from vaelib.datasets.wrapped import Wrapped, of_data
from vaelib.machine import Plan


@dataclass(frozen=True, eq=False)
class OnDevice(Wrapped):
    """`data` with its images from `table`: they come as tensors on the table's device."""

    data: FactorData
    table: Tensor  # (N, H·W/8) uint8, one bit a pixel, in the order of the grid

    sample_distinct = of_data("sample_distinct")

    def sample_factors(self, n: int, rng: np.random.Generator) -> np.ndarray:
        return self.data.sample_factors(n, rng)

    def uncorrelated(self) -> FactorData:
        return self

    def render(self, factors: np.ndarray) -> Tensor:
        """Images of these factor vectors: (N, K) int → (N, C, H, W) uint8 in {0, 1}."""
        index = torch.from_numpy(self.index(factors)).to(self.table.device)
        return unpack(self.table[index]).view(-1, *self.image_shape)


def unpack(rows: Tensor) -> Tensor:
    """The bits of bytes, the highest first, as np.unpackbits: (B, n) → (B, 8 n), uint8."""
    shifts = torch.arange(7, -1, -1, dtype=torch.uint8, device=rows.device)
    return (rows[:, :, None] >> shifts & 1).flatten(1)


def place(data: FactorData, plan: Plan, images: int) -> FactorData:
    """`data` for a training that draws so many images: on the GPU where that pays, else as it is.

    It pays when more images are drawn than there are, because the table is filled first.
    """
    if plan.speedups and plan.device.type == "cuda" and images >= len(data):
        return move(data, plan.device)
    return data


def move(data: FactorData, device: torch.device) -> FactorData:
    """`data` with the dSprites in it on `device`; what else it is made of stays."""
    if isinstance(data, DSprites):
        return OnDevice(data, table_of(data, device))
    if isinstance(data, Wrapped) and type(data).render is Wrapped.render:
        return replace(data, data=move(data.data, device))
    return data


@lru_cache(maxsize=1)  # runs that train together share it
def table_of(data: DSprites, device: torch.device) -> Tensor:
    """All images as bits, (737280, 512) uint8: two seconds of drawing."""
    blocks = np.array_split(np.arange(len(data)), 90)  # the factors of all at once take too much
    return torch.cat([torch.from_numpy(data.packed(data.factors(b))).to(device) for b in blocks])
