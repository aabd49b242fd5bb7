"""Modularity."""

from __future__ import annotations

import numpy as np

from vaelib import information
from vaelib.metrics._checks import varying
from vaelib.types import Codes


def modularity(codes: Codes) -> dict[str, float]:
    """Does each latent know about one factor only? {"modularity"}.

    For latent j with its best factor b: 1 - Σ_{k≠b} I(z_j; v_k)² / (I(z_j; v_b)² (K-1)), the mean
    over latents, means cut into 20 bins. In [0, 1], 1 is best; a latent that knows nothing at all
    counts 0.

    Blind spots: it hardly tells good from bad where latents are idle, since these are judged by the
    noise of counting: of dSprites' factors in ten latents a perfect code gets 0.84, one with a
    turned pair 0.79, one whose latents all mix all factors 0.87, noise alone 0.67. It does not ask
    whether any factor is known well, nor whether several latents share one, and drifts with the
    number of samples.

    Limit cases: a constant code 0; every latent twice, the same as once.

    >>> from vaelib.sanity import constant, doubled, identity
    >>> [round(modularity(codes())["modularity"], 2) for codes in (identity, constant, doubled)]
    [1.0, 0.0, 1.0]

    Uses all samples, at least 100, and two factors. Equal to disentanglement_lib on the same
    arrays. Source: Ridgeway & Mozer 2018, arXiv 1802.05312, section 3.
    """
    codes = varying(codes, "modularity", samples=100, factors=2)
    values = information.labels(codes.factors)
    squared = information.mutual_information(information.bins(codes.means), values) ** 2  # (D, K)
    best = squared.max(axis=1)
    others = (squared.sum(axis=1) - best) / (values.shape[1] - 1)
    ratio = np.divide(others, best, out=np.ones_like(best), where=best > 0)
    return {"modularity": float(np.mean(1 - ratio))}
