"""Which images a training step sees: as the data set draws them, or weighted.

:mod:`vaelib.flattening` has the weighted kinds.

>>> from vaelib.datasets import DSprites, FixedSample
>>> len(UniformSampling().draw(DSprites(), 16, np.random.default_rng(0)))
16
>>> isinstance(UniformSampling(), Sampling)
True
>>> check_fixed(UniformSampling(), FixedSample(DSprites(), n=100))  # or ValueError
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from vaelib.datasets import FactorData, FixedSample
from vaelib.types import Batch, VAEOutput
from vaelib.vae import VAE

if TYPE_CHECKING:
    from vaelib.train import TrainConfig


class Sampling(ABC):
    """Draws the images of each step. Subclasses are dataclasses; hooks do nothing by default."""

    def check_data(self, data: FactorData) -> None:
        """ValueError when this sampling cannot draw from `data`."""
        return

    def prepare(self, config: TrainConfig, vae: VAE, progress: bool = False) -> None:
        """Called once before training, with the model that will be trained."""
        return

    @abstractmethod
    def draw(self, data: FactorData, n: int, rng: np.random.Generator) -> Batch:
        """n images for the next step."""

    def observe(self, out: VAEOutput, step: int) -> None:
        """Called at the end of a step with the model's output for the images drawn last."""
        return

    def finish(self, folder: Path) -> None:
        """Called after the last step: what shall be kept goes into the run's folder."""
        return

    def extra_log(self) -> dict[str, float]:
        """Numbers to log beside the objective's."""
        return {}

    def state_dict(self) -> dict[str, Tensor]:
        """All that changes, so that a run resumes bit for bit."""
        return {}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """The inverse of :meth:`state_dict`."""
        return


@dataclass
class UniformSampling(Sampling):
    """As the data set draws."""

    def draw(self, data: FactorData, n: int, rng: np.random.Generator) -> Batch:
        return data.sample(n, rng)


def check_fixed(sampling: Sampling, data: FactorData) -> None:
    if not isinstance(data, FixedSample):
        raise ValueError(
            f"{type(sampling).__name__} weights the images of a finite training set: data must be "
            f"FixedSample(data, n), got {data!r}"
        )
