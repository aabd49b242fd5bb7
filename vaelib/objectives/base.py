"""Objective: what a VAE minimises. One paper, one file, one subclass.

>>> from vaelib.objectives import FOUND
>>> "BetaVAE" in FOUND and all(issubclass(found, Objective) for found in FOUND.values())
True
>>> round(bernoulli_loss(torch.ones(2, 1, 4, 4), torch.zeros(2, 1, 4, 4)).item(), 2)  # 16 log 2
11.09
>>> at_least_zero(FOUND["BetaVAE"](beta=0.0), "beta")
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from vaelib.checks import numbers
from vaelib.types import Batch, VAEOutput
from vaelib.vae import VAE

if TYPE_CHECKING:
    from typing_extensions import Self

    from vaelib.datasets import FactorData


class Objective(nn.Module, ABC):
    """A training loss: the reconstruction plus the penalty that a subclass writes.

    A subclass is a `@dataclass(eq=False)` whose fields are its hyper-parameters, and implements
    :meth:`penalty`. It is an `nn.Module`, so buffers (running averages, a controller's state) and
    sub-modules (a critic) are saved with the run. The other methods are hooks that do the usual or
    nothing by default.
    """

    noted: dict[str, Tensor | float]  # numbers of the last step, for the log

    def __new__(cls, *_: object, **__: object) -> Self:
        made = super().__new__(cls)
        nn.Module.__init__(made)  # before the dataclass sets its fields, which may be modules
        made.noted = {}
        return made

    def __post_init__(self) -> None:
        """A subclass checks its fields here."""
        numbers(self)

    def check_data(self, data: FactorData) -> None:
        """ValueError when this objective cannot be trained on `data`."""

    def prepare(self, vae: VAE, data_size: int, rng: torch.Generator) -> None:
        """Build what depends on the model, once before training: critics, buffers of D numbers.

        `data_size` is the number of different images (N of the minibatch estimators); `rng` the
        generator for anything random later, saved and restored with the run.
        """

    def encode_decode(self, vae: VAE, images: Tensor, rng: torch.Generator) -> VAEOutput:
        """The pass through the model. Weakly supervised methods average posteriors here."""
        return vae(images, rng)

    def forward(self, batch: Batch, out: VAEOutput, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss (), and the terms {name: ()} whose sum it is, in nats per image."""
        terms = _joined(self.reconstruction(batch, out), self.penalty(batch, out, step))
        return torch.stack(tuple(terms.values())).sum(), terms

    def reconstruction(self, batch: Batch, out: VAEOutput) -> Tensor:
        """−log p(x|z) of Bernoulli pixels: summed over pixels, averaged over the batch, ()."""
        return bernoulli_loss(batch.images, out.logits)

    @abstractmethod
    def penalty(self, batch: Batch, out: VAEOutput, step: int) -> dict[str, Tensor]:
        """The other summands of the loss, {name: ()}, in nats per image."""

    def learn(self, batch: Batch, out: VAEOutput, step: int) -> None:
        """Called after the model's own step: critics, controllers and learned weights step here."""

    def turned(self, matrix: Tensor) -> None:
        """Called when the model's latents z became matrix·z, (D, D): :class:`PairTurns` does so."""

    def optimizers(self) -> dict[str, Optimizer]:
        """The optimisers that this objective owns, saved with the run so that it can resume."""
        return {}

    def extra_log(self) -> dict[str, float]:
        """Numbers to log beside the terms, here those `noted`: a schedule's value, a weight."""
        return {name: float(value) for name, value in self.noted.items()}


def _joined(reconstruction: Tensor, penalty: dict[str, Tensor]) -> dict[str, Tensor]:
    """All terms of the loss; ValueError when they are not {name: ()} of different names."""
    if not isinstance(penalty, dict):
        raise ValueError(f"penalty must return {{name: tensor of shape ()}}, got {penalty!r}")
    if "reconstruction" in penalty:
        raise ValueError(f"penalty must not return the name reconstruction, got {list(penalty)}")
    terms = {"reconstruction": reconstruction, **penalty}
    for name, term in terms.items():
        if not isinstance(term, Tensor) or term.ndim:
            got = tuple(term.shape) if isinstance(term, Tensor) else repr(term)
            raise ValueError(f"the term {name} must be a tensor of shape (), got {got}")
    return terms


def at_least_zero(owner: object, *names: str) -> None:
    """ValueError when one of these fields is negative or infinite, or any holds no number."""
    numbers(owner)
    for name in names:
        if not 0 <= getattr(owner, name) < math.inf:
            raise ValueError(f"{name} must be at least 0 and finite, got {getattr(owner, name)}")


def bernoulli_loss(images: Tensor, logits: Tensor) -> Tensor:
    """Binary cross-entropy (), summed over pixels, averaged over the batch, in nats."""
    return F.binary_cross_entropy_with_logits(logits, images, reduction="sum") / len(images)
