"""Weights β_ij of pairs of latents, from how dependent the pairs were measured to be.

They are small frozen dataclasses that can be put into one another:
`WeakThenTighten(IfSignificant(Relaxed(beta_max=6.0)))`.

>>> nats = torch.tensor([[0.0, 0.2], [0.2, 0.0]])
>>> measured = Measured(nats, torch.zeros(2, 2), torch.zeros(2, 2))
>>> rules = [Uniform(6.0), Chosen(((0, 1),)), Relaxed(6.0), IfSignificant()]
>>> [round(rule(measured, step=0)[0, 1].item(), 1) for rule in rules]
[6.0, 0.0, 1.2, 1.2]
>>> three = torch.tensor([[0.0, 0.5, 0.2], [0.5, 0.0, 0.4], [0.2, 0.4, 0.0]])  # nats
>>> prices = OnePartner(Relaxed(6.0))(Measured(three, 0 * three, 0 * three), step=0)
>>> [round(prices[i, j].item(), 1) for i, j in ((0, 1), (0, 2), (1, 2))]
[1.0, 6.0, 6.0]
>>> partnered(three).tolist()[0]
[False, True, False]
>>> slow = WeakThenTighten(start=1.0, measure_steps=3000, tighten_steps=5000)
>>> [round(slow(measured, step)[0, 1].item(), 2) for step in (0, 5500, 8000)]
[1.0, 1.1, 1.2]
>>> isinstance(slow, PairWeights), round(relaxation(Relaxed(6.0)(measured, step=0))[0, 1].item(), 1)
(True, 0.0)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from vaelib.checks import is_whole, of_kind, whole
from vaelib.dependence import without_diagonal
from vaelib.objectives.base import at_least_zero


@dataclass(frozen=True)
class Measured:
    """What is known of the dependence of the pairs, symmetric (D, D) each, in nats."""

    mean: Tensor  # running average of the measured dependence
    null_mean: Tensor  # the same for latents of different images: the estimator's bias
    null_std: Tensor  # the standard error of such an average


class PairWeights(ABC):
    """A rule that prices each pair: β_ij nats for each nat of dependence."""

    @abstractmethod
    def __call__(self, measured: Measured, step: int) -> Tensor:
        """Symmetric (D, D) with a diagonal of 0."""


@dataclass(frozen=True)
class Uniform(PairWeights):
    """The same price for all pairs: the control for every adaptive rule."""

    beta: float = 6.0

    def __post_init__(self) -> None:
        at_least_zero(self, "beta")

    def __call__(self, measured: Measured, step: int) -> Tensor:
        return without_diagonal(torch.full_like(measured.mean, self.beta))


@dataclass(frozen=True)
class Chosen(PairWeights):
    """`relaxed` for the pairs named here, `beta` for the rest: an oracle, or a random control."""

    pairs: tuple[tuple[int, int], ...] = ((0, 1),)  # latents
    beta: float = 6.0
    relaxed: float = 0.0

    def __post_init__(self) -> None:
        at_least_zero(self, "beta", "relaxed")
        try:
            object.__setattr__(self, "pairs", tuple(_pair(*pair) for pair in self.pairs))
        except (TypeError, ValueError) as error:
            rule = "pairs must be pairs of different latents, such as ((0, 1),)"
            raise ValueError(f"{rule}, got {self.pairs!r}") from error

    def __call__(self, measured: Measured, step: int) -> Tensor:
        weights, latents = torch.full_like(measured.mean, self.beta), len(measured.mean)
        if any(max(pair) >= latents for pair in self.pairs):
            raise ValueError(f"pairs must be of latents 0..{latents - 1}, got {self.pairs}")
        for i, j in self.pairs:
            weights[i, j] = weights[j, i] = self.relaxed
        return without_diagonal(weights)


def _pair(i: int, j: int) -> tuple[int, int]:
    if not (is_whole(i) and is_whole(j) and min(i, j) >= 0 and i != j):
        raise ValueError(f"two different latents are needed, got {i!r} and {j!r}")
    return int(i), int(j)


@dataclass(frozen=True)
class Relaxed(PairWeights):
    r"""The concave price φ(I) = β_max·ε·log(1 + I/ε), majorised: the slope at the measured Ī,

    β_ij = clip(β_max · ε/(ε + Ī_ij), β_min, β_max).

    A pair with Ī ≪ ε pays β_max, a strongly dependent one about the logarithm of its
    dependence: few dependent pairs are cheaper than many weakly dependent ones.
    """

    beta_max: float = 6.0
    epsilon: float = 0.05  # nats; above the estimator's noise, below true dependence
    beta_min: float = 1.0  # 1 is what the KL asks anyway; 0 refunds even that

    def __post_init__(self) -> None:
        at_least_zero(self, "beta_max", "epsilon")
        if not (0 <= self.beta_min <= self.beta_max and self.epsilon > 0):
            raise ValueError(
                "0 ≤ beta_min ≤ beta_max and epsilon > 0 must hold, got "
                f"{self.beta_min}, {self.beta_max} and {self.epsilon}"
            )

    def __call__(self, measured: Measured, step: int) -> Tensor:
        price = self.beta_max * self.epsilon / (self.epsilon + measured.mean.clamp_min(0))
        return without_diagonal(price.clamp(self.beta_min, self.beta_max))


@dataclass(frozen=True)
class IfSignificant(PairWeights):
    """`weights`, given only the dependence beyond what independent latents would show by chance.

    Subtracted are the independent latents' average and `z` standard errors; below 0 it counts as 0.
    Both averages are noisy, so more pairs than a Gaussian's tail pass by chance: with z = 3 and the
    default averaging about one in 30 (simulated), and more in the first hundreds of steps.
    """

    weights: PairWeights = field(default_factory=Relaxed)
    z: float = 3.0  # standard errors

    def __post_init__(self) -> None:
        of_kind(self, weights=PairWeights)
        at_least_zero(self, "z")

    def __call__(self, measured: Measured, step: int) -> Tensor:
        floor = measured.null_mean + self.z * measured.null_std
        return self.weights(replace(measured, mean=(measured.mean - floor).clamp_min(0)), step)


@dataclass(frozen=True)
class WeakThenTighten(PairWeights):
    """`start` for all pairs while the dependence is measured, then a linear change to `weights`.

    Under full pressure a network turns while the dependence is being measured, and turns what was
    found out of sight again; after a weak start the price is set while the code is near the axes.
    """

    weights: PairWeights = field(default_factory=lambda: IfSignificant(Relaxed()))
    start: float = 1.0  # 1: only the KL's own price
    measure_steps: int = 3_000
    tighten_steps: int = 5_000

    def __post_init__(self) -> None:
        of_kind(self, weights=PairWeights)
        at_least_zero(self, "start")
        whole(self, 0, "measure_steps")
        whole(self, 1, "tighten_steps")

    def __call__(self, measured: Measured, step: int) -> Tensor:
        share = min(1.0, max(0.0, (step - self.measure_steps) / self.tighten_steps))
        weak = without_diagonal(torch.full_like(measured.mean, self.start))
        return weak + share * (self.weights(measured, step) - weak)


@dataclass(frozen=True)
class OnePartner(PairWeights):
    """`weights`, told only of the dependence of pairs that are each other's most dependent partner.

    A correlated factor has its latent, and so has its partner. A third latent that says the
    same as either is a copy: it depends on both, and would be relaxed with both.
    """

    weights: PairWeights = field(default_factory=Relaxed)

    def __post_init__(self) -> None:
        of_kind(self, weights=PairWeights)

    def __call__(self, measured: Measured, step: int) -> Tensor:
        nats = measured.mean
        return self.weights(replace(measured, mean=nats.where(partnered(nats), 0.0)), step)


def partnered(strength: Tensor) -> Tensor:
    """Which pairs are each other's strongest, of a matrix (D, D) that is symmetric up to rounding:
    (D, D), bool."""
    even = torch.maximum(strength, strength.T)  # rounding must not decide
    strongest = even.amax(1)
    return (even >= strongest) & (even >= strongest[:, None])


def relaxation(weights: Tensor) -> Tensor:
    """1 − β_ij / max β, (D, D), diagonal 0: 0 for a pair that pays the full price."""
    return without_diagonal(1 - weights / weights.max().clamp_min(1e-12))
