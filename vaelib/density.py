"""How densely codes lie, and weights that flatten it. Plain arrays; no model.

>>> codes = np.random.default_rng(0).normal(size=(2000, 2))
>>> log_density = NearestNeighbours(k=12)(codes)
>>> weights = flat_weights(log_density, ratio=100.0, min_effective=0.1)
>>> bool(weights[np.argmin(log_density)] > weights[np.argmax(log_density)])
True
>>> 0 < effective_share(weights) < effective_share(np.ones(2000))
True
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FLOOR = 1 / 3  # the least weight, in medians


@dataclass(frozen=True)
class NearestNeighbours:
    """Log density −d·log r, up to a constant.

    r is the distance to the k-th neighbour among the first `references` codes.

    Loftsgaarden & Quesenberry 1965. The codes are independent draws in any order, so the first of
    them are a fair sample: for 40,000 codes of 8 Gaussian dimensions, 5,000 give a log density that
    correlates with the true one by .975 in 1.5 s, all give .980 in 11 s.
    """

    k: int = 12
    references: int = 5_000

    def __post_init__(self) -> None:
        if not 1 <= self.k < self.references:
            raise ValueError(
                f"k must be at least 1 and below references, got {self.k} and {self.references}"
            )

    def __call__(self, codes: np.ndarray) -> np.ndarray:
        """The log density at each of N codes (N, d): (N,)."""
        from sklearn.neighbors import NearestNeighbors

        n, d = codes.shape
        known = min(self.references, n)
        if d == 0 or known <= self.k:
            return np.zeros(n)
        tree = NearestNeighbors(n_neighbors=self.k + 1).fit(codes[:known])
        distances, _ = tree.kneighbors(codes)
        own = np.arange(n) < known  # these meet themselves first
        r = np.where(own, distances[:, self.k], distances[:, self.k - 1])
        least = r[r > 0].min() if (r > 0).any() else 1.0  # images drawn more often than k times
        return -d * np.log(np.maximum(r, least))


def flat_weights(log_density: np.ndarray, ratio: float, min_effective: float) -> np.ndarray:
    """Weights ∝ 1/density, (N,), mean 1.

    Clipped to [1/3, ratio/3] medians, so no weight is more than `ratio` times another. If they
    would leave less than `min_effective` of the images as effective sample, all are raised to the
    largest power below 1 that leaves just that.
    """
    if not (ratio >= 1 and 0 < min_effective <= 1):
        raise ValueError(
            f"ratio must be at least 1 and min_effective in (0, 1], got {ratio} and {min_effective}"
        )
    log = np.median(log_density) - log_density
    log = np.clip(log, np.log(FLOOR), np.log(FLOOR * ratio))
    weights = np.exp(_greatest_power(log, min_effective) * log)
    return weights / weights.mean()


def _greatest_power(log: np.ndarray, min_effective: float) -> float:
    """The greatest power in 0..1 that leaves this share of the images."""
    from scipy.optimize import brentq

    if effective_share(np.exp(log)) >= min_effective:
        return 1.0
    return brentq(lambda power: effective_share(np.exp(power * log)) - min_effective, 0, 1)


def effective_share(weights: np.ndarray) -> float:
    """Kish's effective sample size (Σw)²/Σw² as a share of the N weights: 1 when all are equal."""
    return float(weights.sum() ** 2 / np.square(weights).sum() / len(weights))
