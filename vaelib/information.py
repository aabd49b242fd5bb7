"""The numerics that metrics share: standardised latents, entropy and mutual information (nats).

>>> codes = standardised(np.random.default_rng(0).normal(size=(10_000, 2)))
>>> values = labels(np.digitize(codes[:, :1], [0.0]) * 7)  # is the first one positive?
>>> mutual_information(bins(codes), values).round(1), entropy(values).round(1)
(array([[0.6],
       [0. ]]), array([0.7]))
"""

from __future__ import annotations

import numpy as np

BINS = 20  # as in disentanglement_lib's studies


def standardised(means: np.ndarray, like: np.ndarray | None = None) -> np.ndarray:
    """Latents with mean 0 and standard deviation 1 over `like` (default: themselves).

    A latent that is constant there becomes 0 everywhere.
    """
    like = means if like is None else like
    spread = np.where(np.ptp(like, axis=0) > 0, like.std(axis=0), np.inf)
    return (means - like.mean(axis=0)) / spread


def bins(means: np.ndarray, count: int = BINS) -> np.ndarray:
    """Each latent cut into `count` bins of equal width over its range: (N, D) → (N, D) int.

    A latent whose range is too small for that many floating-point edges counts as constant.
    """
    return np.stack([_bin_column(column, count) for column in means.T], axis=1)


def _bin_column(column: np.ndarray, count: int) -> np.ndarray:
    # Edges are rounded to the precision of the data, as np.histogram does: a code that came as
    # float32 must fall into the bins that it falls into as float32.
    single = column.astype(np.float32)
    values = single if np.array_equal(single, column) else column
    try:
        edges = np.histogram_bin_edges(values, count)
    except ValueError:  # "too many bins for data range", which old NumPys do not say
        edges = np.zeros(2)
    if (np.diff(edges) <= 0).any():
        return np.zeros(len(column), np.int64)
    return np.digitize(values, edges[:-1]) - 1


def labels(factors: np.ndarray) -> np.ndarray:
    """Each factor's values renumbered 0 … V-1 without gaps: (N, K) int → (N, K) int."""
    return np.stack([np.unique(column, return_inverse=True)[1] for column in factors.T], axis=1)


def mutual_information(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """I(a_i; b_j) of every pair of columns, in nats, by counting: (N, P), (N, Q) int → (P, Q).

    Columns hold integers from 0. The plug-in estimate: too high by about
    (values of a - 1)(values of b - 1) / 2N, so compare only codes of the same sample size.
    """
    return np.array([[_information(left, right) for right in b.T] for left in a.T])


def entropy(columns: np.ndarray) -> np.ndarray:
    """The entropy of each column in nats, by counting: (N, K) int from 0 → (K,)."""
    return np.array([_entropy(np.bincount(column)) for column in columns.T])


def _information(left: np.ndarray, right: np.ndarray) -> float:
    width = right.max() + 1
    joint = np.bincount(left * width + right, minlength=(left.max() + 1) * width)
    joint = joint.reshape(-1, width)  # (values of left, values of right)
    # I = H(left) + H(right) - H(left, right); rounding may leave -1e-16 where it is 0
    return max(0.0, _entropy(joint.sum(1)) + _entropy(joint.sum(0)) - _entropy(joint.ravel()))


def _entropy(counts: np.ndarray) -> float:
    counts = counts[counts > 0]
    total = counts.sum()
    return float(np.log(total) - (counts * np.log(counts)).sum() / total)
