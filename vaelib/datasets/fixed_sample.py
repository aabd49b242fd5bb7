"""FixedSample: a finite training set, N images drawn once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vaelib.checks import whole
from vaelib.datasets.base import FactorData
from vaelib.datasets.pairs import Pairs
from vaelib.datasets.row_chances import draw
from vaelib.datasets.wrapped import Wrapped
from vaelib.types import Batch


@dataclass(frozen=True)
class FixedSample(Wrapped):
    """N images drawn once from `data`; all later sampling is from these N, with replacement.

    The images are independent draws, so one that is likely can be in the set more than once. Row
    i < N means the i-th of them; `len` and `index` still speak of the whole factor grid of `data`.
    A sampler that weights images does

        rows = fixed.sample_rows(64, rng, weights)
        batch = fixed.batch(rows)

    `seed` may be that of the training and of the test: :func:`apart` keeps their images apart.

    >>> from vaelib.datasets import DSprites
    >>> data = FixedSample(DSprites(), n=100)
    >>> len(np.unique(data.index(data.sample(1000, np.random.default_rng(0)).factors)))
    100
    """

    data: FactorData
    n: int = 10_000  # images
    seed: int = 0  # of the draw

    def __post_init__(self) -> None:
        data = self.data
        while isinstance(data, Wrapped):
            if isinstance(data, Pairs):
                raise ValueError(
                    f"{data} is drawn in pairs, which a fixed sample of single images breaks, and "
                    "few images of a sample differ in k factors only: train on Pairs itself"
                )
            data = data.data
        whole(self, 1, "n")
        whole(self, 0, "seed")

    @cached_property
    def indices(self) -> np.ndarray:
        """Positions of the N images in the factor grid, (N,) int64."""
        indices = self.index(self.data.sample_factors(self.n, np.random.default_rng(self.seed)))
        indices.setflags(write=False)
        return indices

    def sample_rows(
        self, n: int, rng: np.random.Generator, weights: np.ndarray | None = None
    ) -> np.ndarray:
        """n rows, each with a chance proportional to its weight (N,); uniform without weights."""
        if weights is None:
            return rng.integers(0, self.n, size=n)
        weights = np.asarray(weights, dtype=np.float64)
        total = weights.sum() if weights.shape == (self.n,) else np.nan
        if not (0 < total < np.inf and weights.min() >= 0):  # NaN too
            raise ValueError(f"weights must be {self.n} numbers ≥ 0, not all 0 and all finite")
        return draw(weights, n, rng)

    def batch(self, rows: np.ndarray) -> Batch:
        """The images of these rows (n,) with their factors."""
        factors = self.factors(self.indices[rows])
        return Batch(self.render(factors), factors, self.max_value)

    def sample(self, n: int, rng: np.random.Generator) -> Batch:
        return self.batch(self.sample_rows(n, rng))

    def sample_factors(self, n: int, rng: np.random.Generator) -> np.ndarray:
        return self.factors(self.indices[self.sample_rows(n, rng)])

    @cached_property
    def distinct(self) -> int:
        return len(np.unique(self.indices))

    def sample_distinct(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n different images of the set, all as likely: one that was drawn twice counts once.

        In a small world likely images lose weight by that: of 10,000 draws of 16×16 positions with
        σ = 0.2, r is .34 where `data` has .79. Of 200,000 images of dSprites it is hardly seen.
        """
        return self.factors(rng.permutation(np.unique(self.indices))[:n])


def apart(trained: FactorData, tested: FactorData, seed: int) -> np.random.Generator:
    """A generator for test images: not the draws of which a training set of this seed was made.

    >>> from vaelib.datasets import DSprites
    >>> world = DSprites()
    >>> data = FixedSample(world, n=20_000)
    >>> for rng in (np.random.default_rng(0), apart(data, world, seed=0)):
    ...     tested = world.index(world.sample_factors(1_000, rng))
    ...     print(f"{np.isin(tested, data.indices).mean():.2f} of the test images were trained on")
    1.00 of the test images were trained on
    0.03 of the test images were trained on
    """
    # Draws of correlated factors depend on how many are drawn: they are others already.
    flat = tested.distribution == "uncorrelated" and isinstance(trained, FixedSample)
    is_same = flat and (trained.seed, repr(trained.data)) == (seed, repr(tested))
    return np.random.default_rng([seed, 1] if is_same else seed)
