"""Unfairness."""

from __future__ import annotations

import numpy as np

from vaelib import information
from vaelib.metrics import _trees
from vaelib.metrics._checks import varying
from vaelib.types import Codes

SHUFFLES = 20


def unfairness(codes: Codes, seed: int = 0) -> dict[str, float]:
    """Do predictions of one factor shift with another? {"target|sensitive"}, {"mean"}, {"max"}.

    Boosted trees (see `dci`) predict the target from the code. For every value of the sensitive
    factor: the total variation distance between the predictions among its test samples and the
    predictions among all; the mean weighted by frequency. Few samples per value make a
    distance even where there is none, so the mean distance t₀ over 20 shuffles of the
    sensitive factor is taken out: (t - t₀) / (1 - t₀), at least 0. In [0, 1], 0 is best.

    Blind spots: groups of the sample stand in for interventions, so score on uncorrelated samples:
    there any shift comes from the code. A code that says nothing is perfectly fair. Small shifts
    are told too small, as chance adds to a distance about in squares: of 40 predicted values in 32
    groups of 5,000 test samples, a true shift of 0.15 gets about 0.05, one of 0.06 about 0.01.

    Limit cases: an identity code 0; a constant code 0; every latent twice, as once.

    >>> from vaelib.sanity import constant, doubled, identity
    >>> [round(unfairness(codes())["mean"], 2) for codes in (identity, constant, doubled)]
    [0.0, 0.0, 0.0]

    Trains on the first two thirds of at least 150 samples, needs two factors. Source: Locatello et
    al. 2019, arXiv 1905.13662, section 4, where the sensitive factor is set by hand for 100
    samples; ours needs no new images.
    """
    codes = varying(codes, "unfairness", samples=150, factors=2)
    grown, test = _trees.grow(codes, "unfairness", seed)
    predicted = information.labels(np.stack([t.predicted for t in grown], axis=1))
    sensitive = information.labels(test.factors)
    rng = np.random.default_rng(seed)
    shuffled = [sensitive[rng.permutation(len(test))] for _ in range(SHUFFLES)]
    scores = {
        f"{target}|{other}": _shift(predicted[:, i], [v[:, j] for v in (sensitive, *shuffled)])
        for i, target in enumerate(codes.names)
        for j, other in enumerate(codes.names)
        if i != j
    }
    values = list(scores.values())
    return {"mean": float(np.mean(values)), "max": max(values), **scores}


def _shift(predicted: np.ndarray, groupings: list[np.ndarray]) -> float:
    """The shift between the groups of the first grouping, beyond that of the shuffled others."""
    distance, *noise = (_distance(predicted, groups) for groups in groupings)
    by_chance = float(np.mean(noise))
    return max(0.0, (distance - by_chance) / (1 - by_chance))


def _distance(predicted: np.ndarray, groups: np.ndarray) -> float:
    """Σ_g P(g) TV(p(predicted | g), p(predicted)) of two columns of labels (N,)."""
    width = groups.max() + 1
    counts = np.bincount(predicted * width + groups, minlength=(predicted.max() + 1) * width)
    joint = counts.reshape(-1, width) / len(groups)  # (predicted, groups)
    independent = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    return float(np.abs(joint - independent).sum() / 2)
