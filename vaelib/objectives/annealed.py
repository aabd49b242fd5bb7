"""Annealed: an objective whose penalty comes and goes during training.

>>> annealed = Annealed(BetaVAE(4.0), period=8)
>>> [annealed.factor_at(step) for step in range(8)]
[0.0, 0.0, 0.0, 0.5, 1.0, 1.0, 1.0, 1.0]
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from vaelib.checks import whole
from vaelib.objectives.base import Objective
from vaelib.objectives.beta_vae import BetaVAE
from vaelib.objectives.wrapper import Wrapper
from vaelib.types import Batch, VAEOutput


@dataclass(eq=False)
class Annealed(Wrapper):
    """`objective` with a factor on its penalty that rises from 0 to 1 in each of some cycles.

    Cyclical annealing (Fu et al. 2019, arXiv 1903.10145) as AdaVAE has it (Tu et al. 2022,
    arXiv 2205.05862): 4 cycles, of which the first quarter has no penalty and the second a rising
    one. All summands of the loss but the reconstruction's are the penalty. After the last cycle the
    factor stays 1.

    ValueError: `cycles` or `period` below 1.
    """

    objective: Objective = field(default_factory=lambda: BetaVAE(1.0))
    period: int = 7_500  # steps of a cycle; ours, a quarter of 30,000
    cycles: int = 4  # one: a single warm-up

    def __post_init__(self) -> None:
        super().__post_init__()
        whole(self, 1, "period", "cycles")
        self.factor = self.factor_at(0)  # of the last step, for the log

    def factor_at(self, step: int) -> float:
        """What the penalty is multiplied with, in 0..1."""
        cycle, within = divmod(step, self.period)
        if cycle >= self.cycles:
            return 1.0
        return min(1.0, max(0.0, 4 * within / self.period - 1))

    def forward(self, batch: Batch, out: VAEOutput, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        _, terms = self.objective(batch, out, step)
        factor = self.factor_at(step)
        kept = ("reconstruction", "regulariser")  # the latter holds learned weights of the former
        terms = {
            name: term if any(word in name for word in kept) else factor * term
            for name, term in terms.items()
        }
        return torch.stack(tuple(terms.values())).sum(), terms

    def learn(self, batch: Batch, out: VAEOutput, step: int) -> None:
        super().learn(batch, out, step)
        self.factor = self.factor_at(step)

    def extra_log(self) -> dict[str, float]:
        return super().extra_log() | {"annealing": self.factor}
