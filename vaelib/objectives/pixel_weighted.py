"""PixelWeighted: an objective whose pixels count several times, for images that were made small."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from vaelib.objectives.base import Objective
from vaelib.objectives.beta_vae import BetaVAE
from vaelib.types import Batch, VAEOutput
from vaelib.vae import VAE

if TYPE_CHECKING:
    from vaelib.datasets import FactorData


@dataclass(eq=False)
class PixelWeighted(Objective):
    """`objective` with every pixel counted `times` times: hyper-parameters keep their full size.

    `Pooled(data, k)` has k² times fewer pixels, so the reconstruction is about k² times smaller and
    every weight beside it k² times stronger. With `times=k*k` a published β, γ or λ means at the
    small size what it means at the full one; `PixelWeighted(BetaVAE(4.0), 4)` is BetaVAE(1.0) with
    a loss 4 times as large, which Adam does not see. Ours.

    ValueError: `times` below 1.
    """

    objective: Objective = field(default_factory=lambda: BetaVAE(4.0))
    times: int = 4  # k² of Pooled

    def __new__(cls, *_: object, **__: object) -> PixelWeighted:
        made = super().__new__(cls)
        nn.Module.__init__(made)  # before the dataclass sets its fields, one of which is a module
        return made

    def __post_init__(self) -> None:
        if isinstance(self.times, bool) or not isinstance(self.times, int) or self.times < 1:
            raise ValueError(f"times must be a whole number of at least 1, got {self.times!r}")

    def check_data(self, data: FactorData) -> None:
        self.objective.check_data(data)

    def prepare(self, vae: VAE, data_size: int, rng: torch.Generator) -> None:
        self.rng = rng
        self.objective.prepare(vae, data_size, rng)

    def encode_decode(self, vae: VAE, images: Tensor, rng: torch.Generator) -> VAEOutput:
        return self.objective.encode_decode(vae, images, rng)

    def forward(self, batch: Batch, out: VAEOutput, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        return self.objective(*self._repeated(batch, out), step)

    def penalty(self, batch: Batch, out: VAEOutput, step: int) -> dict[str, Tensor]:
        return self.objective.penalty(*self._repeated(batch, out), step)

    def _repeated(self, batch: Batch, out: VAEOutput) -> tuple[Batch, VAEOutput]:
        """Images and logits side by side `times` times, as further channels."""
        images, logits = (t.repeat(1, self.times, 1, 1) for t in (batch.images, out.logits))
        return replace(batch, images=images), replace(out, logits=logits)

    def learn(self, batch: Batch, out: VAEOutput, step: int) -> None:
        self.objective.learn(batch, out, step)

    def optimizers(self) -> dict[str, Optimizer]:
        return self.objective.optimizers()

    def extra_log(self) -> dict[str, float]:
        return self.objective.extra_log()
