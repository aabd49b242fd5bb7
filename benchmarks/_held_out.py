"""The loss on images that training never sees, logged while a run trains."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from vaelib.datasets import FactorData
from vaelib.objectives.base import bernoulli_loss
from vaelib.runs import images_of
from vaelib.sampling import Sampling
from vaelib.types import Batch
from vaelib.vae import VAE


@dataclass(frozen=True)
class Without(FactorData):
    """`data` without `n` cells of its grid, chosen at random by `seed`: the test set."""

    data: FactorData
    n: int = 2048
    seed: int = 12345

    def __post_init__(self) -> None:
        for name in ("factor_names", "factor_sizes", "image_shape", "max_value"):
            object.__setattr__(self, name, getattr(self.data, name))

    @cached_property
    def test_index(self) -> np.ndarray:
        """Positions of the test images in the grid, (n,), sorted."""
        rng = np.random.default_rng(self.seed)
        return np.sort(rng.choice(len(self.data), self.n, replace=False))

    def sample_factors(self, n: int, rng: np.random.Generator) -> np.ndarray:
        factors = self.data.sample_factors(n, rng)
        while (bad := np.isin(self.data.index(factors), self.test_index)).any():
            factors[bad] = self.data.sample_factors(int(bad.sum()), rng)
        return factors

    def uncorrelated(self) -> FactorData:
        return self.data

    def render(self, factors: np.ndarray) -> np.ndarray:
        return self.data.render(factors)


@dataclass
class HeldOutLoss(Sampling):
    """As the data set draws; every `every` steps, the loss on its test images goes into the log.

    Columns: `test_reconstruction` and `test_kl` in nats per image, with the same noise each time;
    `train_seconds` and `train_cpu_seconds`, in which the tests are not counted.
    """

    every: int = 500

    def prepare(self, config, vae: VAE, progress: bool = False) -> None:
        self.vae = vae
        data = config.data
        self.images = images_of(data.data, data.data.factors(data.test_index)).split(64)
        self.found = torch.zeros(2, dtype=torch.float64)
        self.spent = torch.zeros(2, dtype=torch.float64)
        self.began = clocks()

    def draw(self, data: FactorData, n: int, rng: np.random.Generator) -> Batch:
        return data.sample(n, rng)

    def observe(self, out, step: int) -> None:
        if step == 0 or (step + 1) % self.every == 0:
            self.stop()
            self.found = held_out_loss(self.vae, self.images)
            self.began = clocks()

    def stop(self) -> None:
        """Add the time since the clock was started."""
        now = clocks()
        self.spent, self.began = self.spent + now - self.began, now

    def extra_log(self) -> dict[str, float]:
        self.stop()
        names = "test_reconstruction", "test_kl", "train_seconds", "train_cpu_seconds"
        return dict(zip(names, [*self.found.tolist(), *self.spent.tolist()], strict=True))

    def state_dict(self) -> dict[str, Tensor]:
        self.stop()
        return {"found": self.found, "spent": self.spent}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self.found, self.spent, self.began = state["found"], state["spent"], clocks()


def clocks() -> Tensor:
    """Wall and CPU seconds, (2,)."""
    return torch.tensor([time.perf_counter(), time.process_time()], dtype=torch.float64)


@torch.no_grad()
def held_out_loss(vae: VAE, batches: tuple[Tensor, ...]) -> Tensor:
    """Mean reconstruction and KL of these images, in nats per image, (2,)."""
    device = next(vae.parameters()).device
    noise = torch.Generator(device).manual_seed(0)
    found = torch.zeros(2, dtype=torch.float64)
    for images in batches:
        images = images.to(device)
        out = vae(images, noise)
        kl = out.posterior.kl().sum()
        found += torch.stack([bernoulli_loss(images, out.logits) * len(images), kl]).cpu()
    return found / sum(map(len, batches))
