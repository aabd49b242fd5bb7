"""How the learning rate changes in the course of a training.

>>> [round(Cosine(warmup=200).factor(step, 1000), 2) for step in (0, 200, 600, 999)]
[0.01, 1.0, 0.5, 0.0]
>>> Constant().factor(600, 1000), isinstance(Constant(), Schedule)
(1.0, True)
>>> from torch import nn, optim
>>> set_learning_rate(optim.Adam(nn.Linear(1, 1).parameters()), 0.1)
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch.optim import Optimizer


class Schedule(ABC):
    """A factor on the learning rate for each step. Implementations are dataclasses."""

    @abstractmethod
    def factor(self, step: int, steps: int) -> float:
        """What the learning rate is multiplied with in step `step` of 0 … `steps` − 1."""


@dataclass(frozen=True)
class Constant(Schedule):
    """The same learning rate throughout, as in the papers."""

    def factor(self, step: int, steps: int) -> float:
        return 1.0


@dataclass(frozen=True)
class Cosine(Schedule):
    """A short linear rise, then half a cosine down to `end` (Loshchilov & Hutter 2016,
    arXiv 1608.03983, without restarts).

    With a large learning rate at first and a small one at last a model is good long before it would
    be with any constant one.
    """

    warmup: int = 200  # steps of the rise
    end: float = 0.0  # the last factor, of the learning rate

    def __post_init__(self) -> None:
        if self.warmup < 0 or not 0 <= self.end <= 1:
            raise ValueError(
                f"warmup must be at least 0 and end in 0..1, got {self.warmup} and {self.end}"
            )

    def factor(self, step: int, steps: int) -> float:
        if step < self.warmup:
            return (step + 1) / self.warmup
        done = (step - self.warmup + 1) / max(1, steps - self.warmup)
        return self.end + (1 - self.end) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def set_learning_rate(optimizer: Optimizer, value: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = value
