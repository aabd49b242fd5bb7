"""Separated attribute predictability."""

from __future__ import annotations

import numpy as np

from vaelib.metrics._checks import train_and_test, varying
from vaelib.metrics._memory import remembered
from vaelib.metrics._parallel import per_factor
from vaelib.types import Codes


def sap(codes: Codes) -> dict[str, float]:
    """How much better the best single latent predicts a factor than the second best.

    {"sap"}: prediction is the test accuracy of a linear SVM (C = 0.01, balanced classes) that
    sees one latent. {"sap_continuous"}: prediction is the squared correlation, for factors whose
    values are ordered, computed on all samples. Both the mean over factors of first minus
    second; in [0, 1], 1 is best, values under 0.1 are usual for trained models.

    Blind spots: a line through one latent cannot separate many classes, so even a perfect code
    gets about 0.25 on dSprites; a second latent about the same factor costs as much as a
    rotation; a latent with two factors costs nothing. Correlation misses periodic factors.

    Limit cases: a constant code 0; every latent twice 0; a single latent is compared with chance
    (the commonest class) or, in the continuous form, with 0.

    >>> from vaelib.sanity import constant, doubled, identity
    >>> [round(sap(codes())["sap"], 2) for codes in (identity, constant, doubled)]
    [0.42, 0.0, 0.0]

    The SVM learns on the first two thirds of the samples, of which at least 150 are needed.
    Equal to disentanglement_lib's on the same arrays. Source: Kumar et al. 2018, arXiv 1711.00848,
    section 3.
    """
    codes = varying(codes, "sap", samples=150)
    train, test = train_and_test(codes, "sap")
    chance = _chance(train, test)

    def accuracies(factor: int) -> np.ndarray:
        asked = train.factors[:, factor], test.factors[:, factor]
        columns = zip(train.means.T, test.means.T, strict=True)
        found = [_accuracy(z, asked[0], z_test, asked[1]) for z, z_test in columns]
        return np.array([chance[factor] if part is None else part for part in found])

    accuracy = np.stack(per_factor(accuracies, range(len(codes.names))), axis=1)  # (D, K)
    return {"sap": _gap(accuracy, chance), "sap_continuous": _gap(_r2(codes), 0.0)}


def _gap(table: np.ndarray, floor: np.ndarray | float) -> float:
    """Mean over the factors of the best latent minus the second best, or minus `floor` (D = 1)."""
    if len(table) == 1:
        return float(np.mean(np.maximum(table[0] - floor, 0)))
    ordered = np.sort(table, axis=0)
    return float(np.mean(ordered[-1] - ordered[-2]))


@remembered
def _accuracy(z: np.ndarray, y: np.ndarray, z_test: np.ndarray, y_test: np.ndarray) -> float | None:
    """Test accuracy of the SVM on one latent; None for a constant latent."""
    from sklearn.svm import LinearSVC

    if np.ptp(z) == 0:
        return None
    svm = LinearSVC(C=0.01, class_weight="balanced", dual="auto").fit(z[:, None], y)
    return float(svm.score(z_test[:, None], y_test))


def _chance(train: Codes, test: Codes) -> np.ndarray:
    """Test accuracy of always naming the commonest value of the training samples: (K,)."""
    commonest = [
        np.bincount(column - column.min()).argmax() + column.min() for column in train.factors.T
    ]
    return (test.factors == commonest).mean(axis=0)


def _r2(codes: Codes) -> np.ndarray:
    """Squared correlation of every latent with every factor, (D, K); 0 for a constant latent."""
    z, v = codes.means - codes.means.mean(0), codes.factors - codes.factors.mean(0)
    power = (z**2).mean(axis=0)[:, None]
    safe = np.where(power > 1e-12, power, 1)  # the bound of disentanglement_lib
    return np.where(power > 1e-12, (z.T @ v / len(z)) ** 2 / (safe * (v**2).mean(axis=0)), 0)
