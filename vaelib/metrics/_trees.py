"""Boosted trees of every factor of a code, grown once and shared by the metrics that ask."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

import numpy as np

from vaelib.metrics._boosting import Boosted, boost
from vaelib.metrics._checks import canonical, train_and_test
from vaelib.metrics._parallel import per_factor
from vaelib.types import Codes

LARGEST = 30_000  # samples; of more codes this many are drawn
REMEMBERED = 64  # factors whose trees are kept, oldest out first

_memory: OrderedDict[tuple, Boosted] = OrderedDict()


def grow(codes: Codes, metric: str, seed: int = 0) -> tuple[list[Boosted], Codes]:
    """Trees for each factor, and the test samples that they predicted.

    Trained on the first two thirds. Latents are in canonical order, so that the rows of the
    importances are not those of `codes.means`. What was grown for the same arrays is returned.
    """
    if len(codes) > LARGEST:
        codes = codes[np.random.default_rng(seed).permutation(len(codes))[:LARGEST]]
    ordered = Codes(canonical(codes.means), codes.factors, codes.names)
    train, test = train_and_test(ordered, metric)
    digest = hashlib.blake2b(np.ascontiguousarray(ordered.means)).digest()

    def task(factor: int) -> Boosted:
        column = np.ascontiguousarray(codes.factors[:, factor])
        key = (digest, ordered.means.shape, hashlib.blake2b(column).digest(), seed)
        if key not in _memory:
            targets = train.factors[:, factor], test.factors[:, factor]
            _memory[key] = boost(train.means, targets[0], test.means, targets[1], seed)
        return _memory[key]

    # The factors with most values take longest, so they start first.
    longest = np.argsort([-len(np.unique(column)) for column in codes.factors.T], kind="stable")
    grown = dict(zip(longest, per_factor(task, longest), strict=True))
    while len(_memory) > REMEMBERED:
        _memory.popitem(last=False)
    return [grown[factor] for factor in range(len(codes.names))], test


def forget() -> None:
    """Empty the memory, so that a benchmark measures the growing."""
    _memory.clear()
