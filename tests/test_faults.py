"""Killed processes, full disks, odd folders and clocks, extreme parameters."""

from __future__ import annotations

import ctypes
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from vaelib import paths
from vaelib.codes_file import read_codes, write_codes
from vaelib.datasets import Blobs
from vaelib.diverged import TrainingDiverged
from vaelib.evaluate import evaluate
from vaelib.explorer import explore
from vaelib.networks import MLP
from vaelib.objectives import FOUND, BetaVAE, CapacityVAE
from vaelib.runs import Run, encode
from vaelib.studies.claim import OWNER, Claim
from vaelib.train import TrainConfig, train

HERE = Path(__file__).parent
SMALL = TrainConfig(
    Blobs(size=32), network=MLP(hidden=8), latent_dim=2, steps=6, batch_size=4, log_every=2,
    checkpoint_every=2, device="cpu",
)  # fmt: skip


def test_whatever_is_killed_goes_on_to_the_same_result():
    # in a process of its own, which may fork because it has no threads
    command = [sys.executable, str(HERE / "faults.py"), "6"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-5000:]
    assert "as if undisturbed" in done.stdout


# Disks and folders


@contextmanager
def room(most):
    """No file can grow beyond so many bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train(SMALL, tmp_path_factory.mktemp("runs") / "finished", progress=False)


WRITERS = {
    "explorer.html": lambda run, path: explore(run, samples=200).save(path),
    "codes.npz": lambda run, path: write_codes(path, encode(run, n=500)),
    "run": lambda run, path: train(SMALL, path, progress=False),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_is_told_and_leaves_nothing_half_written(tmp_path, run, name):
    path = tmp_path / name
    with room(3000), pytest.raises(OSError, match="File too large"):
        WRITERS[name](run, path)
    left = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert {p.name for p in left} <= {"config.json", "machine.json", "log.csv", ".lock"}
    WRITERS[name](run, path)  # and goes on when there is room
    assert path.exists() and (name != "run" or Run(path).finished)


def test_scores_stay_when_the_disk_is_full(tmp_path):
    finished = train(SMALL, tmp_path / "run", progress=False)
    evaluate(finished, metrics=["mig"], n=200)
    before = finished.scores
    with room(100), pytest.raises(OSError, match="File too large"):
        evaluate(finished, metrics=["sap"], n=200)
    assert finished.scores == before


def vaelib(*arguments, **how):
    line = [sys.executable, "-m", "vaelib", *map(str, arguments)]
    return subprocess.run(line, text=True, timeout=200, stderr=subprocess.PIPE, **how)


def test_an_output_that_is_full_is_told(tmp_path):
    with room(100), open(tmp_path / "out", "w") as full:
        done = vaelib("study", "list", stdout=full)
    assert done.returncode and "File too large" in done.stderr
    assert "Traceback" not in done.stderr


def obey():
    """In a new process: root gives up its right to write anywhere (CAP_DAC_OVERRIDE)."""
    if os.geteuid() == 0:
        drop_capability, dac_override = 24, 1
        assert ctypes.CDLL(None).prctl(drop_capability, dac_override, 0, 0, 0) == 0


@pytest.fixture
def locked(tmp_path, run):
    """A folder with a finished run, where no one may write."""
    folder = tmp_path / "locked"
    shutil.copytree(run.folder, folder / "run")
    everything = [folder, *folder.rglob("*")]
    for path in everything:
        path.chmod(path.stat().st_mode & 0o555)
    yield folder
    for path in everything:
        path.chmod(path.stat().st_mode | 0o700)


READ_ONLY = {
    "train": ("train", "--steps", "2", "--folder", "{}/new"),
    "evaluate": ("evaluate", "{}/run", "--metrics", "mig", "--samples", "200"),
    "traverse": ("traverse", "{}/run", "--out", "{}/it.png"),
    "explore": ("explore", "{}/run", "--out", "{}/it.html", "--samples", "200"),
    "report": ("report", "--preset", "smoke", "--folder", "{}/reports"),
    "study": ("study", "run", "smoke", "--folder", "{}/study", "--workers", "1"),
}


@pytest.mark.parametrize("command", READ_ONLY)
@pytest.mark.skipif(os.name == "nt", reason="folders of Windows have no such right")
def test_a_read_only_folder_is_told_in_a_line(locked, command):
    before = sorted(locked.rglob("*"))
    arguments = [word.format(locked) for word in READ_ONLY[command]]
    done = vaelib(*arguments, preexec_fn=obey, stdout=subprocess.DEVNULL)
    assert done.returncode == 2
    assert re.search(rf"^vaelib: no permission for {locked}\S*: choose", done.stderr, re.M)
    assert "Traceback" not in done.stderr and done.stderr.count("permission") == 1
    assert sorted(locked.rglob("*")) == before


def test_a_read_only_run_can_be_read(locked):
    done = vaelib("traverse", locked / "run", "--out", locked.parent / "it.png", preexec_fn=obey)
    assert done.returncode == 0 and (locked.parent / "it.png").exists()


def test_a_file_where_a_folder_is_needed(tmp_path):
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(OSError, match="runs"):
        train(SMALL, tmp_path / "runs" / "mine", progress=False)
    with pytest.raises(OSError, match="runs"):
        write_codes(tmp_path / "runs" / "codes.npz", read_codes_of_one(tmp_path))


def read_codes_of_one(folder):
    from hand_made import noisy

    write_codes(folder / "good.npz", noisy(20))
    return read_codes(folder / "good.npz")


def test_names_with_spaces_and_letters_of_all_kinds(tmp_path):
    folder = tmp_path / "übung β, 第一 ’run’"
    finished = train(SMALL, folder, progress=False)
    evaluate(finished, metrics=["mig"], n=200)
    explore(finished, samples=200).save(folder / "é x.html")
    assert Run(folder).scores and (folder / "é x.html").exists()


def test_two_processes_do_not_train_in_one_folder(tmp_path):
    hold = (
        "import sys; from vaelib.runs import Run\nwith Run(sys.argv[1]).held():\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    Run.create(tmp_path / "run", SMALL)
    command = [sys.executable, "-c", hold, str(tmp_path / "run")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(ValueError, match="another process is training in .*run: wait for it"):
            train(SMALL, tmp_path / "run", progress=False)
        other.kill()
    assert train(SMALL, tmp_path / "run", progress=False).finished


def test_an_interrupted_training_gives_its_folder_back(tmp_path):
    """In a notebook the kernel lives on, and another process may go on with the run."""

    def interrupt(row):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(SMALL, tmp_path / "run", on_log=interrupt, progress=False)
    go_on = "import sys; from vaelib.runs import Run\nwith Run(sys.argv[1]).held(): pass"
    subprocess.run([sys.executable, "-c", go_on, str(tmp_path / "run")], check=True)


def test_without_a_home(monkeypatch):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    for name in ("VAELIB_DATA", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(paths, "in_clone", lambda: False)
    monkeypatch.setattr(Path, "home", no_home)
    assert paths.data_dir().parents[1].is_dir()  # made of what there is


# Clocks


def test_a_checkpoint_from_the_future_is_as_good_as_any(tmp_path):
    class Stop(Exception):
        pass

    def stop(row):
        if row["step"] == 4:
            raise Stop

    whole = train(SMALL, tmp_path / "whole", progress=False)
    with pytest.raises(Stop):
        train(SMALL, tmp_path / "cut", on_log=stop, progress=False)
    for path in (tmp_path / "cut").rglob("*"):
        os.utime(path, (time.time() + 1e9,) * 2)
    cut = train(SMALL, tmp_path / "cut", progress=False)
    same = [(r.folder / "model.safetensors").read_bytes() for r in (whole, cut)]
    assert same[0] == same[1]


def test_a_claim_signed_in_the_future_expires_too(tmp_path):
    claim = Claim.take(tmp_path, "run")
    (claim.folder / OWNER).write_text(json.dumps({"host": "another", "pid": 1}))
    ahead = time.time() + 1e6  # its clock was set back after it died
    os.utime(claim.folder / OWNER, (ahead, ahead))
    assert Claim.take(tmp_path, "run")


# Parameters

EXTREMES = {
    "one latent": {"latent_dim": 1},
    "many latents": {"latent_dim": 512},
    "one image a step": {"batch_size": 1},
    "one step": {"steps": 1},
    "no step to speak of": {"learning_rate": 1e-300},
    "giant steps": {"learning_rate": 1e12},
    "no pressure": {"objective": BetaVAE(beta=0.0)},
    "all pressure": {"objective": BetaVAE(beta=1e9)},
    "no capacity": {"objective": CapacityVAE(capacity=0.0)},
    "rare logs": {"log_every": 10**9, "checkpoint_every": 10**9},
}


@pytest.mark.parametrize("change", EXTREMES.values(), ids=EXTREMES)
def test_extreme_parameters_train_or_are_told_to_diverge(tmp_path, change):
    try:
        finished = train(replace(SMALL, **change), tmp_path / "run", progress=False)
    except TrainingDiverged as error:
        assert change.get("learning_rate", 0) > 1 and "A lower learning_rate" in str(error)
        return
    assert finished.finished and finished.log["loss"].notna().all()
    assert encode(finished, n=20).means.shape == (20, finished.config.latent_dim)


@pytest.mark.parametrize("name", FOUND)
def test_each_objective_takes_one_image_and_one_latent_or_says_why_not(tmp_path, name):
    try:
        config = replace(SMALL, objective=FOUND[name](), batch_size=1, latent_dim=1, steps=3)
        finished = train(config, tmp_path / "run", progress=False)
    except ValueError as error:
        assert any(word in str(error) for word in ("batch", "latent", "pairs", "Pairs", "images"))
        return
    assert finished.log["loss"].notna().all()
