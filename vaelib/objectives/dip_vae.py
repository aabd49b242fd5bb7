"""DIP-VAE I and II: the aggregate posterior's covariance is pulled towards the identity.

>>> covariance = covariance_of(torch.tensor([[1.0, 1.0], [-1.0, -1.0]]))
>>> covariance_terms(covariance, off=10.0, on=100.0)
{'off_diagonal': tensor(20.), 'diagonal': tensor(0.)}
>>> DIPVAEI().diagonal, DIPVAEII().diagonal
(100.0, 10.0)
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vaelib.objectives.base import Objective, at_least_zero
from vaelib.types import Batch, Posterior, VAEOutput


@dataclass(eq=False)
class DIPVAEI(Objective):
    r"""DIP-VAE-I, Kumar et al. 2018 (arXiv 1711.00848), Eq. 6:

    $$\text{ELBO loss} + \lambda_{od} \sum_{i \ne j} C_{ij}^2 + \lambda_d \sum_i (C_{ii} - 1)^2,
      \qquad C = \mathrm{Cov}_x[\mu(x)]$$

    λ_od → `off_diagonal`, λ_d → `diagonal`. C is the covariance of the batch's posterior means;
    each pair counts twice, as in the paper. No departure.
    """

    off_diagonal: float = 10.0  # grid of the disentanglement studies: 1, 2, 5, 10, 20, 50
    diagonal: float = 100.0  # 10 · off_diagonal in those studies

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_zero(self, "off_diagonal", "diagonal")

    def penalty(self, batch: Batch, out: VAEOutput, step: int) -> dict[str, Tensor]:
        covariance = self.covariance(out.posterior)
        return {
            "weighted_kl": out.posterior.kl().sum(1).mean(),
            **covariance_terms(covariance, self.off_diagonal, self.diagonal),
        }

    def covariance(self, posterior: Posterior) -> Tensor:
        """C of the batch, (D, D)."""
        return covariance_of(posterior.mean)


@dataclass(eq=False)
class DIPVAEII(DIPVAEI):
    r"""DIP-VAE-II, Kumar et al. 2018 (arXiv 1711.00848), Eq. 7: as :class:`DIPVAEI`, but with the
    covariance of the samples z,

    $$C = \mathrm{Cov}_x[\mu(x)] + \mathbb{E}_x[\mathrm{diag}\, \sigma^2(x)]$$
    """

    diagonal: float = 10.0  # equal to off_diagonal in those studies

    def covariance(self, posterior: Posterior) -> Tensor:
        return super().covariance(posterior) + posterior.logvar.exp().mean(0).diag()


def covariance_of(points: Tensor) -> Tensor:
    """Covariance of points (B, D), divided by B: (D, D)."""
    centred = points - points.mean(0)
    return centred.T @ centred / len(points)


def covariance_terms(covariance: Tensor, off: float, on: float) -> dict[str, Tensor]:
    """The two penalties on a covariance (D, D)."""
    diagonal = covariance.diagonal()
    off_diagonal = covariance - diagonal.diag()
    return {
        "off_diagonal": off * off_diagonal.square().sum(),
        "diagonal": on * (diagonal - torch.ones_like(diagonal)).square().sum(),
    }
