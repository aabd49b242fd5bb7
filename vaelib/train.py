"""Training: a configuration in, a run out. One flat loop, resumable bit for bit.

>>> from vaelib.datasets import Blobs
>>> from vaelib.networks import MLP
>>> config = TrainConfig(Blobs(size=32), network=MLP(16), steps=2)
>>> run = train(config, progress=False)
>>> load_or_train(config).folder == run.folder  # it is finished
True
>>> vae, objective, sampling, state = start(config, machine.plan("cpu"))
>>> kl_by_latent(vae(torch.zeros(4, 1, 32, 32))).shape
torch.Size([10])
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from vaelib import machine
from vaelib.checkpoint import TrainState
from vaelib.checks import numbers, of_kind, whole
from vaelib.datasets import DSprites, FactorData
from vaelib.fast import budget
from vaelib.networks import Fast, Network
from vaelib.objectives import BetaVAE, Objective
from vaelib.paths import found_dirs, runs_dir
from vaelib.runs import Run, find
from vaelib.sampling import Sampling, UniformSampling
from vaelib.schedules import Constant, Schedule
from vaelib.spec import from_spec, own_modules, to_spec, without
from vaelib.types import VAEOutput
from vaelib.vae import VAE

if TYPE_CHECKING:
    from vaelib.training import Training

# How a run is carried out, not what it is: configurations that differ only here are the same run.
HOW = ("device", "precision", "speedups", "log_every", "checkpoint_every")
PARTS = {
    "data": FactorData, "objective": Objective, "network": Network, "sampling": Sampling,
    "schedule": Schedule,
}  # fmt: skip
# Fields that came later: at these values they are left out of the key, so that the keys stay those
# of runs from before there was a choice.
LATER = {"sampling": UniformSampling(), "schedule": Constant(), "beta2": 0.999}


@dataclass(frozen=True)
class TrainConfig:
    """Everything that defines a run. The numbers are those of Burgess et al. 2018 where printed."""

    data: FactorData = field(default_factory=DSprites)
    objective: Objective = field(default_factory=BetaVAE)
    network: Network = field(default_factory=Fast)
    sampling: Sampling = field(default_factory=UniformSampling)
    schedule: Schedule = field(default_factory=Constant)
    latent_dim: int = 10  # latents of the model
    steps: int = 30_000  # optimiser steps
    batch_size: int = 64  # images a step
    learning_rate: float = 5e-4  # of Adam, before the schedule
    beta2: float = 0.999  # of Adam's mean of squared gradients, what a step keeps of the old one
    seed: int = 0  # of the initialisation, the data and the noise
    device: str = "auto"  # auto, cpu, cuda, cuda:N or mps
    precision: str = "float32"  # of the networks: float32, bfloat16, or auto (by the chip)
    speedups: bool = True  # False computes as a plain loop does, bit for bit
    log_every: int = 100  # steps
    checkpoint_every: int = 1000  # steps

    def __post_init__(self) -> None:
        whole(self, 1, "latent_dim", "steps", "batch_size", "log_every", "checkpoint_every")
        whole(self, 0, "seed")
        numbers(self)
        if self.seed >= 2**64:  # torch takes no more
            raise ValueError(f"seed must be below 2**64, got {self.seed}")
        if not 0 < self.learning_rate < float("inf"):
            raise ValueError(f"learning_rate must be positive, got {self.learning_rate}")
        if not 0 <= self.beta2 < 1:
            raise ValueError(f"beta2 must be at least 0 and below 1, got {self.beta2}")
        machine.check_precision(self.precision)
        of_kind(self, **PARTS, device=str, speedups=bool)
        if self.device != "auto":  # which asks the driver, and only when the training begins
            machine.pick_device(self.device)
        self.objective.check_data(self.data)
        self.sampling.check_data(self.data)

    def check_here(self) -> None:
        """Raise what its training would here: no such device, no such file, or a misfit."""
        machine.check_present(machine.pick_device(self.device))
        self.data.try_sample(self.batch_size)
        with torch.device("meta"):
            VAE(self.network, self.data.image_shape, self.latent_dim)

    @property
    def key(self) -> str:
        """Twelve hex digits that name the run: equal for configurations of the same run."""
        # Inside the network of a pre-trained run too; the other fields were there before it.
        spec = without(to_spec(self), "vaelib.train:TrainConfig", "beta2", LATER["beta2"])
        later = {name for name, value in LATER.items() if getattr(self, name) == value}
        what = {name: spec[name] for name in spec.keys() - later - {"type", *HOW}}
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def folder_name(self) -> str:
        return f"{type(self.objective).__name__}-{type(self.data).__name__}-{self.seed}-{self.key}"


def train(
    config: TrainConfig,
    folder: str | Path | None = None,
    on_log: Callable[[dict[str, float]], None] | None = None,
    progress: bool = True,
) -> Run:
    """Train, or resume, or return at once what is finished: the run of `config`.

    `folder` defaults to a folder under `runs/` named after the configuration. `on_log` is called
    with each logged row (live plots). Raises ValueError when `folder` holds another configuration,
    :class:`~vaelib.diverged.TrainingDiverged` when the loss is NaN or infinite.
    """
    run = Run.create(folder or runs_dir() / config.folder_name, config)
    with nullcontext() if run.finished else run.held():
        if not run.finished:
            _train(run, config, on_log, progress)
        else:
            _warn_of_edits(run, config)
    return run


def _warn_of_edits(run: Run, config: TrainConfig) -> None:
    """Tell where code of the user's was changed after its run was finished."""
    modules = own_modules(to_spec(config)).values()
    files = {Path(module.__file__) for module in modules if getattr(module, "__file__", None)}
    for file in sorted(filter(Path.exists, files)):
        if file.stat().st_mtime > (run.folder / "model.safetensors").stat().st_mtime:
            warnings.warn(
                f"{file} was changed after {run.folder} was trained with it: remove that folder, "
                "or choose another, to train anew",
                stacklevel=3,
            )


def _train(
    run: Run,
    config: TrainConfig,
    on_log: Callable[[dict[str, float]], None] | None,
    progress: bool,
) -> None:
    from vaelib.training import Training

    plan = machine.plan(config.device, config.precision, config.speedups)
    plan.begin()
    with plan.seeded(config.seed):
        _steps(Training(run, config, plan, progress), on_log, progress)


def _steps(
    training: Training, on_log: Callable[[dict[str, float]], None] | None, progress: bool
) -> None:
    config, plan = training.config, training.plan
    vae, objective, first = training.vae, training.objective, training.first
    plan.compile([vae.encoder, vae.decoder], config.steps - first)
    bar = tqdm(
        range(first, config.steps), initial=first, total=config.steps, disable=not progress,
        desc=training.run.label, unit="step", mininterval=1.0,
    )  # fmt: skip
    for step in bar:
        batch = training.draw(step)
        with plan.autocast():
            out = objective.encode_decode(vae, batch.images, training.state.noise)
        loss, terms = objective(batch, out, step)
        loss.backward()
        training.learn(batch, out, step)
        if row := training.note(loss, terms, out, step):
            bar.set_postfix(loss=f"{row['loss']:.1f}", refresh=False)
            if on_log:
                on_log(row)
        training.save(step)
    training.finish()


def start(
    config: TrainConfig, plan: machine.Plan, progress: bool = False
) -> tuple[VAE, Objective, Sampling, TrainState]:
    """A fresh model, its objective and sampling, and the state of a training at step 0."""
    with plan.seeded(config.seed):
        vae = VAE(config.network, config.data.image_shape, config.latent_dim)
        config.network.begin(vae, progress)
        noise = torch.Generator(plan.device).manual_seed(config.seed)
        objective: Objective = from_spec(to_spec(config.objective))  # the caller's stays untouched
        objective.prepare(vae, config.data.distinct, noise)
        sampling: Sampling = from_spec(to_spec(config.sampling))
        sampling.prepare(config, vae, progress)
    vae.to(plan.device, memory_format=plan.layout)
    objective.to(plan.device)
    trained = [weight for weight in vae.parameters() if weight.requires_grad]
    optimizer = plan.adam(trained, config.learning_rate, config.beta2)
    state = TrainState(
        modules={"vae": vae, "objective": objective, "sampling": sampling},
        optimizers={"vae": optimizer, **objective.optimizers()},
        noise=noise,
        rng=np.random.default_rng(config.seed),
    )
    return vae, objective, sampling, state


def kl_by_latent(out: VAEOutput) -> Tensor:
    """The KL of each latent, averaged over the batch, (D,), in nats."""
    return out.posterior.kl().detach().mean(0)


def load_or_train(config: TrainConfig, **options) -> Run:
    """The finished run of `config`, where :func:`~vaelib.paths.found_dirs` says, else trained now.

    `options` are those of :func:`train`. In the fast mode (VAELIB_FAST=1) a run that has to be
    trained is cut to a few steps.
    """
    for folder in found_dirs():
        for run in find(folder):
            if run.finished and _key(run) == config.key:
                _warn_of_edits(run, config)
                return run
    config = replace(config, steps=budget(config.steps))
    print(f"No finished run of this configuration is here: training {config.steps:,} steps.")
    return train(config, **options)


def _key(run: Run) -> str | None:
    try:
        return run.config.key
    except (ValueError, OSError):  # of another version, written by hand, or moved in the meantime
        return None
