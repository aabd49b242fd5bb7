"""Blobs: one soft spot that moves in x and y, the smallest world to teach with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vaelib.datasets.base import FactorData


@dataclass(frozen=True)
class Blobs(FactorData):
    """A Gaussian spot, white on black, that moves in x and y: the toy of Burgess et al. 2018.

    (arXiv 1804.03599, section 4.) Nothing is looked up or drawn: a pixel at (x, y), in pixels, is
    exp(−((x − x₀)² + (y − y₀)²) / 2r²), rounded to bytes. The two factors, pos_x (left to right)
    and pos_y (top to bottom), move the spot's middle (x₀, y₀) in equal steps over the middle half
    of the image.

    ValueError: a size, a number of positions or a radius that is too small.

    >>> data = Blobs(size=8, positions=2)
    >>> data.render(np.array([[0, 1]]))[0, 0].max(axis=0)  # left …
    array([ 1, 86, 86,  1,  0,  0,  0,  0], dtype=uint8)
    >>> data.render(np.array([[0, 1]]))[0, 0].max(axis=1)  # … and at the bottom
    array([ 0,  0,  0,  0,  1, 86, 86,  1], dtype=uint8)
    """

    size: int = 64  # pixels, each way; networks take 32, 64 or 128
    positions: int = 32  # values of each of the two factors
    radius: float = 0.06  # of the spot, one standard deviation, as a part of the size

    factor_names = ("pos_x", "pos_y")
    max_value = 255

    def __post_init__(self) -> None:
        if self.size < 2 or self.positions < 2 or not 0 < self.radius < float("inf"):
            raise ValueError(
                "blobs need a size and positions of 2 or more and a radius above 0, got "
                f"{self.size}, {self.positions} and {self.radius}"
            )

    @property
    def factor_sizes(self) -> tuple[int, ...]:
        return (self.positions, self.positions)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return (1, self.size, self.size)

    def render(self, factors: np.ndarray) -> np.ndarray:
        """Images of these factor vectors: (N, 2) int → (N, 1, size, size) uint8."""
        x, y = self.profiles()[self.check(factors).T]  # (N, size) each
        return np.rint(255 * y[:, :, None] * x[:, None]).astype(np.uint8)[:, None]

    def profiles(self) -> np.ndarray:
        """The spot along one axis at each position, (positions, size) float32."""
        middle = self.size * np.linspace(0.25, 0.75, self.positions)
        pixels = np.arange(self.size) + 0.5
        gap = (pixels - middle[:, None]) / (self.radius * self.size)
        return np.exp(-(gap**2) / 2).astype(np.float32)
