"""Make the shipped checkpoints: train, score, and copy the finished runs to data/checkpoints/.

    python tools/make_checkpoints.py [NAME ...] [--workers 2]

Interrupted runs resume. On two cores one run of 30,000 steps takes about 45 minutes, two at a time.
"""

from __future__ import annotations

import argparse
import multiprocessing
import shutil
from pathlib import Path

import torch

from vaelib.datasets import DSprites
from vaelib.evaluate import evaluate
from vaelib.objectives import BetaVAE
from vaelib.paths import runs_dir, shipped_dir
from vaelib.train import TrainConfig, train

CHECKPOINTS = {
    f"dsprites_beta_{beta}": TrainConfig(data=DSprites(), objective=BetaVAE(beta=float(beta)))
    for beta in (4, 1, 8)
}


def make(name: str) -> None:
    """One checkpoint, on one thread: two such processes beat one process with two threads."""
    torch.set_num_threads(1)
    config = CHECKPOINTS[name]
    run = train(config, runs_dir() / config.folder_name, progress=False)
    if not run.scores:
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
