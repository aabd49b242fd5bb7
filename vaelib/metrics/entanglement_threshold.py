"""Pairwise entanglement threshold."""

from __future__ import annotations

import numpy as np

from vaelib.metrics import _trees
from vaelib.metrics._checks import pairs, varying
from vaelib.types import Codes


def entanglement_threshold(codes: Codes, seed: int = 0) -> dict[str, float]:
    """At which importance do two factors first share a latent? {"a+b"}, {"mean"}, {"max"}.

    Join factor k and latent j when the importance R_jk of j in trees that predict k (see `dci`)
    exceeds a threshold. Lower it from the top: the score of a pair is the threshold at which its
    two factors first hang together, directly or through others. In [0, 1], 0 is best: a
    separate pair joins only at the noise of the importances; an entangled one as high as the
    smaller of its two importances in a latent that both need: 1 where one latent holds both.

    Blind spots: the noise floor rises with the number of values of a factor and falls with the
    number of latents; pairs that hang together through a third factor look entangled.

    Limit cases: an identity code 0; a constant code 0 (nothing is important); every latent twice,
    as once; a pair turned by 45° about 0.4.

    >>> from vaelib.sanity import constant, doubled, identity
    >>> values = [entanglement_threshold(codes()) for codes in (identity, constant, doubled)]
    >>> [round(value["max"], 2) for value in values]
    [0.0, 0.0, 0.0]

    Trains on the first two thirds of at least 150 samples, needs two factors.
    Source: Träuble et al. 2021, arXiv 2006.07886, section 4.
    """
    codes = varying(codes, "entanglement_threshold", samples=150, factors=2)
    grown, _ = _trees.grow(codes, "entanglement_threshold", seed)
    joined = _thresholds(np.stack([t.importances for t in grown], axis=1))
    scores = {name: float(joined[a, b]) for a, b, name in pairs(codes.names)}
    values = list(scores.values())
    return {"mean": float(np.mean(values)), "max": max(values), **scores}


def _thresholds(importances: np.ndarray) -> np.ndarray:
    """For each pair of factors the largest threshold that joins them: (D, K) → (K, K)."""
    d, k = importances.shape
    group = np.arange(k + d)  # factors first, then latents; equal numbers hang together
    joined = np.zeros((k, k))
    for edge in np.argsort(-importances, axis=None, kind="stable"):
        latent, factor = np.unravel_index(edge, importances.shape)
        left, right = group == group[factor], group == group[k + latent]
        if not left[k + latent]:
            joined[np.ix_(left[:k], right[:k])] = importances[latent, factor]
            joined[np.ix_(right[:k], left[:k])] = importances[latent, factor]
            group[right] = group[factor]
    return joined
