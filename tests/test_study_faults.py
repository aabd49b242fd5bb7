"""What a study meets that is not as it should be: sleepers, orphans, foreign files, odd plans."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from study_parts import Tiny, config

from vaelib.cli import main
from vaelib.cli.study_results import save_table
from vaelib.files import DataFileError, write_json
from vaelib.paths import runs_dir
from vaelib.studies.claim import OWNER, Claim, is_abandoned, latest
from vaelib.studies.correlated import CorrelatedStudy
from vaelib.studies.figures import comparable, one_setting
from vaelib.studies.results import FAILURE
from vaelib.studies.run import jobs_for
from vaelib.studies.smoke import Smoke
from vaelib.studies.table import (
    TABLE,
    collect,
    default_folder,
    place,
    places,
    read,
    shipped_table,
    write,
)
from vaelib.studies.work import Outcome, execute, settled

NOTHING = pd.DataFrame()


@pytest.fixture(autouse=True)
def workers_may_import_the_parts(monkeypatch):
    monkeypatch.setenv("VAELIB_MODULES", "study_parts")


def job_of(root, one):
    study = Tiny((one,))
    return jobs_for(study, study.plan(), Path(root))[0]


# Holders


def test_a_run_goes_on_though_its_holder_is_only_asleep(tmp_path):
    """The sleeper still has the lock of its training, in the folder that moves."""
    job = job_of(tmp_path, config())
    folder = Claim.take(tmp_path, job.name).folder
    hold = textwrap.dedent(f"""
        import pathlib, time
        from vaelib.files import only_one
        with only_one(pathlib.Path({str(folder / ".lock")!r}), "training in"):
            print("held", flush=True)
            time.sleep(60)
    """)
    with subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE) as sleeper:
        sleeper.stdout.readline()
        os.utime(folder / OWNER, (0, 0))
        outcome = execute(job)
        sleeper.kill()
    assert outcome.state == "done", outcome.error


@pytest.mark.parametrize("text", ["", "[]", '{"host": "x"}', '{"pid": "7"}', "\udcff"])
def test_a_sign_that_cannot_be_read_counts_as_silence(text, tmp_path):
    folder = Claim.take(tmp_path, "run").folder
    (folder / OWNER).write_bytes(text.encode("utf-8", "surrogateescape"))
    assert not is_abandoned(folder)
    os.utime(folder / OWNER, (0, 0))
    assert is_abandoned(folder)


@pytest.mark.skipif(os.name != "posix", reason="a process keeps its parent's number there")
def test_workers_end_with_their_scheduler(tmp_path, monkeypatch):
    monkeypatch.delenv("VAELIB_MODULES")
    command = [sys.executable, "-m", "vaelib", "study", "run", "smoke", "-o", "steps=100000"]
    scheduler = subprocess.Popen([*command, "--folder", str(tmp_path), "--workers", "1", "--quiet"])
    try:
        (owner,) = wait_for(lambda: list(tmp_path.glob(f"work/*/{OWNER}")))
        worker = wait_for(lambda: json.loads(owner.read_text()))["pid"]
        assert worker != scheduler.pid
        scheduler.send_signal(signal.SIGKILL)
        scheduler.wait()
        assert wait_for(lambda: not running(worker))
    finally:
        scheduler.kill()


def wait_for(what, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := what():
            return value
        time.sleep(0.1)
    raise TimeoutError


def running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")  # a dead child of a parent that does not look is no process
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


# Results


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: {}, "it lacks config, elbo"),
        (lambda r: r | {"key": "0" * 12}, "it is that of 000000000000"),
        (lambda r: "cut", "not a JSON object"),
    ],
)
def test_a_foreign_result_is_not_believed(change, said, tmp_path):
    """Told as the failure of this run; the table is made of the others."""
    first, second = config(0), config(1)
    study = Tiny((first, second))
    jobs = jobs_for(study, study.plan(), tmp_path)
    assert [execute(job).state for job in jobs] == ["done", "done"]
    wrong = change(json.loads(jobs[0].result.read_text()))
    jobs[0].result.write_text(json.dumps(wrong)[:-1] if wrong == "cut" else json.dumps(wrong))
    outcome = settled(jobs[0])
    assert outcome.state == "failed" and said in outcome.error and "run again" in outcome.error
    with pytest.warns(UserWarning, match="left out: .*result.json is not the result of this run"):
        table = collect(study.plan(), tmp_path, NOTHING)
    assert table["seed"].tolist() == [1]


def test_a_record_without_words_has_a_reason(tmp_path):
    job = job_of(tmp_path, config())
    folder = Claim.take(tmp_path, job.name).folder
    write_json(folder / FAILURE, {"traceback": ""})
    assert latest(tmp_path, job.name) == folder
    assert settled(job).reason == "no reason is known"
    assert Outcome("x", "failed", "a\nb\n").reason == "b"


def test_a_damaged_table_is_told_with_its_name(tmp_path):
    path = tmp_path / "table.csv"
    for text in ("", "a,b\n1,2\n", 'key,phase\n"x,y\n'):
        path.write_text(text)
        with pytest.raises(DataFileError, match="table.csv is no table of a study"):
            read(path)


def test_a_table_keeps_the_rows_of_other_options(tmp_path):
    plans = [replace(Tiny(), configs=(config(seed),)).plan() for seed in (0, 1)]
    for plan in plans:
        job = job_of(tmp_path, plan[0].config)
        assert execute(job).state == "done"
        assert len(save_table(plan, tmp_path, pd.DataFrame())) == 1
    assert set(read(tmp_path / TABLE)["seed"]) == {0, 1}
    save_table(plans[1], tmp_path, pd.DataFrame())
    assert set(read(tmp_path / TABLE)["seed"]) == {0, 1}
    shutil.rmtree(tmp_path / plans[0][0].config.folder_name)
    save_table(plans[1], tmp_path, pd.DataFrame())
    assert set(read(tmp_path / TABLE)["seed"]) == {1}


def test_names_of_nothing_are_names(tmp_path):
    """A method that is called None is no missing value."""
    labels = {"phase": "NA", "pair": "", "sigma": math.inf, "method": "None", "setting": "null"}
    table = pd.DataFrame([{"key": "k", **labels, "seed": 0, "mig": math.nan}])
    write(table, tmp_path / "table.csv")
    back = read(tmp_path / "table.csv")
    assert back.loc[0, list(labels)].tolist() == list(labels.values()) and back["mig"].isna().all()


def test_a_committed_run_is_done_only_where_it_has_a_row():
    """At σ = ∞ the same run stands for each pair; of a new pair the table knows nothing."""
    there = places(read(shipped_table(CorrelatedStudy)))
    known, new = (
        CorrelatedStudy(pairs=(pair,), sigmas=(math.inf,), seeds=(100,)).report()[0]
        for pair in (("pos_x", "pos_y"), ("shape", "pos_x"))
    )
    assert known.config.key == new.config.key
    assert place(known) in there and place(new) not in there


def test_the_place_of_runs_may_be_any_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VAELIB_RUNS", ".")
    assert runs_dir().resolve() == tmp_path
    assert default_folder(Smoke) == tmp_path.parent / "study_runs" / "smoke"


# Scores


def rows_of(**scores):
    """A row a seed of each method; None where there is no score."""
    return pd.DataFrame([
        {"key": f"{method}{seed}", "phase": "main", "pair": "x+y", "sigma": 0.2, "method": method,
         "setting": f"s{seed % 2}", "seed": seed, Tiny.score: value}
        for method, values in scores.items() for seed, value in enumerate(values)
    ])  # fmt: skip


def test_methods_without_a_score_are_no_methods():
    part = rows_of(BetaVAE=[None, None], other=[0.1, 0.3])
    assert not comparable(part, Tiny())
    shown, _ = one_setting(part, Tiny())
    assert set(shown["method"]) == {"other"} and set(shown["setting"]) == {"s1"}


def test_a_report_of_a_part_says_so(tmp_path, capsys):
    words = (
        "--only",
        "report",
        "PairTurns|FactorVAE",
        "sigma=0.2",
        "--out",
        str(tmp_path / "a.html"),
    )
    assert main(["study", "report", "correlated", "--folder", str(tmp_path), *words]) == 0
    page = (tmp_path / "a.html").read_text()
    assert "Only what fits report PairTurns|FactorVAE sigma=0.2" in page
    assert "The claim against 8 rivals, at σ = 0.2: cannot be judged yet" in page


# Plans


def test_odd_plans_are_refused_before_the_first_run(tmp_path):
    (planned,) = Tiny((config(),)).plan()
    wrong = replace(planned, pair=("pos_x", "nope"))
    with pytest.raises(ValueError, match=r"a pair must name two of \('shape'.*'nope'"):
        jobs_for(Tiny(), [wrong], tmp_path)
    for score in ("uncorrelated.migg", "mig", "uncorrelated.dci.disentanglement"):
        study = type("Wrong", (Tiny,), {"score": score})()
        with pytest.raises(ValueError, match=f"must be distribution.metric .*{score}"):
            jobs_for(study, [planned], tmp_path)
    for name, value in (("seeds", ()), ("seeds", (0.5,)), ("sigmas", ("a",)), ("sigmas", (True,))):
        with pytest.raises(ValueError, match=f"{name} must hold numbers"):
            Smoke(**{name: value})


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("smoke", "@dataclass(frozen=True)\nclass Mine(Study):\n    hypothesis = 'x'",
         "Mine needs a file of another name, smoke is Smoke already"),
        ("two", "@dataclass(frozen=True)\nclass A(Study):\n    hypothesis = 'x'\n    PLAN\n"
         "@dataclass(frozen=True)\nclass B(A):\n    pass",
         "B needs a file of another name, two is A already"),
        ("plain", "class Mine(Study):\n    hypothesis = 'x'", "Mine must be a dataclass"),
        ("silent", "@dataclass(frozen=True)\nclass Mine(Study):\n    pass", "needs a hypothesis"),
    ],
)  # fmt: skip
def test_a_study_of_one_s_own_that_is_none_is_told(file, text, said, tmp_path, monkeypatch, capsys):
    plan = "def plan(self):\n        return []"
    text = text.replace("PLAN", plan) if "PLAN" in text else f"{text}\n    {plan}"
    head = "from dataclasses import dataclass\nfrom vaelib.studies import Study\n"
    (tmp_path / f"{file}_mine").mkdir()
    path = tmp_path / f"{file}_mine" / f"{file}.py"
    path.write_text(f"{head}{text}\n")
    monkeypatch.setenv("VAELIB_MODULES", str(path))
    monkeypatch.syspath_prepend(str(path.parent))
    monkeypatch.delitem(sys.modules, file, raising=False)
    assert main(["study", "list"]) == 2
    assert said in capsys.readouterr().err
    sys.modules.pop(file, None)
