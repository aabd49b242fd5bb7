"""L-VAE: the weights of reconstruction and KL are learned with the model.

>>> R1().fixed_point(40.0), isinstance(R2(), Reading)  # σ² = L
(40.0, True)
>>> weights = LearnedWeights(2, R1(), learning_rate=5e-4)
>>> weights(torch.tensor([40.0, 10.0]))[0].tolist()  # halved: σ² = 1 at first
[20.0, 5.0]
>>> type(LVAE().reading).__name__
'R2'
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam, Optimizer

from vaelib.checks import of_kind
from vaelib.objectives.base import Objective, at_least_zero
from vaelib.types import Batch, VAEOutput
from vaelib.vae import VAE


class Reading(ABC):
    r"""What keeps a learned weight 1/(2σ²) of a loss L from falling to zero.

    $$\frac{L}{2\sigma^2} + \text{regulariser}(\sigma^2)$$

    The equation of the L-VAE paper could not be checked by us, so there are two readings of it,
    both ours.
    """

    @abstractmethod
    def regulariser(self, log_variance: Tensor) -> Tensor:
        """The value for each log σ², same shape."""

    @abstractmethod
    def fixed_point(self, loss: float) -> float:
        """The σ² at which the gradient of σ² vanishes, for a constant loss L > 0."""


@dataclass(frozen=True)
class R1(Reading):
    r"""Our reading 1: log σ, the task weights of Kendall, Gal & Cipolla 2018 (arXiv 1705.07115).

    Fixed point: d/dσ² [L/(2σ²) + ½ log σ²] = (σ² − L)/(2σ⁴) = 0, so σ² = L. Put back, the loss is
    ½ log L + ½: the product of the losses counts, whatever their scales. The effective
    β = σ_R²/σ_K² tends to L_R/KL. One attractor is KL → 0, where log KL → −∞ (collapse); another
    a β at which a β-VAE has L_R/KL = β, or β → 0 where all have less. Which of them exists depends
    on how sharply the network draws: our 30,000 steps on dSprites give L_R/KL = 1.4, 4.5 and 9.7
    at β = 1, 4 and 8.
    """

    def regulariser(self, log_variance: Tensor) -> Tensor:
        return 0.5 * log_variance

    def fixed_point(self, loss: float) -> float:
        return loss


@dataclass(frozen=True)
class R2(Reading):
    r"""Our reading 2: log(1 + σ²), the bounded regulariser of Liebel & Körner 2018
    (arXiv 1805.06334).

    Fixed point: d/dσ² [L/(2σ²) + log(1 + σ²)] = 0 means 2σ⁴ = L(1 + σ²), so
    σ² = (L + √(L² + 8L))/4. For large L this tends to (L + 2)/2, for small L to √(L/2). The loss at
    the fixed point goes to 0, not to −∞, as L → 0: no reward without bound for a collapse.
    """

    def regulariser(self, log_variance: Tensor) -> Tensor:
        return F.softplus(log_variance)

    def fixed_point(self, loss: float) -> float:
        return (loss + math.sqrt(loss**2 + 8 * loss)) / 4


class LearnedWeights(nn.Module):
    """n losses with learned weights 1/(2σ²), σ² = 1 at first. Its own Adam steps log σ²."""

    def __init__(self, n: int, reading: Reading, learning_rate: float):
        super().__init__()
        self.reading = reading
        self.log_variance = nn.Parameter(torch.zeros(n))
        self.adam = Adam([self.log_variance], learning_rate)

    def forward(self, losses: Tensor) -> tuple[Tensor, Tensor]:
        """Weighted losses (n,) and the regularisers' sum ()."""
        weighted = 0.5 * (-self.log_variance).exp() * losses
        return weighted, self.reading.regulariser(self.log_variance).sum()

    def learn(self) -> None:
        """One step along the gradient that the backward pass of the loss has left."""
        self.adam.step()
        self.adam.zero_grad()

    def effective_beta(self) -> Tensor:
        """The weights of the other losses, divided by the weight of the first: (n − 1,)."""
        return (self.log_variance[0] - self.log_variance[1:]).detach().exp()


@dataclass(eq=False)
class LVAE(Objective):
    r"""L-VAE, Moğultay Özcan, Kalkan & Yarman-Vural 2025 (arXiv 2507.02619), in **our reading**:

    $$\frac{L_R}{2\sigma_R^2} + \frac{\mathrm{KL}}{2\sigma_K^2} + \text{regulariser}(\sigma_R^2)
      + \text{regulariser}(\sigma_K^2)$$

    The abstract says that both weights are learned and that a regularisation term keeps them from
    leaning to one loss; the equation itself could not be checked. `reading` is R1 or R2 (above,
    with their fixed points). Effective β = σ_R²/σ_K². L_R is summed over pixels, so β does mean
    the same as in BetaVAE. σ² starts at 1 and has its own Adam at the model's learning rate; much
    faster weights follow the KL ≈ 0 of the first steps into the collapse.
    """

    reading: Reading = field(default_factory=R2)
    weight_learning_rate: float = 5e-4  # of log σ²; ours

    def __post_init__(self) -> None:
        super().__post_init__()
        of_kind(self, reading=Reading)
        at_least_zero(self, "weight_learning_rate")

    def prepare(self, vae: VAE, data_size: int, rng: torch.Generator) -> None:
        parts = self.kl_parts(torch.zeros(1, vae.latent_dim))
        self.weights = LearnedWeights(1 + len(parts), self.reading, self.weight_learning_rate)
        self.raw = math.nan  # unweighted reconstruction of the last step, for the log

    def forward(self, batch: Batch, out: VAEOutput, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        terms = self.penalty(batch, out, step)  # the reconstruction is weighted: it is among them
        return torch.stack(tuple(terms.values())).sum(), terms

    def penalty(self, batch: Batch, out: VAEOutput, step: int) -> dict[str, Tensor]:
        reconstruction = self.reconstruction(batch, out)
        self.raw = reconstruction.detach()
        losses = torch.cat([reconstruction[None], self.kl_parts(out.posterior.kl())])
        weighted, regulariser = self.weights(losses)
        return {
            "weighted_reconstruction": weighted[0],
            "weighted_kl": weighted[1:].sum(),
            "weight_regulariser": regulariser,
        }

    def kl_parts(self, kl: Tensor) -> Tensor:
        """The KL (B, D) as the losses that have a learned weight each: here the whole, (1,)."""
        return kl.sum(1).mean()[None]

    def learn(self, batch: Batch, out: VAEOutput, step: int) -> None:
        self.weights.learn()

    def optimizers(self) -> dict[str, Optimizer]:
        return {"weights": self.weights.adam}

    def extra_log(self) -> dict[str, float]:
        sigma2 = self.weights.log_variance.detach().exp()
        return {
            "reconstruction": float(self.raw),
            "beta": float(self.weights.effective_beta()),
            "variance_reconstruction": float(sigma2[0]),
            "variance_kl": float(sigma2[1]),
        }
