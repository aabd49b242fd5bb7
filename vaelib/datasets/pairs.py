"""Pairs: two images that differ in k factors, the data of weak supervision."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vaelib.checks import is_whole
from vaelib.datasets.base import FactorData
from vaelib.datasets.correlated import Correlated
from vaelib.datasets.wrapped import Wrapped, of_data

MODES = ("observational", "interventional", "causal")


@dataclass(frozen=True)
class Pairs(Wrapped):
    """Pairs that differ in exactly k factors (Locatello et al. 2020, arXiv 2002.02886).

    In a batch of n images the rows i and i + n/2 are a pair. The first image is drawn from `data`,
    the k factors are chosen uniformly and drawn anew, never their old value (the original code
    lets a factor keep its value by chance). Under correlation there are three ways to draw, the
    studies of Träuble et al. 2021 (arXiv 2006.07886):

    - `observational` (their OD): given the values of the other factors, so the second image too is
      one that the correlated data hold;
    - `interventional` (ID1): from the factor's own marginal, whatever the others are; the second
      image can be one that the data hardly ever hold;
    - `causal` (ID2): in each correlated pair the factor that comes first in `factor_names` causes
      the other; an effect is drawn given its causes, a factor without causes uniformly.

    With independent factors all three are the same. With k > 1 the factors are drawn one after
    the other, each given what the others are by then.

    `sample_distinct` gives single images of `data`: partners would be on both sides of a split.

    >>> from vaelib.datasets import DSprites
    >>> factors = Pairs(DSprites(), k=2).sample_factors(8, np.random.default_rng(0))
    >>> first, second = np.split(factors, 2)
    >>> (first != second).sum(axis=1)
    array([2, 2, 2, 2])
    """

    data: FactorData  # plain or Correlated
    k: int | None = 1  # factors that differ; None: 1 … K − 1, drawn for each pair
    mode: str = "observational"  # or "interventional" or "causal"

    sample_distinct = of_data("sample_distinct")

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"mode must be one of {sorted(MODES)}, got {self.mode!r}")
        plain = isinstance(self.data, FactorData) and self.data.uncorrelated() is self.data
        if not (plain or isinstance(self.data, Correlated)):
            raise ValueError(
                "pairs need a plain data set or Correlated, which has all partners of an image, "
                f"those that differ in k factors only, got {self.data}"
            )
        if self._world.combinations is not None:
            raise ValueError(
                f"pairs need images of all combinations of factors, which {self.data} lacks"
            )
        k = self._most if self.k is None else self.k
        if not (is_whole(k) and 1 <= k <= self._most):
            raise ValueError(f"k must be None or in 1..{self._most}, got {self.k!r}")

    def sample_factors(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n/2 first images, then their n/2 partners: (n, K) int64. ValueError when n is odd."""
        if n % 2:
            raise ValueError(f"pairs need an even number of images, got {n}")
        first = self.data.sample_factors(n // 2, rng)
        second = first.copy()
        order = rng.permuted(np.tile(self._free, (len(first), 1)), axis=1)  # the first k change
        changes = self.k or rng.integers(1, self._most + 1, size=len(first))
        for place in range(self.k or self._most):
            for factor in self._free:
                rows = np.flatnonzero((order[:, place] == factor) & (place < changes))
                second[rows, factor] = self._redraw(factor, second[rows], rng)
        return np.concatenate([first, second])

    def _redraw(self, factor: int, factors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        log = self._log_chances(factor, factors)
        log[np.arange(len(log)), factors[:, factor]] = -np.inf
        if np.isneginf(log).all(axis=1).any():
            name = self.factor_names[factor]
            raise ValueError(f"some images have no other {name} possible: weaken its correlation")
        return (log + rng.gumbel(size=log.shape)).argmax(axis=1)  # the Gumbel-max trick

    def _log_chances(self, factor: int, factors: np.ndarray) -> np.ndarray:
        """Log weights of the values of one factor for n rows: (n, values)."""
        if self.mode == "interventional":
            return np.tile(self._world.log_marginals[factor], (len(factors), 1))
        partners = range(factor if self.mode == "causal" else len(self.factor_sizes))
        return self._world.log_conditional(factor, factors, partners)

    @property
    def _free(self) -> list[int]:
        return [f for f, size in enumerate(self.factor_sizes) if size > 1]

    @property
    def _most(self) -> int:
        """The most factors that can differ: something is the same in both images."""
        return min(len(self._free), len(self.factor_sizes) - 1)

    @cached_property
    def _world(self) -> Correlated:
        return self.data if isinstance(self.data, Correlated) else Correlated(self.data, {})
