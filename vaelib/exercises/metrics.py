"""Chapter 6: modularity from a table, the ceiling of binning, a fooled score, the illusion."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from numbers import Real

import numpy as np

from vaelib import information, metrics
from vaelib.exercises.verdict import compare, exercise, expect
from vaelib.types import Codes

GOLDEN = (math.sqrt(5) - 1) / 2  # where 1 − ρ² = ρ

TABLES = (  # what latents (rows) know about factors (columns), in nats
    np.array([[1.0, 0.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 0.2]]),
    np.array([[1.0, 0.5, 0.1], [0.2, 0.8, 0.0]]),
    np.array([[1.1, 0.0], [0.6, 0.6], [0.0, 0.0], [0.3, 0.9]]),
)


@exercise("Right: latents that know nothing count 0, and how much is known does not matter.")
def check_modularity(modularity: Callable[[np.ndarray], float]) -> Iterator[str]:
    """`modularity(table)`: of information (D, K) in nats, Ridgeway & Mozer's score."""
    for table in TABLES:
        got = modularity(table.copy())
        yield from expect(np.asarray(got), (), "one number, the mean over the latents")
        if math.isnan(got):
            yield "A latent that knows nothing made 0/0: let it count 0."
        right = modularities(table).mean()
        rest = f"{table.tolist()} has modularity {right:.3f}, yours is {got:.3f}."
        yield from compare(got, right, _known_slips(table), rest)


def _known_slips(table: np.ndarray) -> dict[float, str]:
    """Answers that can be recognised, and advice on each."""
    best, knows = table.max(axis=1), table.max(axis=1) > 0
    leaks = (table**2).sum(axis=1)[knows] / best[knows] ** 2 / (table.shape[1] - 1)
    return {
        modularities(table)[knows].mean(): "You left out the latent that knows nothing: it stays "
        "in the mean, as a 0.",
        modularities(np.sqrt(table)).mean(): "Square the information, as the formula says: small "
        "leaks then count less.",
        modularities(table.T).mean(): "You asked of each factor; modularity asks of each latent: "
        "go along the rows.",
        (1 - leaks).sum() / len(table): "The best factor itself is no leak: subtract its square "
        "from the sum.",
    }


def modularities(table: np.ndarray) -> np.ndarray:
    """The modularity of each latent of a table (D, K): (D,)."""
    best = table.max(axis=1)
    leaks = (table**2).sum(axis=1) - best**2
    ratio = leaks / np.where(best > 0, best, 1) ** 2 / (table.shape[1] - 1)
    return np.where(best > 0, 1 - ratio, 0.0)


@exercise("Right: 0.85 for the 32 positions. No code of dSprites can have a larger MIG there.")
def check_ceiling(ceiling: Callable[[int, int], float]) -> Iterator[str]:
    """`ceiling(values, bins)`: the part of a factor's entropy that its exact latent keeps.

    The factor has that many equally likely values, 0, 1, …; the latent, equal to it, is cut into
    bins of equal width over its range.
    """
    for values, bins in ((6, 20), (32, 20), (40, 20), (32, 5), (2, 20)):
        got, right = ceiling(values, bins), kept(values, bins)
        if values <= bins and not np.isclose(got, right):
            yield f"{values} values fit into {bins} bins, so all is kept: 1, not {got:.3f}."
        if np.isclose(got, math.log(bins) / math.log(values)) and values == 32 and bins == 20:
            yield (
                "That assumes that the values share the bins evenly. 32 values in 20 bins cannot: "
                "12 bins hold two of them, 8 bins one. Count."
            )
        if np.isclose(got, right * math.log(values)):
            yield "That is the information in nats; divide it by the entropy, ln(values)."
        if not np.isclose(got, right, atol=1e-6):
            yield f"For {values} values in {bins} bins it is {right:.4f}, yours is {got:.4f}."


def kept(values: int, bins: int) -> float:
    """What `check_ceiling` asks, by counting."""
    factor = np.arange(values)[:, None]
    binned = information.bins(factor.astype(float), bins)
    return float(information.entropy(binned)[0] / math.log(values))


@exercise("Right: rare outliers set the scale of IRS, and next to them everything looks robust.")
def check_fool(fool: Callable[[np.ndarray, np.random.Generator], np.ndarray]) -> Iterator[str]:
    """`fool(factors, rng)`: latents (N, D) that know nothing, and yet have an IRS above 0.9."""
    factors = np.random.default_rng(1).integers(0, (3, 4, 6, 6), size=(2_000, 4))
    means = fool(factors.copy(), np.random.default_rng(0))
    if np.ndim(means) != 2 or len(means) != len(factors):
        yield f"It must return latents (N, D), here (2000, D); got the shape {np.shape(means)}."
    codes = Codes(means, factors)
    # Of ranks, since equal widths would put all but an outlier into one bin.
    ranks = codes.means.argsort(0, kind="stable").argsort(0, kind="stable").astype(float)
    knows = information.mutual_information(information.bins(ranks), information.labels(factors))
    robust = metrics.irs(codes)["irs"]
    if np.ptp(codes.means, axis=0).max() == 0:
        yield "A code that never moves gets an IRS of 0. Something must move, once in a while."
    if knows.max() > 0.05:
        yield f"One of your latents knows {knows.max():.2f} nats about a factor: that is no fraud."
    if robust <= 0.9:
        yield (
            f"Its IRS is {robust:.2f}. IRS divides by the *largest* distance from the mean, but "
            "looks at the 99 % quantile of the distances in a group. What lies above 99 %?"
        )


@exercise("Right: the golden ratio, 0.618. Above it the turned code looks better than the truth.")
def check_crossing(rho: float) -> Iterator[str]:
    """The correlation above which SAP ranks the turned code over the perfect one."""
    if not isinstance(rho, Real) or not 0 < rho < 1:
        yield f"Give a correlation between 0 and 1, got {rho!r}."
    perfect, turned = 1 - rho**2, rho
    if abs(rho - 1 / math.sqrt(2)) < 0.005:
        yield "That is where the perfect code has lost half. Where does the turned one pass it?"
    if abs(rho - GOLDEN) >= 0.002:
        better = "the perfect" if perfect > turned else "the turned"
        yield (
            f"At ρ = {rho:.3f} the perfect code has 1 − ρ² = {perfect:.3f} and the turned one "
            f"ρ = {turned:.3f}: {better} code is still ahead. Set the two equal."
        )
