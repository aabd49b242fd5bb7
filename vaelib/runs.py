"""Run: a folder with a configuration, a log, weights and scores; and tables of many."""

from __future__ import annotations

import csv
import json
import time
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from vaelib import machine
from vaelib.checkpoint import Checkpoints, load_tensors, save_tensors
from vaelib.datasets import FactorData
from vaelib.files import write_json, write_whole
from vaelib.objectives import Objective
from vaelib.spec import brief, from_spec, to_spec
from vaelib.types import Codes
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
        try:
            return from_spec(json.loads((self.folder / "config.json").read_text("utf-8")))
        except json.JSONDecodeError as error:
            raise ValueError(f"{self.folder / 'config.json'} is not JSON: {error}") from error

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
        return Checkpoints(self.folder / "state")

    @property
    def log(self) -> pd.DataFrame:
        """One row a logged step: step, seconds, loss, its terms, kl, kl_0 … kl_{D−1}, in nats."""
        import pandas as pd

        return pd.read_csv(self.folder / "log.csv")

    @cached_property
    def vae(self) -> VAE:
        """The trained model on the CPU. ValueError when it is missing or damaged."""
        if not self.finished:
            raise ValueError(f"{self.folder} is not finished: train it with `vaelib resume`")
        c = self.config
        vae = VAE(c.network, c.data.image_shape, c.latent_dim)
        load_module(vae, self.folder / "model.safetensors")
        return vae.eval().requires_grad_(False)

    @property
    def scores(self) -> dict[str, Any]:
        """scores.json, {distribution: {…, "scores": {metric: {name: value}}}}; {} without one."""
        path = self.folder / "scores.json"
        return json.loads(path.read_text("utf-8")) if path.exists() else {}

    def open_log(self, step: int) -> LogFile:
        """The log, cut back to `step`: what a killed run logged after its checkpoint is redone."""
        return LogFile(self.folder / "log.csv", step)

    def finish(self, vae: VAE, objective: Objective) -> None:
        """Write the weights; the model comes last because it marks the run as finished."""
        if objective.state_dict():
            save_tensors(self.folder / "objective.safetensors", objective.state_dict())
        save_tensors(self.folder / "model.safetensors", vae.state_dict())
        self.checkpoints.clear()

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"


class LogFile:
    """log.csv, one row a call. The columns are those of the first row."""

    def __init__(self, path: Path, step: int):
        self.path, self.start = path, time.perf_counter()
        rows = _rows(path, step)
        self.before = float(rows[-1]["seconds"]) if rows else 0.0
        self.columns = list(rows[0]) if rows else None
        if self.columns:
            write_whole(path, lambda file: self._write(file, "w", [self._header(), *rows]))
        else:
            path.unlink(missing_ok=True)

    def write(
        self, step: int, loss: Tensor, terms: dict[str, Tensor], kl: Tensor, extra: dict[str, float]
    ) -> dict[str, float]:
        """Append one row; `kl` (D,) in nats. Returns the row."""
        row = {"step": step, "seconds": round(self.before + time.perf_counter() - self.start, 3)}
        row |= {"loss": loss.item(), **{name: term.item() for name, term in terms.items()}}
        row |= {"kl": kl.sum().item(), **{f"kl_{j}": v for j, v in enumerate(kl.tolist())}, **extra}
        head = [] if self.columns else [{name: name for name in row}]
        self.columns = self.columns or list(row)
        self._write(self.path, "a", [*head, row])
        return row

    def _header(self) -> dict[str, str]:
        return {name: name for name in self.columns}

    def _write(self, path: Path, mode: str, rows: list[dict]) -> None:
        with open(path, mode, newline="", encoding="utf-8") as file:
            csv.DictWriter(file, self.columns).writerows(rows)


def _rows(path: Path, step: int) -> list[dict[str, str]]:
    """The whole rows of a log up to `step`; a line cut off by a kill is dropped."""
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [r for r in rows if all(r.values()) and r["step"].isdigit() and int(r["step"]) <= step]


def load_module(module: torch.nn.Module, path: Path) -> None:
    """Fill `module` from a safetensors file; ValueError when they do not belong together."""
    tensors, _ = load_tensors(path)
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        raise ValueError(f"{path} does not fit its config.json: {error}") from error


def find(folder: str | Path) -> list[Run]:
    """All runs at any depth under `folder`, in order of their paths."""
    return [Run(path.parent) for path in sorted(Path(folder).rglob("config.json"))]


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
    row |= {name: v if v is None or isinstance(v, bool | int | float | str) else brief(v)
            for name, v in parts}  # fmt: skip
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


@torch.inference_mode()
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
    machine.keep_memory()
    factors = data.sample_distinct(n, rng or np.random.default_rng(0))
    device = next(vae.parameters()).device
    means = [
        vae.encode(images_of(data, part, device)).mean.cpu().numpy()
        for part in np.array_split(factors, -(-len(factors) // batch_size))
    ]
    codes = Codes(np.concatenate(means), factors, data.factor_names)
    return codes.select(*data.scored) if data.unscored and data.scored else codes


def images_of(data: FactorData, factors: np.ndarray, device: str | torch.device = "cpu") -> Tensor:
    """The images of these factor vectors as a float tensor (N, C, H, W) in [0, 1]."""
    from vaelib.types import Batch

    return Batch(data.render(factors), factors, data.max_value).to(device).images
