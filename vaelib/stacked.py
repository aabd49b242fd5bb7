"""Runs that train together: their networks as one, with one more dimension for the run.

On a GPU a single β-VAE leaves most of the chip idle, because each of its kernels is small. Stacked,
a convolution of R networks is one grouped convolution. Only the networks are joined: each run keeps
its own data, noise, objective, optimiser and log, so that the results are those of single runs up
to rounding, and a run that was begun here can go on alone. Not measured on a GPU yet.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from vaelib import machine
from vaelib.checkpoint import TrainState
from vaelib.datasets import FactorData
from vaelib.diverged import check_finite
from vaelib.log_file import LogFile
from vaelib.objectives import Objective
from vaelib.objectives.wrapper import Wrapper
from vaelib.on_device import place
from vaelib.runs import Run
from vaelib.sampling import Sampling
from vaelib.schedules import set_learning_rate
from vaelib.spec import to_spec
from vaelib.train import TrainConfig, kl_by_latent, start
from vaelib.types import Batch, Posterior, VAEOutput
from vaelib.vae import VAE

OWN = ("data", "objective", "sampling", "seed", "learning_rate", "schedule")  # may differ


def alike(config: TrainConfig) -> str:
    """Equal for configurations that can be stacked."""
    spec = to_spec(config)
    same = {name: value for name, value in spec.items() if name not in OWN}
    alone = config.key if own_pass(config.objective) else ""
    return json.dumps([same, config.data.image_shape, alone], sort_keys=True)


def own_pass(objective: Objective) -> bool:
    """Whether it changes the pass through the networks, as weakly supervised objectives do."""
    while isinstance(objective, Wrapper):
        objective = objective.objective
    return type(objective).encode_decode is not Objective.encode_decode


@dataclass
class Member:
    """A run that trains with others."""

    config: TrainConfig
    data: FactorData  # the configuration's, on the device where that pays
    run: Run
    vae: VAE
    objective: Objective
    sampling: Sampling
    state: TrainState
    log: LogFile
    recent: list[Tensor]

    def draw(self, plan: machine.Plan, step: int) -> Batch:
        c = self.config
        rate = c.learning_rate * c.schedule.factor(step, c.steps)
        set_learning_rate(self.state.optimizers["vae"], rate)
        return self.sampling.draw(self.data, c.batch_size, self.state.rng).to(plan.device)

    def learn(self, batch: Batch, out: VAEOutput, terms: dict[str, Tensor], step: int) -> None:
        """The model's own step, after the gradients of all, and what follows it."""
        self.state.optimizers["vae"].step()
        self.sampling.observe(out, step)  # first: to learn may turn the latents
        self.objective.learn(batch, out, step)
        self.keep(out, terms, step)

    def keep(self, out: VAEOutput, terms: dict[str, Tensor], step: int) -> None:
        """Log and save when it is time."""
        c, done = self.config, step + 1
        loss = torch.stack(tuple(terms.values())).sum().detach()
        self.recent.append(loss)
        if done % c.log_every == 0 or done in (1, c.steps):
            check_finite(self.recent, step, self.run)
            extra = self.objective.extra_log() | self.sampling.extra_log()
            self.log.write(done, loss, terms, kl_by_latent(out), extra)
        if done % c.checkpoint_every == 0 and done < c.steps:
            check_finite(self.recent, step, self.run)
            self.run.checkpoints.save(done, self.state)

    def finish(self) -> None:
        self.sampling.finish(self.run.folder)
        self.run.finish(self.vae, self.objective)


def train_stacked(configs: Sequence[TrainConfig], folders: Sequence[str | Path]) -> list[Run]:
    """Train `configs` together, one run a folder; those that are finished stay as they are.

    ValueError unless they are :func:`alike` and at the same step. A loss that becomes NaN or
    infinite stops all; what was saved by then goes on, stacked or alone.
    """
    others = [config.objective for config in configs if own_pass(config.objective)]
    if others or len({alike(config) for config in configs}) > 1:
        raise ValueError(f"stacked runs may differ in {OWN} only, and must use the usual pass")
    runs = [Run.create(folder, config) for folder, config in zip(folders, configs, strict=True)]
    todo = [(config, run) for config, run in zip(configs, runs, strict=True) if not run.finished]
    with ExitStack() as holds:
        for _, run in todo:
            holds.enter_context(run.held())
        if todo:
            _train_all(todo)
    return runs


def _train_all(todo: Sequence[tuple[TrainConfig, Run]]) -> None:
    config = todo[0][0]
    plan = machine.plan(config.device, config.precision, config.speedups)
    plan.begin()
    members, first = _members(todo, plan)
    for step in range(first, config.steps):
        batches = [member.draw(plan, step) for member in members]
        with plan.autocast():
            outs = encode_decode(members, torch.stack([batch.images for batch in batches]))
        losses, terms = zip(
            *(m.objective(b, o, step) for m, b, o in zip(members, batches, outs, strict=True)),
            strict=True,
        )
        for member in members:
            member.state.optimizers["vae"].zero_grad()
        torch.stack(losses).sum().backward()
        for member, batch, out, summands in zip(members, batches, outs, terms, strict=True):
            member.learn(batch, out, summands, step)
    for member in members:
        member.finish()


def _members(
    todo: Sequence[tuple[TrainConfig, Run]], plan: machine.Plan
) -> tuple[list[Member], int]:
    """The runs at a common step: the last that all of them have saved, else the first of all."""
    saved = [{path.name for path in run.checkpoints.paths()} for _, run in todo]
    common = set.intersection(*saved)
    for _, run in todo:
        for path in run.checkpoints.paths():
            if common and path.name not in common:
                path.unlink()  # ahead of the others
    members, steps = [], set()
    for config, run in todo:
        run.note_machine(plan)
        vae, objective, sampling, state = start(config, plan)
        first = run.checkpoints.restore(state)
        steps.add(first)
        data = place(config.data, plan, (config.steps - first) * config.batch_size)
        log = run.open_log(first)
        members.append(Member(config, data, run, vae, objective, sampling, state, log, []))
    if len(steps) > 1:
        raise ValueError(
            f"stacked runs must go on from the same step, got {sorted(steps)}: train each alone"
        )
    return members, steps.pop()


def encode_decode(members: Sequence[Member], images: Tensor) -> list[VAEOutput]:
    """The pass of all models, each through its own images: (R, B, C, H, W) → R outputs."""
    vaes = [member.vae for member in members]
    found = through([vae.encoder for vae in vaes], images).to(images.dtype)  # (R, B, 2D)
    posteriors = [Posterior(*one.chunk(2, dim=1)) for one in found]
    z = [p.sample(m.state.noise) for p, m in zip(posteriors, members, strict=True)]
    logits = through([vae.decoder for vae in vaes], torch.stack(z)).to(images.dtype)
    return [VAEOutput(*parts) for parts in zip(posteriors, z, logits, strict=True)]


def through(modules: Sequence[nn.Module], inputs: Tensor) -> Tensor:
    """R modules of one architecture, each applied to its own inputs (R, …): (R, …)."""
    each = [dict(module.named_parameters()) for module in modules]
    joined = {name: torch.stack([one[name] for one in each]) for name in each[0]}
    return vmap(lambda weights, x: functional_call(modules[0], weights, (x,)))(joined, inputs)
