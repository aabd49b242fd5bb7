"""Explicitness."""

from __future__ import annotations

import numpy as np

from vaelib.information import standardised
from vaelib.metrics._checks import canonical, train_and_test, varying
from vaelib.metrics._regression import chances, logistic_regression
from vaelib.metrics._work import spread
from vaelib.types import Codes


def explicitness(codes: Codes) -> dict[str, float]:
    """Can a linear classifier on all latents rank the values of each factor? {"explicitness"}.

    A multinomial logistic regression on standardised means learns each factor; its one-against-
    the-rest area under the ROC curve on test samples, averaged over values, then over factors.
    In [0, 1], 1 is best, 0.5 is chance.

    Blind spots: it does not ask where the information sits: any invertible linear mixture of the
    latents scores the same. Ranking is easy: a code that tells 40 angles apart only roughly
    still gets 0.97.

    Limit cases: a constant code 0.5; every latent twice, about the same as once.

    >>> from vaelib.sanity import constant, doubled, identity
    >>> [round(explicitness(codes())["explicitness"], 2) for codes in (identity, constant, doubled)]
    [1.0, 0.5, 1.0]

    Trains on the first two thirds of at least 150 samples; values without a test sample do not
    count. Within 5e-3 of disentanglement_lib's test score.
    Source: Ridgeway & Mozer 2018, arXiv 1802.05312, section 3.
    """
    codes = varying(codes, "explicitness", samples=150)
    ordered = Codes(canonical(codes.means), codes.factors, codes.names)
    train, test = train_and_test(ordered, "explicitness")
    x = standardised(train.means).astype(np.float32)  # enough for ranks, twice as fast
    x_test = standardised(test.means, like=train.means).astype(np.float32)

    columns = zip(train.factors.T, test.factors.T, strict=True)
    areas = spread(_explicit, [(x, learn, x_test, answer) for learn, answer in columns])
    return {"explicitness": float(np.mean(areas))}


def _explicit(x: np.ndarray, y: np.ndarray, x_test: np.ndarray, y_test: np.ndarray) -> float:
    classes, labels = np.unique(y, return_inverse=True)
    return _area(chances(logistic_regression(x, labels), x_test), y_test, classes)


def _area(chances: np.ndarray, truth: np.ndarray, classes: np.ndarray) -> float:
    """Mean area under the ROC curve of the classes (N, C) that some but not all samples have."""
    areas = []
    for chance, member in zip(chances.T, truth == classes[:, None], strict=True):
        if member.any() and not member.all():
            others, own = np.sort(chance[~member]), chance[member]
            below = np.searchsorted(others, own, "left") + np.searchsorted(others, own, "right")
            areas.append(below.mean() / 2 / len(others))  # ties count half
    return float(np.mean(areas)) if areas else 0.5
