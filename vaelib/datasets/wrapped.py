"""Wrapped: the images of another data set, drawn with other chances."""

from __future__ import annotations

from abc import abstractmethod
from operator import attrgetter

import numpy as np

from vaelib.datasets.base import SMALL, FactorData


def of_data(name: str) -> property:
    """What the field `data` has by this name."""
    return property(attrgetter(f"data.{name}"))


class Wrapped(FactorData):
    """Base of the data sets that take factors and images from their field `data`.

    `render` draws any factor vectors, those included that are never drawn here.
    """

    data: FactorData

    factor_names, factor_sizes = of_data("factor_names"), of_data("factor_sizes")
    image_shape, max_value = of_data("image_shape"), of_data("max_value")
    unscored, combinations = of_data("unscored"), of_data("combinations")
    distinct, distribution = of_data("distinct"), of_data("distribution")
    index, factors, values = of_data("index"), of_data("factors"), of_data("values")
    nearest, render = of_data("nearest"), of_data("render")
    uncorrelated = of_data("uncorrelated")

    @abstractmethod
    def sample_factors(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n factor vectors from the distribution that the subclass is about: (n, K) int64."""

    def sample_distinct(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """As that of every data set; of a small world each image that is drawn comes once."""
        factors = self.sample_factors(n, rng)
        return rng.permutation(np.unique(factors, axis=0)) if len(self) < SMALL * n else factors

    def __len__(self) -> int:
        return len(self.data)
