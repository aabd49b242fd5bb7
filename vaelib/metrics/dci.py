"""Disentanglement, completeness and informativeness."""

from __future__ import annotations

import numpy as np

from vaelib.metrics import _trees
from vaelib.metrics._checks import train_and_test, varying
from vaelib.metrics._work import each_factor
from vaelib.types import Codes

TREES = ("fast", "gradient_boosting")


def dci(codes: Codes, trees: str = "fast", seed: int = 0) -> dict[str, float]:
    """Whose splits do boosted trees need to predict a factor?

    R_jk is the share of latent j in the importances of trees that learned factor k.
    {"disentanglement"}: 1 - entropy of a latent's row (base: number of factors), weighted by the
    latent's share of all importance: does a latent serve one factor? {"completeness"}: 1 -
    entropy of a factor's column (base: number of latents): does one latent suffice?
    {"informativeness"}: mean test accuracy of the trees. All in [0, 1], 1 is best.

    `trees="fast"` grows the same trees, but keeps their splits for several rounds (_boosting.py).
    Disentanglement and completeness are within 0.03 of those by `trees="gradient_boosting"`, which
    is scikit-learn's GradientBoostingClassifier at its defaults as in disentanglement_lib, and
    takes some forty times as long. tests/reference_codes.py has the codes on which this was
    measured.

    Blind spots: where a factor is a product of latents (XOR), of which no split gains anything
    alone, fast trees are up to 0.12 off: take the exact ones there. Trees use the noise of unused
    latents to tell many values apart, so that a perfect but noisy code of dSprites gets 0.79, not
    1. Where two latents know the same, trees take the clearer one: a copy with more noise costs
    little completeness. Other learners (forests, lasso) give other scales: never mix them in a
    table.

    Limit cases: an identity code 1, 1, 1; a constant code 0, 0 and the share of the commonest
    value; every latent twice: disentanglement as before, completeness lower; with one latent
    completeness is 1, there is nothing to spread over.

    >>> from vaelib.sanity import constant, doubled, identity
    >>> [round(dci(codes())["completeness"], 1) for codes in (identity, constant, doubled)]
    [1.0, 0.0, 0.6]

    Trains on the first two thirds of at least 150 samples, needs two factors.
    Source: Eastwood & Williams 2018, openreview By-7dz-AZ, section 2.
    """
    if trees not in TREES:
        raise ValueError(f"trees must be one of {TREES}, got {trees!r}")
    codes = varying(codes, "dci", samples=150, factors=2)
    importances, accuracy = (_fast if trees == "fast" else _exact)(codes, seed)
    used = importances.sum() > 0
    return {
        "disentanglement": _concentration(importances) if used else 0.0,
        "completeness": _concentration(importances.T) if used else 0.0,
        "informativeness": float(np.mean(accuracy)),
    }


def _fast(codes: Codes, seed: int) -> tuple[np.ndarray, list[float]]:
    grown, _ = _trees.grow(codes, "dci", seed)
    return np.stack([t.importances for t in grown], axis=1), [t.test_accuracy for t in grown]


def _exact(codes: Codes, seed: int) -> tuple[np.ndarray, list[float]]:
    train, test = train_and_test(codes, "dci")
    learned = each_factor(_gradient_boosting, train, test, seed)
    importances, accuracy = zip(*learned, strict=True)
    return np.stack(importances, axis=1), list(accuracy)


def _gradient_boosting(
    means: np.ndarray, target: np.ndarray, test: np.ndarray, answers: np.ndarray, seed: int
) -> tuple[np.ndarray, float]:
    from sklearn.ensemble import GradientBoostingClassifier

    model = GradientBoostingClassifier(random_state=seed).fit(means, target)
    return model.feature_importances_, float(model.score(test, answers))


def _concentration(importances: np.ndarray) -> float:
    """1 - entropy of each row, in units of its maximum, weighted by the row's sum: (A, B) → ()."""
    weight = importances.sum(axis=1)
    share = importances / np.where(weight > 0, weight, 1)[:, None]
    entropy = -(share * np.log(np.where(share > 0, share, 1))).sum(axis=1)
    most = np.log(max(importances.shape[1], 2))  # one column: nothing to spread over, entropy 0
    return float(np.sum(weight * (1 - entropy / most)) / weight.sum())
