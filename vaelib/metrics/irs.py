"""Interventional robustness score."""

from __future__ import annotations

import numpy as np

from vaelib import information
from vaelib.metrics._checks import varying
from vaelib.types import Codes

QUANTILE = 99  # per cent; the paper takes the maximum


def irs(codes: Codes) -> dict[str, float]:
    """Does a latent stay put while everything but its own factor changes? {"irs"}.

    Hold factor k at each of its values (cut into 20 bins), take the 99 % quantile of
    |z_j - mean of the group|, average over the values, divide by the largest |z_j - mean|. One
    minus that is the robustness of latent j under factor k; the best k counts, and latents are
    weighted by how far they move. In [0, 1], 1 is best.

    Blind spots: nothing is intervened on, groups of the sample stand in for it, so it is right for
    independent factors only. A latent with rare outliers looks robust, and so does one whose
    groups are small: random codes of dSprites get 0.38.

    Limit cases: an identity code 1 (0.98 for dSprites, whose 40 angles share 20 bins); a constant
    code 0; every latent twice, the same as once.

    >>> from vaelib.sanity import constant, doubled, identity
    >>> [round(irs(codes())["irs"], 2) for codes in (identity, constant, doubled)]
    [1.0, 0.0, 1.0]

    Uses all samples, at least 100. Equal to disentanglement_lib on the same arrays.
    Source: Suter et al. 2019, arXiv 1811.00007, section 4.
    """
    codes = varying(codes, "irs", samples=100)
    moving = codes.means[:, np.ptp(codes.means, axis=0) > 0]
    if moving.shape[1] == 0:
        return {"irs": 0.0}
    groups = information.bins(codes.factors).T  # (K, N)
    inside = np.stack([_deviation(moving, group) for group in groups], axis=1)  # (D, K)
    largest = np.abs(moving - moving.mean(axis=0)).max(axis=0)  # (D,)
    robust = 1 - (inside / largest[:, None]).min(axis=1)
    return {"irs": float(np.average(robust, weights=largest))}


def _deviation(means: np.ndarray, group: np.ndarray) -> np.ndarray:
    """The 99 % quantile of each latent's distance from its group's mean, averaged over groups."""
    parts = [means[group == value] for value in np.unique(group)]
    distances = [np.abs(part - part.mean(axis=0)) for part in parts]
    return np.mean([np.percentile(d, QUANTILE, axis=0) for d in distances], axis=0)
