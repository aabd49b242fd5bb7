"""Time of one training step with each objective, relative to BetaVAE.

    python -m benchmarks.step_time --rounds 20 --network Burgess

One thread and CPU time, so that other work on the machine disturbs little; the objectives take
turns, and each is compared with BetaVAE in the same round. A step is all that training does: draw
images, forward, backward, the model's step, the objective's own.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np
import torch

from benchmarks._results import Rows, keep, table, write_readme
from benchmarks._stepper import Stepper, in_turn
from vaelib import machine, networks
from vaelib.datasets import Correlated, DSprites, FixedSample, Pairs
from vaelib.flattening import DensityFlattening
from vaelib.objectives import FOUND, BetaVAE, FactorizedSupport, Objective, PairTurns, PairwiseBeta
from vaelib.objectives.pair_weights import IfSignificant, Relaxed
from vaelib.objectives.terms import CorrelatedKL, PairPenalty, Support
from vaelib.train import TrainConfig
from vaelib.turning import find_turn

LIMIT = 1.4  # of BetaVAE, for all but FactorVAE
TURNS = "PairTurns of BetaVAE"


def configurations(base: TrainConfig) -> dict[str, TrainConfig]:
    """Every objective at its defaults, and the dearer forms of some. BetaVAE comes first."""
    rule = IfSignificant(Relaxed())
    named: dict[str, Objective] = {name: cls() for name, cls in FOUND.items()}
    named["FactorizedSupport, bank"] = FactorizedSupport(bank=1024)
    named["PairwiseBeta, all terms"] = PairwiseBeta(
        weights=rule, terms=(CorrelatedKL(), PairPenalty(), Support())
    )
    named[TURNS] = PairTurns(BetaVAE())
    found = {name: with_objective(base, objective) for name, objective in named.items()}
    return {"BetaVAE": found.pop("BetaVAE"), **found}


def with_objective(base: TrainConfig, objective: Objective) -> TrainConfig:
    try:
        return replace(base, objective=objective)
    except ValueError:  # learns from pairs of images
        return replace(base, objective=objective, data=Pairs(base.data))


def measure(base: TrainConfig, rounds: int, steps: int) -> dict[str, np.ndarray]:
    """CPU seconds a step, one number a round, for each configuration."""
    return in_turn(
        {name: Stepper(config) for name, config in configurations(base).items()}, rounds, steps
    )


def rows(times: dict[str, np.ndarray]) -> Rows:
    """Median milliseconds, and the median over rounds of the ratio to BetaVAE."""
    ratios = {name: float(np.median(values / times["BetaVAE"])) for name, values in times.items()}
    return [
        {
            "objective": name,
            "ms a step": 1000 * float(np.median(times[name])),
            "× BetaVAE": ratio,
            "kept": "exempt" if name == "FactorVAE" else "yes" if ratio <= LIMIT else "NO",
        }
        for name, ratio in ratios.items()
    ]


def update_time(base: TrainConfig, images: int = 20_000) -> float:
    """CPU seconds of one update of DensityFlattening over this many images."""
    data = FixedSample(Correlated(DSprites(), {("pos_x", "pos_y"): 0.2}), images)
    stepper = Stepper(replace(base, data=data, sampling=DensityFlattening()))
    stepper.run(1)
    sampling = stepper.sampling
    sampling.state["means"] = np.random.default_rng(0).normal(size=(images, base.latent_dim))
    sampling.state["stds"][:, : base.latent_dim // 2] = 0.1  # half of the latents are active
    sampling.state["seen"][:] = 0
    began = time.process_time()
    sampling.update(sampling.every - 1)
    return time.process_time() - began


def turn_time(latents: int, images: int = 4_096) -> float:
    """CPU seconds of one turn of PairTurns on codes that a rotation of all latents has mixed."""
    rng = torch.Generator().manual_seed(0)
    mixed = torch.linalg.qr(torch.randn(latents, latents, generator=rng)).Q
    means = torch.rand(images, latents, generator=rng) @ mixed
    began = time.process_time()
    find_turn(means, torch.full((latents,), 0.1), gain=0.1)
    return time.process_time() - began


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("benchmarks.step_time", description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=5, help="steps of each objective in a round")
    parser.add_argument("--short", action="store_true", help="only see that it runs")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--network", default="Fast", help="a class of vaelib.networks")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    network = getattr(networks, options.network)()
    base = TrainConfig(network=network, batch_size=options.batch_size, device="cpu")
    print(f"CPU: {machine.cpu_name()}, 1 thread, torch {torch.__version__}")
    print(f"{network}, dSprites, batch {options.batch_size}, float32")
    amount = (1, 1) if options.short else (options.rounds, options.steps)
    times = measure(base, *amount)
    times[TURNS] += turn_time(base.latent_dim) / PairTurns().every
    found = rows(times)
    print(table(found))
    if not options.short:
        keep("step_time", found, network=repr(network), batch_size=options.batch_size)
        write_readme("step_time", table(found))
    images = 1_000 if options.short else 20_000
    every, seconds = DensityFlattening().every, update_time(base, images)
    share = seconds / (every * np.median(times["BetaVAE"]))
    print(
        f"DensityFlattening updates {images:,} images in {seconds:.2f} s: "
        f"{share:.0%} of {every} steps"
    )


if __name__ == "__main__":
    main()
