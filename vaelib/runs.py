"""Run: a folder with a configuration, a log, weights and scores; and tables of many.

>>> from vaelib.paths import shipped_dir
>>> [run] = find(shipped_dir() / "dsprites_beta_4")
>>> isinstance(run, Run), table([run]).steps.tolist(), score_columns({"mig": {"mig": 0.3}})
(True, [30000], {'mig': 0.3})
>>> encode(run, n=100).means.shape, images_of(run.config.data, np.zeros((2, 5), int)).shape
((100, 10), torch.Size([2, 1, 64, 64]))
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, suppress
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from vaelib import machine
from vaelib.checkpoint import Checkpoints, check_key, load_tensors, save_tensors
from vaelib.datasets import FactorData
from vaelib.datasets.fixed_sample import apart
from vaelib.files import only_one, read_json, readable, write_json
from vaelib.log_file import LogFile, read_log
from vaelib.objectives import Objective
from vaelib.spec import brief, from_spec, to_spec
from vaelib.types import Batch, Codes
from vaelib.vae import VAE

if TYPE_CHECKING:
    import pandas as pd

    from vaelib.train import TrainConfig


class Run:
    """A training and what came out of it, as a folder:

    config.json · machine.json · log.csv · model.safetensors · objective.safetensors (when the
    objective learned something) · state/ (until it is finished) · scores.json (once evaluated).
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        if not (self.folder / "config.json").is_file():
            raise ValueError(f"{self.folder} is not a run: it has no config.json")

    @classmethod
    def create(cls, folder: str | Path, config: TrainConfig) -> Run:
        """The run in `folder`, made if it is new; ValueError if it holds another configuration."""
        folder = Path(folder)
        if not (folder / "config.json").exists():
            config.check_here()  # what is refused leaves no folder
            write_json(folder / "config.json", to_spec(config))
        run = cls(folder)
        if run.config.key != config.key:
            raise ValueError(f"{folder} holds another run, {run.label}; choose another folder")
        return run

    def note_machine(self, plan: machine.Plan) -> None:
        """Write machine.json: where this run is trained and how the machine is used."""
        write_json(self.folder / "machine.json", machine.describe(plan))

    @cached_property
    def config(self) -> TrainConfig:
        """What was trained. Nothing outside of vaelib is run for it, see :mod:`vaelib.spec`.

        ValueError when the file holds something else.
        """
        from vaelib.train import TrainConfig

        path = self.folder / "config.json"
        with readable(path, "is no configuration of a run"):
            config = from_spec(read_json(path))
            if not isinstance(config, TrainConfig):
                raise ValueError(f"it must be a TrainConfig, got {type(config).__name__}")
        return config

    @property
    def label(self) -> str:
        """One line that says what was trained."""
        c = self.config
        return f"{c.objective} on {c.data}, seed {c.seed}"

    @property
    def finished(self) -> bool:
        return (self.folder / "model.safetensors").is_file()

    @property
    def checkpoints(self) -> Checkpoints:
        return Checkpoints(self.folder / "state", self.config.key)

    @property
    def log(self) -> pd.DataFrame:
        """One row a logged step: step, seconds, loss, its terms, kl, kl_0 … kl_{D−1}, in nats."""
        return read_log(self.folder / "log.csv")

    @cached_property
    def vae(self) -> VAE:
        """The trained model on the CPU. ValueError when it is missing or damaged."""
        if not self.finished:
            raise ValueError(f"{self.folder} is not finished: train it with `vaelib resume`")
        c = self.config
        path = self.folder / "model.safetensors"
        tensors, meta = load_tensors(path)
        check_key(path, meta, c.key)
        shape = meta.get("image_shape") or c.data.image_shape  # old files need the data for it
        with readable(path, "does not fit its config.json"):
            with torch.device("meta"):
                shapes = VAE(c.network, tuple(shape), c.latent_dim).state_dict()
            _check_shapes(shapes, tensors)  # first: a configuration can ask for any memory
            vae = VAE(c.network, tuple(shape), c.latent_dim)
            vae.load_state_dict(tensors)
        return vae.eval().requires_grad_(False)

    @property
    def scores(self) -> dict[str, Any]:
        """scores.json, {images: {…, "scores": {metric: {name: value}}}}; {} without one.

        `images` are those that :func:`~vaelib.evaluate.evaluate` names, `uncorrelated` for example.
        """
        path = self.folder / "scores.json"
        if not path.exists():
            return {}
        scores = read_json(path)
        with readable(path, "holds no scores"):
            for entry in scores.values():
                # whatever is no number raises
                _ = [float(v) for values in entry["scores"].values() for v in values.values()]
        return scores

    def held(self) -> AbstractContextManager[None]:
        """Let no other process train in this folder. ValueError when one does."""
        return only_one(self.folder / ".lock", "training in")

    def open_log(self, step: int) -> LogFile:
        """The log, cut back to `step`: what a killed run logged after its checkpoint is redone."""
        return LogFile(self.folder / "log.csv", step)

    def finish(self, vae: VAE, objective: Objective) -> None:
        """Write the weights; the model comes last because it marks the run as finished."""
        if objective.state_dict():
            save_tensors(self.folder / "objective.safetensors", objective.state_dict())
        meta = {"key": self.config.key, "image_shape": vae.image_shape}
        save_tensors(self.folder / "model.safetensors", vae.state_dict(), meta)
        self.checkpoints.clear()
        (self.folder / ".lock").unlink(missing_ok=True)

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"


def _check_shapes(expected: dict[str, Tensor], found: dict[str, Tensor]) -> None:
    """ValueError unless the tensors have these names and shapes."""
    for name in sorted(found.keys() | expected.keys()):
        shapes = [tuple(t[name].shape) if name in t else None for t in (expected, found)]
        if shapes[0] != shapes[1]:
            raise ValueError(f"{name} must be {shapes[0]}, got {shapes[1]}")


def find(folder: str | Path) -> list[Run]:
    """All runs at any depth under `folder`, in order of their paths."""
    found = []
    for path in sorted(Path(d) for d, _, files in os.walk(folder) if "config.json" in files):
        with suppress(ValueError):  # a study's worker has just renamed it
            found.append(Run(path))
    return found


def table(runs: list[Run], distribution: str = "uncorrelated") -> pd.DataFrame:
    """One row a run: what was trained, how long, and its scores on one distribution.

    Reconstruction and KL, in nats, are means over the last ten logged steps.
    A score's column is named metric.value, or just metric when both names are the same.
    """
    import pandas as pd

    return pd.DataFrame([_table_row(run, distribution) for run in runs])


def _table_row(run: Run, distribution: str) -> dict[str, Any]:
    c = run.config
    parts = [(f.name, getattr(c.objective, f.name)) for f in fields(c.objective) if f.init]
    row = {"run": run.folder.name, "objective": type(c.objective).__name__}
    row |= {
        "of" if name == "objective" else name:  # of a wrapper: what it is around
        v if v is None or isinstance(v, bool | int | float | str) else brief(v)
        for name, v in parts
    }  # fmt: skip
    row |= {"data": repr(c.data), "network": repr(c.network), "latent_dim": c.latent_dim}
    row |= {"steps": c.steps, "batch_size": c.batch_size, "seed": c.seed}
    if (run.folder / "log.csv").exists():
        log = run.log
        row |= {"seconds": log["seconds"].iloc[-1]}
        row |= log[["reconstruction", "kl"]].tail(10).mean().to_dict()  # one batch is noisy
    row["distribution"] = distribution
    return row | score_columns(run.scores.get(distribution, {}).get("scores", {}))


def score_columns(scores: dict[str, dict[str, float]]) -> dict[str, float]:
    """{metric: {value: number}} as the columns that they have in :func:`table`."""
    return {
        name if name == metric else f"{metric}.{name}": number
        for metric, values in scores.items()
        for name, number in values.items()
    }


@torch.no_grad()  # not inference_mode: a model first read in here could never be trained on
def encode(
    run: Run | VAE,
    data: FactorData | None = None,
    n: int = 15_000,
    rng: np.random.Generator | None = None,
    batch_size: int = 500,
) -> Codes:
    """The posterior means of n images of `data`, with the factors that scores ask for.

    Of data with fewer than n images each is encoded once. `data` defaults to the uncorrelated form
    of what the run was trained on; `rng` to a fixed seed, so that all models see the same images
    and differences between them are paired.
    """
    vae = run.vae if isinstance(run, Run) else run
    if data is None:
        if not isinstance(run, Run):
            raise ValueError("a bare VAE does not know its data: pass data")
        data = run.config.data.uncorrelated()
    if rng is None:
        rng = apart(run.config.data, data, 0) if isinstance(run, Run) else np.random.default_rng(0)
    if n < 1 or batch_size < 1:
        raise ValueError(f"n and batch_size must be at least 1, got {n} and {batch_size}")
    machine.keep_memory()
    factors = data.sample_distinct(n, rng)
    device = next(vae.parameters()).device
    means = [
        vae.encode(images_of(data, part, device)).mean.cpu().numpy()
        for part in np.array_split(factors, -(-len(factors) // batch_size))
    ]
    codes = Codes(np.concatenate(means), factors, data.factor_names)
    return codes.select(*data.scored) if data.unscored and data.scored else codes


def images_of(data: FactorData, factors: np.ndarray, device: str | torch.device = "cpu") -> Tensor:
    """The images of these factor vectors as a float tensor (N, C, H, W) in [0, 1]."""
    return Batch(data.render(factors), factors, data.max_value).to(device).images
