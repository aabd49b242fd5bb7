"""How well boosted trees predict the factors from few and from many labels."""

from __future__ import annotations

import numpy as np

from vaelib.metrics import _trees
from vaelib.metrics._checks import varying
from vaelib.types import Codes

LABELS = (10, 100, 1000)


def downstream_accuracy(codes: Codes, seed: int = 0) -> dict[str, float]:
    """Mean test accuracy over the factors, learned from few labels and from all.

    {"labels_10"}, {"labels_100"}, {"labels_1000"}, {"labels_all"}: boosted trees (see `dci`) learn
    each factor from that many labelled codes. In [0, 1], 1 is best; chance is the mean share of
    each factor's commonest value.

    Blind spots: it says how useful the code is for this learner, not whether it is
    disentangled; factors with many values need many labels, however good the code.

    Limit cases: an identity code 1 with all labels; a constant code: chance; every latent
    twice, about as once.

    >>> from vaelib.sanity import constant, doubled, identity
    >>> values = [downstream_accuracy(codes()) for codes in (identity, constant, doubled)]
    >>> [round(value["labels_all"], 2) for value in values]
    [1.0, 0.23, 1.0]

    Learns from the first samples of the first two thirds of at least 150; "all" are the two
    thirds, and numbers above them are left out.
    Source: Locatello et al. 2019, arXiv 1811.12359, section 5.
    """
    codes = varying(codes, "downstream_accuracy", samples=150)
    sizes: dict[str, int | None] = {f"labels_{n}": n for n in LABELS if n < 2 * len(codes) // 3}
    sizes["labels_all"] = None
    grown = {
        name: _trees.grow(codes, "downstream_accuracy", seed, n)[0] for name, n in sizes.items()
    }
    return {name: float(np.mean([t.test_accuracy for t in trees])) for name, trees in grown.items()}
