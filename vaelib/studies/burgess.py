"""Which factors does a VAE learn first as it gets more nats? Burgess et al. 2018."""

from __future__ import annotations

from dataclasses import dataclass

from vaelib.datasets import DSprites
from vaelib.networks import Burgess
from vaelib.objectives import CapacityVAE
from vaelib.studies.base import Planned, Study
from vaelib.train import TrainConfig


@dataclass(frozen=True)
class BurgessStudy(Study):
    """CapacityVAE on dSprites with growing final capacities (arXiv 1804.03599).

    Departures: 30,000 steps, C rising over 25,000 of them; the paper raises it over 100,000.

    >>> len(BurgessStudy(capacities=(5.0, 25.0), seeds=(0, 1, 2)).plan())
    6
    """

    capacities: tuple[float, ...] = (2.0, 5.0, 10.0, 15.0, 20.0, 25.0)  # nats
    seeds: tuple[int, ...] = (0, 1, 2)
    steps: int = 30_000  # optimiser steps
    gamma: float = 1000.0  # weight of |KL − C|

    hypothesis = (
        "With few nats only the positions are encoded, with more scale and shape, last the "
        "orientation; a code that was given its nats slowly has one latent for each position."
    )
    metrics = ("mig", "dci", "explicitness", "factor_vae_score")
    score = "uncorrelated.mig"

    def plan(self) -> list[Planned]:
        return [
            Planned(self.config(capacity, seed), "CapacityVAE", f"capacity={capacity:g}")
            for seed in self.seeds
            for capacity in self.capacities
        ]

    def config(self, capacity: float, seed: int) -> TrainConfig:
        objective = CapacityVAE(self.gamma, capacity, max(1, self.steps * 5 // 6))
        return TrainConfig(DSprites(), objective, Burgess(), steps=self.steps, seed=seed)
