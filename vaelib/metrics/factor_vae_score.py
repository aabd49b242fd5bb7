"""The score of the FactorVAE paper."""

from __future__ import annotations

import numpy as np

from vaelib.metrics._checks import UnfitFactors, varying
from vaelib.types import Codes

TRAIN, TEST = 10_000, 20_000  # votes (the paper's test has 5,000: ours halves the noise)
BATCH = 64  # codes a vote
ACTIVE_STD = 0.05  # a latent that moves less counts as unused, as in disentanglement_lib's studies
CHUNK = 1_000_000  # numbers gathered at once


def factor_vae_score(codes: Codes, seed: int = 0) -> dict[str, float]:
    """Does the latent that moves least tell which factor was held fixed? {"factor_vae_score"}.

    A vote: draw a factor and one of its values, draw 64 codes that share it, name the latent
    whose variance shrank most against its variance over all codes. The classifier names for each
    latent the factor that held it most often in 10,000 votes; the score is its accuracy on 20,000
    more. In [0, 1], 1 is best; 1 / (number of factors) is chance.

    Blind spots: votes to learn from and to test on draw the same codes, so that few score too high
    (random codes of four factors: 0.33 to 0.40 of 300, 0.26 to 0.32 of 1,000). Only the stillest
    latent counts, so a factor spread over several latents, or latents that also carry a second
    factor, can score 1. It depends on the scale of the codes: latents with a standard deviation
    under 0.05 are left out.

    Limit cases: an identity code 1; a constant code 0; every latent twice 1; one latent: chance.

    >>> from vaelib.sanity import constant, doubled, identity
    >>> values = [factor_vae_score(codes()) for codes in (identity, constant, doubled)]
    >>> [round(value["factor_vae_score"], 2) for value in values]
    [1.0, 0.0, 1.0]

    Needs at least 100 samples and two factors of which some value is shared by 10 samples; rarer
    values are never held fixed. From 10,000 samples on within sampling noise (0.02) of
    disentanglement_lib's `factor_vae_score`. Source: Kim & Mnih 2018, arXiv 1802.05983, section 3.
    """
    codes = varying(codes, "factor_vae_score", samples=100, factors=2)
    spread = codes.means.var(axis=0, ddof=1)
    active = np.sqrt(spread) >= ACTIVE_STD
    if not active.any():
        return {"factor_vae_score": 0.0}
    scaled = (codes.means[:, active] - codes.means[:, active].mean(0)) / np.sqrt(spread[active])
    rng = np.random.default_rng(seed)
    groups = [_usable(*pair) for pair in zip(codes.rows_by_value, codes.names, strict=True)]
    train, test = _votes(scaled, groups, TRAIN, rng), _votes(scaled, groups, TEST, rng)
    named = train.argmax(axis=0)  # (D,) the factor that each latent stands for
    return {"factor_vae_score": float(test[named, np.arange(len(named))].sum() / test.sum())}


def _usable(values: tuple[np.ndarray, ...], name: str) -> list[np.ndarray]:
    enough = [rows for rows in values if len(rows) >= 10]
    if not enough:
        raise UnfitFactors(
            f"factor_vae_score needs 10 samples that share a value of {name}, "
            f"got at most {max(map(len, values))}"
        )
    return enough


def _votes(
    means: np.ndarray, groups: list[list[np.ndarray]], count: int, rng: np.random.Generator
) -> np.ndarray:
    """How often each latent was the stillest while each factor was fixed: (K, D) int."""
    drawn = np.bincount(rng.integers(len(groups), size=count), minlength=len(groups))
    return np.stack(
        [
            np.bincount(_stillest(means, values, n, rng), minlength=means.shape[1])
            for values, n in zip(groups, drawn, strict=True)
        ]
    )


def _stillest(
    means: np.ndarray, values: list[np.ndarray], count: int, rng: np.random.Generator
) -> np.ndarray:
    """The latent of least variance in each of `count` batches that share a value: (count,) int."""
    sizes = np.array([len(rows) for rows in values])
    value = rng.choice(len(values), size=count, p=sizes / sizes.sum())
    within = (rng.random((count, BATCH)) * sizes[value, None]).astype(np.int64)
    rows = np.concatenate(values)[(np.cumsum(sizes) - sizes)[value, None] + within]  # (count, 64)
    step = max(1, CHUNK // (BATCH * means.shape[1]))
    parts = [means[rows[i : i + step]].var(axis=1).argmin(axis=1) for i in range(0, count, step)]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)
