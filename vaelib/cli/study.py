"""`vaelib study`: many runs that answer one question."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaelib.cli import study_results
from vaelib.cli.command import add_command, add_group, typed
from vaelib.report.values import Limits

if TYPE_CHECKING:
    from vaelib.studies.base import Planned, Study
    from vaelib.studies.work import Outcome

BACKENDS = ("local", "dask", "slurm", "pbs")
KEEP = ("best", "all", "none")
KEPT_ALL = "keep_all"  # a file in a study's folder: no weights are to be removed
OF_A_QUEUE = ("memory", "walltime", "queue", "account", "directive")  # options
EVERY = 20.0  # seconds between two versions of the table while runs go on


def add(commands: argparse._SubParsersAction) -> None:
    """Many runs that answer one question, here or on a cluster.

    A study is a hypothesis and the runs that test it. Finished runs are skipped, others go
    on from their checkpoint, so the same command can be given again and again, also from
    several machines at once on a shared folder.

    vaelib study run smoke --workers 2
    vaelib study report smoke
    """
    actions = add_group(commands, "study", add)
    add_command(actions, "list", show)
    _add_run(actions)
    study_results.add(actions)


def _add_run(actions: argparse._SubParsersAction) -> None:
    parser = add_command(actions, "run", run)
    study_results.add_study(parser)
    group = parser.add_argument_group("what is done")
    group.add_argument(
        "--dry-run", action="store_true", help="only try each kind of run and tell what all cost"
    )
    group.add_argument("--retry", action="store_true", help="try runs again that failed before")
    text = "weights to keep: of the best run of each cell, of all, none (default: %(default)s)"
    group.add_argument("--keep", choices=KEEP, default="best", help=text)
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    _add_backend(parser)


def _add_backend(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("where it is done")
    text = "this machine's processes, a Dask cluster, or jobs of a queue (default: %(default)s)"
    group.add_argument("--backend", choices=BACKENDS, default="local", help=text)
    text = "processes or jobs, one thread each (default: one a core; 10 jobs)"
    group.add_argument("--workers", type=typed("int", Limits(1)), metavar="N", help=text)
    text = "of a Dask cluster that is there; without it --backend dask starts one on this machine"
    group.add_argument("--scheduler", metavar="ADDRESS", help=text)
    group.add_argument("--memory", help="of a job of a queue (default: 4GB)")
    group.add_argument("--walltime", help="of a job of a queue (default: 04:00:00)")
    group.add_argument("--queue", metavar="NAME", help="of the cluster, its partition")
    group.add_argument("--account", metavar="NAME", help="that the queue charges")
    text = "a further line of the head of a job, as in --directive=--gres=gpu:1; repeat it for more"
    group.add_argument("--directive", action="append", default=[], metavar="TEXT", help=text)
    text = "seconds without a sign of life after which a worker counts as dead (default: 300)"
    # At least 1: signs of life come ten times in this, and time stamps may be whole seconds.
    seconds = typed("float", Limits(1, 1e9))
    group.add_argument("--expiry", type=seconds, default=300.0, metavar="SECONDS", help=text)


def show(args: argparse.Namespace) -> int:
    """The studies that there are.

    List the studies, what each expects, and the options that -o takes.

    vaelib study list
    """
    from vaelib.cli.fields import fields_of
    from vaelib.cli.find import summary
    from vaelib.studies import found

    for name, study in found().items():
        print(f"{name}: {summary(study)}\n    expects: {study.hypothesis}")
        plain = study()
        for field in fields_of(study):
            text = f"  # {field.help}" if field.help else ""
            print(f"    -o {field.name}={getattr(plain, field.name)!r}{text}")
        print()
    return 0


def run(args: argparse.Namespace) -> int:
    """Do the runs.

    Do the runs of a study, or go on with them. The exit status is 1 when a run failed; what
    went wrong stands in its folder, and --retry tries again.

    vaelib study run correlated --only report sigma=0.2 pos_x+pos_y --workers 8
    vaelib study run smoke --dry-run
    vaelib study run traeuble --backend dask --scheduler tcp://10.0.0.1:8786
    vaelib study run traeuble --backend slurm --workers 50 --queue short
    """
    from vaelib.studies.run import carry_out, jobs_for
    from vaelib.studies.table import place, places, prune

    study, plan, folder = study_results.chosen(args)
    before = study_results.shipped(study, args)
    wanted = study_results.filtered(plan, args)
    there = places(before)
    todo = [planned for planned in wanted if place(planned) not in there]
    if skipped := len(wanted) - len(todo):
        print(f"{skipped} runs have their rows in the committed table (--fresh does them anew)")
    backend = _backend(args)
    if args.dry_run:
        return _tell_cost(study, todo, folder, args.keep, backend.workers)
    keeper = _Keeper(lambda: study_results.save_table(plan, folder, before))
    jobs = jobs_for(study, todo, folder, args.keep != "none", args.retry, args.expiry)
    _respect_kept(folder, args.keep)
    try:
        outcomes = carry_out(jobs, backend, keeper.saw, not args.quiet)
    finally:
        table = keeper.save()
    if args.keep == "best" and table is not None:
        prune(table, study, plan, folder)
    return _tell(outcomes, folder) or int(table is None)


def _respect_kept(folder: Path, keep: str) -> None:
    """ValueError where `--keep best` would remove weights that `--keep all` was to keep."""
    mark = folder / KEPT_ALL
    if keep == "all":
        folder.mkdir(parents=True, exist_ok=True)
        mark.touch()
    if keep == "best" and mark.exists():
        raise ValueError(
            f"--keep all kept the weights in {folder}, and --keep best would remove all but those "
            f"of the best run of each cell: give --keep all again, or remove {mark} first"
        )


class _Keeper:
    """Writes the table now and then; a full disk must not stop the runs."""

    def __init__(self, write: Callable[[], Any]):
        self.write, self.last = write, time.monotonic()

    def saw(self, outcome: Outcome) -> None:
        if time.monotonic() - self.last > EVERY:
            self.save()

    def save(self) -> Any:
        self.last = time.monotonic()
        try:
            return self.write()
        except OSError as error:
            print(f"the table could not be written: {error}", file=sys.stderr)
            return None


def _backend(args: argparse.Namespace) -> Any:
    from joblib import cpu_count

    from vaelib.studies import backends

    if args.scheduler and args.backend != "dask":
        raise ValueError("--scheduler needs --backend dask")
    if args.scheduler and args.workers:
        raise ValueError("--workers has no effect with --scheduler: that cluster has its own")
    given = {name: value for name in OF_A_QUEUE if (value := getattr(args, name))}
    if given and args.backend not in backends.QUEUES:
        raise ValueError(f"--{next(iter(given))} needs --backend slurm or pbs")
    if args.backend == "local":
        return backends.Local(args.workers or cpu_count())
    if args.backend == "dask":
        return backends.Dask(args.workers or cpu_count(), args.scheduler)
    directives = tuple(given.pop("directive", ()))
    return backends.Queue(args.backend, args.workers or 10, directives=directives, **given)


def _tell_cost(study: Study, todo: Sequence[Planned], folder: Path, keep: str, workers: int) -> int:
    from vaelib.studies import cost

    done = {p.config.key for p in todo if (folder / p.config.folder_name).exists()}
    todo = [planned for planned in todo if planned.config.key not in done]
    print(f"{len(done)} runs are done already")
    print(f"{'method':32s}  runs   steps  ms/step   scores        a run")
    kinds = []
    for kind in cost.estimate(study, todo):
        kinds.append(kind)
        print(
            f"{kind.method:32.32s} {kind.runs:5d} {kind.steps:7,d} "
            f"{1000 * kind.seconds_per_step:8.1f} {kind.scoring:6.1f} s "
            f"{_time(kind.seconds):>12s}",
            flush=True,
        )
    runs, seconds = sum(k.runs for k in kinds), sum(k.runs * k.seconds for k in kinds)
    print(f"{runs} runs: {_time(seconds)} of one core, {_time(seconds / workers)} on {workers}")
    megabytes = max((k.disk for k in kinds), default=0) / 1e6
    kept = {"all": runs, "best": cost.kept(todo), "none": 0}[keep]
    print(f"about {kept * megabytes + runs * 0.1:,.0f} MB of disk with --keep {keep}")
    return 0


def _time(seconds: float) -> str:
    """Hours, minutes and seconds."""
    return str(timedelta(seconds=round(seconds)))


def _tell(outcomes: Sequence[Outcome], folder: Path) -> int:
    from vaelib.studies.results import FAILURE

    failed = [outcome for outcome in outcomes if outcome.state == "failed"]
    for outcome in failed:
        print(f"failed: {outcome.name}\n    {outcome.reason}")
    print(f"{len(outcomes) - len(failed)} runs done, {len(failed)} failed: {folder}")
    if any(path for o in failed for path in folder.glob(f"work/{escape(o.name)}.*/{FAILURE}")):
        print("the tracebacks are in work/*/failure.json there; try again with --retry")
    return 1 if failed else 0
