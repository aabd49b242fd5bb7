"""Make the shipped checkpoints: train, score, and copy the finished runs to data/checkpoints/.

    python tools/make_checkpoints.py [NAME ...] [--workers 2]

Interrupted runs resume. On two free cores 30,000 steps take about 20 minutes, two runs at a time.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import shutil
from pathlib import Path

import torch

from vaelib.datasets import Correlated, DSprites, Pooled, Shapes3DLike
from vaelib.evaluate import evaluate
from vaelib.networks import Broadcast
from vaelib.objectives import LVAE, BetaVAE, CapacityVAE, ControlVAE, Objective, PixelWeighted
from vaelib.objectives.l_vae import R1, R2
from vaelib.paths import runs_dir, shipped_dir
from vaelib.pretrained import Pretrained
from vaelib.schedules import Cosine
from vaelib.studies.methods import OBJECTIVE
from vaelib.train import TrainConfig, train
from vaelib.vit import MaskedAutoencoding, ViT


def correlated(objective: Objective, sigma: float) -> TrainConfig:
    """A run of chapter 5: 6,000 steps on small images with positions that are tied by `sigma`."""
    small = Pooled(DSprites())
    return TrainConfig(
        data=Correlated(small, {("pos_x", "pos_y"): sigma}) if sigma < math.inf else small,
        objective=PixelWeighted(objective, 4), network=Broadcast(32, 128),
        steps=6_000, learning_rate=1e-3,
    )  # fmt: skip


CHECKPOINTS = {
    "dsprites_beta_1": TrainConfig(objective=BetaVAE(beta=1.0)),
    "dsprites_beta_4": TrainConfig(objective=BetaVAE(beta=4.0)),
    "dsprites_beta_8": TrainConfig(objective=BetaVAE(beta=8.0)),
    "dsprites_capacity_25": TrainConfig(
        objective=CapacityVAE(gamma=30.0, capacity=25.0, capacity_steps=17_000), steps=20_000
    ),
    "dsprites_capacity_25_soon": TrainConfig(
        objective=CapacityVAE(gamma=10.0, capacity=25.0, capacity_steps=2_000),
        steps=20_000,
        learning_rate=1e-3,
    ),
    "dsprites_control_18": TrainConfig(
        objective=ControlVAE(rise_every=100, integral=0.005), steps=15_000
    ),
    "dsprites_lvae_r1": TrainConfig(objective=LVAE(reading=R1()), steps=15_000),
    "dsprites_lvae_r2": TrainConfig(objective=LVAE(reading=R2()), steps=15_000),
    "dsprites_pair_02_beta": correlated(BetaVAE(4.0), 0.2),
    "dsprites_pair_02_ours": correlated(OBJECTIVE, 0.2),
    "dsprites_pair_inf_ours": correlated(OBJECTIVE, math.inf),
    "dsprites_pair_inf_beta": correlated(BetaVAE(4.0), math.inf),
    "dsprites_pair_04_ours": correlated(OBJECTIVE, 0.4),
    "dsprites_pair_04_beta": correlated(BetaVAE(4.0), 0.4),
    "shapes3d_like_beta_8": TrainConfig(
        data=Shapes3DLike(), objective=BetaVAE(beta=8.0), steps=5_000, learning_rate=1e-3
    ),
}


# Chapter 7: a transformer learns to see, then only its adapters are trained.
VIT_MASKED = TrainConfig(
    objective=MaskedAutoencoding(), network=ViT(), schedule=Cosine(), steps=3_000,
    learning_rate=2e-3,
)  # fmt: skip
CHECKPOINTS |= {
    "vit_masked": VIT_MASKED,
    "dsprites_vit_beta_1": TrainConfig(
        objective=BetaVAE(beta=1.0), network=Pretrained(ViT(adapters=24), VIT_MASKED),
        schedule=Cosine(), steps=6_000, learning_rate=3e-3,
    ),
}  # fmt: skip


def make(name: str) -> None:
    """One checkpoint, on one thread: two such processes beat one process with two threads."""
    torch.set_num_threads(1)
    config = CHECKPOINTS[name]
    run = train(config, runs_dir() / config.folder_name, progress=False)
    if not run.scores and name != "vit_masked":  # which has no posterior yet
        evaluate(run)
    target = shipped_dir() / name
    shutil.copytree(run.folder, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("state"))
    print(f"{name}: {Path(target)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(CHECKPOINTS), metavar="NAME",
                        help=f"which to make: {', '.join(CHECKPOINTS)} (default: all)")  # fmt: skip
    parser.add_argument("--workers", type=int, default=2, help="runs at a time (default 2)")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(CHECKPOINTS))
    if unknown:
        parser.error(f"checkpoints are {list(CHECKPOINTS)}, got {unknown}")
    with multiprocessing.get_context("spawn").Pool(arguments.workers) as pool:
        pool.map(make, arguments.names, chunksize=1)


if __name__ == "__main__":
    main()
