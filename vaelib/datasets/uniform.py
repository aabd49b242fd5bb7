"""Uniform: the uncorrelated form of a data set that has its own `sample_factors`."""

from __future__ import annotations

from dataclasses import dataclass

from vaelib.datasets.base import FactorData
from vaelib.datasets.wrapped import Wrapped


@dataclass(frozen=True)
class Uniform(Wrapped):
    """`data` with factors that are uniform and independent, to be scored on."""

    data: FactorData

    distribution = "uncorrelated"
    sample_factors, sample_distinct = FactorData.sample_factors, FactorData.sample_distinct

    def __post_init__(self) -> None:
        if self.data.distribution == "uncorrelated" or self.data.combinations is not None:
            raise ValueError(f"Uniform takes data of a distribution of its own, got {self.data}")

    def uncorrelated(self) -> FactorData:
        return self
