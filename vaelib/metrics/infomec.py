"""InfoM, InfoC and InfoE."""

from __future__ import annotations

import numpy as np

from vaelib import information
from vaelib.information import standardised
from vaelib.metrics._checks import UnfitFactors, canonical, thinned, varying
from vaelib.metrics._regression import chances, logistic_regression
from vaelib.metrics._work import spread
from vaelib.types import Codes

NEIGHBOURS = 10
JITTER = 1e-10  # separates equal values, as scikit-learn does


def infomec(codes: Codes, seed: int = 0) -> dict[str, float]:
    """Modularity, compactness and explicitness in terms of information.

    N_jk = I(z_j; v_k) / H(v_k), by nearest neighbours (k = 10), over the latents whose range
    exceeds a twentieth of the largest range. {"infom"}: the mean over latents of the best
    factor's part of a latent's N, {"infoc"}: the mean over factors of the best latent's part of a
    factor's N, both stretched so that an even spread is 0. {"infoe"}: how much of its
    cross-entropy a linear classifier (balanced classes) loses by seeing all latents, on its own
    training samples: (ln V - cross-entropy) / ln V for a factor of V values. ln V is what it pays
    when it sees nothing, and the factor's entropy where all values are as frequent. 1 is best;
    infom and infoc lie in [0, 1], infoe is at most 1.

    Blind spots: infom and infoc are ratios, blind to how much is known: random codes get 0.6 and
    0.35 from noise alone, and idle latents that move enough to count lower infom; where only one
    latent is active infoc is 1. A latent that knows nothing counts as even. Ties are broken at
    random: codes without noise vary by some 0.01 with the seed. infoe stops after 100 steps, so
    that its last digits depend on the optimiser.

    Limit cases: an identity code 1, 1 and nearly 1; a constant code 0, 0, 0; every latent twice:
    infoc about 0.44 with 10 latents.

    >>> from vaelib.sanity import constant, doubled, identity
    >>> [round(infomec(codes())["infoc"], 2) for codes in (identity, constant, doubled)]
    [0.99, 0.0, 0.4]

    Needs at least 100 samples, two factors, and on average two samples of each value; of more than
    30,000 samples it draws 30,000.
    Source: Hsu et al. 2023, arXiv 2305.18378, section 4; constants of the authors' code.
    """
    codes = thinned(varying(codes, "infomec", samples=100, factors=2))
    rng = np.random.default_rng(seed)
    means, values = canonical(codes.means), information.labels(codes.factors)
    if 2 * (most := int(values.max()) + 1) > len(codes):
        raise UnfitFactors(f"infomec needs two samples a value, got {len(codes)} for {most} values")
    entropy = information.entropy(values)  # (K,)
    ranges = np.ptp(means, axis=0)
    active = standardised(means[:, (ranges > ranges.max() / 20) & (ranges > 0)])
    if active.shape[1] == 0:
        return {"infom": 0.0, "infoc": 0.0, "infoe": 0.0}
    jitter = JITTER * rng.standard_normal(len(means))
    calls = [(z + jitter, v) for z in active.T for v in values.T]
    table = np.reshape(spread(_information, calls), (-1, len(entropy))) / entropy  # (active, K)
    x = standardised(means).astype(np.float32)  # as the authors do; three times as fast
    left = spread(_cross_entropy, [(x, column) for column in values.T])
    known = 1 - np.array(left) / np.log(values.max(axis=0) + 1)
    return {"infom": _part(table), "infoc": _part(table.T), "infoe": float(known.mean())}


def _part(table: np.ndarray) -> float:
    """Mean over rows of maximum / sum, from 0 (even, or nothing at all) to 1: (A, B) → ()."""
    total, even = table.sum(axis=1), 1 / table.shape[1]
    part = np.divide(table.max(axis=1), total, out=np.full_like(total, even), where=total > 0)
    return 1.0 if even == 1 else float((part.mean() - even) / (1 - even))


def _information(latent: np.ndarray, value: np.ndarray) -> float:
    """I(latent; value) in nats between a real (N,) and integers (N,), by nearest neighbours.

    Ross 2014 (PLoS ONE 9(2), e87357): count how many samples of any value lie within the distance
    to the k-th neighbour of the same value.
    """
    from scipy.special import digamma

    order = np.lexsort((latent, value))
    groups = np.split(latent[order], np.flatnonzero(np.diff(value[order])) + 1)
    groups = [group for group in groups if len(group) > 1]  # a lone sample has no neighbour
    if not groups:
        return 0.0
    points, sizes = np.concatenate(groups), np.array([len(group) for group in groups])
    neighbours = np.minimum(NEIGHBOURS, sizes - 1)
    reach = np.concatenate([_distance(g, k) for g, k in zip(groups, neighbours, strict=True)])
    # The neighbour itself lies on the border and must not be counted, whatever the rounding.
    reach = np.maximum(reach - 4 * np.spacing(np.abs(points) + reach), 0)
    everyone = np.sort(points)
    count = np.searchsorted(everyone, points + reach, "right")
    count = np.maximum(count - np.searchsorted(everyone, points - reach, "left"), 1)
    expected = digamma(neighbours) - digamma(sizes)
    expected = np.sum(expected * sizes) / len(points)
    return float(max(0.0, digamma(len(points)) + expected - digamma(count).mean()))


def _distance(ordered: np.ndarray, k: int) -> np.ndarray:
    """The distance of each point of an ordered line to its k-th neighbour: (n,) → (n,)."""
    far = np.full(k, np.inf)
    padded = np.concatenate([-far, ordered, far])
    n = len(ordered)
    # the k nearest are a run of k + 1 points: `below` of them under the point, the rest above
    windows = [
        np.maximum(
            ordered - padded[k - below : k - below + n], padded[2 * k - below :][:n] - ordered
        )
        for below in range(k + 1)
    ]
    return np.min(windows, axis=0)


def _cross_entropy(x: np.ndarray, value: np.ndarray) -> float:
    """Mean -log chance of the true value, in nats, under an unpenalised balanced classifier."""
    weights = logistic_regression(x, value, penalty=0, balanced=True)
    chance = chances(weights, x)[np.arange(len(value)), value]
    return float(-np.log(np.maximum(chance, np.finfo(float).eps)).mean())
