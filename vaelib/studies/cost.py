"""What a study will cost, from a short trial of each kind of run on this machine."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from vaelib.flattening import DensityFlattening, TwoPass
from vaelib.pretrained import Pretrained
from vaelib.studies.base import Planned, Study
from vaelib.studies.table import ONE_BEST
from vaelib.studies.work import alone, score
from vaelib.train import TrainConfig, train

SECONDS = 3.0  # that a trial takes at least


@dataclass(frozen=True)
class Kind:
    """Runs that cost the same."""

    method: str
    runs: int
    steps: int  # of each, a first run included
    seconds_per_step: float
    scoring: float  # seconds of each
    disk: int  # bytes of each, with weights

    @property
    def seconds(self) -> float:
        """Of one run."""
        return self.steps * self.seconds_per_step + self.scoring


class _Enough(Exception):
    pass


def estimate(study: Study, plan: Sequence[Planned]) -> Iterator[Kind]:
    """Try one run of each method and size of image; each trial takes some seconds."""
    groups: dict[tuple, dict[str, TrainConfig]] = {}
    for run in plan:
        config = run.config
        size = (run.method, config.data.image_shape, config.steps, config.batch_size)
        groups.setdefault(size, {})[config.key] = config
    for (method, *_), configs in groups.items():
        config = next(iter(configs.values()))
        first = config.sampling.steps if isinstance(config.sampling, TwoPass) else 0
        yield Kind(method, len(configs), config.steps + first, *probe(config, study))


def probe(config: TrainConfig, study: Study) -> tuple[float, float, int]:
    """Seconds a step, seconds of scoring, and bytes on the disk of a run of `config`.

    Trains until some seconds and, where sampling has a period, one period have passed. What a
    network of few steps takes to score is about what a trained one does. A pre-training is not
    counted: runs share it.
    """
    if isinstance(config.network, Pretrained):
        config = replace(config, network=config.network.network)
    if isinstance(config.sampling, TwoPass):
        config = replace(config, sampling=config.sampling.flattening)
    with tempfile.TemporaryDirectory() as folder, alone(Path(folder)):
        per_step = _time_steps(config, Path(folder) / "steps")
        run = train(replace(config, steps=1), Path(folder) / "short", progress=False)
        start = time.perf_counter()
        score(run, tuple(study.metrics), study.samples)
        scoring = time.perf_counter() - start
        disk = sum(path.stat().st_size for path in run.folder.rglob("*") if path.is_file())
    rows = config.steps / config.log_every * 400  # bytes of the log
    return per_step, scoring, int(disk + rows)


def _time_steps(config: TrainConfig, folder: Path) -> float:
    period = config.sampling.every if isinstance(config.sampling, DensityFlattening) else 0
    last = min(config.steps, 10 + period)
    begun: list[tuple[float, float]] = []

    def look(row: dict[str, float]) -> None:
        begun.append((row["step"], time.perf_counter()))
        passed = begun[-1][1] - begun[0][1]
        if row["step"] > last and passed > SECONDS:
            raise _Enough

    with suppress(_Enough):
        train(replace(config, log_every=5), folder, look, progress=False)
    (first, start), (step, end) = begun[min(1, len(begun) - 1)], begun[-1]  # the first is slower
    return (end - start) / max(1, step - first)


def kept(plan: Sequence[Planned]) -> int:
    """How many runs keep their weights with --keep best."""
    return len({tuple(run.labels[name] for name in ONE_BEST) for run in plan})
