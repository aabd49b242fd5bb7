"""Metrics as their papers' code computes them: plain loops, and scikit-learn where it has the part.

Each takes Codes and returns the number that the metric of the same name in vaelib returns, up to
the noise of its draws. They are written to be read against disentanglement_lib, not to be fast.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.feature_selection import mutual_info_classif
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import mutual_info_score, roc_auc_score
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from vaelib.information import labels
from vaelib.types import Codes

BATCH = 64


def _binned(column: np.ndarray) -> np.ndarray:
    return np.digitize(column, np.histogram(column, 20)[1][:-1])


def _information(codes: Codes) -> np.ndarray:
    """(D, K) in nats."""
    return np.array(
        [[mutual_info_score(v, _binned(z)) for v in codes.factors.T] for z in codes.means.T]
    )


def mig(codes: Codes) -> float:
    ordered = np.sort(_information(codes), axis=0)
    entropy = [mutual_info_score(v, v) for v in codes.factors.T]
    return float(np.mean((ordered[-1] - ordered[-2]) / entropy))


def modularity(codes: Codes) -> float:
    squared = _information(codes) ** 2
    best = squared.max(axis=1)
    return float(np.mean(1 - (squared.sum(axis=1) - best) / best / (squared.shape[1] - 1)))


def irs(codes: Codes) -> float:
    furthest = np.abs(codes.means - codes.means.mean(axis=0)).max(axis=0)
    robust = np.zeros((len(furthest), codes.factors.shape[1]))
    for k, factor in enumerate(codes.factors.T):
        groups = _binned(factor)
        for value in np.unique(groups):
            group = codes.means[groups == value]
            far = np.percentile(np.abs(group - group.mean(axis=0)), 99, axis=0)
            robust[:, k] += far / len(np.unique(groups))
        robust[:, k] = 1 - robust[:, k] / furthest
    return float(np.sum(robust.max(axis=1) * furthest) / furthest.sum())


def sap(codes: Codes) -> float:
    train, test = codes.split()
    accuracy = np.zeros((codes.means.shape[1], codes.factors.shape[1]))
    for j in range(accuracy.shape[0]):
        for k in range(accuracy.shape[1]):
            svm = LinearSVC(C=0.01, class_weight="balanced")
            svm.fit(train.means[:, [j]], train.factors[:, k])
            accuracy[j, k] = svm.score(test.means[:, [j]], test.factors[:, k])
    ordered = np.sort(accuracy, axis=0)
    return float(np.mean(ordered[-1] - ordered[-2]))


def explicitness(codes: Codes) -> float:
    train, test = codes.split()
    scaler, areas = StandardScaler().fit(train.means), []
    for learn, answer in zip(train.factors.T, test.factors.T, strict=True):
        model = LogisticRegression().fit(scaler.transform(train.means), learn)
        chances = model.predict_proba(scaler.transform(test.means))
        truth = answer[:, None] == model.classes_
        areas.append(roc_auc_score(truth, chances))
    return float(np.mean(areas))


def dci(codes: Codes) -> float:
    """Disentanglement."""
    train, test = codes.split()
    columns = []
    for learn, answer in zip(train.factors.T, test.factors.T, strict=True):
        model = GradientBoostingClassifier(random_state=0).fit(train.means, learn)
        columns.append(model.feature_importances_)
        model.score(test.means, answer)
    importances = np.stack(columns, axis=1)
    weight = importances.sum(axis=1)
    share = importances / np.maximum(weight, 1e-300)[:, None] + 1e-300
    entropy = -(share * np.log(share)).sum(axis=1) / np.log(share.shape[1])
    return float(np.sum(weight * (1 - entropy)) / weight.sum())


def _rows(codes: Codes, count: int, rng: np.random.Generator) -> tuple[int, np.ndarray]:
    """A factor, and `count` samples that share one of its values."""
    factor = int(rng.integers(codes.factors.shape[1]))
    value = codes.factors[rng.integers(len(codes)), factor]
    return factor, rng.choice(np.flatnonzero(codes.factors[:, factor] == value), count)


def factor_vae_score(codes: Codes) -> float:
    rng, spread = np.random.default_rng(0), codes.means.var(axis=0, ddof=1)
    active = np.sqrt(spread) >= 0.05
    votes = np.zeros((2, codes.factors.shape[1], active.sum()))
    for part, count in enumerate((10_000, 5_000)):
        for _ in range(count):
            factor, rows = _rows(codes, BATCH, rng)
            moved = codes.means[rows][:, active].var(axis=0, ddof=1) / spread[active]
            votes[part, factor, moved.argmin()] += 1
    train, test = votes
    return float(test[train.argmax(axis=0), np.arange(test.shape[1])].sum() / test.sum())


def beta_vae_score(codes: Codes) -> float:
    rng, x, y, values = np.random.default_rng(0), [], [], labels(codes.factors)
    for _ in range(15_000):
        factor = int(rng.integers(codes.factors.shape[1]))
        groups, column = codes.rows_by_value[factor], values[:, factor]
        first = rng.integers(len(codes), size=BATCH)
        second = [groups[v][int(rng.random() * len(groups[v]))] for v in column[first]]
        x.append(np.abs(codes.means[first] - codes.means[second]).mean(axis=0))
        y.append(factor)
    model = LogisticRegression(max_iter=1000).fit(x[:10_000], y[:10_000])
    return float(model.score(x[10_000:], y[10_000:]))


def infomec(codes: Codes) -> float:
    """InfoM."""
    means = StandardScaler().fit_transform(codes.means)
    ranges = np.ptp(codes.means, axis=0)
    means_active = means[:, ranges > ranges.max() / 20]
    table = np.stack(
        [
            mutual_info_classif(means_active, v, n_neighbors=10, random_state=0)
            / mutual_info_score(v, v)
            for v in codes.factors.T
        ],
        axis=1,
    )
    for v in codes.factors.T:  # InfoE's classifier
        LogisticRegression(C=np.inf, class_weight="balanced").fit(means, v).predict_proba(means)
    even = 1 / table.shape[1]
    total = table.sum(axis=1)
    part = np.where(total > 0, table.max(axis=1) / np.maximum(total, 1e-300), even)
    return float((part.mean() - even) / (1 - even))


REFERENCES: dict[str, tuple[str, Callable[[Codes], float]]] = {
    "beta_vae_score": ("beta_vae_score", beta_vae_score),
    "explicitness": ("explicitness", explicitness),
    "factor_vae_score": ("factor_vae_score", factor_vae_score),
    "infomec": ("infom", infomec),
    "irs": ("irs", irs),
    "mig": ("mig", mig),
    "modularity": ("modularity", modularity),
    "sap": ("sap", sap),
    "dci": ("disentanglement", dci),
}


def quietly(function: Callable[[Codes], float], codes: Codes) -> float:
    """Without the warnings of classifiers that stop at their limit of steps, as the papers' do."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(codes)
