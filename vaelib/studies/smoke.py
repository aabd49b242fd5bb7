"""Does the machinery work? Two objectives at three strengths, in minutes.

>>> [run.method for run in Smoke(seeds=(0,), sigmas=(0.4,)).plan()]
['BetaVAE', 'BetaVAE', 'BetaTCVAE']
>>> world(0.4).image_shape
(1, 32, 32)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from vaelib.datasets import DSprites, FactorData, FixedSample, Pooled
from vaelib.objectives import BetaTCVAE, BetaVAE, Objective
from vaelib.studies.base import Planned, Study, correlated
from vaelib.train import TrainConfig

PAIR = ("pos_x", "pos_y")


@dataclass(frozen=True)
class Smoke(Study):
    """β-VAE and β-TCVAE, a few hundred steps each: too few for any claim.

    32×32 pixels, few images to score.
    """

    steps: int = 300  # optimiser steps of each run
    seeds: tuple[int, ...] = (0, 1, 2)
    sigmas: tuple[float, ...] = (math.inf, 0.4, 0.1)

    hypothesis = "Every part of a study works: it trains, scores, resumes, tabulates and draws."
    metrics = ("mig", "pairwise_mig", "plane_angle")
    samples = 2_000
    score = "uncorrelated.pairwise_mig.pair"
    reference = "BetaVAE"

    def plan(self) -> list[Planned]:
        objectives: list[Objective] = [BetaVAE(beta=0.5), BetaVAE(beta=1.0), BetaTCVAE(beta=1.5)]
        return [
            Planned(
                TrainConfig(
                    world(sigma), objective, steps=self.steps, seed=seed, checkpoint_every=100
                ),
                method=type(objective).__name__,
                setting=f"beta={objective.beta:g}",
                pair=PAIR,
                sigma=sigma,
            )
            for sigma in self.sigmas
            for objective in objectives
            for seed in self.seeds
        ]


def world(sigma: float) -> FactorData:
    return FixedSample(correlated(Pooled(DSprites()), PAIR, sigma), 5_000)
