"""Draw rare training images more often, so that the density of the data becomes flat.

Where factors are correlated, their support may be whole but the density on it is far from flat, and
it is the density that turns a code away from the axes.

>>> from vaelib.datasets import Correlated, DSprites, FixedSample
>>> data = FixedSample(Correlated(DSprites(), {("pos_x", "pos_y"): 0.2}), n=1000)
>>> for sampling in (DensityFlattening(ratio=100.0), TwoPass(steps=2400), OracleFlattening()):
...     sampling.check_data(data)  # ValueError where it cannot draw from the data
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from vaelib.checkpoint import load_tensors, save_tensors
from vaelib.datasets import Correlated, FactorData
from vaelib.density import NearestNeighbours, effective_share, flat_weights
from vaelib.objectives import Objective
from vaelib.sampling import Sampling, check_fixed
from vaelib.types import Batch, Posterior, VAEOutput
from vaelib.vae import VAE

if TYPE_CHECKING:
    from vaelib.train import TrainConfig

WEIGHTS_FILE = "sampling.safetensors"  # in the folder of a run


@dataclass
class DensityFlattening(Sampling):
    """Ours: draws images with weights ∝ 1/density of their codes, without any label.

    Needs `FixedSample(data, n)`. The means and posterior widths of each image are kept from its
    last visit. Every `every` steps those `refresh` that are oldest, and all that were never seen,
    are encoded anew, and `density` is estimated in the space of the active latents in units of the
    posterior widths, which does not change when a latent is stretched. A latent is active when its
    means spread over at least `active` widths. Weights are clipped and kept from falling on too few
    images, see :func:`~vaelib.density.flat_weights`; until the first update they are equal. Logged
    are the effective sample size as a share of the images, and the active latents.
    """

    density: NearestNeighbours = field(default_factory=NearestNeighbours)
    ratio: float = 100.0  # greatest weight / smallest weight
    min_effective: float = 0.1  # of the images
    every: int = 300  # steps
    refresh: int = 2_000  # images
    active: float = 1.0  # posterior widths

    def __post_init__(self) -> None:
        if self.every < 1 or self.refresh < 0 or not self.active > 0:
            raise ValueError(
                "every must be at least 1, refresh at least 0 and active above 0, got "
                f"{self.every}, {self.refresh} and {self.active}"
            )
        flat_weights(np.zeros(2), self.ratio, self.min_effective)  # refuses bad limits

    def check_data(self, data: FactorData) -> None:
        check_fixed(self, data)

    def prepare(self, config: TrainConfig, vae: VAE, progress: bool = False) -> None:
        self.data, self.vae = config.data, vae
        vae.when_turned.append(self.forget)
        shape = (self.data.n, config.latent_dim)
        self.state = {
            "means": np.zeros(shape, np.float32),
            "stds": np.ones(shape, np.float32),
            "seen": np.full(self.data.n, -1, np.int32),  # the step of the last visit
            "weights": np.ones(self.data.n),
            "active": np.zeros(1),  # latents
        }

    def draw(self, data: FactorData, n: int, rng: np.random.Generator) -> Batch:
        self.rows = data.sample_rows(n, rng, self.state["weights"])
        return data.batch(self.rows)

    def observe(self, out: VAEOutput, step: int) -> None:
        rows, first = np.unique(self.rows, return_index=True)
        self._keep(rows, out.posterior.mean[first], out.posterior.std[first], step)
        if (step + 1) % self.every == 0:
            self.update(step)

    def forget(self) -> None:
        """All images are encoded anew at the next update: their means were of other latents."""
        self.state["seen"][:] = -1

    def update(self, step: int) -> None:
        """Encode what is stale, estimate the density, set the weights."""
        self._encode(self._stale(), step)
        log_density, active = self.density(self.codes()), self.active_latents().sum()
        weights = flat_weights(log_density, self.ratio, self.min_effective)
        self.state |= {"weights": weights, "active": np.full(1, float(active))}

    def active_latents(self) -> np.ndarray:
        """Which latents tell images apart: (D,) bool."""
        spread = self.state["means"].std(0)
        return spread >= self.active * self._widths()

    def codes(self) -> np.ndarray:
        """The means of all images in posterior widths, active latents only: (N, d)."""
        active = self.active_latents()
        return (self.state["means"] / self._widths())[:, active].astype(np.float64)

    def _widths(self) -> np.ndarray:
        return np.sqrt(np.square(self.state["stds"]).mean(0))  # (D,)

    def _stale(self) -> np.ndarray:
        """Rows never seen, then the oldest."""
        seen = self.state["seen"]
        count = max(self.refresh, int((seen < 0).sum()))
        return np.argsort(seen, kind="stable")[:count]

    @torch.no_grad()
    def _encode(self, rows: np.ndarray, step: int) -> None:
        device = next(self.vae.parameters()).device
        for part in np.array_split(rows, -(-len(rows) // 500)) if len(rows) else []:
            images = self.data.batch(part).to(device).images
            # `forward`: a compiled call would overwrite the training step's own outputs on a GPU
            posterior = Posterior(*self.vae.encoder.forward(images).float().chunk(2, dim=1))
            self._keep(part, posterior.mean, posterior.std, step)

    def _keep(self, rows: np.ndarray, mean: Tensor, std: Tensor, step: int) -> None:
        self.state["means"][rows] = mean.detach().float().cpu().numpy()
        self.state["stds"][rows] = std.detach().float().cpu().numpy()
        self.state["seen"][rows] = step

    def finish(self, folder: Path) -> None:
        save_tensors(folder / WEIGHTS_FILE, {"weights": torch.from_numpy(self.state["weights"])})

    def extra_log(self) -> dict[str, float]:
        return {
            "effective_share": effective_share(self.state["weights"]),
            "active_latents": float(self.state["active"][0]),
        }

    def state_dict(self) -> dict[str, Tensor]:
        return {name: torch.from_numpy(array) for name, array in self.state.items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self.state = {name: state[name].cpu().numpy().copy() for name in self.state}


@dataclass
class TwoPass(Sampling):
    """`flattening` in a first run of `steps` steps, then a fresh network with its last weights.

    A code that has already turned stays turned when the density becomes flat; a network that starts
    on flattened data need not turn. The first run is a run of its own under runs/, with its own
    `objective` (None: the same), and is reused when it is there.
    """

    flattening: DensityFlattening = field(default_factory=DensityFlattening)
    steps: int = 2_400  # of the first run
    objective: Objective | None = None

    def check_data(self, data: FactorData) -> None:
        self.flattening.check_data(data)

    def prepare(self, config: TrainConfig, vae: VAE, progress: bool = False) -> None:
        from vaelib.train import train

        objective = self.objective or config.objective
        first = replace(config, sampling=self.flattening, steps=self.steps, objective=objective)
        run = train(first, progress=progress)
        self.weights = load_tensors(run.folder / WEIGHTS_FILE)[0]["weights"].numpy()

    def draw(self, data: FactorData, n: int, rng: np.random.Generator) -> Batch:
        return data.batch(data.sample_rows(n, rng, self.weights))

    def extra_log(self) -> dict[str, float]:
        return {"effective_share": effective_share(self.weights)}


@dataclass
class OracleFlattening(Sampling):
    """Weights ∝ 1/p of the true correlated factors: the upper bound for label-free flattening.

    Needs `FixedSample(Correlated(…), n)`; p is the exact joint of all factors in correlated pairs.
    """

    ratio: float = 100.0  # greatest weight / smallest weight
    min_effective: float = 0.1  # of the images

    def __post_init__(self) -> None:
        flat_weights(np.zeros(2), self.ratio, self.min_effective)  # refuses bad limits

    def check_data(self, data: FactorData) -> None:
        check_fixed(self, data)
        if not isinstance(data.data, Correlated):
            raise ValueError(
                f"OracleFlattening needs the joint of Correlated data, got {data.data!r}"
            )

    def prepare(self, config: TrainConfig, vae: VAE, progress: bool = False) -> None:
        data = config.data
        tied = sorted({name for pair in data.data.pairs for name in pair})
        columns = [data.factor_names.index(name) for name in tied]
        values = data.factors(data.indices)[:, columns]  # (N, tied factors)
        log_p = np.log(data.data.joint(*tied)[tuple(values.T)]) if tied else np.zeros(data.n)
        self.weights = flat_weights(log_p, self.ratio, self.min_effective)

    def draw(self, data: FactorData, n: int, rng: np.random.Generator) -> Batch:
        return data.batch(data.sample_rows(n, rng, self.weights))

    def extra_log(self) -> dict[str, float]:
        return {"effective_share": effective_share(self.weights)}
