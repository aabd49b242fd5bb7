"""The score of the β-VAE paper."""

from __future__ import annotations

import numpy as np

from vaelib.metrics._checks import canonical, varying
from vaelib.metrics._regression import chances, logistic_regression
from vaelib.types import Codes

TRAIN, TEST = 10_000, 5_000  # difference vectors
PAIRS = 64  # pairs of codes averaged into one vector
CHUNK = 1_000_000  # numbers gathered at once


def beta_vae_score(codes: Codes, seed: int = 0) -> dict[str, float]:
    """Can a linear classifier tell which factor two codes share? {"beta_vae_score"}.

    A difference vector: draw a factor, draw 64 pairs of codes that agree on it, average
    |difference| of each latent. A logistic regression learns from 10,000 vectors which factor was
    shared; the score is its accuracy on 5,000 more. In [0, 1], 1 is best;
    1 / (number of factors) is chance.

    Blind spots: nearly everything. A linear classifier finds the shared factor in redundant
    codes too, and in all but evenly turned ones (of a pair among four factors: 1 at 40°, 0.76 at
    45°), so the score saturates near 1. It depends on the scale of the codes. It learns and tests
    on the same ones, so that few score too high (random codes of four factors: 0.32 to 0.37 of 300
    samples, 0.28 of 1,000).

    Limit cases: an identity code 1; every latent twice 1; a constant code: chance.

    >>> from vaelib.sanity import constant, doubled, identity
    >>> values = [beta_vae_score(codes()) for codes in (identity, constant, doubled)]
    >>> [round(value["beta_vae_score"], 2) for value in values]
    [1.0, 0.33, 1.0]

    Needs at least 100 samples and two factors. From 10,000 samples on within sampling noise (0.02)
    of disentanglement_lib's. Source: Higgins et al. 2017, openreview Sy2fzU9gl, section 3.
    """
    codes = varying(codes, "beta_vae_score", samples=100, factors=2)
    means, rng = canonical(codes.means).astype(np.float32), np.random.default_rng(seed)
    x, y = _vectors(means, codes.rows_by_value, TRAIN, rng)
    x_test, y_test = _vectors(means, codes.rows_by_value, TEST, rng)
    found = chances(logistic_regression(x, y, steps=1000), x_test).argmax(axis=1)
    return {"beta_vae_score": float((found == y_test).mean())}


def _vectors(
    means: np.ndarray,
    groups: tuple[tuple[np.ndarray, ...], ...],
    count: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Difference vectors (count, D) and the factor that each shares (count,)."""
    shared = np.sort(rng.integers(len(groups), size=count))
    drawn = np.bincount(shared, minlength=len(groups))
    parts = [_differences(means, g, n, rng) for g, n in zip(groups, drawn, strict=True)]
    return np.concatenate(parts), shared


def _differences(
    means: np.ndarray, values: tuple[np.ndarray, ...], count: int, rng: np.random.Generator
) -> np.ndarray:
    """Mean |difference| over 64 pairs that share a value of one factor: (count, D)."""
    sizes = np.array([len(rows) for rows in values])
    order, starts = np.concatenate(values), np.cumsum(sizes) - sizes
    first = rng.integers(len(order), size=(count, PAIRS))  # positions in `order`
    value = np.repeat(np.arange(len(sizes)), sizes)[first]
    others = np.maximum(sizes - 1, 1)  # the only one with its value is compared with itself
    second = starts[value] + (rng.random(first.shape) * others[value]).astype(np.int64)
    second += (second >= first) & (sizes[value] > 1)  # any but the first
    step = max(1, CHUNK // (PAIRS * means.shape[1]))
    ordered = means[order]
    parts = [
        np.abs(ordered[first[i : i + step]] - ordered[second[i : i + step]]).mean(axis=1)
        for i in range(0, count, step)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, means.shape[1]), np.float32)
