"""By how many degrees a pair of factors is turned against the latents."""

from __future__ import annotations

import numpy as np

from vaelib.metrics._checks import UnfitFactors, pairs, varying
from vaelib.types import Codes

LEAST = 0.01  # part of one latent's variance; a pair that explains less has no angle


def plane_angle(codes: Codes) -> dict[str, float]:
    """The turn of each pair's plane in degrees: {"a+b"} of every pair, {"mean"}, {"max"}.

    Standardised latents are regressed linearly on all standardised factors. A latent that moves
    by w_a with factor a and w_b with b lies arctan(smaller / larger) off the nearer axis; the
    mean over latents, weighted by w_a² + w_b². From 0 to 45; 0 is best
    (each latent follows one of the two), at 45 it follows both alike.

    The most sensitive number for correlated pairs: two factors of equal effect turn by 45° at any
    correlation, and no trees are needed. Ours; it needs samples in which both factors vary.

    Blind spots: linear, so periodic or unordered factors mean little; a factor that no latent
    follows does not count, and two latents that follow the same factor look perfect. A latent that
    hardly moves counts as much as any that follows the pair as closely, however idle it is.

    Limit cases: an identity code 0; every latent twice 0; a pair turned by 45°: 45; a random
    mixture about 22; a constant code 45, the angle of a pair that no latent follows.

    >>> from vaelib.sanity import constant, doubled, identity
    >>> [round(plane_angle(codes())["max"], 2) for codes in (identity, constant, doubled)]
    [0.0, 45.0, 0.0]

    Uses all samples, at least 100, and two or more factors of which none is a linear function of
    others.
    """
    codes = varying(codes, "plane_angle", samples=100, factors=2)
    latents, factors = _standard(codes.means), _standard(codes.factors)
    if np.linalg.eigvalsh(factors.T @ factors / len(codes)).min() < 1e-6:
        raise UnfitFactors(
            "plane_angle needs factors of which none is a sum of others, as one-hot columns are, "
            f"got {codes.names}"
        )
    effects = np.linalg.lstsq(factors, latents, rcond=None)[0].T  # (D, K)
    angles = {name: _angle(effects[:, [a, b]]) for a, b, name in pairs(codes.names)}
    values = list(angles.values())
    return {"mean": float(np.mean(values)), "max": max(values), **angles}


def _standard(columns: np.ndarray) -> np.ndarray:
    moves = np.ptp(columns, axis=0) > 0
    moving = columns[:, moves]
    return (moving - moving.mean(axis=0)) / moving.std(axis=0)


def _angle(effects: np.ndarray) -> float:
    """Degrees off the nearer axis, (D, 2) → (), each latent weighted by how far it moves."""
    weight = (effects**2).sum(axis=1)
    if weight.sum() < LEAST:
        return 45.0
    small, large = np.sort(np.abs(effects), axis=1).T
    return float(np.average(np.degrees(np.arctan2(small, large)), weights=weight))
