"""Ada-GVAE and Ada-ML-VAE: pairs of images tell which latents may differ.

>>> first = Posterior(torch.tensor([[0.0, 0.0]]), torch.zeros(1, 2))
>>> second = Posterior(torch.tensor([[0.1, 3.0]]), torch.zeros(1, 2))
>>> shared_latents(first, second)
tensor([[ True, False]])
>>> average_moments(first, second).mean, average_precisions(first, second).mean
(tensor([[0.0500, 1.5000]]), tensor([[0.0500, 1.5000]]))
>>> both = Posterior(torch.cat([first.mean, second.mean]), torch.zeros(2, 2))
>>> halves(both)[1].mean
tensor([[0.1000, 3.0000]])
>>> from vaelib.datasets import DSprites, Pairs
>>> for objective in (AdaGVAE(), AdaMLVAE()):
...     check_pairs(objective, Pairs(DSprites()))
>>> from vaelib.networks import MLP
>>> vae = VAE(MLP(16), (1, 32, 32), latent_dim=4)
>>> decode_shared(vae, torch.zeros(6, 1, 32, 32), torch.Generator(), average_moments).z.shape
torch.Size([6, 4])
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from vaelib.datasets import FactorData
from vaelib.datasets.pairs import Pairs
from vaelib.objectives.base import Objective, at_least_zero
from vaelib.types import Batch, Posterior, VAEOutput
from vaelib.vae import VAE


@dataclass(eq=False)
class AdaGVAE(Objective):
    r"""Ada-GVAE, Locatello et al. 2020 (arXiv 2002.02886): a β-VAE on pairs of images
    (`Pairs(data, k)`) whose posteriors are made equal in the latents that seem to be shared.

    With δ_j = KL(q(z_j|x¹) ‖ q(z_j|x²)), the latents with δ_j < ½ (max δ + min δ) of their pair are
    shared. Both images get the averages of mean and variance there,

    $$\tilde\mu_j = \tfrac12 (\mu^1_j + \mu^2_j), \quad
      \tilde\sigma_j^2 = \tfrac12 (\sigma^{1\,2}_j + \sigma^{2\,2}_j)$$

    and keep their own elsewhere. The loss is the mean of both images'. No departure; δ is taken in
    one direction, as in the authors' code. Rows i and i + B/2 of a batch are a pair.
    """

    beta: float = 1.0  # weight of the KL; grid of the paper: 1, 2, 4, 6, 8, 16

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_zero(self, "beta")

    def check_data(self, data: FactorData) -> None:
        check_pairs(self, data)

    def encode_decode(self, vae: VAE, images: Tensor, rng: torch.Generator) -> VAEOutput:
        return decode_shared(vae, images, rng, average_moments)

    def penalty(self, batch: Batch, out: VAEOutput, step: int) -> dict[str, Tensor]:
        return {"weighted_kl": self.beta * out.posterior.kl().sum(1).mean()}


@dataclass(eq=False)
class AdaMLVAE(AdaGVAE):
    r"""Ada-ML-VAE, Locatello et al. 2020 (arXiv 2002.02886): as :class:`AdaGVAE`, but
    shared latents get the normalised product of both posteriors (the ML-VAE's group posterior,
    Bouchacourt et al. 2018), with the precisions averaged as in the authors' code:

    $$\tilde\sigma_j^{-2} = \tfrac12 (\sigma_j^{1\,-2} + \sigma_j^{2\,-2}), \quad
      \tilde\mu_j = \tfrac12 \tilde\sigma_j^2
        (\mu^1_j \sigma_j^{1\,-2} + \mu^2_j \sigma_j^{2\,-2})$$
    """

    def encode_decode(self, vae: VAE, images: Tensor, rng: torch.Generator) -> VAEOutput:
        return decode_shared(vae, images, rng, average_precisions)


def check_pairs(objective: Objective, data: FactorData) -> None:
    if not isinstance(data, Pairs):
        raise ValueError(
            f"{type(objective).__name__} learns from image pairs: data must be Pairs(data, k), "
            f"got {data!r}"
        )


Average = Callable[[Posterior, Posterior], Posterior]


def decode_shared(vae: VAE, images: Tensor, rng: torch.Generator, average: Average) -> VAEOutput:
    """Encode pairs, average their shared latents, sample and decode."""
    if len(images) % 2:
        raise ValueError(f"pairs need an even number of images, got {len(images)}")
    own = vae.encode(images)
    shared = shared_latents(*halves(own)).repeat(2, 1)  # (B, D)
    common = average(*halves(own))
    posterior = Posterior(
        torch.where(shared, common.mean.repeat(2, 1), own.mean),
        torch.where(shared, common.logvar.repeat(2, 1), own.logvar),
    )
    z = posterior.sample(rng)
    return VAEOutput(posterior, z, vae.decode(z))


def halves(posterior: Posterior) -> tuple[Posterior, Posterior]:
    """The posteriors of the first and of the second images, (B/2, D) each."""
    (m1, m2), (v1, v2) = posterior.mean.chunk(2), posterior.logvar.chunk(2)
    return Posterior(m1, v1), Posterior(m2, v2)


def shared_latents(first: Posterior, second: Posterior) -> Tensor:
    """Which latents a pair shares, δ being below the middle of its range: (B/2, D) bool."""
    distance = (first.mean - second.mean).square() + first.logvar.exp()
    delta = 0.5 * (distance / second.logvar.exp() - 1 + second.logvar - first.logvar)
    middle = 0.5 * (delta.amax(1, keepdim=True) + delta.amin(1, keepdim=True))
    return delta < middle


def average_moments(first: Posterior, second: Posterior) -> Posterior:
    """Averages of means and of variances."""
    mean = 0.5 * (first.mean + second.mean)
    return Posterior(mean, torch.logaddexp(first.logvar, second.logvar) - math.log(2))


def average_precisions(first: Posterior, second: Posterior) -> Posterior:
    """The mean precision, and the means weighted by their precisions."""
    a, b = (-first.logvar).exp(), (-second.logvar).exp()
    return Posterior((first.mean * a + second.mean * b) / (a + b), -(0.5 * (a + b)).log())
