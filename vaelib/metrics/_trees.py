"""Boosted trees of every factor of a code, shared by the metrics that ask for them."""

from __future__ import annotations

import numpy as np

from vaelib.metrics._boosting import Boosted, boost
from vaelib.metrics._checks import canonical, train_and_test
from vaelib.metrics._work import spread
from vaelib.types import Codes


def grow(
    codes: Codes, metric: str, seed: int = 0, labels: int | None = None
) -> tuple[list[Boosted], Codes]:
    """Trees for each factor, and the test samples that they predicted.

    Trained on the first two thirds, or the first `labels` of these. Latents are in canonical
    order, so that the rows of the importances are not the columns of `codes.means`.
    """
    ordered = Codes(canonical(codes.means), codes.factors, codes.names)
    train, test = train_and_test(ordered, metric)
    part = train if labels is None else train[:labels]
    # The factors with most values take longest, so they start first.
    longest = np.argsort([-len(np.unique(column)) for column in codes.factors.T], kind="stable")
    calls = [
        (part.means, part.factors[:, k], test.means, test.factors[:, k], seed) for k in longest
    ]
    grown = spread(boost, calls)
    by_factor = dict(zip(longest, grown, strict=True))
    return [by_factor[k] for k in range(len(codes.names))], test
