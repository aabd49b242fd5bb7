"""Wrapped: the images of another data set, drawn with other chances."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from vaelib.datasets.base import FactorData


class Wrapped(FactorData):
    """Base of the data sets that take factors and images from their field `data`."""

    data: FactorData

    @abstractmethod
    def sample_factors(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n factor vectors from the distribution that the subclass is about: (n, K) int64."""

    @property
    def factor_names(self) -> tuple[str, ...]:
        return self.data.factor_names

    @property
    def factor_sizes(self) -> tuple[int, ...]:
        return self.data.factor_sizes

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return self.data.image_shape

    @property
    def max_value(self) -> int:
        return self.data.max_value

    @property
    def unscored(self) -> tuple[str, ...]:
        return self.data.unscored

    @property
    def combinations(self) -> np.ndarray | None:
        return self.data.combinations

    def __len__(self) -> int:
        return len(self.data)

    @property
    def distinct(self) -> int:
        return self.data.distinct

    def index(self, factors: np.ndarray) -> np.ndarray:
        return self.data.index(factors)

    def factors(self, index: np.ndarray) -> np.ndarray:
        return self.data.factors(index)

    def values(self, name: str) -> np.ndarray:
        return self.data.values(name)

    def nearest(self, factors: np.ndarray) -> np.ndarray:
        return self.data.nearest(factors)

    def render(self, factors: np.ndarray) -> np.ndarray:
        """Images of any factor vectors, those included that are never drawn here."""
        return self.data.render(factors)

    def uncorrelated(self) -> FactorData:
        return self.data.uncorrelated()

    @property
    def distribution(self) -> str:
        return self.data.distribution
