"""FreeBits: nats that an objective may have for nothing, so that it does not start without any.

>>> kl = torch.tensor([[2.0, 0.1], [2.0, 0.1]])
>>> floors: list[Floor] = [PerLatent(0.5), OnSum(0.5), OnSum(2.0)]
>>> [round(float(floor.raised(kl).sum(1).mean()), 2) for floor in floors]
[2.5, 2.1, 4.0]
>>> float(RaisedPosterior(torch.zeros(1, 2), torch.zeros(1, 2), PerLatent(0.5)).kl().sum())
1.0
>>> FreeBits(BetaVAE(4.0), OnSum(1.0))
FreeBits(objective=BetaVAE(beta=4.0), floor=OnSum(nats=1.0))
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from vaelib.objectives.base import Objective, at_least_zero
from vaelib.objectives.beta_vae import BetaVAE
from vaelib.objectives.wrapper import Wrapper
from vaelib.types import Batch, Posterior, VAEOutput


@dataclass(frozen=True)
class Floor(ABC):
    """A KL below `nats` counts as `nats` and takes no gradient. Means over the batch are meant."""

    nats: float = 0.5

    def __post_init__(self) -> None:
        at_least_zero(self, "nats")

    @abstractmethod
    def raised(self, kl: Tensor) -> Tensor:
        """The KL of each image and latent, (B, D), so that its mean is not below the floor."""


class PerLatent(Floor):
    """max(λ, KL_j) for each latent: Kingma et al. 2016 (arXiv 1606.04934), section C.8."""

    def raised(self, kl: Tensor) -> Tensor:
        return torch.where(kl.mean(0) > self.nats, kl, torch.full_like(kl, self.nats))


class OnSum(Floor):
    """max(Σ_j KL_j, λ·D), as AdaVAE (Tu et al. 2022, arXiv 2205.05862): one latent may have it
    all. λ nats a latent, so that the same number means as much as in PerLatent."""

    def raised(self, kl: Tensor) -> Tensor:
        enough = kl.sum(1).mean() > self.nats * kl.shape[1]
        return torch.where(enough, kl, torch.full_like(kl, self.nats))


@dataclass(frozen=True)
class RaisedPosterior(Posterior):
    """A posterior whose KL has a floor."""

    floor: Floor

    def kl(self) -> Tensor:
        return self.floor.raised(super().kl())


@dataclass(eq=False)
class FreeBits(Wrapper):
    r"""`objective` with free bits: its KL costs nothing below a floor, Kingma et al. 2016
    (arXiv 1606.04934), section C.8:

    $$\sum_j \max(\lambda, \mathrm{KL}_j) \quad \text{or} \quad
      \max\Big(\sum_j \mathrm{KL}_j,\; \lambda D\Big)$$

    λ → `floor.nats`. Below the floor the gradient of the KL is 0, so that latents are free to carry
    something before they have to pay; a β-VAE whose latents all collapse at first can no longer.
    Every objective sees the raised KL that asks its posterior for it; a formula of its own
    (CorrelatedKL) is left as it is. The log shows the true KL.
    """

    objective: Objective = field(default_factory=lambda: BetaVAE(1.0))
    floor: Floor = PerLatent()

    def forward(self, batch: Batch, out: VAEOutput, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        return self.objective(batch, self.raised(out), step)

    def learn(self, batch: Batch, out: VAEOutput, step: int) -> None:
        self.objective.learn(batch, self.raised(out), step)

    def raised(self, out: VAEOutput) -> VAEOutput:
        posterior = RaisedPosterior(out.posterior.mean, out.posterior.logvar, self.floor)
        return replace(out, posterior=posterior)
