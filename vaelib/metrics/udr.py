"""Unsupervised disentanglement ranking."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vaelib.information import standardised
from vaelib.metrics._checks import enough
from vaelib.types import Codes

LEAST_KL = 0.01  # nats; a latent below is not used
ALPHA = 0.1  # of the lasso
RELATIONS = ("lasso", "spearman")


def udr(
    models: Sequence[Codes],
    kl: Sequence[np.ndarray] | None = None,
    relation: str = "lasso",
    seed: int = 0,
) -> dict[str, float]:
    """Which of several trainings found what the others found too: {"model_0"}, {"model_1"} …

    For two models: the matrix of |weights| of a lasso from the standardised latents of one to
    those of the other (or of |rank correlations|), over the latents in use; the mean over rows and
    columns of maximum² / sum, which is high when each latent has one partner. A model's score is
    the median over its partners. In [0, 1], 1 is best: what comes out the same way from every
    seed is likely disentangled, and no factor is needed to see it.

    `models` are codes of the same images; `kl` gives each model's mean KL per latent in nats
    (D,); without it half the variance of the means stands in, the part that the means cost.

    Blind spots: models that agree on a wrong but repeatable basis (principal axes) score high, so
    compare seeds of one setting. Lasso weights are shrunk by 0.1: 0.9 is the most it gives.

    Limit cases: the same axis-aligned code in every model 0.9 (lasso) or 1 (spearman); constant
    codes 0.

    >>> from vaelib.sanity import constant, doubled, identity
    >>> [round(udr([codes()] * 3)["model_0"], 2) for codes in (identity, constant, doubled)]
    [0.9, 0.0, 0.56]

    Needs two models and 100 samples. Equal to disentanglement_lib's up to the choice of latents.
    Source: Duan et al. 2020, arXiv 1905.12614, section 4.
    """
    if relation not in RELATIONS:
        raise ValueError(f"relation must be one of {RELATIONS}, got {relation!r}")
    _check(models, kl)
    kl = [codes.means.var(axis=0) / 2 for codes in models] if kl is None else kl
    used = [
        standardised(codes.means)[:, (np.asarray(cost) > LEAST_KL) & (np.ptp(codes.means, 0) > 0)]
        for codes, cost in zip(models, kl, strict=True)
    ]
    count = range(len(models))
    relate = _lasso if relation == "lasso" else _spearman
    found = {
        (a, b): _one_to_one(relate(used[a], used[b], seed)) for a in count for b in count if a != b
    }
    return {f"model_{m}": float(np.median([found[a, m] for a in count if a != m])) for m in count}


def _check(models: Sequence[Codes], kl: Sequence[np.ndarray] | None) -> None:
    if len(models) < 2:
        raise ValueError(f"udr compares at least 2 models, got {len(models)}")
    for codes in models:
        enough(codes, "udr", samples=100)
    if any(not np.array_equal(codes.factors, models[0].factors) for codes in models):
        raise ValueError("udr needs codes of the same images: the models' factors differ")
    if kl is not None and [np.shape(k) for k in kl] != [c.means.shape[1:] for c in models]:
        raise ValueError(
            f"kl needs one number per latent of each model, got {list(map(np.shape, kl))}"
        )


def _lasso(x: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    """|weights| of the lasso that predicts y (N, E) from x (N, D): (D, E)."""
    from sklearn.linear_model import Lasso

    if x.shape[1] == 0 or y.shape[1] == 0:
        return np.zeros((x.shape[1], y.shape[1]))
    weights = Lasso(alpha=ALPHA, random_state=seed).fit(x, y).coef_  # (E, D), or (D,) for one
    return np.abs(np.atleast_2d(weights)).T


def _spearman(x: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    """|rank correlation| of every latent of x (N, D) with every one of y (N, E): (D, E)."""
    from scipy.stats import rankdata

    x, y = (standardised(rankdata(part, axis=0)) for part in (x, y))
    return np.abs(x.T @ y) / len(x)


def _one_to_one(matrix: np.ndarray) -> float:
    """Half the mean over rows plus half the mean over columns of maximum² / sum: (D, E) → ()."""
    if matrix.size == 0:
        return 0.0
    return float(np.mean([_relative_strength(part).mean() for part in (matrix, matrix.T)]))


def _relative_strength(matrix: np.ndarray) -> np.ndarray:
    total = matrix.sum(axis=1)
    return np.divide(matrix.max(axis=1) ** 2, total, out=np.zeros_like(total), where=total > 0)
