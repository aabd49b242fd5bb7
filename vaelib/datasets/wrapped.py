"""Wrapped: the images of another data set, drawn with other chances."""

from __future__ import annotations

from abc import abstractmethod
from operator import attrgetter

import numpy as np

from vaelib.datasets.base import FactorData


def _of_data(name: str) -> property:
    return property(attrgetter(f"data.{name}"))


class Wrapped(FactorData):
    """Base of the data sets that take factors and images from their field `data`.

    `render` draws any factor vectors, those included that are never drawn here.
    """

    data: FactorData

    factor_names, factor_sizes = _of_data("factor_names"), _of_data("factor_sizes")
    image_shape, max_value = _of_data("image_shape"), _of_data("max_value")
    unscored, combinations = _of_data("unscored"), _of_data("combinations")
    distinct, distribution = _of_data("distinct"), _of_data("distribution")
    index, factors, values = _of_data("index"), _of_data("factors"), _of_data("values")
    nearest, render = _of_data("nearest"), _of_data("render")
    uncorrelated, sample_distinct = _of_data("uncorrelated"), _of_data("sample_distinct")

    @abstractmethod
    def sample_factors(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n factor vectors from the distribution that the subclass is about: (n, K) int64."""

    def __len__(self) -> int:
        return len(self.data)
