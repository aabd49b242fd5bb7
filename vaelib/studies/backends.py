"""Where the workers of a study are: this machine, a Dask cluster, or jobs of SLURM or PBS.

Each is a context manager that gives a `concurrent.futures.Executor`. The cluster ones need
`pip install 'vaelib[cluster]'`.

>>> Local(workers=2), Dask(workers=2)
(Local(workers=2), Dask(workers=2, address=None))
>>> Queue("slurm", workers=8, walltime="02:00:00").memory
'4GB'
"""

from __future__ import annotations

import importlib
import os
import shutil
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from vaelib.machine import ONE_THREAD, end_with

QUEUES = {"slurm": "SLURMCluster", "pbs": "PBSCluster"}


@dataclass(frozen=True)
class Local:
    """Processes of this machine, one thread each."""

    workers: int

    @contextmanager
    def start(self) -> Iterator[Executor]:
        executor = _Apart(self.workers)
        with warnings.catch_warnings():  # loky renews a process that has grown: no news
            warnings.filterwarnings("ignore", "A worker stopped while", UserWarning)
            try:
                yield executor
            except BaseException:  # runs in flight are not waited for
                executor.end(kill=True)
                raise
            executor.end(kill=False)


class _Apart(Executor):
    """Processes by loky, each in a pool of its own: one that dies takes no other with it."""

    def __init__(self, workers: int):
        # here, as several threads that import it at once have been seen to meet half of it
        import joblib.externals.loky.process_executor  # noqa: F401

        self.threads = ThreadPoolExecutor(workers)
        self.own = threading.local()
        self.pools: list[Any] = []

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future:
        return self.threads.submit(self._call, function, arguments)

    def _call(self, function: Callable[..., Any], arguments: tuple) -> Any:
        from joblib.externals.loky.process_executor import ProcessPoolExecutor

        pool = getattr(self.own, "pool", None)
        if pool is None:
            pool = self.own.pool = ProcessPoolExecutor(
                1, env=ONE_THREAD, initializer=end_with, initargs=(os.getpid(),)
            )
            self.pools.append(pool)
        try:
            return pool.submit(function, *arguments).result()
        except Exception:  # the process is gone
            self.own.pool = None
            raise

    def end(self, kill: bool) -> None:
        """End the workers, or wait until they are done."""
        self.threads.shutdown(wait=not kill, cancel_futures=kill)
        for pool in self.pools:
            pool.shutdown(kill_workers=kill)


@dataclass(frozen=True)
class Dask:
    """A Dask cluster: the one at `address`, or `workers` processes of this machine without one."""

    workers: int
    address: str | None = None

    @contextmanager
    def start(self) -> Iterator[Executor]:
        distributed = _need("distributed")
        if self.address:
            with distributed.Client(self.address, timeout=30) as client:
                yield client.get_executor(pure=False)
            return
        _be_patient(0)  # how often a run is tried is counted by us
        with (
            distributed.LocalCluster(
                self.workers, threads_per_worker=1, dashboard_address=None, memory_limit=None,
                scheduler_kwargs={"dashboard_address": ":0"},  # a port that no other cluster has
            ) as cluster,
            distributed.Client(cluster) as client,
        ):  # fmt: skip
            yield client.get_executor(pure=False)


@dataclass(frozen=True)
class Queue:
    """Jobs of a cluster's queue, one worker each, through dask-jobqueue."""

    system: str  # slurm or pbs
    workers: int
    memory: str = "4GB"  # of a job
    walltime: str = "04:00:00"  # of a job; runs that it cuts off go on in the next
    queue: str | None = None
    account: str | None = None
    directives: tuple[str, ...] = ()  # further lines of the job's head, as --gres=gpu:1

    @contextmanager
    def start(self) -> Iterator[Executor]:
        distributed = _need("distributed")
        submit = {"slurm": "sbatch", "pbs": "qsub"}[self.system]
        if shutil.which(submit) is None:
            raise ValueError(
                f"--backend {self.system} must run where jobs can be queued, but there is no "
                f"{submit} here"
            )
        _be_patient(100)  # jobs end at their walltime: a run may lose several before it is done
        with self.cluster() as cluster, distributed.Client(cluster) as client:
            cluster.adapt(minimum_jobs=1, maximum_jobs=self.workers)
            yield client.get_executor(pure=False)

    def cluster(self) -> Any:
        """The cluster before its first job; `job_script()` shows what would be queued."""
        make = getattr(_need("dask_jobqueue"), QUEUES[self.system])
        return make(
            cores=1,
            processes=1,
            memory=self.memory,
            walltime=self.walltime,
            queue=self.queue,
            account=self.account,
            job_extra_directives=list(self.directives),
            job_script_prologue=[f"export {k}={v}" for k, v in ONE_THREAD.items()],
        )


def _be_patient(workers: int) -> None:
    """How many workers a run may lose before Dask gives it up."""
    import dask

    dask.config.set({"distributed.scheduler.allowed-failures": workers})


def _need(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ValueError(f"{module} is not installed: pip install 'vaelib[cluster]'") from error
