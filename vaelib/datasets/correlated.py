"""Correlated: a data set whose factors depend on each other, in known strength."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from vaelib.datasets.base import FactorData
from vaelib.datasets.joint import Conditional, Table, conditionals, marginal
from vaelib.datasets.styles import STYLES


@dataclass(frozen=True)
class Correlated(FactorData):
    """`data` with correlated pairs of factors: `Correlated(DSprites(), {("pos_x", "pos_y"): 0.2})`.

    Träuble et al. 2021 (arXiv 2006.07886), as HFS states it (Roth et al. 2023, arXiv 2210.07347):

        p(c) ∝ Π_pairs exp(−(c_i − c_j)² / (2σ_ij²)),   factors scaled to [0, 1]

    σ = 0.1 is strong, 0.2 marked (r ≈ .8), 0.4 and above weak, `inf` none. Factors outside all
    pairs are uniform and independent. Pairs may share factors; drawing is from the exact joint.
    Where they do, the marginal of a factor is not uniform, and a pair's joint is not its own
    factor alone: :meth:`joint` gives the true one.

    ValueError: a factor that `data` does not have, or paired with itself; σ that is not above 0;
    the same pair with two σ; data that are correlated already; pairs that no values can satisfy.
    """

    data: FactorData
    pairs: Mapping[tuple[str, str], float]  # also [[name, name, σ], …], as in config.json
    inverse: bool = False  # anti-correlated: c_j is replaced by 1 − c_j in every pair
    style: str = "gaussian"  # or "line", see vaelib.datasets.styles

    def __post_init__(self) -> None:
        if self.data.uncorrelated() is not self.data:
            raise ValueError(f"data must be a plain data set with uniform factors, got {self.data}")
        if self.style not in STYLES:
            raise ValueError(f"style must be one of {sorted(STYLES)}, got {self.style!r}")
        object.__setattr__(self, "pairs", read_pairs(self.pairs, self.data.factor_names))
        _ = self._conditionals  # impossible pairs raise here

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

    def render(self, factors: np.ndarray) -> np.ndarray:
        """Images of any factor vectors, those that never occur here included."""
        return self.data.render(factors)

    def uncorrelated(self) -> FactorData:
        return self.data

    @property
    def distribution(self) -> str:
        return "correlated" if self._tables else "uncorrelated"

    def sample_factors(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n factor vectors from the exact joint distribution: (n, K) int64."""
        factors = self.data.sample_factors(n, rng)
        for conditional in self._conditionals:
            factors[:, conditional.variable] = conditional.sample(factors, rng)
        return factors

    def joint(self, first: str, second: str) -> np.ndarray:
        """Exact joint probabilities of two factors, (n_first, n_second), adding up to 1."""
        a, b = _indices((first, second), self.factor_names)
        flat = [Table((v,), np.zeros(self.factor_sizes[v])) for v in (a, b)]
        return marginal([*self._tables, *flat], self._tied, (a, b))

    @cached_property
    def _tables(self) -> list[Table]:
        weights = STYLES[self.style]
        tables = []
        for pair, sigma in self.pairs.items():
            a, b = _indices(pair, self.factor_names)
            log = weights(self.factor_sizes[a], self.factor_sizes[b], sigma)
            if np.ptp(log) != 0:  # σ = inf: no tie
                tables.append(Table((a, b), log[:, ::-1] if self.inverse else log))
        return tables

    @property
    def _tied(self) -> list[int]:
        return sorted({v for table in self._tables for v in table.scope})

    @cached_property
    def _conditionals(self) -> list[Conditional]:
        return conditionals(self._tables, self._tied)


def read_pairs(pairs: Any, names: tuple[str, ...]) -> dict[tuple[str, str], float]:
    """Checked pairs → σ. Each pair stands in the order of `names`, so equal sets compare equal."""
    rows: Iterable[Any] = (
        [(*pair, sigma) for pair, sigma in pairs.items()] if isinstance(pairs, Mapping) else pairs
    )
    found: dict[tuple[str, str], float] = {}
    for row in rows:
        if len(row) != 3:
            raise ValueError(f"a correlated pair is two factors and a σ, got {row}")
        *pair, sigma = row
        a, b = sorted(_indices(tuple(pair), names))
        if isinstance(sigma, bool | str) or not sigma > 0:  # NaN too
            raise ValueError(
                f"σ of {tuple(pair)} must be above 0 (inf: uncorrelated), got {sigma!r}"
            )
        if found.setdefault((names[a], names[b]), float(sigma)) != sigma:
            raise ValueError(
                f"the pair {names[a], names[b]} is given twice, with σ = "
                f"{found[names[a], names[b]]} and {sigma}"
            )
    return dict(sorted(found.items(), key=lambda item: _indices(item[0], names)))


def _indices(pair: tuple[str, ...], names: tuple[str, ...]) -> tuple[int, int]:
    if len(pair) != 2 or pair[0] == pair[1] or not set(pair) <= set(names):
        raise ValueError(f"a correlated pair must name two of {names}, got {pair}")
    return names.index(pair[0]), names.index(pair[1])
