"""Weights as safetensors, and the state from which a run resumes bit for bit."""

from __future__ import annotations

import json
import math
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim import Optimizer

from vaelib.files import readable, write_whole

HOW = {"fused"}  # options of an optimiser that go by the machine that resumes, not by the saved


def save_tensors(
    path: Path, tensors: dict[str, Tensor], meta: dict[str, Any] | None = None
) -> None:
    """Tensors and a JSON dictionary in one safetensors file."""
    plain = {name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()}
    content = save(plain, {"vaelib": json.dumps(meta or {})})  # save_file would hide it from others
    write_whole(path, lambda file: file.write_bytes(content))


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The inverse of :func:`save_tensors`; ValueError when the file is damaged."""
    with (
        readable(path, "is not a whole safetensors file"),
        safe_open(path, framework="pt") as file,
    ):
        meta = dict(json.loads((file.metadata() or {}).get("vaelib", "{}")))
        return {name: file.get_tensor(name) for name in file.keys()}, meta  # noqa: SIM118


def check_key(path: Path, meta: dict[str, Any], key: str) -> None:
    """ValueError when a file was written by the training of another configuration.

    Files from before keys were written pass.
    """
    if meta.get("key", key) != key:
        raise ValueError(
            f"{path} belongs to the configuration {meta['key']}, but config.json is now that of "
            f"{key}: it was changed after training began. Put the old one back, or train the new "
            "one in another folder"
        )


class Checkpoints:
    """The newest two states of a run, `state/step-NNNNNNN.safetensors`.

    A state holds everything that training changes: model, objective, optimisers, random generators
    and the step. Two are kept, so that one damaged file costs one interval and not the run.
    `key` is that of the configuration: states of another are refused.
    """

    def __init__(self, folder: Path, key: str):
        self.folder, self.key = folder, key

    def paths(self) -> list[Path]:
        """Oldest first."""
        # shorter names first: from 10,000,000 on a step has a digit more
        return sorted(self.folder.glob("step-*.safetensors"), key=lambda p: (len(p.name), p.name))

    def save(self, step: int, state: TrainState) -> None:
        tensors, meta = state.export()
        meta = {"step": step, "key": self.key, **meta}
        save_tensors(self.folder / f"step-{step:07d}.safetensors", tensors, meta)
        for old in self.paths()[:-2]:
            old.unlink()

    def restore(self, state: TrainState) -> int:
        """Load the newest readable state; the step to go on with, 0 when there is none."""
        for path in reversed(self.paths()):
            try:
                tensors, meta = load_tensors(path)
            except ValueError as error:
                warnings.warn(f"{error}; going on from the checkpoint before it", stacklevel=2)
                continue
            check_key(path, meta, self.key)
            with readable(path, "is not a state of this training"):
                state.restore(tensors, meta)
                return int(meta["step"])
        return 0

    def clear(self) -> None:
        """With what a killed process left half-written there."""
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(eq=False)
class TrainState:
    """The parts of a training that change, by name, and their way to flat tensors and back.

    Among them torch's own generators, from which parts of the user's may draw.
    """

    modules: dict[str, nn.Module]
    optimizers: dict[str, Optimizer]
    noise: torch.Generator
    rng: np.random.Generator

    def export(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        tensors = {"noise": self.noise.get_state(), "torch": torch.get_rng_state()}
        if self.noise.device.type == "cuda":
            tensors["torch_cuda"] = torch.cuda.get_rng_state(self.noise.device)
        meta: dict[str, Any] = {"rng": self.rng.bit_generator.state, "groups": {}}
        for name, module in self.modules.items():
            tensors |= {f"{name}/{key}": value for key, value in module.state_dict().items()}
        for name, optimizer in self.optimizers.items():
            state = optimizer.state_dict()
            meta["groups"][name] = state["param_groups"]
            for index, values in state["state"].items():
                for key, value in values.items():
                    tensors[f"optimizer:{name}/{index}/{key}"] = torch.as_tensor(value)
        return tensors, meta

    def restore(self, tensors: dict[str, Tensor], meta: dict[str, Any]) -> None:
        self.noise.set_state(tensors["noise"])
        if "torch" in tensors:  # a state from before has none
            torch.set_rng_state(tensors["torch"])
        if "torch_cuda" in tensors and self.noise.device.type == "cuda":
            torch.cuda.set_rng_state(tensors["torch_cuda"], self.noise.device)
        self.rng.bit_generator.state = meta["rng"]
        for name, module in self.modules.items():
            module.load_state_dict(under(tensors, f"{name}/"))
        for name, optimizer in self.optimizers.items():
            state: dict[int, dict[str, Tensor]] = {}
            for key, value in under(tensors, f"optimizer:{name}/").items():
                index, field = key.split("/")
                state.setdefault(int(index), {})[field] = value
            pairs = zip(meta["groups"][name], optimizer.param_groups, strict=True)
            groups = [saved | {key: own[key] for key in HOW & own.keys()} for saved, own in pairs]
            _check_names(name, groups, list(state.values()), optimizer)
            optimizer.load_state_dict({"state": state, "param_groups": groups})
            _match_layout(optimizer)


def under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin so, by the rest of their names."""
    return {key[len(prefix) :]: t for key, t in tensors.items() if key.startswith(prefix)}


def _check_names(
    name: str, groups: list[dict], state: list[dict[str, Tensor]], optimizer: Optimizer
) -> None:
    """ValueError where a later step would fail: an option or a moment is missing, or no count."""
    own = [set(group) for group in optimizer.param_groups]
    if [set(group) for group in groups] != own or any(set(s) != set(state[0]) for s in state):
        raise ValueError(f"the optimiser {name!r} needs the options {own}, and equal moments")
    counts = [float(s["step"]) for s in state if "step" in s]
    if not all(0 <= count < math.inf for count in counts):  # a power of it would overflow
        raise ValueError(f"the optimiser {name!r} needs counts of steps from 0, got {counts}")


def _match_layout(optimizer: Optimizer) -> None:
    """Give each moment the memory format of its parameter, as when it was first made."""
    for parameter, values in optimizer.state.items():
        for key, value in values.items():
            if torch.is_tensor(value) and value.shape == parameter.shape:
                values[key] = torch.empty_like(parameter).copy_(value)
