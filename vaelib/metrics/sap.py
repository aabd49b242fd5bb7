"""Separated attribute predictability."""

from __future__ import annotations

import warnings

import numpy as np

from vaelib.metrics._checks import train_and_test, varying
from vaelib.metrics._work import each_factor
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
    The SVM's penalty makes {"sap"}, not the other, depend on the scale and offset of the codes:
    three times their spread away from 0 it loses a little, thirty times nearly all. A VAE's codes
    are near 0; standardise others.

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
    accuracy = np.stack(_quietly(train, test), axis=1)  # (D, K)
    return {"sap": _gap(accuracy, _chance(train, test)), "sap_continuous": _gap(_r2(codes), 0.0)}


def _gap(table: np.ndarray, floor: np.ndarray | float) -> float:
    """Mean over the factors of the best latent minus the second best, or minus `floor` (D = 1)."""
    if len(table) == 1:
        return float(np.mean(np.maximum(table[0] - floor, 0)))
    ordered = np.sort(table, axis=0)
    return float(np.mean(ordered[-1] - ordered[-2]))


def _quietly(train: Codes, test: Codes) -> list[np.ndarray]:
    """Nobody is warned of a latent so far out that its SVM stops early: it tells nothing anyway.

    Filters of warnings belong to the process, so they are set here and not in the threads.
    """
    import sklearn.svm  # noqa: F401  once here, not in every thread
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return each_factor(_accuracies, train, test)


def _accuracies(
    means: np.ndarray, target: np.ndarray, test: np.ndarray, answers: np.ndarray
) -> np.ndarray:
    """Test accuracy of an SVM on each latent alone, (D,); the commonest value for a constant."""
    from sklearn.svm import LinearSVC

    found = np.full(means.shape[1], (answers == _commonest(target)).mean())
    for j in np.flatnonzero(np.ptp(means, axis=0) > 0):
        svm = LinearSVC(C=0.01, class_weight="balanced", dual="auto")
        found[j] = svm.fit(means[:, [j]], target).score(test[:, [j]], answers)
    return found


def _commonest(column: np.ndarray) -> int:
    values, counts = np.unique(column, return_counts=True)
    return values[counts.argmax()]


def _chance(train: Codes, test: Codes) -> np.ndarray:
    """Test accuracy of always naming the commonest value of the training samples: (K,)."""
    return (test.factors == [_commonest(column) for column in train.factors.T]).mean(axis=0)


def _r2(codes: Codes) -> np.ndarray:
    """Squared correlation of every latent with every factor, (D, K); 0 for a constant latent."""
    z, v = codes.means - codes.means.mean(0), codes.factors - codes.factors.mean(0)
    power = (z**2).mean(axis=0)[:, None]
    safe = np.where(power > 1e-12, power, 1)  # the bound of disentanglement_lib
    return np.where(power > 1e-12, (z.T @ v / len(z)) ** 2 / (safe * (v**2).mean(axis=0)), 0)
