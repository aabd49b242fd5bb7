"""Correlated: a data set whose factors depend on each other, in known strength."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from vaelib.checks import of_kind
from vaelib.datasets.base import SMALL, FactorData
from vaelib.datasets.joint import Conditional, conditionals, marginal
from vaelib.datasets.row_chances import draw, histogram, row_chances
from vaelib.datasets.styles import STYLES
from vaelib.datasets.wrapped import Wrapped


@dataclass(frozen=True)
class Correlated(Wrapped):
    """`data` with correlated pairs of factors: `Correlated(DSprites(), {("pos_x", "pos_y"): 0.2})`.

    Träuble et al. 2021 (arXiv 2006.07886), as HFS states it (Roth et al. 2023, arXiv 2210.07347):

        p(c) ∝ Π_pairs exp(−(c_i − c_j)² / (2σ_ij²)),   factors scaled to [0, 1]

    Scaled is the rank of a value, not the value: sizes 1, 2 and 100 are 0, 0.5 and 1.

    σ = 0.1 is strong, 0.2 marked (r ≈ .8), 0.4 and above weak, `inf` none. Factors outside all
    pairs are uniform and independent; those inside are not uniform any more, middle values being
    more frequent. Pairs may share factors: samples come from the exact joint of them all, whose
    part for two factors :meth:`joint` gives. Not all of three factors can go against each other: of
    three positions tied in pairs with σ = 0.2, r is .83 each, inverse only about −.33, where one
    pair alone has −.78.

    Of data that lack combinations of factors (:class:`ArrayData`) each image gets a weight: the
    p above over the number of images that share its tied factors. The tied factors are then
    distributed as p says, among the combinations that there are; the others come as they come.

    ValueError: a factor that `data` does not have, or paired with itself; σ that is not above 0;
    the same pair with two σ; data that are correlated already or draw factors in their own
    way; pairs that no values can satisfy.

    >>> from vaelib.datasets import DSprites
    >>> data = Correlated(DSprites(), {("pos_x", "pos_y"): 0.2})
    >>> x, y = data.sample_factors(10_000, np.random.default_rng(0))[:, 3:].T
    >>> round(float(np.corrcoef(x, y)[0, 1]), 1)
    0.8
    """

    data: FactorData
    pairs: Mapping[tuple[str, str], float]  # also [[name, name, σ], …], as in config.json
    inverse: bool = False  # anti-correlated: c_j is replaced by 1 − c_j in every pair
    style: str = "gaussian"  # or "line", see vaelib.datasets.styles

    def __post_init__(self) -> None:
        if isinstance(self.data, FactorData) and self.data.distribution == "own":
            raise ValueError(
                f"{self.data} draws its factors in its own way (sample_factors), which pairs would "
                "not keep: give its uniform form, data.uncorrelated()"
            )
        if not isinstance(self.data, FactorData) or self.data.uncorrelated() is not self.data:
            raise ValueError(f"data must be a plain data set with uniform factors, got {self.data}")
        if self.style not in STYLES:
            raise ValueError(f"style must be one of {sorted(STYLES)}, got {self.style!r}")
        of_kind(self, inverse=bool)  # "false" would be true
        object.__setattr__(self, "pairs", read_pairs(self.pairs, self.data.factor_names))
        _ = self._conditionals if self.combinations is None else self._chances  # or they raise

    def __hash__(self) -> int:
        return hash((self.data, tuple(self.pairs.items()), self.inverse, self.style))

    @property
    def distribution(self) -> str:
        return "correlated" if self._ties else self.data.distribution

    def sample_factors(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n factor vectors from the exact joint distribution: (n, K) int64."""
        if self._chances is not None:
            return self.combinations[draw(self._chances, n, rng)]
        factors = self.data.sample_factors(n, rng)
        for conditional in self._conditionals:
            factors[:, conditional.factor] = conditional.sample(factors, rng)
        return factors

    def sample_distinct(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """As :meth:`sample_factors`; but of a small world each image comes once at most.

        There are then at most as many as the effective number of the weighted images, 1/Σp².
        """
        chances, there = self._chances, self.combinations
        if chances is None and len(self) >= SMALL * n:
            return self.sample_factors(n, rng)
        if chances is None:
            chances = self.joint(*self.factor_names).ravel()
            there = self.factors(np.arange(len(self)))
        many = min(n, int(1 / np.square(chances).sum()))
        return there[rng.choice(len(chances), many, replace=False, p=chances)]

    def joint(self, *names: str) -> np.ndarray:
        """Exact joint probabilities of these factors, one axis each, adding up to 1.

        `joint("pos_x", "pos_y")` is (32, 32), `joint("pos_x")` the marginal, (32,).
        """
        if not names or len(set(names)) < len(names) or not set(names) <= set(self.factor_names):
            raise ValueError(f"names must be different ones of {self.factor_names}, got {names}")
        keep = tuple(self.factor_names.index(name) for name in names)
        if self._chances is not None:
            sizes = tuple(self.factor_sizes[v] for v in keep)
            return histogram(self.combinations[:, keep], sizes, self._chances)
        return marginal(self._ties, self.factor_sizes, keep)

    def log_conditional(
        self, factor: int, factors: np.ndarray, partners: Container[int]
    ) -> np.ndarray:
        """log p of each value of one factor given these partners of it, up to a constant.

        For rows of `factors` (n, K): (n, number of values). With all other factors as partners
        this is the exact full conditional.
        """
        log = np.zeros((len(factors), self.factor_sizes[factor]))
        for (a, b), weights in self._ties.items():
            if factor == a and b in partners:
                log += weights.T[factors[:, b]]
            elif factor == b and a in partners:
                log += weights[factors[:, a]]
        return log

    @cached_property
    def _ties(self) -> dict[tuple[int, int], np.ndarray]:
        """The log weights of each pair."""
        ties = {}
        for pair, sigma in self.pairs.items():
            a, b = _indices(pair, self.factor_names)
            log = STYLES[self.style](self.factor_sizes[a], self.factor_sizes[b], sigma)
            if np.ptp(log) != 0:  # σ = inf: no tie
                ties[a, b] = log[:, ::-1] if self.inverse else log
        return ties

    @cached_property
    def _chances(self) -> np.ndarray | None:
        """Of data that lack combinations: the chance of each that there is, (N,)."""
        if self.combinations is None:
            return None
        return row_chances(self._ties, self.combinations)

    @cached_property
    def log_marginals(self) -> list[np.ndarray]:
        """log p of each value of each factor; −inf for one that never occurs."""
        with np.errstate(divide="ignore"):
            return [np.log(self.joint(name)) for name in self.factor_names]

    @cached_property
    def _conditionals(self) -> list[Conditional]:
        return conditionals(self._ties, self.factor_sizes)


def read_pairs(pairs: Any, names: tuple[str, ...]) -> dict[tuple[str, str], float]:
    """Checked pairs → σ. Each pair stands in the order of `names`, so equal sets compare equal.

    >>> read_pairs([["pos_x", "pos_y", 0.2]], ("pos_x", "pos_y"))
    {('pos_x', 'pos_y'): 0.2}
    """
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
