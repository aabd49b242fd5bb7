"""HFS: the latents' joint support should be the product of their supports."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vaelib.checks import whole
from vaelib.objectives.base import Objective, at_least_zero
from vaelib.support import Bank, all_pairs, hausdorff
from vaelib.types import Batch, VAEOutput
from vaelib.vae import VAE


@dataclass(eq=False)
class FactorizedSupport(Objective):
    r"""Hausdorff factorised support, Roth et al. 2023 (arXiv 2210.07347), β-VAE + HFS:

    $$\text{ELBO loss}_\beta + \gamma \sum_{(i,j)}
      \max_{s \in S_i \times S_j} \min_{z \in S_{ij}} \lVert s - z \rVert^2$$

    over `pairs` random pairs of latents each step; S_ij are the batch's posterior means in the
    plane of latents i and j, S_i their values in latent i. β → `beta`, γ → `gamma`. As released:
    the hard distance, all B² combinations, no scale term. The least γ of their grid is the default:
    on dSprites with β = 1 and a small MLP, 1 and more left one active latent after 2,000 steps, for
    a latent without spread costs nothing.

    Correlated factors keep a factorised support, so the penalty does not punish the truth, provided
    that enough points show the support: at σ = 0.2 a batch of 64 finds the rotated code better. So
    there is an option of ours, the last `bank` means count as if they were in the batch; from
    1,024 on the true axes are the better ones there. They take no gradient, so the pull of a step
    is about B/(B + bank) of a large batch's: `gamma` has to be found again.

    >>> FactorizedSupport(gamma=0.1, pairs=25).pairs
    25
    """

    beta: float = 1.0  # weight of the KL; the paper's grid: 0, 1, 2, 4, 6, 8, 10, 16
    gamma: float = 0.1  # weight of the distance; from the paper's grid, 0.1, 1 … 10,000
    pairs: int = 25  # random pairs of latents a step; the authors' value
    bank: int = 0  # earlier means that count as in the batch; 0: the paper

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_zero(self, "beta", "gamma")
        whole(self, 1, "pairs")
        whole(self, 0, "bank")

    def prepare(self, vae: VAE, data_size: int, rng: torch.Generator) -> None:
        if vae.latent_dim < 2:
            raise ValueError(f"a pair needs two latents or more, got {vae.latent_dim}")
        self.rng = rng
        self.means = Bank(self.bank, vae.latent_dim)

    def penalty(self, batch: Batch, out: VAEOutput, step: int) -> dict[str, Tensor]:
        mean = out.posterior.mean
        pairs = all_pairs(mean.shape[1], mean.device)
        order = torch.randperm(len(pairs), generator=self.rng, device=mean.device)
        bank = self.means.held() if self.bank else None
        distances = hausdorff(mean, pairs[order[: self.pairs]], bank)
        self.noted["hausdorff"] = distances.detach().mean()
        return {
            "weighted_kl": self.beta * out.posterior.kl().sum(1).mean(),
            "support": self.gamma * distances.sum(),
        }

    def learn(self, batch: Batch, out: VAEOutput, step: int) -> None:
        self.means.add(out.posterior.mean)

    def turned(self, matrix: Tensor) -> None:
        self.means.turn(matrix)
