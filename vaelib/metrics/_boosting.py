"""Gradient-boosted trees for all classes of a factor at once: what makes DCI take seconds.

The algorithm is scikit-learn's GradientBoostingClassifier at its defaults (Friedman 2001, Annals
of Statistics 29: 100 rounds of one depth-3 regression tree per class, learning rate 0.1), with
two savings. Codes are cut into bins, so that one sparse product counts every split of every
class's tree. And rounds are merged: boosting with a small learning rate follows a differential
equation, early rounds change fast and keep their step, later ones take larger steps and count
for as many rounds as they replace.

Where to cut was measured against the original. Bins of equal count miss the borders between
well separated classes (DCI 0.09 too low), so that half-way points between class means are added.
Coarse bins hamper latents that know the factor and latents that do not alike, which balances at
150 samples a bin; small samples are not cut at all, since single samples decide there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

DEPTH = 3
ROUNDS, RATE = 100, 0.1  # what is imitated
GROWTH, LARGEST = 1.15, 0.4  # a step is this much longer than the one before, up to this length
BINS, PER_BIN = 64, 156  # bins of equal count: at least so many, of about so many samples
UNCUT = 15_000  # samples × latents up to which every distinct value has its bin


@dataclass(frozen=True)
class Boosted:
    """What boosted trees learned about one factor."""

    importances: np.ndarray  # (D,) share of the gain that each latent's splits brought, sums to 1
    train_accuracy: float
    test_accuracy: float
    predicted: np.ndarray  # (N_test,) the factor's predicted value for each test code


def boost(
    means: np.ndarray,
    target: np.ndarray,
    test: np.ndarray,
    answers: np.ndarray,
    seed: int = 0,
    uncut: int = UNCUT,
) -> Boosted:
    """Learn `target` (N,) from `means` (N, D), predict it for `test` (N_test, D).

    Importances are all 0 when no split helps (a constant code). `uncut` = 0 cuts small samples
    too: faster, and as good where only the predictions matter.
    """
    rng = np.random.default_rng(seed)
    values, which = np.unique(target, return_inverse=True)
    table = _Table(means, which, uncut)
    test_bins = table.cut(test)
    truth = (which[:, None] == np.arange(len(values))).astype(np.float32)  # (N, C)
    prior = np.log(truth.mean(axis=0))
    logits, test_logits = np.tile(prior, (len(means), 1)), np.tile(prior, (len(test), 1))
    importances = np.zeros(means.shape[1])
    for step in steps():
        chance = _softmax(logits)
        trees, leaf = _grow(table, truth - chance, rng)
        heights = _leaf_values(leaf, truth - chance, chance)
        logits += step * _read(heights, leaf)
        test_logits += step * _read(heights, trees.route(test_bins))
        np.add.at(importances, trees.feature, step * trees.gain)
    guess, predicted = values[logits.argmax(axis=1)], values[test_logits.argmax(axis=1)]
    return Boosted(
        importances / max(importances.sum(), 1e-300),
        float((guess == target).mean()),
        float((predicted == answers).mean()),
        predicted,
    )


def steps() -> list[float]:
    """Lengths of the merged rounds; they add up to ROUNDS × RATE."""
    left, step, lengths = ROUNDS * RATE, RATE, []
    while left > 1e-9:
        lengths.append(min(step, left))
        left -= lengths[-1]
        step = min(step * GROWTH, LARGEST)
    return lengths


class _Table:
    """The training codes cut into bins, with the sums over bins as one sparse product."""

    def __init__(self, means: np.ndarray, which: np.ndarray, uncut: int):
        n, d = means.shape
        count = n if n * d <= uncut else max(BINS, n // PER_BIN)
        self.edges = [_edges(column, which, count) for column in means.T]
        self.width = 1 + max(len(edges) for edges in self.edges)
        self.bins = self.cut(means)  # (N, D) int16
        cell = self.bins + np.arange(d, dtype=np.int32) * self.width  # (N, D)
        ones, samples = np.ones(n * d, np.float32), np.repeat(np.arange(n, dtype=np.int32), d)
        self.members = csr_matrix((ones, (cell.ravel(), samples)), shape=(d * self.width, n))

    def cut(self, means: np.ndarray) -> np.ndarray:
        pairs = zip(self.edges, means.T, strict=True)
        return np.stack([np.searchsorted(e, column) for e, column in pairs], 1).astype(np.int16)

    def sums(self, columns: np.ndarray) -> np.ndarray:
        """(N, P) float32 → (D, bins, P): each column summed over the samples of each bin."""
        return (self.members @ columns).reshape(-1, self.width, columns.shape[1])


def _edges(column: np.ndarray, which: np.ndarray, count: int) -> np.ndarray:
    """Half-way between distinct values where these are few; else between class means, and at
    `count` quantiles."""
    distinct = np.unique(column)
    if len(distinct) <= count:
        return (distinct[1:] + distinct[:-1]) / 2
    centres = np.sort(np.bincount(which, column) / np.bincount(which))
    quantiles = np.quantile(column, np.linspace(0, 1, count + 1)[1:-1])
    return np.unique(np.concatenate([quantiles, (centres[1:] + centres[:-1]) / 2]))


@dataclass(frozen=True)
class _Trees:
    """One depth-3 tree per class; nodes in heap order: the root, its children, theirs."""

    feature: np.ndarray  # (7, C) the latent that a node looks at
    edge: np.ndarray  # (7, C) a sample goes right when its bin is higher than this
    gain: np.ndarray  # (7, C) how much the split reduced the sum of squared residuals

    def route(self, bins: np.ndarray) -> np.ndarray:
        """The leaf, 0 … 7, in which each sample ends for each class: (N, D) int → (N, C) int."""
        place = np.zeros((len(bins), self.feature.shape[1]), np.int8)
        for depth in range(DEPTH):
            first = 2**depth - 1
            nodes = slice(first, 2 * first + 1)
            place = _descend(bins, place, self.feature[nodes], self.edge[nodes])
        return place


def _descend(
    bins: np.ndarray, place: np.ndarray, feature: np.ndarray, edge: np.ndarray
) -> np.ndarray:
    """One level down: from node `place` (N, C) of this level to its child in the next."""
    right = bins[:, feature[0]] > edge[0]
    if len(feature) > 1:
        right &= place == 0
    for node in range(1, len(feature)):
        right |= (bins[:, feature[node]] > edge[node]) & (place == node)
    return 2 * place + right


def _grow(
    table: _Table, residual: np.ndarray, rng: np.random.Generator
) -> tuple[_Trees, np.ndarray]:
    """Fit one tree to each class's residual (N, C); also the leaf of every sample (N, C)."""
    place = np.zeros(residual.shape, np.int8)
    ones = np.ones((len(residual), 1), np.float32)
    nodes, found = [(table.sums(residual), table.sums(ones))], []
    for depth in range(DEPTH):
        splits = [_best_split(sums, counts, rng) for sums, counts in nodes]
        found += splits
        place = _descend(
            table.bins, place, *(np.stack(part) for part in list(zip(*splits, strict=True))[:2])
        )
        if depth < DEPTH - 1:
            nodes = _children(table, residual, place, nodes)
    return _Trees(*(np.stack(part) for part in zip(*found, strict=True))), place


def _children(
    table: _Table, residual: np.ndarray, place: np.ndarray, nodes: list[tuple]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Sums and counts of the next level: left children are added up, right ones are the rest."""
    inside = [(place == 2 * i).astype(np.float32) for i in range(len(nodes))]
    columns = np.concatenate([residual * left for left in inside] + inside, axis=1)
    parts = np.split(table.sums(columns), 2 * len(nodes), axis=2)
    lefts = zip(parts[: len(nodes)], parts[len(nodes) :], strict=True)
    return [
        child
        for (sums, counts), (s, c) in zip(nodes, lefts, strict=True)
        for child in ((s, c), (sums - s, counts - c))
    ]


def _best_split(
    sums: np.ndarray, counts: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The latent, bin and gain of the best split of each class: (D, bins, C) → three (C,).

    Gain is the drop of the sum of squares: (mean_left - mean_right)² n_left n_right / n. Equal
    gains are decided at random, as in scikit-learn, or a duplicated latent would get nothing.
    """
    left, n_left = np.cumsum(sums, axis=1), np.cumsum(counts, axis=1)
    total, n = left[:, -1:], n_left[:, -1:]
    product = n_left * (n - n_left)  # 0 where a side is empty
    lean = left - total * (n_left / np.maximum(n, 1))
    gain = lean * lean * (n / np.maximum(product, 1)) * (product > 0)
    edge = gain.argmax(axis=1)  # (D, C)
    best = np.take_along_axis(gain, edge[:, None], axis=1)[:, 0]
    feature = (best * (1 + 1e-5 * rng.random(best.shape))).argmax(axis=0)  # (C,)
    classes = np.arange(sums.shape[2])
    return feature, edge[feature, classes].astype(np.int16), best[feature, classes]


def _leaf_values(leaf: np.ndarray, residual: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Newton's step in each leaf: (C-1)/C Σ residual / Σ p(1-p), (8, C). Friedman 2001, eq. 32."""
    classes = leaf.shape[1]
    cell = (leaf.astype(np.int64) * classes + np.arange(classes)).ravel()
    size = 2**DEPTH * classes
    top = np.bincount(cell, residual.ravel(), size)
    bottom = np.bincount(cell, (chance * (1 - chance)).ravel(), size)
    steps = np.divide(top, bottom, out=np.zeros(size), where=bottom > 1e-12)
    return (steps * (classes - 1) / classes).astype(np.float32).reshape(-1, classes)


def _read(heights: np.ndarray, leaf: np.ndarray) -> np.ndarray:
    return heights[leaf, np.arange(leaf.shape[1])]


def _softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)
