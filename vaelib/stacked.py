"""Runs that train together: their networks as one, with one more dimension for the run.

On a GPU a single β-VAE leaves most of the chip idle, because each of its kernels is small. Stacked,
a convolution of R networks is one grouped convolution. Only the networks are joined: each run keeps
its own data, noise, objective, optimiser and log, so that the results are those of single runs up
to rounding, and a run that was begun here can go on alone. Not measured on a GPU yet.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from vaelib import machine
from vaelib.objectives import Objective
from vaelib.objectives.wrapper import Wrapper
from vaelib.runs import Run
from vaelib.spec import to_spec
from vaelib.train import TrainConfig
from vaelib.training import Training
from vaelib.types import Posterior, VAEOutput

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


def train_stacked(configs: Sequence[TrainConfig], folders: Sequence[str | Path]) -> list[Run]:
    """Train `configs` together, one run a folder; those that are finished stay as they are.

    ValueError unless they are :func:`alike` and at the same step. A loss that becomes NaN or
    infinite stops all; what was saved by then goes on, stacked or alone.
    """
    others = [config.objective for config in configs if own_pass(config.objective)]
    if others or len({alike(config) for config in configs}) > 1:
        raise ValueError(f"stacked runs may differ in {OWN} only, and must use the usual pass")
    runs = [Run.create(folder, config) for folder, config in zip(folders, configs, strict=True)]
    todo = [(run, config) for run, config in zip(runs, configs, strict=True) if not run.finished]
    with ExitStack() as holds:
        for run, _ in todo:
            holds.enter_context(run.held())
        if todo:
            _train_all(todo)
    return runs


def _train_all(todo: Sequence[tuple[Run, TrainConfig]]) -> None:
    _, config = todo[0]
    plan = machine.plan(config.device, config.precision, config.speedups)
    plan.begin()
    _forget_what_is_ahead([run for run, _ in todo])
    with plan.seeded(config.seed):
        _steps(todo, plan)


def _steps(todo: Sequence[tuple[Run, TrainConfig]], plan: machine.Plan) -> None:
    members = [Training(run, config, plan) for run, config in todo]
    steps = sorted({member.first for member in members})
    if len(steps) > 1:
        raise ValueError(
            f"stacked runs must go on from the same step, got {steps}: train each alone"
        )
    for step in range(steps[0], members[0].config.steps):
        _step(members, plan, step)
    for member in members:
        member.finish()


def _forget_what_is_ahead(runs: Sequence[Run]) -> None:
    """Go back to the states that all of them have; where there are none, all keep their own."""
    paths = [path for run in runs for path in run.checkpoints.paths()]
    saved = Counter(path.name for path in paths)
    if len(runs) in saved.values():
        for path in paths:
            if saved[path.name] < len(runs):
                path.unlink()


def _step(members: Sequence[Training], plan: machine.Plan, step: int) -> None:
    batches = [member.draw(step) for member in members]
    with plan.autocast():
        outs = encode_decode(members, torch.stack([batch.images for batch in batches]))
    each = list(zip(members, batches, outs, strict=True))
    found = [member.objective(batch, out, step) for member, batch, out in each]
    torch.stack([loss for loss, _ in found]).sum().backward()
    for (member, batch, out), (loss, terms) in zip(each, found, strict=True):
        member.learn(batch, out, step)
        member.note(loss, terms, out, step)
        member.save(step)


def encode_decode(members: Sequence[Training], images: Tensor) -> list[VAEOutput]:
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
