"""Carry out the runs of a study: many workers, one folder, as often as it takes.

>>> from vaelib.studies.backends import Local
>>> from vaelib.studies.smoke import Smoke
>>> study = Smoke(steps=2, seeds=(0,), sigmas=(0.4,))
>>> jobs = jobs_for(study, study.plan(), Path("study_runs"))
>>> backend: Backend = Local(workers=2)
>>> len(jobs), callable(carry_out)  # carry_out(jobs, backend) trains and scores them
(3, True)
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Protocol

from vaelib.files import write_json
from vaelib.spec import to_spec
from vaelib.studies.base import Planned, Study
from vaelib.studies.claim import EXPIRY, is_abandoned, latest, live
from vaelib.studies.table import check_score_name
from vaelib.studies.work import Job, Outcome, execute, note_failure, settled

DEATHS = 3  # workers that a run may lose before it counts as failed
TICK = 2.0  # seconds between looks at the work


class Backend(Protocol):
    """Something of :mod:`vaelib.studies.backends`."""

    def start(self) -> AbstractContextManager: ...


def jobs_for(
    study: Study,
    plan: Sequence[Planned],
    root: Path,
    keep_weights: bool = True,
    retry: bool = False,
    expiry: float = EXPIRY,
) -> list[Job]:
    """One job for each different configuration of `plan`, in its order.

    ValueError, before anything is trained, when the study asks for a metric that there is not, is
    judged by a score that its metrics do not give, or has a pair that the data do not.
    """
    _check(study, plan)
    configs = {run.config.key: run.config for run in plan}
    return [
        Job(
            str(root.resolve()), config.folder_name, to_spec(config), tuple(study.metrics),
            study.samples, keep_weights, retry, expiry,
        )
        for config in configs.values()
    ]  # fmt: skip


def _check(study: Study, plan: Sequence[Planned]) -> None:
    from vaelib import metrics

    metrics.chosen(study.metrics)
    check_score_name(study)
    for run in plan:
        names = run.config.data.factor_names
        if run.pair and not set(run.pair) <= set(names):
            raise ValueError(f"a pair must name two of {names}, got {run.pair}")


def carry_out(
    jobs: Sequence[Job],
    backend: Backend,
    on_outcome: Callable[[Outcome], None] = lambda outcome: None,
    progress: bool = True,
) -> list[Outcome]:
    """Do the jobs and return what became of each, in their order.

    Jobs that another scheduler holds are waited for, and taken over should it die. A worker that
    dies costs what its run did after the last checkpoint; after three workers a run is failed.
    `on_outcome` is called as each is settled. OSError where the folder cannot be written.
    """
    for root in {job.root for job in jobs}:
        Path(root).mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=root).close()  # rather now than once for each run
    outcomes: dict[str, Outcome] = {}
    deaths: Counter[str] = Counter()
    waiting = list(jobs)
    with _Bar(jobs, progress) as bar:
        while waiting:
            again = []
            for job, outcome in _settle(waiting, backend, deaths, bar):
                if outcome.state == "busy":
                    again.append(job)
                    continue
                outcome = _bring_home(job, outcome)
                outcomes[job.name] = outcome
                bar.add(outcome)
                on_outcome(outcome)
            if len(again) == len(waiting):
                time.sleep(TICK)  # none could be begun: rather not at once again
            waiting = again
            while waiting and all(_held_elsewhere(job) for job in waiting):
                bar.show()
                time.sleep(TICK)
    return [outcomes[job.name] for job in jobs]


def _settle(
    jobs: list[Job], backend: Backend, deaths: Counter[str], bar: _Bar
) -> Iterator[tuple[Job, Outcome]]:
    """Each job with its outcome, as they come; first those that need no worker."""
    known = [(job, settled(job)) for job in jobs]
    yield from ((job, outcome) for job, outcome in known if outcome)
    bar.start()
    rest = [job for job, outcome in known if not outcome]
    if not rest:
        return
    with backend.start() as executor:
        pending = {executor.submit(execute, job): job for job in rest}
        while pending:
            done, _ = wait(pending, timeout=TICK, return_when=FIRST_COMPLETED)
            for future in done:
                job = pending.pop(future)
                yield job, _outcome(future, job, deaths)
            bar.show()


def _outcome(future: Future, job: Job, deaths: Counter[str]) -> Outcome:
    try:
        return future.result()
    except Exception as error:  # execute() raises nothing: the worker died
        deaths[job.name] += 1
        if deaths[job.name] < DEATHS:
            return Outcome(job.name, "busy")
        text = f"{error}\n{DEATHS} workers died in this run (killed, or out of memory)"
        if folder := latest(Path(job.root), job.name):
            return note_failure(folder, job.name, text)
        return Outcome(job.name, "failed", text)


def _held_elsewhere(job: Job) -> bool:
    folder = latest(Path(job.root), job.name)
    return not settled(job) and folder is not None and not is_abandoned(folder, job.expiry)


def _bring_home(job: Job, outcome: Outcome) -> Outcome:
    """Keep the result of a worker that does not share our file system."""
    if outcome.result and not job.result.exists():
        try:
            write_json(job.result, outcome.result)  # first: it is what counts
            write_json(job.result.parent / "config.json", job.spec)
        except OSError as error:
            return Outcome(job.name, "failed", f"its result cannot be kept here: {error}")
    return outcome


class _Bar:
    """The overall progress: runs done, time to go, failures, runs in flight."""

    def __init__(self, jobs: Sequence[Job], progress: bool):
        from tqdm.auto import tqdm

        self.total = len(jobs)
        self.root = Path(jobs[0].root) if jobs else Path()
        self.expiry = max((job.expiry for job in jobs), default=EXPIRY)
        self.failed = 0
        self.lines = progress and not sys.stderr.isatty()  # a log gets a line a run, and no bar
        disable = self.lines or not progress
        self.bar = tqdm(total=len(jobs), unit="run", disable=disable, smoothing=0)
        self.begun, self.count = time.monotonic(), 0
        self.before: int | None = None  # runs that needed no worker

    def start(self) -> None:
        """What was added until now took no time; the rest does."""
        if self.before is None:
            self.begun = time.monotonic()
            self.before = self.bar.initial = self.count
            self.bar.unpause()

    def add(self, outcome: Outcome) -> None:
        self.failed += outcome.state == "failed"
        self.count += 1
        self.bar.update()
        if self.lines:
            each = (time.monotonic() - self.begun) / max(1, self.count - (self.before or 0))
            left = each * (self.total - self.count)
            print(f"{self.count} of {self.total}, {left:.0f} s to go: {outcome.name}", flush=True)
        if outcome.state == "failed":
            self.bar.write(f"failed: {outcome.name}: {outcome.reason}")

    def show(self) -> None:
        in_flight = live(self.root, self.expiry)
        self.bar.set_postfix_str(f"{in_flight} in flight, {self.failed} failed")

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()
