"""Correlation by weights on images, for data that lack some combinations of factors."""

from __future__ import annotations

import numpy as np

from vaelib.datasets.joint import Ties, tied


def row_chances(ties: Ties, combinations: np.ndarray) -> np.ndarray:
    """The chance of each row, (N,), so that the tied factors follow the joint of their pairs.

    The weight of a row is Π of the pairs' weights, which is the wanted probability of its tied
    factors, over the number of rows that share these. ValueError when all weights are zero.
    """
    log = np.zeros(len(combinations))
    for pair, weights in ties.items():
        log += weights[tuple(combinations[:, pair].T)]
    if np.isneginf(log).all():
        raise ValueError("the pairs contradict each other: no combination of values is possible")
    weights = np.exp(log - log.max())
    if ties:
        _, group, counts = np.unique(
            combinations[:, tied(ties)], axis=0, return_inverse=True, return_counts=True
        )
        weights /= counts[group.ravel()]
    return weights / weights.sum()


def draw(chances: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """n rows, each with a chance proportional to its number: (n,) int64."""
    cumulative = np.cumsum(chances)
    cumulative /= cumulative[-1]  # the last is exactly 1, which random() never reaches
    return np.searchsorted(cumulative, rng.random(n), side="right")


def histogram(columns: np.ndarray, sizes: tuple[int, ...], chances: np.ndarray) -> np.ndarray:
    """Probabilities of the values of these columns (N, k) of rows with these chances (N,)."""
    cells = np.ravel_multi_index(tuple(columns.T), sizes)
    return np.bincount(cells, chances, minlength=int(np.prod(sizes))).reshape(sizes)
