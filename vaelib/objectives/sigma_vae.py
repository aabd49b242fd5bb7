"""σ-VAE: a Gaussian decoder whose variance has its best value at every step."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from vaelib.objectives.base import Objective
from vaelib.types import Batch, VAEOutput


@dataclass(eq=False)
class SigmaVAE(Objective):
    r"""Optimal σ-VAE, Rybkin, Daniilidis & Levine 2021 (arXiv 2006.13202):

    $$-\log \mathcal{N}(x; \hat{x}(z), \sigma_*^2 I) + \mathrm{KL}, \qquad
      \sigma_*^2 = \mathrm{MSE}(x, \hat{x})$$

    with one σ for all pixels, the maximum-likelihood one of the batch. Where the bound on σ does
    not act this is N/2·(log MSE + log 2π + 1) + KL for N pixels, in nats (of a density: it may be
    negative). x̂ is the sigmoid of the logits. log σ is softly bounded at `min_log_sigma`, as in
    the authors' code. Compared with half the sum of squares, the KL has the weight β = σ²*.

    >>> from vaelib.types import Posterior
    >>> x, z = torch.ones(1, 1, 8, 8), torch.zeros(1, 2)
    >>> out = VAEOutput(Posterior(z, z), z, logits=torch.zeros(1, 1, 8, 8))
    >>> SigmaVAE().log_sigma(Batch(x, z), out).exp().item()  # each pixel is off by 1/2
    0.5024787783622742
    """

    min_log_sigma: float = -6.0  # the authors' value

    def __post_init__(self) -> None:
        super().__post_init__()
        if not math.isfinite(self.min_log_sigma):
            raise ValueError(f"min_log_sigma must be finite, got {self.min_log_sigma}")

    def log_sigma(self, batch: Batch, out: VAEOutput) -> Tensor:
        """log σ* of this batch, ()."""
        error = (batch.images - out.logits.sigmoid()).square().mean()
        log_sigma = 0.5 * error.clamp_min(torch.finfo(error.dtype).tiny).log()
        return self.min_log_sigma + F.softplus(log_sigma - self.min_log_sigma)

    def reconstruction(self, batch: Batch, out: VAEOutput) -> Tensor:
        log_sigma = self.log_sigma(batch, out)
        squares = (batch.images - out.logits.sigmoid()).square() / (2 * log_sigma).exp()
        nats = 0.5 * squares + log_sigma + 0.5 * math.log(2 * math.pi)
        return nats.sum() / len(batch)

    def penalty(self, batch: Batch, out: VAEOutput, step: int) -> dict[str, Tensor]:
        return {"weighted_kl": out.posterior.kl().sum(1).mean()}

    @torch.no_grad()
    def learn(self, batch: Batch, out: VAEOutput, step: int) -> None:
        self.noted["sigma"] = self.log_sigma(batch, out).exp()
