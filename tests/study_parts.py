"""Small runs for the tests of studies; in a file of its own, so that workers can import it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from vaelib.datasets import Correlated, DSprites, Pooled
from vaelib.networks import MLP
from vaelib.objectives import BetaVAE
from vaelib.sampling import UniformSampling
from vaelib.studies import Planned, Study
from vaelib.train import TrainConfig

PAIR = ("pos_x", "pos_y")
WORLD = Correlated(Pooled(DSprites(), 2), {PAIR: 0.2})


@dataclass
class Counted(UniformSampling):
    """Writes a line into a file whenever a training begins, or goes on."""

    file: str = ""

    def prepare(self, config, vae, progress=False):
        with open(self.file, "a") as file:
            file.write(f"{config.seed} {os.getpid()}\n")


@dataclass
class FailsWithout(UniformSampling):
    """Breaks at its third step as long as a file is missing."""

    file: str = ""
    drawn = 0

    def draw(self, data, n, rng):
        self.drawn += 1
        if self.drawn == 3 and not Path(self.file).exists():
            raise RuntimeError("the file is missing")
        return super().draw(data, n, rng)


def config(seed=0, steps=12, sampling=None, **how):
    how = {"checkpoint_every": 4, "log_every": 2, "batch_size": 4, "device": "cpu", **how}
    return TrainConfig(
        WORLD, BetaVAE(1.0), MLP(hidden=8), sampling or UniformSampling(), latent_dim=3,
        steps=steps, seed=seed, **how,
    )  # fmt: skip


@dataclass(frozen=True)
class Tiny(Study):
    """A run a seed and β."""

    hypothesis = "It works."
    metrics = ("pairwise_mig", "mig")
    samples = 200
    score = "uncorrelated.pairwise_mig.pair"
    reference = "BetaVAE"

    configs: tuple[TrainConfig, ...] = ()

    def plan(self):
        return [Planned(c, "BetaVAE", "beta=1", pair=PAIR, sigma=0.2) for c in self.configs]
