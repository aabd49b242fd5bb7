"""Does the fast network learn what the published one learns?"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from vaelib.datasets import DSprites
from vaelib.networks import Burgess, Fast, Network
from vaelib.objectives import BetaTCVAE, BetaVAE, Objective
from vaelib.studies.base import Planned, Study
from vaelib.train import TrainConfig


@dataclass(frozen=True)
class SpeedEquivalence(Study):
    """Fast against Burgess: the same objectives, seeds and steps, on dSprites at 64×64.

    The differences of paired runs, with their intervals, say how alike the two are: equivalent
    within a margin when the interval lies inside it.
    """

    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    steps: int = 20_000  # optimiser steps

    hypothesis = (
        "At the same number of steps Fast reaches the scores of Burgess within 0.05 MIG, in a "
        "fraction of the time."
    )
    metrics = ("mig", "dci", "factor_vae_score")
    score = "uncorrelated.mig"
    reference = "Burgess"

    def plan(self) -> list[Planned]:
        networks: list[Network] = [Burgess(), Fast()]
        objectives: dict[str, Objective] = {
            "BetaVAE(4)": BetaVAE(4.0),
            "BetaTCVAE(6)": BetaTCVAE(6.0),
        }
        return [
            Planned(
                TrainConfig(DSprites(), objective, network, steps=self.steps, seed=seed),
                type(network).__name__,
                phase=label,  # compared within each
            )
            for seed, (label, objective), network in product(
                self.seeds, objectives.items(), networks
            )
        ]
