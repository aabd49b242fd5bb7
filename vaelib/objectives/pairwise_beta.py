"""PairwiseBeta: a price for the dependence of each pair of latents, which adapts in training.

>>> import pandas as pd
>>> matrices(pd.DataFrame({"beta_0_1": [6.0], "beta_0_2": [2.0], "beta_1_2": [6.0]}), "beta")
array([[[0., 6., 2.],
        [6., 0., 6.],
        [2., 6., 0.]]])
>>> PairwiseBeta(decay=0.9)
PairwiseBeta(decay=0.9)
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from vaelib.checks import of_kind
from vaelib.dependence import GaussianDependence, PairDensities, PairDependence, shifted
from vaelib.log_file import named_pairs
from vaelib.objectives.base import Objective
from vaelib.objectives.pair_weights import Measured, PairWeights, WeakThenTighten, relaxation
from vaelib.objectives.terms import PairPenalty, PairState, Term, WeightedKL
from vaelib.spec import brief
from vaelib.types import Batch, VAEOutput
from vaelib.vae import VAE

if TYPE_CHECKING:
    import pandas as pd


@dataclass(eq=False, repr=False)
class PairwiseBeta(Objective):
    r"""Ours: the weight of a pair's dependence falls where dependence proves to be real.

    $$-\mathbb{E}_{q(z|x)}[\log p(x|z)] + \mathrm{KL} + \sum_{i<j} (\beta_{ij} - 1)\, \hat I_{ij}
      + \dots, \qquad \beta_{ij} = f(\bar I_{ij}, t)$$

    Î_ij is the `dependence` of latents i and j in the batch, Ī_ij the running average (`decay`) of
    the dependence that `measure` finds, f the rule `weights`. By default: the same weak price for
    all pairs while the dependence is measured, then β_max·ε/(ε + Ī) with Ī beyond chance. The
    penalty sees any dependence; the default measure only correlations, but those without the
    bias that a density from 64 images has.

    The summands are `terms`: add `Support()` for a signal of the axes on relaxed pairs, or put
    `CorrelatedKL()` in the place of `WeightedKL()` for a learned correlated prior.
    """

    dependence: PairDependence = PairDensities()
    measure: PairDependence = GaussianDependence()
    weights: PairWeights = WeakThenTighten()
    decay: float = 0.99  # of the running averages, a step
    terms: tuple[Term, ...] = field(default_factory=lambda: (WeightedKL(), PairPenalty()))

    def __post_init__(self) -> None:
        super().__post_init__()
        of_kind(self, dependence=PairDependence, measure=PairDependence, weights=PairWeights)
        self.terms = tuple(self.terms)
        if not 0 <= self.decay < 1:
            raise ValueError(f"decay must be at least 0 and below 1, got {self.decay}")
        names = [type(term).__name__ for term in self.terms]
        if len(set(names)) < len(names) or not all(isinstance(t, Term) for t in self.terms):
            raise ValueError(f"terms must be Terms of different classes, got {names}")

    def __repr__(self) -> str:
        return brief(self)

    def prepare(self, vae: VAE, data_size: int, rng: torch.Generator) -> None:
        d = vae.latent_dim
        if d < 2:
            raise ValueError(f"pairs need at least 2 latents, got latent_dim {d}")
        self.data_size = data_size
        for term in self.terms:
            term.prepare(d)
        self.parts = nn.ModuleList(self.terms)  # so that their state is saved
        for name in ("average", "null_average", "null_square"):
            self.register_buffer(name, torch.zeros(d, d))
        self.register_buffer("measured_steps", torch.tensor(0))
        self.register_buffer("beta", self.weights(self.measured(), 0))  # of the last step

    def measured(self) -> Measured:
        """The running averages, freed of the zeros they started with."""
        known = (1 - self.decay**self.measured_steps).clamp_min(1e-12)
        mean, null, square = (
            t / known for t in (self.average, self.null_average, self.null_square)
        )
        # an average with decay d is as noisy as one of (1 + d)/(1 − d) values
        error = (square - null.square()).clamp_min(0) * (1 - self.decay) / (1 + self.decay)
        return Measured(mean, null, error.sqrt())

    def penalty(self, batch: Batch, out: VAEOutput, step: int) -> dict[str, Tensor]:
        beta = self.weights(self.measured(), step)
        state = PairState(self.dependence(out, self.data_size), beta, relaxation(beta))
        return {name: t for term in self.terms for name, t in term(out, state).items()}

    @torch.no_grad()
    def learn(self, batch: Batch, out: VAEOutput, step: int) -> None:
        self.beta.copy_(self.weights(self.measured(), step))
        now = self.measure(out, self.data_size)
        null = self.measure(shifted(out), self.data_size)
        for average, value in (
            (self.average, now), (self.null_average, null), (self.null_square, null.square()),
        ):  # fmt: skip
            average.lerp_(value, 1 - self.decay)
        self.measured_steps += 1
        for term in self.terms:
            term.learn(out)

    def turned(self, matrix: Tensor) -> None:
        for term in self.terms:
            term.turned(matrix)

    def optimizers(self) -> dict[str, Optimizer]:
        return {name: o for term in self.terms for name, o in term.optimizers().items()}

    def extra_log(self) -> dict[str, float]:
        extra = {name: v for term in self.terms for name, v in term.extra_log().items()}
        measured = self.measured().mean
        return {**extra, **named_pairs("beta", self.beta), **named_pairs("dependence", measured)}


def matrices(log: pd.DataFrame, name: str) -> np.ndarray:
    """The logged matrices `beta`, `dependence` or `prior` of a run: (rows, D, D), diagonal 0."""
    columns = [c for c in log if re.fullmatch(rf"{name}_\d+_\d+", c)]
    if not columns:
        raise ValueError(f"the log has no columns {name}_0_1 …, only {list(log)}")
    i, j = np.array([c.split("_")[-2:] for c in columns], dtype=int).T
    found = np.zeros((len(log), j.max() + 1, j.max() + 1))
    found[:, i, j] = found[:, j, i] = log[columns]
    return found
