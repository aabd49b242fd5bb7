"""Runs of studies: claimed once, resumed when killed, recorded when they fail, on every backend."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from study_parts import Counted, FailsWithout, Tiny, config

from vaelib.checkpoint import load_tensors
from vaelib.runs import Run
from vaelib.studies import work
from vaelib.studies.backends import Dask, Local, Queue
from vaelib.studies.claim import OWNER, Claim, ClaimLost, is_abandoned, latest, live
from vaelib.studies.results import FAILURE, recorded
from vaelib.studies.run import carry_out, jobs_for
from vaelib.studies.work import execute
from vaelib.train import train


def jobs(root, *configs, **how):
    study = Tiny(tuple(configs))
    return jobs_for(study, study.plan(), Path(root), **how)


class Here:
    """A backend without processes."""

    @contextmanager
    def start(self):
        yield self

    def submit(self, function, *arguments):
        future = Future()
        future.set_result(function(*arguments))
        return future


class Dying(Here):
    """A backend whose workers die, this many times."""

    def __init__(self, times):
        self.times = times

    def submit(self, function, *arguments):
        if self.times < 1:
            return super().submit(function, *arguments)
        self.times -= 1
        future = Future()
        future.set_exception(RuntimeError("worker was killed"))
        return future


def weights(folder):
    return load_tensors(folder / "model.safetensors")[0]


def same_weights(one, other):
    a, b = weights(one), weights(other)
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture(autouse=True)
def workers_may_import_the_parts(monkeypatch):
    monkeypatch.setenv("VAELIB_MODULES", "study_parts")


# Claims


def silence(folder, seconds):
    """Make the holder look silent for so long."""
    then = time.time() - seconds
    os.utime(folder / OWNER, (then, then))


def disown(folder, pid=None, host="elsewhere"):
    """Let the holder be a process of another machine, or another process of this one."""
    owner = json.loads((folder / OWNER).read_text())
    (folder / OWNER).write_text(json.dumps({"host": host or owner["host"], "pid": pid or 1}))


def test_a_run_is_claimed_once(tmp_path):
    first = Claim.take(tmp_path, "run")
    assert first and first.folder.is_dir() and Claim.take(tmp_path, "run") is None
    assert live(tmp_path) == 1 and Claim.take(tmp_path, "other")
    with first:
        pass
    assert Claim.take(tmp_path, "run").folder.name == "run.2"  # given back, so free at once


def test_of_many_claims_at_once_one_succeeds(tmp_path):
    for name, prepared in (("fresh", False), ("stale", True)):
        if prepared:
            folder = Claim.take(tmp_path, name).folder
            disown(folder)
            silence(folder, 1000)
        barrier, taken = threading.Barrier(8), []

        def attempt(name=name, barrier=barrier, taken=taken):
            barrier.wait()
            taken.append(Claim.take(tmp_path, name))

        threads = [threading.Thread(target=attempt) for _ in range(8)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        assert sum(claim is not None for claim in taken) == 1, name


def test_a_silent_holder_is_replaced_after_the_expiry_and_not_before(tmp_path):
    old = Claim.take(tmp_path, "run", expiry=100)
    (old.folder / "checkpoint").touch()
    disown(old.folder)
    silence(old.folder, 90)
    assert Claim.take(tmp_path, "run", expiry=100) is None
    silence(old.folder, 110)
    new = Claim.take(tmp_path, "run", expiry=100)
    assert (new.folder / "checkpoint").exists()  # its work goes on


def test_a_holder_is_silent_by_its_own_measure(tmp_path):
    patient = Claim.take(tmp_path, "run", expiry=300)  # whose signs come every 30 s
    silence(patient.folder, 20)
    assert Claim.take(tmp_path, "run", expiry=1) is None


def test_a_dead_process_of_this_machine_is_replaced_at_once(tmp_path):
    folder = Claim.take(tmp_path, "run").folder
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    assert not is_abandoned(folder)
    disown(folder, dead.pid, host=None)
    assert is_abandoned(folder)


def test_a_holder_that_slept_cannot_touch_the_work_of_its_successor(tmp_path):
    sleeper = Claim.take(tmp_path, "run")
    disown(sleeper.folder)
    silence(sleeper.folder, 1000)
    new = Claim.take(tmp_path, "run")
    (new.folder / "result").write_text("new")
    with pytest.raises(ClaimLost):
        sleeper.check()
    with pytest.raises(FileNotFoundError):
        (sleeper.folder / "log.csv").open("a")
    with pytest.raises(ClaimLost):
        sleeper.finish()
    new.finish()
    assert (tmp_path / "run" / "result").read_text() == "new"
    assert Claim.take(tmp_path, "run") is None


def test_a_holder_that_slept_while_it_scored_records_no_failure(tmp_path, monkeypatch):
    (job,) = jobs(tmp_path, config())

    def slept(job, claim):
        disown(claim.folder)
        silence(claim.folder, 1000)
        monkeypatch.setattr(work, "_do", do)
        assert execute_anew(job).state == "done"  # its successor's
        (claim.folder / "scores.json").parent.mkdir()
        raise FileNotFoundError("log.csv")

    do = work._do
    monkeypatch.setattr(work, "_do", slept)
    assert execute(job).state == "done"
    assert not list(tmp_path.glob("work/*/*"))


def execute_anew(job):
    """`execute` as another process would: without waiting for this one to be done."""
    with work.Claim.take(Path(job.root), job.name, job.expiry) as claim:
        return work._attempt(job, claim)


def test_a_result_of_other_metrics_is_not_mixed_in(tmp_path):
    (job,) = jobs(tmp_path, config())
    assert execute(job).state == "done"
    assert execute(job).state == "done"
    for changed in (replace(job, samples=100), replace(job, metrics=("mig",))):
        outcome = execute(changed)
        assert outcome.state == "failed" and "was scored with" in outcome.reason


def test_a_living_holder_shows_it(tmp_path):
    with Claim.take(tmp_path, "run", expiry=0.5) as claim:
        disown(claim.folder)
        time.sleep(1.0)
        assert not is_abandoned(claim.folder, 0.5)


# Single runs, in this process


def test_a_run_is_trained_scored_and_told(tmp_path):
    (job,) = jobs(tmp_path, config())
    outcome = execute(job)
    folder = tmp_path / config().folder_name
    assert outcome.state == "done" and Run(folder).finished
    result = outcome.result
    assert result == json.loads(job.result.read_text()) and result["key"] == config().key
    assert set(result["scores"]) == set(result["elbo"]) == {"uncorrelated", "correlated"}
    assert result["elbo"]["correlated"]["reconstruction"] > 0 and "torch" in result["machine"]
    assert not list((tmp_path / "work").glob("*.*[0-9]"))
    before = job.result.stat().st_mtime_ns
    assert execute(job) == outcome and job.result.stat().st_mtime_ns == before


def test_without_weights_the_numbers_stay(tmp_path):
    (job,) = jobs(tmp_path, config(), keep_weights=False)
    assert execute(job).state == "done"
    assert not list(tmp_path.rglob("*.safetensors"))
    assert len(Run(job.result.parent).log) and execute(job).state == "done"


def test_a_failing_run_is_recorded_and_tried_again_on_request_only(tmp_path):
    flag = tmp_path / "flag"
    broken = config(sampling=FailsWithout(str(flag)))
    (job,) = jobs(tmp_path, broken)
    outcome = execute(job)
    assert outcome.state == "failed" and "RuntimeError: the file is missing" in outcome.error
    assert "Traceback" in recorded(latest(tmp_path, job.name))
    flag.touch()
    assert execute(job) == outcome
    assert execute(replace(job, retry=True)).state == "done"
    assert execute(job).state == "done" and not list(tmp_path.rglob(FAILURE))


def test_a_finished_folder_without_its_result_is_told(tmp_path):
    """Nobody holds it, and nobody can take it: to wait for it would be to wait for ever."""
    jobs_ = jobs(tmp_path, config())
    (tmp_path / jobs_[0].name).mkdir(parents=True)
    (outcome,) = carry_out(jobs_, Here(), progress=False)
    assert outcome.state == "failed" and "is there without its result.json" in outcome.error


def test_a_full_disk_costs_no_more_than_the_interval(tmp_path):
    (job,) = jobs(tmp_path, config(steps=20))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))  # a checkpoint is larger
    try:
        outcome = execute(job)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert outcome.state == "failed" and "OSError" in outcome.error
    assert not job.result.exists()
    assert execute(replace(job, retry=True)).state == "done"
    straight = train(config(steps=20), tmp_path / "straight", progress=False)
    assert same_weights(job.result.parent, straight.folder)


def test_a_disk_without_any_room_is_told(tmp_path, monkeypatch):
    (job,) = jobs(tmp_path, config())

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vaelib.studies.claim._sign", full)
    outcome = execute(job)
    assert outcome.state == "failed" and "No space left" in outcome.error


# Many


def test_a_failure_stops_nothing_else(tmp_path):
    broken = config(sampling=FailsWithout(str(tmp_path / "no")))
    found = carry_out(jobs(tmp_path, broken, config(1), config(2)), Here(), progress=False)
    assert [o.state for o in found] == ["failed", "done", "done"]


def test_a_lost_worker_is_replaced_and_at_last_given_up(tmp_path):
    (done,) = carry_out(jobs(tmp_path / "a", config()), Dying(2), progress=False)
    (lost,) = carry_out(jobs(tmp_path / "b", config()), Dying(3), progress=False)
    assert done.state == "done"
    assert lost.state == "failed" and lost.reason.startswith("3 workers died in this run")


def test_a_result_from_another_file_system_is_kept(tmp_path):
    (job,) = jobs(tmp_path / "there", config())
    result = execute(job)

    class Away(Here):
        def submit(self, function, *arguments):
            future = Future()
            future.set_result(result)
            return future

    (home,) = jobs(tmp_path / "here", config())
    carry_out([home], Away(), progress=False)
    assert json.loads(home.result.read_text()) == result.result
    assert Run(home.result.parent).config.key == config().key


def test_a_killed_worker_loses_at_most_one_interval(tmp_path):
    """The log up to the last checkpoint is that of the first worker, down to its seconds."""
    what = config(steps=400, checkpoint_every=40, log_every=20)
    (job,) = jobs(tmp_path, what)
    seen = {}

    def kill():
        while not seen:
            folder = latest(tmp_path, job.name)
            states = sorted((folder / "state").glob("step-*")) if folder else []
            if len(states) > 1:
                pid = json.loads((folder / OWNER).read_text())["pid"]
                os.kill(pid, signal.SIGSTOP)
                states = sorted((folder / "state").glob("step-*"))
                seen.update(at=int(states[-1].stem[5:]), log=(folder / "log.csv").read_text())
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    (outcome,) = carry_out([job], Local(1), progress=False)
    assert outcome.state == "done" and 80 <= seen["at"] < 400
    before, after = (
        text.splitlines() for text in (seen["log"], (job.result.parent / "log.csv").read_text())
    )
    rows = 2 + seen["at"] // 20  # header, step 1, then every 20
    assert before[:rows] == after[:rows] and len(after) == 2 + 400 // 20
    straight = train(what, tmp_path / "straight", progress=False)
    assert same_weights(job.result.parent, straight.folder)


def test_two_schedulers_share_the_runs(tmp_path):
    file = tmp_path / "begun"
    configs = [config(seed, sampling=Counted(str(file))) for seed in range(6)]
    found = {}

    def schedule(name):
        found[name] = carry_out(jobs(tmp_path, *configs), Local(1), progress=False)

    threads = [threading.Thread(target=schedule, args=(name,)) for name in "ab"]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert [o.state for o in found["a"] + found["b"]] == ["done"] * 12
    begun = [line.split() for line in file.read_text().splitlines()]
    assert sorted(seed for seed, _ in begun) == sorted(str(seed) for seed in range(6))


def test_a_study_that_ends_well_says_nothing_more(tmp_path, monkeypatch):
    """Workers that are killed rather than stopped leave warnings of Python at the very end."""
    command = f"study run smoke --only seed=0 beta=1 sigma=inf -o steps=20 --folder {tmp_path}/s"
    arguments = [sys.executable, "-m", "vaelib", *command.split(), "--workers", "1", "--quiet"]
    monkeypatch.delenv("VAELIB_MODULES")
    said = subprocess.run(arguments, capture_output=True, text=True)
    assert "1 runs done" in said.stdout + said.stderr and "leaked" not in said.stderr


def test_a_dask_cluster_of_processes(tmp_path):
    file = tmp_path / "begun"
    configs = [config(seed, sampling=Counted(str(file))) for seed in range(2)]
    found = carry_out(jobs(tmp_path, *configs), Dask(2), progress=False)
    assert [o.state for o in found] == ["done", "done"]
    begun = [line.split() for line in file.read_text().splitlines()]
    assert len(begun) == 2 and str(os.getpid()) not in {pid for _, pid in begun}


def test_dask_clusters_of_one_machine_do_not_meet():
    with socket.socket() as taken:
        with suppress(OSError):  # another cluster is there
            taken.bind(("", 8787))  # where one goes unless told
            taken.listen()
        with Dask(1).start() as executor:
            assert executor.submit(abs, -1).result() == 1


def test_what_would_be_queued_on_slurm():
    queue = Queue("slurm", 3, "2GB", "01:30:00", "short", "me", ("--gres=gpu:1",))
    with queue.cluster() as cluster:
        script = cluster.job_script()
    for line in ("-p short", "-A me", "-t 01:30:00", "--mem=2G", "--gres=gpu:1"):
        assert f"#SBATCH {line}" in script
    assert "export OMP_NUM_THREADS=1" in script and "--nthreads 1" in script
