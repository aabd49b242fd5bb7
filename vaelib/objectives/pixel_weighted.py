"""PixelWeighted: an objective whose pixels count several times, for images that were made small."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from vaelib.checks import whole
from vaelib.objectives.base import Objective
from vaelib.objectives.beta_vae import BetaVAE
from vaelib.objectives.wrapper import Wrapper
from vaelib.types import Batch, VAEOutput

WEIGHTED = {"reconstruction": "weighted_reconstruction"}  # its name as a summand


@dataclass(eq=False)
class PixelWeighted(Wrapper):
    """`objective` with every pixel counted `times` times: hyper-parameters keep their full size.

    `Pooled(data, k)` has k² times fewer pixels, so the reconstruction is about k² times smaller and
    every weight beside it k² times stronger. With `times=k*k` a published β, γ or λ means at the
    small size what it means at the full one; `PixelWeighted(BetaVAE(4.0), 4)` is BetaVAE(1.0) with
    a loss 4 times as large, which Adam does not see. In the log, `weighted_reconstruction` is the
    summand of the loss and `reconstruction` is in plain nats, each pixel counted once. Ours.

    ValueError: `times` below 1.

    >>> PixelWeighted(BetaVAE(4.0), times=4)
    PixelWeighted(objective=BetaVAE(beta=4.0), times=4)
    """

    objective: Objective = field(default_factory=lambda: BetaVAE(4.0))
    times: int = 4  # k² of Pooled

    def __post_init__(self) -> None:
        super().__post_init__()
        whole(self, 1, "times")
        self.raw = torch.tensor(math.nan)  # the last step's reconstruction, for the log

    def forward(self, batch: Batch, out: VAEOutput, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """With images and logits side by side `times` times, as further channels."""
        images, logits = (t.repeat(1, self.times, 1, 1) for t in (batch.images, out.logits))
        batch, out = replace(batch, images=images), replace(out, logits=logits)
        loss, terms = self.objective(batch, out, step)
        if "reconstruction" in terms:
            self.raw = terms["reconstruction"].detach()
        return loss, {WEIGHTED.get(name, name): term for name, term in terms.items()}

    def penalty(self, batch: Batch, out: VAEOutput, step: int) -> dict[str, Tensor]:
        terms = super().penalty(batch, out, step)
        return {name: term for name, term in terms.items() if name != WEIGHTED["reconstruction"]}

    def extra_log(self) -> dict[str, float]:
        found = super().extra_log()
        return found | {"reconstruction": float(found.get("reconstruction", self.raw)) / self.times}
