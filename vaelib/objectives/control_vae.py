"""ControlVAE: a controller sets β so that the KL follows a target."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vaelib.checks import whole
from vaelib.objectives.base import Objective, at_least_zero
from vaelib.types import Batch, VAEOutput


@dataclass(eq=False)
class ControlVAE(Objective):
    r"""ControlVAE, Shao et al. 2020 (arXiv 2004.05988): β-VAE whose β a controller sets,

    $$\beta(t) = \frac{K_p}{1 + e^{e(t)}} - K_i \sum_{s \le t} e(s) + \beta_{\min},
      \qquad e(t) = C(t) - \mathrm{KL}(t)$$

    K_p → `proportional`, K_i → `integral`, β_min → `beta_min`. A KL above its target makes e
    negative and raises β. C starts at `start` and rises by `rise` every `rise_every` steps up to
    `capacity`. Departure: against windup the sum itself is held between 0 and
    β_max − β_min, so that β leaves a bound at once when the error turns; the paper stops adding
    while β is outside its bounds.

    >>> [ControlVAE(capacity=18.0).capacity_at(step) for step in (0, 200, 100_000)]
    [0.5, 0.65, 18.0]
    """

    capacity: float = 18.0  # nats, the last target; the authors' value for dSprites
    start: float = 0.5  # nats, the first target
    rise: float = 0.15  # nats a stair
    rise_every: int = 200  # steps; ours, to fit 30,000 steps. The paper: 5,000
    proportional: float = 0.01
    integral: float = 0.001
    beta_min: float = 1.0
    beta_max: float = 100.0  # ours, as is the clipping of the sum

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_zero(self, "capacity", "start", "rise", "proportional", "integral")
        whole(self, 1, "rise_every")
        if not 0 <= self.beta_min < self.beta_max:
            raise ValueError(
                "beta_min must be at least 0 and below beta_max, got "
                f"{self.beta_min} and {self.beta_max}"
            )
        self.register_buffer("summed", torch.tensor(0.0))  # the integral part of β
        self.register_buffer("beta", torch.tensor(float(self.beta_min)))
        self.target = self.start

    def capacity_at(self, step: int) -> float:
        """C(t) in nats."""
        return min(self.capacity, self.start + self.rise * (step // self.rise_every))

    def control(self, kl: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """β and its integral part for a KL () at this step."""
        error = self.capacity_at(step) - kl
        summed = (self.summed - self.integral * error).clamp(0, self.beta_max - self.beta_min)
        beta = self.proportional * torch.sigmoid(-error) + summed + self.beta_min
        return beta.clamp(self.beta_min, self.beta_max), summed

    def penalty(self, batch: Batch, out: VAEOutput, step: int) -> dict[str, Tensor]:
        kl = out.posterior.kl().sum(1).mean()
        beta, _ = self.control(kl.detach(), step)
        return {"weighted_kl": beta * kl}

    @torch.no_grad()
    def learn(self, batch: Batch, out: VAEOutput, step: int) -> None:
        beta, summed = self.control(out.posterior.kl().sum(1).mean(), step)
        self.beta.copy_(beta)
        self.summed.copy_(summed)
        self.target = self.capacity_at(step)

    def extra_log(self) -> dict[str, float]:
        return {"beta": float(self.beta), "capacity": self.target}
