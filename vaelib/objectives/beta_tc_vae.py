"""β-TCVAE: β weighs only the part of the KL that says how dependent the latents are."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vaelib.checks import of_kind
from vaelib.dependence import BatchMixture, MinibatchWeighted, total_correlation
from vaelib.objectives.base import Objective, at_least_zero
from vaelib.types import Batch, VAEOutput
from vaelib.vae import VAE


@dataclass(eq=False)
class BetaTCVAE(Objective):
    r"""β-TCVAE, Chen et al. 2018 (arXiv 1802.04942), Eq. 5 with α = γ = 1:

    $$-\mathbb{E}_{q(z|x)}[\log p(x|z)] + I_q(x; z)
      + \beta\, \mathrm{KL}(q(z) \,\|\, {\textstyle\prod_j} q(z_j))
      + \sum_j \mathrm{KL}(q(z_j) \,\|\, p(z_j))$$

    β → `beta`. The three parts with weight 1 add up to the KL, which is known exactly, so the loss
    is written as reconstruction + KL + (β − 1)·TC, as in disentanglement_lib: less noise than three
    estimates. q(z) is estimated from the batch by `mixture`, with its constants, so TC is in nats;
    see :class:`~vaelib.dependence.MinibatchWeighted` for the bias that remains.

    >>> BetaTCVAE(beta=6.0)
    BetaTCVAE(beta=6.0, mixture=MinibatchWeighted())
    """

    beta: float = 6.0  # price of total correlation; the authors' value for dSprites
    mixture: BatchMixture = MinibatchWeighted()  # or MinibatchStratified()

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_zero(self, "beta")
        of_kind(self, mixture=BatchMixture)
        self.data_size = 1

    def prepare(self, vae: VAE, data_size: int, rng: torch.Generator) -> None:
        self.data_size = data_size

    def penalty(self, batch: Batch, out: VAEOutput, step: int) -> dict[str, Tensor]:
        dependence = total_correlation(out, self.mixture, self.data_size)
        self.noted["total_correlation"] = dependence.detach()
        return {
            "weighted_kl": out.posterior.kl().sum(1).mean(),
            "weighted_total_correlation": (self.beta - 1) * dependence,
        }
