"""PerLatentBeta: one learned weight for the KL of each latent."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.optim import Optimizer

from vaelib.objectives.base import Objective
from vaelib.objectives.l_vae import R2, LearnedWeights, Reading
from vaelib.types import Batch, VAEOutput
from vaelib.vae import VAE


@dataclass(eq=False)
class PerLatentBeta(Objective):
    r"""One learned weight a latent, **our reading** of the mdL-VAE in Moğultay Özcan's thesis (METU
    2024, handle 11511/110813), whose abstract says this much:

    $$\frac{L_R}{2\sigma_R^2} + \text{regulariser}(\sigma_R^2)
      + \sum_j \Big[\frac{\mathrm{KL}_j}{2\sigma_j^2} + \text{regulariser}(\sigma_j^2)\Big]$$

    As :class:`~vaelib.objectives.l_vae.LVAE`, with D weights on the KL side. At the fixed point
    each summand is concave in KL_j: strong latents pay less a nat, weak ones are pushed off. It
    rescales latents but has no term that mixes them, so it cannot undo a rotation of two of them.

    >>> PerLatentBeta().reading.fixed_point(1.0)
    1.0
    """

    reading: Reading = field(default_factory=R2)
    weight_learning_rate: float = 5e-4  # of log σ²; ours

    def prepare(self, vae: VAE, data_size: int, rng: torch.Generator) -> None:
        self.weights = LearnedWeights(1 + vae.latent_dim, self.reading, self.weight_learning_rate)
        self.raw = math.nan  # unweighted reconstruction of the last step, for the log

    def forward(self, batch: Batch, out: VAEOutput, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        terms = self.penalty(batch, out, step)  # the reconstruction is weighted: it is among them
        return torch.stack(tuple(terms.values())).sum(), terms

    def penalty(self, batch: Batch, out: VAEOutput, step: int) -> dict[str, Tensor]:
        reconstruction = self.reconstruction(batch, out)
        self.raw = reconstruction.detach()
        kl = out.posterior.kl().mean(0)  # (D,)
        weighted, regulariser = self.weights(torch.cat([reconstruction[None], kl]))
        return {
            "weighted_reconstruction": weighted[0],
            "weighted_kl": weighted[1:].sum(),
            "weight_regulariser": regulariser,
        }

    def learn(self, batch: Batch, out: VAEOutput, step: int) -> None:
        self.weights.learn()

    def optimizers(self) -> dict[str, Optimizer]:
        return {"weights": self.weights.adam}

    def extra_log(self) -> dict[str, float]:
        betas = self.weights.effective_beta().tolist()
        return {
            "reconstruction": float(self.raw),
            **{f"beta_{j}": beta for j, beta in enumerate(betas)},
        }
