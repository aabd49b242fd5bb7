"""Chapter 5: prices that bend, what a sum of factors looks like, and weights that flatten."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from vaelib.exercises.verdict import exercise, number


@exercise("Right: dear for the first hundredths of a nat, never below what the KL asks anyway.")
def check_price(price: Callable[[float, float, float, float], float]) -> Iterator[str]:
    """`price(nats, beta_max, epsilon, beta_min)`: β_ij of a pair with this measured dependence."""
    for nats, most, epsilon, least in ((0.0, 6.0, 0.05, 1.0), (0.1, 6.0, 0.05, 1.0),
                                       (2.0, 6.0, 0.05, 1.0), (0.3, 8.0, 0.1, 0.0)):  # fmt: skip
        got = number(price(nats, most, epsilon, least))
        bent = most * epsilon / (epsilon + nats)
        if np.isclose(got, most * epsilon * math.log1p(nats / epsilon)) and nats:
            yield "That is φ, the whole bill. β_ij is its slope: what one more nat costs."
        if np.isclose(got, bent) and bent < least:
            yield f"With {nats:g} nats it falls to {got:.2g}: hold it at beta_min, {least:g}."
        if not np.isclose(got, max(least, bent)):
            yield (
                f"With {nats:g} nats, beta_max {most:g}, epsilon {epsilon:g} and beta_min "
                f"{least:g} it must be {max(least, bent):.3g}; yours is {got:.3g}."
            )


@exercise("Right: the kurtosis comes closer to a Gaussian's with every factor that is mixed in.")
def check_kurtosis_of_sum(kurtosis_of_sum: Callable[[int], float]) -> Iterator[str]:
    """`kurtosis_of_sum(n)`: of the sum of n independent, even spreads of the same width."""
    got = [number(kurtosis_of_sum(n)) for n in (1, 2, 10)]
    if not np.isclose(got[0], 1.8):
        yield f"One even spread has exactly 1.8, yours has {got[0]:.6g}."
    if np.isclose(got[1], 3.6):
        yield "Kurtoses do not add up; the fourth cumulant, m4 − 3·m2², does, and so does m2."
    for n, value in zip((2, 10), got[1:], strict=True):
        if not np.isclose(value, 3 - 1.2 / n):
            yield (
                f"For {n} of them it is {3 - 1.2 / n:.3g}; yours is {value:.3g}. Write "
                "kurt = 3 + κ4/m2²: cumulants of independent things add up."
            )


@exercise("Right: a few heavy images are worth no more than their number.")
def check_effective(effective: Callable[[np.ndarray], float]) -> Iterator[str]:
    """`effective(weights)`: the effective number of images, as a share of all."""
    rng = np.random.default_rng(0)
    cases = (np.ones(7), np.array([1.0, 0, 0, 0]), rng.random(50), 10 * rng.random(50))
    for weights in cases:
        got = number(effective(weights))
        right = weights.sum() ** 2 / (weights**2).sum() / len(weights)
        if np.isclose(got, right * len(weights)) and len(weights) > 1:
            yield "That is the number of images; divide by how many there are."
        if not np.isclose(got, right):
            yield (
                f"For {len(weights)} weights with the sum {weights.sum():.3g} it must be "
                f"{right:.3g}; yours is {got:.3g}. Equal weights must give 1, and the scale of the "
                "weights must not matter."
            )
