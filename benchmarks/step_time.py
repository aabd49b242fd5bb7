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

from vaelib import machine, networks
from vaelib.datasets import Correlated, DSprites, FixedSample, Pairs
from vaelib.flattening import DensityFlattening
from vaelib.objectives import FOUND, FactorizedSupport, Objective, PairwiseBeta
from vaelib.objectives.pair_weights import IfSignificant, Relaxed
from vaelib.objectives.terms import CorrelatedKL, PairPenalty, Support
from vaelib.train import TrainConfig, start

LIMIT = 1.4  # of BetaVAE, for all but FactorVAE


class Stepper:
    """A training in memory, a few steps at a time."""

    def __init__(self, config: TrainConfig):
        self.config = config
        plan = machine.plan("cpu", config.precision, config.speedups)
        self.vae, self.objective, self.sampling, self.state = start(config, plan)
        self.step = 0

    def run(self, steps: int) -> float:
        """CPU seconds a step."""
        began = time.process_time()
        for _ in range(steps):
            batch = self.sampling.draw(self.config.data, self.config.batch_size, self.state.rng)
            batch = batch.to("cpu")
            out = self.objective.encode_decode(self.vae, batch.images, self.state.noise)
            loss, _ = self.objective(batch, out, self.step)
            self.state.optimizers["vae"].zero_grad()
            loss.backward()
            self.state.optimizers["vae"].step()
            self.objective.learn(batch, out, self.step)
            self.sampling.observe(out, self.step)
            self.step += 1
        return (time.process_time() - began) / steps


def configurations(base: TrainConfig) -> dict[str, TrainConfig]:
    """Every objective at its defaults, and the dearer forms of some. BetaVAE comes first."""
    rule = IfSignificant(Relaxed())
    named: dict[str, Objective] = {name: cls() for name, cls in FOUND.items()}
    named["FactorizedSupport, bank"] = FactorizedSupport(bank=1024)
    named["PairwiseBeta, all terms"] = PairwiseBeta(
        weights=rule, terms=(CorrelatedKL(), PairPenalty(), Support())
    )
    found = {name: with_objective(base, objective) for name, objective in named.items()}
    return {"BetaVAE": found.pop("BetaVAE"), **found}


def with_objective(base: TrainConfig, objective: Objective) -> TrainConfig:
    try:
        return replace(base, objective=objective)
    except ValueError:  # learns from pairs of images
        return replace(base, objective=objective, data=Pairs(base.data))


def measure(base: TrainConfig, rounds: int, steps: int) -> dict[str, np.ndarray]:
    """CPU seconds a step, one number a round, for each configuration."""
    steppers = {name: Stepper(config) for name, config in configurations(base).items()}
    for stepper in steppers.values():
        stepper.run(3)  # warm up
    times: dict[str, list[float]] = {name: [] for name in steppers}
    for _ in range(rounds):
        for name, stepper in steppers.items():
            times[name].append(stepper.run(steps))
    return {name: np.array(values) for name, values in times.items()}


def report(times: dict[str, np.ndarray]) -> str:
    """The table: median milliseconds, and the median over rounds of the ratio to BetaVAE."""
    lines = [f"{'objective':<28}{'ms a step':>10}{'× BetaVAE':>11}"]
    for name, values in times.items():
        ratio = np.median(values / times["BetaVAE"])
        over = "  above the limit" if ratio > LIMIT and name != "FactorVAE" else ""
        lines.append(f"{name:<28}{1000 * np.median(values):>10.1f}{ratio:>11.2f}{over}")
    return "\n".join(lines)


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


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("benchmarks.step_time", description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=5, help="steps of each objective in a round")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--network", default="Fast", help="a class of vaelib.networks")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    machine.keep_memory()
    network = getattr(networks, options.network)()
    base = TrainConfig(network=network, batch_size=options.batch_size, device="cpu")
    print(f"CPU: {machine.cpu_name()}, 1 thread, torch {torch.__version__}")
    print(f"{network}, dSprites, batch {options.batch_size}, float32")
    times = measure(base, options.rounds, options.steps)
    print(report(times))
    every, seconds = DensityFlattening().every, update_time(base)
    share = seconds / (every * np.median(times["BetaVAE"]))
    print(
        f"DensityFlattening updates 20,000 images in {seconds:.2f} s: {share:.0%} of {every} steps"
    )


if __name__ == "__main__":
    main()
