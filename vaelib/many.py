"""Many runs at once: in processes on the CPU's cores, or with their networks stacked on a GPU.

>>> from vaelib.datasets import Blobs
>>> from vaelib.networks import MLP
>>> configs = [TrainConfig(Blobs(size=32), network=MLP(16), steps=2, seed=seed) for seed in (0, 1)]
>>> with watched([], progress=False):  # train_many shows such a bar
...     runs = [train(config, progress=False) for config in configs]
>>> [run.label for run in train_many(configs, progress=False)] == [run.label for run in runs]
True
>>> steps_done(configs[0], runs[0].folder)
2
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

from tqdm.auto import tqdm

from vaelib import machine
from vaelib.paths import runs_dir
from vaelib.runs import Run
from vaelib.spec import own_modules, to_spec
from vaelib.stacked import alike, train_stacked
from vaelib.studies.backends import Local
from vaelib.train import TrainConfig, train

Job = tuple[TrainConfig, Path]


def train_many(
    configs: Sequence[TrainConfig],
    folders: Sequence[str | Path] | None = None,
    workers: int | None = None,
    progress: bool = True,
) -> list[Run]:
    """Train all of `configs`, or resume them, or take what is finished: their runs, in this order.

    On the CPU each run has a process and one thread, `workers` at a time (default: one a core); two
    such runs get done sooner than one after the other with two threads each. Images that a file
    holds are mapped read-only, so the processes share them. On a GPU the runs that are
    :func:`~vaelib.stacked.alike` train together in this process, the others after each other.

    A run that fails stops no other; RuntimeError at the end says which failed and why. ValueError
    when two configurations are the same run, or a class of theirs is defined in the program that
    runs and not in a file that processes can import.
    """
    jobs = _jobs(configs, folders)
    if workers is not None and workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    on_cpu = [job for job in jobs if machine.pick_device(job[0].device).type == "cpu"]
    on_gpu = [job for job in jobs if machine.pick_device(job[0].device).type != "cpu"]
    _check_importable([config for config, _ in on_cpu])
    with watched(jobs, progress):
        failed = _in_processes(on_cpu, workers or os.cpu_count() or 1) + _in_stacks(on_gpu)
    if failed:
        raise RuntimeError(f"{len(failed)} of {len(jobs)} runs failed:\n" + "\n".join(failed))
    return [Run(folder) for _, folder in jobs]


def _check_importable(configs: Sequence[TrainConfig]) -> None:
    """ValueError where a process would not find a class."""
    for config in configs:
        for part, module in own_modules(to_spec(config)).items():
            if module is sys.modules["__main__"]:
                raise ValueError(
                    f"{part} is defined in the program that runs, which other processes cannot "
                    "import: put it in a file of its own"
                )


def _jobs(configs: Sequence[TrainConfig], folders: Sequence[str | Path] | None) -> list[Job]:
    if folders is None:
        folders = [runs_dir() / config.folder_name for config in configs]
    if len(folders) != len(configs) or len(set(map(Path, folders))) != len(configs):
        raise ValueError(
            f"{len(configs)} configurations need as many different folders, "
            f"got {len(set(map(Path, folders)))}"
        )
    return [(config, Path(folder)) for config, folder in zip(configs, folders, strict=True)]


def _in_processes(jobs: Sequence[Job], workers: int) -> list[str]:
    """Train each in a process; what failed, as text."""
    with Local(workers).start() as pool:
        started = [pool.submit(_train_alone, *job) for job in jobs]
        errors = [future.exception() for future in started]
    return [_told(job, error) for job, error in zip(jobs, errors, strict=True) if error]


def _train_alone(config: TrainConfig, folder: Path) -> None:
    import torch

    torch.set_num_threads(1)
    train(config, folder, progress=False)


def _told(job: Job, error: BaseException) -> str:
    _, folder = job
    return f"{folder}: {type(error).__name__}: {error}"


def _in_stacks(jobs: Sequence[Job]) -> list[str]:
    """Train those together that can be; what failed, as text."""
    failed = []
    for _, group in groupby(sorted(jobs, key=_stack_of), _stack_of):
        together = list(group)
        try:
            _train_together(together)
        except Exception as error:  # the other groups go on
            failed += [_told(job, error) for job in together]
    return failed


def _stack_of(job: Job) -> tuple[str, bool]:
    """Equal for jobs that can train together: alike, and begun or not."""
    config, folder = job
    return alike(config), any((folder / "state").glob("*"))


def _train_together(jobs: Sequence[Job]) -> None:
    if len(jobs) == 1:  # nothing to stack; perhaps its objective has a pass of its own
        train(*jobs[0], progress=False)
    else:
        train_stacked(*zip(*jobs, strict=True))


@contextmanager
def watched(jobs: Sequence[Job], progress: bool, every: float = 1.0) -> Iterator[None]:
    """One bar for all: the steps done, by what the logs say, and how many runs are finished."""
    total = sum(config.steps for config, _ in jobs)
    with tqdm(total=total, unit="step", desc=f"{len(jobs)} runs", disable=not progress) as bar:
        done = threading.Event()

        def look() -> None:
            steps = [steps_done(config, folder) for config, folder in jobs]
            finished = sum(n == config.steps for n, (config, _) in zip(steps, jobs, strict=True))
            bar.set_postfix_str(f"{finished} finished", refresh=False)
            bar.update(sum(steps) - bar.n)

        def watch() -> None:
            while not done.wait(every):
                look()

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
            look()


def steps_done(config: TrainConfig, folder: Path) -> int:
    """The last logged step of a run; 0 before there is one."""
    if (folder / "model.safetensors").exists():
        return config.steps
    try:
        last = (folder / "log.csv").read_text("utf-8").splitlines()[-1]
    except (OSError, IndexError):
        return 0
    step = last.split(",")[0]
    return int(step) if step.isdigit() else 0
