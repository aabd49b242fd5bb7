"""PartnerKL: a prior in which each latent may depend on one other, as much as the codes do.

>>> term = PartnerKL(beta=4.0, most=0.7)
>>> term.prepare(latent_dim=3)
>>> tied = torch.tensor([[1.0, 0.8, 0.5], [0.8, 1.0, 0.3], [0.5, 0.3, 1.0]])
>>> partners(tied, most=0.7)
tensor([[1.0000, 0.7000, 0.0000],
        [0.7000, 1.0000, 0.0000],
        [0.0000, 0.0000, 1.0000]])
>>> torch.equal(term.correlation(), torch.eye(3))  # nothing has been seen
True
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vaelib.log_file import named_pairs
from vaelib.objectives.base import at_least_zero
from vaelib.objectives.pair_weights import partnered
from vaelib.objectives.terms import PairState, Term, correlated_kl
from vaelib.types import VAEOutput

CHANCE = 0.1  # a correlation below this is no partnership


@dataclass(eq=False)
class PartnerKL(Term):
    r"""β·KL(q(z|x) ‖ N(0, R)), where R follows the correlations of the codes. Ours.

    The price of a true correlation is refunded, as by :class:`CorrelatedKL`, but nothing is
    learned: R_ij is the correlation of the aggregate posterior, a running average, for pairs that
    are each other's strongest partner, at most ±`most`, and 0 for all others. So a copy of two
    latents is refunded once at most. The correlation is around 0, the prior's mean,
    and not around the codes' own: latents with a common offset count as partners too.

    ValueError: `most` outside [0, 1), `decay` outside [0, 1).
    """

    beta: float = 1.0
    most: float = 0.7  # the greatest |R_ij|
    decay: float = 0.99  # of the running average, a step

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_zero(self, "beta")
        if not (0 <= self.most < 1 and 0 <= self.decay < 1):
            raise ValueError(
                f"most and decay must be at least 0 and below 1, got {self.most} and {self.decay}"
            )

    def prepare(self, latent_dim: int) -> None:
        self.register_buffer("moments", torch.eye(latent_dim))  # E[zzᵀ]: the prior is around 0

    def correlation(self) -> Tensor:
        """R, (D, D)."""
        scale = self.moments.diagonal().rsqrt()
        r = self.moments * scale * scale[:, None]
        return partners((r + r.T) / 2, self.most)

    def forward(self, out: VAEOutput, pairs: PairState) -> dict[str, Tensor]:
        kl = correlated_kl(out.posterior, self.correlation())
        return {"partner_kl": self.beta * kl.mean()}

    def learn(self, out: VAEOutput) -> None:
        mean, variance = out.posterior.mean, out.posterior.logvar.exp()
        now = mean.T @ mean / len(mean) + variance.mean(0).diag()
        self.moments.lerp_(now.to(self.moments), 1 - self.decay)

    def turned(self, matrix: Tensor) -> None:
        self.moments.copy_(matrix @ self.moments @ matrix.T)

    def extra_log(self) -> dict[str, float]:
        return named_pairs("prior", self.correlation())


def partners(correlation: Tensor, most: float) -> Tensor:
    """What is kept of a correlation matrix (D, D) as a prior: pairs of mutual best partners."""
    identity = torch.eye(len(correlation)).to(correlation)
    tied = correlation * (1 - identity)
    kept = partnered(tied.abs()) & (tied.abs() > CHANCE)
    return identity + tied.clamp(-most, most).where(kept, torch.zeros_like(tied))
