"""A training that stays in memory and is timed a few steps at a time."""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import torch

from vaelib import machine
from vaelib.train import TrainConfig, start


class Stepper:
    """Does all that :func:`vaelib.train.train` does in a step, except for the log."""

    def __init__(self, config: TrainConfig):
        self.config = config
        self.plan = machine.plan("cpu", config.precision, config.speedups)
        self.plan.begin()
        self.vae, self.objective, self.sampling, self.state = start(config, self.plan)
        self.step = 0

    def run(self, steps: int) -> float:
        """CPU seconds a step."""
        began = time.process_time()
        for _ in range(steps):
            batch = self.sampling.draw(self.config.data, self.config.batch_size, self.state.rng)
            batch = batch.to("cpu")
            with self.plan.autocast():
                out = self.objective.encode_decode(self.vae, batch.images, self.state.noise)
            loss, _ = self.objective(batch, out, self.step)
            self.state.optimizers["vae"].zero_grad()
            loss.backward()
            self.state.optimizers["vae"].step()
            self.objective.learn(batch, out, self.step)
            self.sampling.observe(out, self.step)
            self.step += 1
        return (time.process_time() - began) / steps


class Apart:
    """A Stepper in a process of its own, on one thread: the allocator is set for a whole process,
    so that configurations with and without speed-ups cannot share one."""

    def __init__(self, config: TrainConfig):
        self.pool = ProcessPoolExecutor(1, get_context("spawn"), _begin, (config,))

    def run(self, steps: int) -> float:
        return self.pool.submit(_run, steps).result()

    def stop(self) -> None:
        self.pool.shutdown()


def _begin(config: TrainConfig) -> None:
    global _stepper
    torch.set_num_threads(1)
    _stepper = Stepper(config)


def _run(steps: int) -> float:
    return _stepper.run(steps)


def in_turn(
    steppers: dict[str, Stepper | Apart], rounds: int, steps: int
) -> dict[str, np.ndarray]:
    """CPU seconds a step, one number a round, for each; they take turns, after a warm-up."""
    for stepper in steppers.values():
        stepper.run(3)
    times: dict[str, list[float]] = {name: [] for name in steppers}
    for _ in range(rounds):
        for name, stepper in steppers.items():
            times[name].append(stepper.run(steps))
    return {name: np.array(values) for name, values in times.items()}
