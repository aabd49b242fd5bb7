"""Boosted trees of every factor of a code, shared by the metrics that ask for them."""

from __future__ import annotations

from vaelib.metrics._boosting import Boosted, boost
from vaelib.metrics._checks import canonical, train_and_test
from vaelib.metrics._work import each_factor
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
    return each_factor(boost, part, test, seed), test
