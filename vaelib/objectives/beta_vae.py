"""β-VAE: one weight on the KL."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from vaelib.objectives.base import Objective, at_least_zero
from vaelib.types import Batch, VAEOutput


@dataclass(eq=False)
class BetaVAE(Objective):
    r"""β-VAE, Higgins et al. 2017 (ICLR, OpenReview Sy2fzU9gl), Eq. 4:

    $$-\mathbb{E}_{q(z|x)}[\log p(x|z)] + \beta\, \mathrm{KL}(q(z|x) \,\|\, \mathcal{N}(0, I))$$

    β → `beta`. β = 1 is the VAE, whose loss is an upper bound of −log p(x). No departure.

    >>> BetaVAE(beta=4.0).normalised(latent_dim=10, pixels=64 * 64)
    0.009765625
    """

    beta: float = 4.0  # weight of the KL; the paper's value for dSprites

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_zero(self, "beta")

    def penalty(self, batch: Batch, out: VAEOutput, step: int) -> dict[str, Tensor]:
        return {"weighted_kl": self.beta * out.posterior.kl().sum(1).mean()}

    def normalised(self, latent_dim: int, pixels: int) -> float:
        """β·D/pixels, the number that the paper compares across data and latent sizes."""
        return self.beta * latent_dim / pixels
