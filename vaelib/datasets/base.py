"""FactorData: images that are a known function of a few discrete factors.

>>> from vaelib.datasets import Blobs
>>> data = Blobs(size=32, positions=8)
>>> isinstance(data, FactorData), len(data), data.index(np.array([[1, 2]]))
(True, 64, array([10]))
>>> data.sample(16, np.random.default_rng(0)).images.shape
(16, 1, 32, 32)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from vaelib.types import Batch

SMALL = 4  # times as many images as are asked for: worlds with fewer have each drawn once


class FactorData(ABC):
    """A data set whose images are rendered from, or looked up by, ground-truth factors.

    A new data set is one file with a dataclass that gives the first four attributes and `render`.
    One that has its own `sample_factors` has the `distribution` "own", unless it says otherwise.
    Factor vectors are integer indices; the grid of all of them is ordered row-major, the last
    factor varying fastest.
    """

    factor_names: tuple[str, ...]
    factor_sizes: tuple[int, ...]  # the number of values of each factor
    image_shape: tuple[int, int, int]  # (C, H, W) in pixels
    max_value: int = 1  # rendered images are uint8 in 0..max_value
    unscored: tuple[str, ...] = ()  # factors that only tell images apart: no score asks for them
    combinations: np.ndarray | None = None  # (N, K), the factor vectors that exist; None: all

    def __getattr__(self, name: str) -> Any:  # only for what there is not
        needed = name in ("factor_names", "factor_sizes", "image_shape")
        if needed and not hasattr(type(self), name):
            raise ValueError(f"{type(self).__name__} must have {name}, as a data set: it has none")
        return object.__getattribute__(self, name)  # raises again what a property raised

    @abstractmethod
    def render(self, factors: np.ndarray) -> np.ndarray:
        """Images of these factor vectors: (N, K) int → (N, C, H, W) uint8."""

    def __len__(self) -> int:
        """The number of cells of the factor grid."""
        return int(np.prod(self.factor_sizes))

    def index(self, factors: np.ndarray) -> np.ndarray:
        """Position of each factor vector in the grid: (N, K) int → (N,) int64."""
        return np.ravel_multi_index(tuple(self.check(factors).T), self.factor_sizes)

    def factors(self, index: np.ndarray) -> np.ndarray:
        """The factor vectors at these positions of the grid: (N,) int → (N, K) int64."""
        return np.stack(np.unravel_index(self.check_index(index), self.factor_sizes), axis=1)

    def sample_factors(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n factor vectors, every factor uniform and independent: (n, K) int64."""
        return rng.integers(0, self.factor_sizes, size=(n, len(self.factor_sizes)))

    def sample_distinct(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n factor vectors to score a model on: (n, K), fewer where the data have fewer images.

        Of a small world each image comes once at most, or a predictor would be tested on what it
        was trained on; of one with many times n images draws are independent. (disentanglement_lib
        always draws with replacement.)
        """
        if self._uniform and len(self) < SMALL * n:
            return self.factors(rng.permutation(len(self))[:n])
        return self.sample_factors(n, rng)

    @property
    def distinct(self) -> int:
        """How many different images there are to draw: the N of minibatch estimators."""
        return len(self)

    def nearest(self, factors: np.ndarray) -> np.ndarray:
        """For each factor vector the nearest that has an image: (N, K) int → (N, K) int64."""
        return self.check(factors)

    @property
    def scored(self) -> tuple[str, ...]:
        """The factors that scores ask for; () for images of which no factor is known."""
        return tuple(name for name in self.factor_names if name not in self.unscored)

    def values(self, name: str) -> np.ndarray:
        """What the indices of a factor stand for, in order; the indices where nothing is known."""
        if name not in self.factor_names:
            raise ValueError(f"the factors are {self.factor_names}, got {name!r}")
        return np.arange(self.factor_sizes[self.factor_names.index(name)])

    def describe(self) -> str:
        """What there is, in a few lines."""
        lines = [f"{len(self):,} images of {'×'.join(map(str, self.image_shape))} pixels"]
        for name in self.scored:
            values = self.values(name)
            shown = ", ".join(map(str, values[:5].tolist())) + (" …" if len(values) > 5 else "")
            lines.append(f"{name}: {len(values)} values, {shown}")
        if not self.scored:
            lines.append("no factors: training, reconstruction, traversals and UDR are possible")
        elif self.distribution in ("empirical", "own"):
            lines.append("not all combinations of factors are equally frequent")
        return "\n  ".join(lines)

    def sample(self, n: int, rng: np.random.Generator) -> Batch:
        """n images drawn from this data set's distribution, with their factors."""
        factors = self.sample_factors(n, rng)
        return Batch(self.render(factors), factors, self.max_value)

    def try_sample(self, n: int = 8) -> None:
        """ValueError unless n images are as the data set says: shape, finite, 0..max_value."""
        images = self.sample(n, np.random.default_rng(0)).images
        if images.shape != (n, *self.image_shape):
            raise ValueError(
                f"images of {self} must have shape {(n, *self.image_shape)}, got {images.shape}"
            )
        if not np.isfinite(images).all():
            raise ValueError(f"images of {self} must be finite, got NaN or infinity")
        if images.min() < 0 or images.max() > self.max_value:
            raise ValueError(
                f"images of {self} must be in 0..max_value, 0..{self.max_value}, got "
                f"{images.min()} to {images.max()}: set max_value, 255 for bytes"
            )

    def uncorrelated(self) -> FactorData:
        """The same world with independent, uniform factors: where scores are comparable.

        Data that lack combinations of factors are taken as they come.
        """
        if self.distribution == "uncorrelated" or self.combinations is not None:
            return self
        from vaelib.datasets.uniform import Uniform

        return Uniform(self)

    @property
    def distribution(self) -> str:
        """`uncorrelated`, `correlated`, `empirical` (images as they come) or `own` (another
        `sample_factors`): beside all scores."""
        return "uncorrelated" if self._uniform else "own"

    @property
    def _uniform(self) -> bool:
        return type(self).sample_factors is FactorData.sample_factors

    def check_index(self, index: np.ndarray) -> np.ndarray:
        """`index` as (N,), or ValueError when a position is not of this data set."""
        index = np.atleast_1d(np.asarray(index))
        if not np.issubdtype(index.dtype, np.integer):
            raise ValueError(f"index must be whole numbers, got dtype {index.dtype}")
        if index.size and (index.min() < 0 or index.max() >= len(self)):
            raise ValueError(
                f"index must be in 0..{len(self) - 1}, got {index.min()}..{index.max()}"
            )
        return index

    def check(self, factors: np.ndarray) -> np.ndarray:
        """`factors` as int64, or ValueError when a shape or a value is not of this data set."""
        factors = np.asarray(factors)
        if factors.ndim != 2 or factors.shape[1] != len(self.factor_sizes):
            raise ValueError(
                f"factors must have shape (N, {len(self.factor_sizes)}) for "
                f"{self.factor_names}, got {factors.shape}"
            )
        if not np.issubdtype(factors.dtype, np.integer):
            raise ValueError(f"factors must be integer indices, got dtype {factors.dtype}")
        for name, size, column in zip(self.factor_names, self.factor_sizes, factors.T, strict=True):
            if column.size and (column.min() < 0 or column.max() >= size):
                raise ValueError(
                    f"{name} must be in 0..{size - 1}, got {column.min()}..{column.max()}"
                )
        return factors.astype(np.int64, copy=False)
