"""DynamicVAE: β starts high and an incremental controller brings it down."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vaelib.checks import whole
from vaelib.objectives.base import Objective, at_least_zero
from vaelib.types import Batch, VAEOutput


@dataclass(eq=False)
class DynamicVAE(Objective):
    r"""DynamicVAE, Shao et al. 2020 (arXiv 2009.06795): β-VAE with an incremental PI controller,

    $$\beta_t = \beta_{t-1} + K_p [\sigma(-e_t) - \sigma(-e_{t-1})] - K_i e_t,
      \qquad e_t = C(t) - \overline{\mathrm{KL}}_t$$

    K_p → `proportional`, K_i → `integral`; σ is the logistic function and the KL the mean of the
    last `window` steps. β starts at `beta_start`: high, so that the first
    latents are separated, and falls as the target C rises. A KL above its target raises β. C starts
    at `start` and rises by `rise` every `rise_every` steps up to `capacity`, as in ControlVAE.

    Departures: a step's loss uses β of the step before, the equation and the authors' code β_t.
    `proportional`, `integral` and `window` are those of their code for dSprites
    (shj1987/DynamicVAE-CVPR2022), where β starts at 50 and is at least 0.1, and where C rises by
    0.15 every 6,000 steps; the other constants are ours.

    >>> [DynamicVAE(capacity=18.0).capacity_at(step) for step in (0, 200, 100_000)]
    [0.5, 0.65, 18.0]
    """

    capacity: float = 18.0  # nats, the last target
    start: float = 0.5  # nats, the first target
    rise: float = 0.15  # nats a stair
    rise_every: int = 200  # steps
    beta_start: float = 20.0
    proportional: float = 0.01
    integral: float = 0.005
    window: int = 5  # steps of the moving average
    beta_min: float = 1.0
    beta_max: float = 150.0

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_zero(self, "capacity", "start", "rise", "beta_start", "proportional", "integral")
        whole(self, 1, "rise_every", "window")
        if not 0 <= self.beta_min <= self.beta_start <= self.beta_max:
            raise ValueError(
                "0 ≤ beta_min ≤ beta_start ≤ beta_max must hold, got "
                f"{self.beta_min}, {self.beta_start} and {self.beta_max}"
            )
        self.register_buffer("beta", torch.tensor(float(self.beta_start)))
        self.register_buffer("error", torch.tensor(0.0))  # e of the last step
        self.register_buffer("recent", torch.zeros(self.window))  # the last KLs, as a ring
        self.register_buffer("seen", torch.tensor(0))  # steps so far
        self.target = self.start

    def capacity_at(self, step: int) -> float:
        """C(t) in nats."""
        return min(self.capacity, self.start + self.rise * (step // self.rise_every))

    def penalty(self, batch: Batch, out: VAEOutput, step: int) -> dict[str, Tensor]:
        return {"weighted_kl": self.beta * out.posterior.kl().sum(1).mean()}

    @torch.no_grad()
    def learn(self, batch: Batch, out: VAEOutput, step: int) -> None:
        self.target = self.capacity_at(step)
        self.recent[self.seen % self.window] = out.posterior.kl().sum(1).mean()
        self.seen += 1
        error = self.target - self.recent.sum() / self.seen.clamp_max(self.window)
        before = torch.where(self.seen == 1, error, self.error)  # no jump in the first step
        change = torch.sigmoid(-error) - torch.sigmoid(-before)
        beta = self.beta + self.proportional * change - self.integral * error
        self.beta.copy_(beta.clamp(self.beta_min, self.beta_max))
        self.error.copy_(error)

    def extra_log(self) -> dict[str, float]:
        return {"beta": float(self.beta), "capacity": self.target}
