"""Wrapper: an objective that changes another one.

>>> from vaelib.objectives.annealed import Annealed
>>> isinstance(Annealed(), Wrapper), Annealed().objective
(True, BetaVAE(beta=1.0))
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.optim import Optimizer

from vaelib.objectives.base import Objective
from vaelib.types import Batch, VAEOutput
from vaelib.vae import VAE

if TYPE_CHECKING:
    from vaelib.datasets import FactorData


class Wrapper(Objective):
    """Hands everything on to its field `objective`; a subclass changes what that sees, or its loss.

    Wrappers can be put around each other, and around every objective.
    """

    objective: Objective

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.objective, Objective):
            raise ValueError(f"objective must be an Objective, got {self.objective!r}")

    @abstractmethod
    def forward(self, batch: Batch, out: VAEOutput, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss () and its summands {name: ()}."""

    def check_data(self, data: FactorData) -> None:
        self.objective.check_data(data)

    def prepare(self, vae: VAE, data_size: int, rng: torch.Generator) -> None:
        self.objective.prepare(vae, data_size, rng)

    def encode_decode(self, vae: VAE, images: Tensor, rng: torch.Generator) -> VAEOutput:
        return self.objective.encode_decode(vae, images, rng)

    def penalty(self, batch: Batch, out: VAEOutput, step: int) -> dict[str, Tensor]:
        _, terms = self(batch, out, step)
        return {name: term for name, term in terms.items() if name != "reconstruction"}

    def learn(self, batch: Batch, out: VAEOutput, step: int) -> None:
        self.objective.learn(batch, out, step)

    def turned(self, matrix: Tensor) -> None:
        self.objective.turned(matrix)

    def optimizers(self) -> dict[str, Optimizer]:
        return self.objective.optimizers()

    def extra_log(self) -> dict[str, float]:
        return self.objective.extra_log()
