"""A training that stays in memory and goes on a few steps at a time."""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import torch

from vaelib import machine
from vaelib.schedules import set_learning_rate
from vaelib.train import TrainConfig, start


class Stepper:
    """Does all that :func:`vaelib.train.train` does in a step, except for the log."""

    def __init__(self, config: TrainConfig):
        self.config = config
        self.plan = machine.plan("cpu", config.precision, config.speedups)
        self.plan.begin()
        self.vae, self.objective, self.sampling, self.state = start(config, self.plan)
        self.optimizers = {self.state.optimizers["vae"]: config.learning_rate}
        self.step = 0

    def run(self, steps: int) -> float:
        """CPU seconds a step."""
        began = time.process_time()
        for _ in range(steps):
            self.advance()
        return (time.process_time() - began) / steps

    def advance(self) -> None:
        c = self.config
        factor = c.schedule.factor(self.step, c.steps)
        for optimizer, rate in self.optimizers.items():
            set_learning_rate(optimizer, rate * factor)
        batch = self.sampling.draw(c.data, self.batch_size(), self.state.rng).to("cpu")
        with self.plan.autocast():
            out = self.objective.encode_decode(self.vae, batch.images, self.state.noise)
        loss, _ = self.objective(batch, out, self.step)
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in self.optimizers:
            optimizer.step()
        self.sampling.observe(out, self.step)
        self.objective.learn(batch, out, self.step)
        self.step += 1

    def batch_size(self) -> int:
        """Images of the next step."""
        return self.config.batch_size


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


def in_turn(steppers: dict[str, Stepper | Apart], rounds: int, steps: int) -> dict[str, np.ndarray]:
    """CPU seconds a step, one number a round, for each; they take turns, after a warm-up."""
    for stepper in steppers.values():
        stepper.run(3)
    times: dict[str, list[float]] = {name: [] for name in steppers}
    for _ in range(rounds):
        for name, stepper in steppers.items():
            times[name].append(stepper.run(steps))
    return {name: np.array(values) for name, values in times.items()}
