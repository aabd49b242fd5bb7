"""One run of a study, from its claim to its result: what a worker does."""

from __future__ import annotations

import os
import shutil
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch

from vaelib.datasets import FixedSample, Pairs
from vaelib.datasets.fixed_sample import apart
from vaelib.files import DataFileError, read_json, write_json
from vaelib.machine import describe
from vaelib.objectives.base import bernoulli_loss
from vaelib.pretrained import Pretrained
from vaelib.runs import Run
from vaelib.spec import from_spec
from vaelib.studies.claim import EXPIRY, Claim, ClaimLost, latest, sweep
from vaelib.studies.results import FAILURE, RESULT, read_result, recorded
from vaelib.train import TrainConfig, train

ELBO_IMAGES = 2_000
_one_at_a_time = threading.Lock()  # torch's first weights are drawn from a generator of the process


@dataclass(frozen=True)
class Job:
    """What a worker is told, in plain types."""

    root: str  # the study's folder
    name: str  # the run's folder in it
    spec: dict[str, Any]  # TrainConfig as JSON
    metrics: tuple[str, ...]
    samples: int
    keep_weights: bool = True
    retry: bool = False  # what failed before
    expiry: float = EXPIRY

    @property
    def result(self) -> Path:
        return Path(self.root) / self.name / RESULT

    @property
    def key(self) -> str:
        return self.name.rpartition("-")[2]


@dataclass(frozen=True)
class Outcome:
    """What became of a job: done, failed, or busy when another process has the run."""

    name: str
    state: str
    error: str = ""
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """The last line of the error."""
        return (self.error.strip().splitlines() or ["no reason is known"])[-1]


def execute(job: Job) -> Outcome:
    """Train and score, or go on where it stopped, unless it is done or another process does it.

    Whatever goes wrong in the run is written into its folder and returned, not raised.
    """
    with _one_at_a_time:
        if outcome := settled(job):
            return outcome
        try:
            claim = Claim.take(Path(job.root), job.name, job.expiry)
        except OSError as error:  # no room, no permission
            return Outcome(job.name, "failed", f"{type(error).__name__}: {error}")
        if claim is None:
            return settled(job) or _no_claim(job)
        with claim:
            return _attempt(job, claim)


def _no_claim(job: Job) -> Outcome:
    if job.result.parent.exists() and not job.result.exists():
        text = f"{job.result.parent} is there without its {RESULT}: remove it, and run again"
        return Outcome(job.name, "failed", text)
    return Outcome(job.name, "busy")


def settled(job: Job) -> Outcome | None:
    """The outcome of a run that is done, or failed and not to be tried again."""
    try:
        if result := read_result(job.result.parent, job.key):
            return _if_scored_so(job, result)
    except DataFileError as error:
        return Outcome(job.name, "failed", str(error))
    before = latest(Path(job.root), job.name)
    if before and (before / FAILURE).exists() and not job.retry:
        return Outcome(job.name, "failed", recorded(before))
    return None


def _if_scored_so(job: Job, result: dict[str, Any]) -> Outcome:
    """Done, unless the study has changed what it scores: such rows must not stand in one table."""
    now, then = [list(job.metrics), job.samples], result.get("scored", [None, None])
    if now == then or "scored" not in result:
        return Outcome(job.name, "done", result=result)
    text = (
        f"{job.result.parent} was scored with {then[0]} on {then[1]} images, the study now asks "
        f"for {now[0]} on {now[1]}: move that folder away, or take another --folder, and run again"
    )
    return Outcome(job.name, "failed", text)


def _attempt(job: Job, claim: Claim) -> Outcome:
    (claim.folder / FAILURE).unlink(missing_ok=True)
    try:
        if not (claim.folder / RESULT).exists():
            _do(job, claim)
        claim.finish()
    except ClaimLost:
        return settled(job) or Outcome(job.name, "busy")
    except Exception:
        root = Path(job.root)
        if job.result.exists() or latest(root, job.name) != claim.folder:  # its folder moved
            sweep(root, job.name)
            return settled(job) or Outcome(job.name, "busy")
        return note_failure(claim.folder, job.name, traceback.format_exc())
    sweep(Path(job.root), job.name)
    return Outcome(job.name, "done", result=read_json(job.result))


def note_failure(folder: Path, name: str, text: str) -> Outcome:
    """The outcome of a run that failed, and its record in the run's folder."""
    try:
        write_json(folder / FAILURE, {"traceback": text, "when": _utc()})
    except OSError:  # a full disk: the caller learns it all the same
        pass
    return Outcome(name, "failed", text)


def _do(job: Job, claim: Claim) -> None:
    from vaelib.report.facts import git_state

    config: TrainConfig = from_spec(job.spec)
    with alone(claim.folder, Path(job.root)):
        run = train(config, claim.folder, lambda row: claim.check(), progress=False)
        start = time.perf_counter()
        elbo = score(run, job.metrics, job.samples)
    result = {
        "key": config.key,
        "seconds": float(run.log["seconds"].iloc[-1]),
        "scoring_seconds": round(time.perf_counter() - start, 1),
        "finished": _utc(),
        "git": git_state(),
        "machine": describe(),
        "config": job.spec,
        "scored": [list(job.metrics), job.samples],  # what the study asked for
        "scores": run.scores,
        "elbo": elbo,
    }
    write_json(claim.folder / RESULT, result)
    if not job.keep_weights:
        drop_weights(claim.folder)


def score(run: Run, metrics: tuple[str, ...], samples: int) -> dict[str, dict[str, float]]:
    """Scores on uncorrelated factors and on those of the training, into the run's scores.json.

    Returns reconstruction and KL of both, {distribution: {name: nats per image}}, and on the data
    of the run that it began with, if any, as `earlier`.
    """
    from vaelib.evaluate import evaluate

    data = run.config.data
    worlds = {world.distribution: world for world in (unsampled(data), data.uncorrelated())}
    for world in worlds.values():
        evaluate(run, world, metrics, samples)
    if isinstance(run.config.network, Pretrained):
        worlds["earlier"] = unsampled(run.config.network.source.data)  # what it may have forgotten
    return {name: elbo(run, world) for name, world in worlds.items()}


def unsampled(data: Any) -> Any:
    """The distribution behind training images: a sample of it, or pairs, are set aside."""
    while isinstance(data, FixedSample | Pairs):
        data = data.data
    return data


def elbo(run: Run, data: Any, n: int = ELBO_IMAGES) -> dict[str, float]:
    """The two parts of the ELBO without weights, means over n images of `data`, in nats."""
    noise, rng = torch.Generator().manual_seed(0), apart(run.config.data, data, 0)
    parts = []
    with torch.no_grad():
        for _ in range(-(-n // 500)):
            images = data.sample(500, rng).to("cpu").images
            out = run.vae(images, noise)
            parts.append([bernoulli_loss(images, out.logits), out.posterior.kl().sum(1).mean()])
    reconstruction, kl = torch.tensor(parts).mean(0).tolist()
    return {"reconstruction": reconstruction, "kl": kl}


@contextmanager
def alone(folder: Path, root: Path | None = None) -> Iterator[None]:
    """One thread; and runs that this run trains for itself go into its own folder.

    Two runs of a study that share such a first run would otherwise write into one folder. Those
    that are finished are found by all: under `root`, the study's folder.
    """
    from joblib import parallel_config
    from threadpoolctl import threadpool_limits

    mine = {"VAELIB_RUNS": str(folder / "first"), "VAELIB_FOUND": str(root or "")}
    threads, before = torch.get_num_threads(), {name: os.environ.get(name) for name in mine}
    torch.set_num_threads(1)
    os.environ |= mine
    try:
        with threadpool_limits(1), parallel_config(backend="sequential"):
            yield
    finally:
        torch.set_num_threads(threads)
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def drop_weights(folder: Path) -> None:
    """Leave the numbers of a finished run: its configuration, log, scores and result."""
    for path in folder.glob("*.safetensors"):
        path.unlink(missing_ok=True)  # another scheduler may do the same
    shutil.rmtree(folder / "first", ignore_errors=True)


def _utc() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
