"""Gradient-boosted trees for all classes of a factor at once: what makes DCI take seconds.

The algorithm is scikit-learn's GradientBoostingClassifier at its defaults (Friedman 2001, Annals
of Statistics 29: 100 rounds of one depth-3 regression tree per class, learning rate 0.1), with
two savings, measured against the original:

Splits. The best split of a class lies beside one of its members, or somewhere in a smooth stretch.
So only these places and 64 quantiles are looked at. Bins of many samples would miss the single
samples at a latent's ends, by which trees learn noise, and blur the borders between classes.

Rounds. Splits change slowly, so that a tree's splits serve several of the later rounds; residuals
and leaf values are new in each step, and late steps are longer. The gain of kept splits falls
faster than that of fresh ones would, so a third of a split's first gain counts and two thirds of
its present one. Both were chosen on codes of tests/reference_codes.py: `pair45` and the small ones;
`mixed`, `split` and `curved`, and the two codes with disentanglement_lib's own scores, confirm it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vaelib.metrics._splits import DEPTH, Cuts, Ranks, grow

ROUNDS, RATE = 100, 0.1  # what is imitated: time goes from 0 to ROUNDS × RATE
GROWTH, LONGEST = 1.2, 0.6  # splits are kept 1.2 times as long as those before, up to this time
STEPS = ((0, 0.1), (4, 0.2))  # from this time on, leaf values take steps of this length
LEAVES = 2**DEPTH


@dataclass(frozen=True)
class Boosted:
    """What boosted trees learned about one factor."""

    importances: np.ndarray  # (D,) share of the gain that each latent's splits brought, sums to 1
    test_accuracy: float
    predicted: np.ndarray  # (N_test,) the factor's predicted value for each test code


def boost(
    means: np.ndarray, target: np.ndarray, test: np.ndarray, answers: np.ndarray, seed: int = 0
) -> Boosted:
    """Learn `target` (N,) from `means` (N, D), predict it for `test` (N_test, D).

    Importances are all 0 when no split helps (a constant code).
    """
    rng = np.random.default_rng(seed)
    values, which = np.unique(target, return_inverse=True)
    ranks, truth = Ranks(means, test), which == np.arange(len(values))[:, None]  # (C, N)
    cuts, truth = [Cuts(ranks, member) for member in truth], truth.astype(np.float32)
    prior = np.log(truth.mean(axis=1, keepdims=True))
    logits, test_logits = np.repeat(prior, len(means), 1), np.repeat(prior, len(test), 1)
    importances = np.zeros(means.shape[1])
    for steps in schedule():
        residual = truth - _softmax(logits)
        grown = [grow(ranks, *pair, rng) for pair in zip(cuts, residual, strict=True)]
        leaf = np.stack([leaf for _, leaf in grown])
        heights, gain = _follow(logits, truth, leaf, steps)
        test_logits += _read(heights, np.stack([tree.leaf(ranks.test) for tree, _ in grown]))
        np.add.at(importances, np.stack([tree.latent for tree, _ in grown]), gain)
    predicted = values[test_logits.argmax(axis=0)]
    return Boosted(
        importances / max(importances.sum(), 1e-300),
        float((predicted == answers).mean()),
        predicted,
    )


def schedule() -> list[list[float]]:
    """For each tree the lengths of its steps; all of them add up to ROUNDS × RATE."""
    time, kept, plan = 0.0, RATE, []
    while time < ROUNDS * RATE - 1e-9:
        length = [length for start, length in STEPS if time >= start - 1e-9][-1]
        left = ROUNDS * RATE - time
        plan.append([min(length, left)] * max(1, min(round(kept / length), round(left / length))))
        time, kept = time + sum(plan[-1]), min(kept * GROWTH, LONGEST)
    return plan


def _follow(
    logits: np.ndarray, truth: np.ndarray, leaf: np.ndarray, steps: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """Move `logits` (C, N) by the leaf values of one tree a class, step by step.

    Returns what was added in each leaf (C, 8), and what each split gained (C, 7). A leaf's value is
    Newton's step, (C-1)/C Σ residual / Σ p(1-p): Friedman 2001, equation 32.
    """
    classes = len(leaf)
    cell = (leaf + LEAVES * np.arange(classes)[:, None]).ravel()
    counts = _by_leaf(cell, None, classes)
    heights, gain, first = np.zeros((classes, LEAVES), np.float32), 0.0, None
    for step in steps:
        chance = _softmax(logits)
        top, slope = truth - chance, chance * (1 - chance)
        top, slope = _by_leaf(cell, top, classes), _by_leaf(cell, slope, classes)
        newton = np.divide(top, slope, out=np.zeros_like(top), where=slope > 1e-12)
        added = (step * (classes - 1) / classes * newton).astype(np.float32)
        logits += _read(added, leaf)
        heights += added
        present = _gains(top, counts)
        first = present if first is None else first
        gain += step * (first + 2 * present) / 3
    return heights, gain


def _by_leaf(cell: np.ndarray, weights: np.ndarray | None, classes: int) -> np.ndarray:
    """Weights (C, N), or ones, added up in each leaf: (C, 8)."""
    weights = None if weights is None else weights.ravel()
    return np.bincount(cell, weights, classes * LEAVES).reshape(classes, LEAVES)


def _gains(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The drop of the sum of squares by each split, in heap order: two (C, 8) → (C, 7)."""
    levels = []
    for _ in range(DEPTH):
        (left, right), (n_left, n_right) = _sides(sums), _sides(counts)
        sums, counts = left + right, n_left + n_right
        lean, product = left * n_right - right * n_left, n_left * n_right * counts
        levels.append(np.divide(lean**2, product, out=np.zeros_like(lean), where=product > 0))
    return np.concatenate(levels[::-1], axis=1)


def _sides(nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return nodes[:, ::2], nodes[:, 1::2]


def _read(heights: np.ndarray, leaf: np.ndarray) -> np.ndarray:
    """(C, 8) read at (C, N) leaves: (C, N)."""
    return np.take_along_axis(heights, leaf.astype(np.intp), axis=1)


def _softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits - logits.max(axis=0))
    weights /= weights.sum(axis=0)
    return weights
