"""Studies as designs and as tables: what is planned, chosen, collected, kept and shown."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from study_parts import PAIR, Tiny, config

from vaelib import plots
from vaelib.cli import main, parser
from vaelib.cli.study import _tell
from vaelib.cli.study_results import chosen, filtered
from vaelib.files import write_json
from vaelib.spec import from_spec, to_spec
from vaelib.studies import Planned, found, named
from vaelib.studies.base import only
from vaelib.studies.correlated import SELECT_PAIRS, CorrelatedStudy
from vaelib.studies.cost import kept
from vaelib.studies.figures import figures, plane_of
from vaelib.studies.methods import CHOSEN, CONTROLS, GRIDS, OURS_NAME, SUPERVISED, WITHOUT_GRID
from vaelib.studies.run import jobs_for
from vaelib.studies.smoke import Smoke
from vaelib.studies.table import (
    best_settings,
    cells,
    check_score,
    collect,
    place,
    places,
    prune,
    read,
    row_of,
    shipped_table,
    write,
)
from vaelib.studies.work import Outcome

SMOKE = Smoke(steps=2)
NOTHING = pd.DataFrame()


def result(planned, value, key=None):
    """What a worker would have written."""
    score = {"mig": {"mig": value}, "pairwise_mig": {"mean": 0.1, "+".join(PAIR): value}}
    score["unfairness"] = {"mean": 0.2, "pos_x|pos_y": 0.3, "pos_y|pos_x": 0.5, "shape|scale": 0.9}
    score["fast_adaptation"] = {"labels_100": 0.1, "labels_100:pos_x+pos_y": 0.7}
    elbo = {"reconstruction": 20.0, "kl": 10.0}
    worlds = ("uncorrelated", "correlated")
    return {
        "key": key or planned.config.key, "config": to_spec(planned.config), "seconds": 3.5,
        "scores": {w: {"scores": score, "samples": 100} for w in worlds},
        "elbo": dict.fromkeys(worlds, elbo), "git": "abc", "finished": "2026-01-01T00:00:00+00:00",
        "machine": {"cpu": "a chip", "torch": "2.13.0"},
    }  # fmt: skip


def fill(folder, plan, value=lambda planned: planned.config.seed / 10):
    for planned in plan:
        place = folder / planned.config.folder_name
        write_json(place / "config.json", to_spec(planned.config))
        write_json(place / "result.json", result(planned, value(planned)))


# Plans


@pytest.mark.parametrize("name", ["adaptive", "smoke", "burgess", "traeuble", "speed_equivalence"])
def test_every_study_is_found_and_planned(name):
    study = named(name)()
    plan = study.plan()
    assert found()[name] is type(study) and study.hypothesis and type(study).__doc__
    words = [tuple(run.words) for run in plan]
    assert len(set(words)) == len(words)
    for run in plan[:: len(plan) // 4]:
        spec = json.loads(json.dumps(to_spec(run.config)))
        assert from_spec(spec).key == run.config.key


def test_an_unknown_study_is_refused():
    with pytest.raises(ValueError, match="the studies are adaptive, burgess, correlated, smoke"):
        named("nothing")


def test_options_that_hold_several_values_need_several():
    with pytest.raises(ValueError, match=r"seeds must be several values, as \(1,\), got 7"):
        Smoke(seeds=7)


def test_only_takes_all_words_and_either_of_some():
    plan = SMOKE.plan()
    strong = only(plan, ["sigma=0.1", "beta=1|beta=1.5", "seed=[01]"])
    assert {(r.sigma, r.setting, r.config.seed) for r in strong} == {
        (0.1, s, seed) for s in ("beta=1", "beta=1.5") for seed in (0, 1)
    }
    assert only(plan, []) == plan
    assert {r.method for r in only(plan, ["*TC*"])} == {"BetaTCVAE"}
    with pytest.raises(ValueError, match="no run of the study fits.*sigma=0.4"):
        only(plan, ["seed=1", "sigma=7"])


def test_a_plan_that_cannot_be_judged_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(Smoke, "reference", "BetaVEA")
    assert command("run", "smoke") == 2
    said = "reference of Smoke must be a method of its plan, of BetaVAE, BetaTCVAE, got 'BetaVEA'"
    assert said in capsys.readouterr().err
    monkeypatch.setattr(Smoke, "plan", lambda self: [])
    assert command("table", "smoke", "-o", "steps=7") == 2
    assert "Smoke plans no run with these options: Smoke(steps=7" in capsys.readouterr().err
    with pytest.raises(ValueError, match="there is none"):
        only([], [])


def test_the_correlated_study_keeps_its_splits_apart():
    study = CorrelatedStudy(seeds=(100, 101), pairs=(SELECT_PAIRS[0], ("scale", "pos_y")))
    select, report = study.selection(), study.report()
    assert {r.pair for r in select} == set(SELECT_PAIRS) and {r.sigma for r in select} == {0.2}
    seeds = ({r.config.seed for r in part} for part in (select, report))
    assert [*seeds] == [{0, 1, 2}, {100, 101}]
    assert len({r.config.key for r in select} & {r.config.key for r in report}) == 0
    first = report[: len({r.method for r in report}) * 2]
    assert {(r.pair, r.sigma) for r in first} == {(("pos_x", "pos_y"), 0.2)}
    assert all(len(grid) >= 4 for grid in GRIDS.values())
    names = {OURS_NAME, *GRIDS, *WITHOUT_GRID, *CONTROLS, *SUPERVISED}
    assert {r.method for r in report} == names


def test_methods_of_the_correlated_study_see_the_same_images():
    report = CorrelatedStudy(seeds=(100,), pairs=(PAIR,), sigmas=(0.2,)).report()
    data = {json.dumps(to_spec(r.config.data)) for r in report if r.method != "AdaGVAE"}
    assert len(data) == 1
    chosen = {r.method: r.setting for r in report if r.method in GRIDS}
    assert chosen == CHOSEN


def test_without_correlation_one_run_stands_for_all_pairs():
    study = CorrelatedStudy(seeds=(100,), sigmas=(math.inf,))
    ours = [r for r in study.report() if r.method == OURS_NAME]
    assert len(ours) == 5 and len({r.config.key for r in ours}) == 1


def test_the_chosen_settings_are_the_best_of_the_committed_selection():
    table = read(shipped_table(CorrelatedStudy))
    select = table[table["phase"] == "select"] if len(table) else table
    whole = len(GRIDS) * len(SELECT_PAIRS) * 3
    if len(select) >= whole:  # before that, nothing is chosen yet
        best = best_settings(select, CorrelatedStudy())
        assert {name: CHOSEN[name] for name in best} == best


@pytest.mark.parametrize(
    ("name", "seeds", "rows"),
    [("table.csv", (100, 101, 102, 103, 104), 400), ("fresh.csv", (105, 106, 107, 108, 109), 175)],
)
def test_the_committed_rows_are_of_the_methods_as_they_stand(name, seeds, rows):
    """Each key is that of a run of the plan, so the command makes the row again."""
    table = read(shipped_table(CorrelatedStudy).with_name(name))
    plan = CorrelatedStudy(seeds=seeds).plan()
    planned = {(r.config.key, r.labels["method"], r.labels["pair"], r.config.seed) for r in plan}
    there = set(table[["key", "method", "pair", "seed"]].itertuples(index=False, name=None))
    assert there <= planned and len(there) >= rows


@pytest.mark.parametrize("name", sorted(p.name for p in shipped_table(Smoke).parents[1].iterdir()))
def test_committed_rows_are_runs_of_their_study(name):
    """Else `study table` would not find them, and `study run` would do them again."""
    table = read(shipped_table(named(name)))
    assert len(table) and places(table) <= {place(run) for run in named(name)().plan()}


# Tables


def test_a_row_says_what_was_done_and_what_came_out():
    planned = SMOKE.plan()[-1]
    row = row_of(planned, result(planned, 0.4))
    assert row["method"] == "BetaTCVAE" and row["pair"] == "pos_x+pos_y" and row["seed"] == 2
    assert row["uncorrelated.mig"] == 0.4 and row["correlated.pairwise_mig.pair"] == 0.4
    assert row["uncorrelated.unfairness.pair"] == pytest.approx(0.4)
    assert row["uncorrelated.fast_adaptation.labels_100.pair"] == 0.7
    assert row["correlated.reconstruction"] == 20 and row["git"] == "abc" and row["seconds"] == 3.5
    assert not [c for c in row if "shape" in c]
    assert from_spec(json.loads(row["objective"])).beta == 1.5


def test_the_table_is_read_as_it_was_written_and_counts_seeds(tmp_path):
    plan = SMOKE.plan()
    fill(tmp_path, plan[:7])
    table = collect(plan, tmp_path, NOTHING)
    write(table, tmp_path / "table.csv")
    back = read(tmp_path / "table.csv")
    pd.testing.assert_frame_equal(back, table)
    assert math.isinf(back["sigma"][0])
    assert cells(back, SMOKE.score)["seeds"].tolist() == [3, 3, 1]
    assert cells(back, SMOKE.score)["claim"].tolist() == [True, True, False]
    back.loc[0, SMOKE.score] = math.nan
    assert cells(back, SMOKE.score)["claim"].tolist() == [False, True, False]


def test_committed_rows_count_unless_a_run_is_there(tmp_path):
    plan = SMOKE.plan()[:4]
    fill(tmp_path / "old", plan[:3], lambda planned: 0.1)
    before = collect(plan, tmp_path / "old", NOTHING)
    fill(tmp_path / "new", plan[2:], lambda planned: 0.9)
    table = collect(plan, tmp_path / "new", before)
    assert table["uncorrelated.mig"].tolist() == [0.1, 0.1, 0.9, 0.9]


def test_the_table_is_whole_or_the_old_one(tmp_path, monkeypatch):
    fill(tmp_path, SMOKE.plan()[:2])
    table = collect(SMOKE.plan(), tmp_path, NOTHING)
    write(table[:1], tmp_path / "table.csv")
    text = (tmp_path / "table.csv").read_text()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space"):
        write(table, tmp_path / "table.csv")
    monkeypatch.undo()
    assert (tmp_path / "table.csv").read_text() == text
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == ["table.csv"]


def test_the_best_setting_is_that_of_the_best_mean_over_cells():
    rows = [
        ("A", "a=1", "x", 0.9, 3), ("A", "a=1", "y", 0.1, 1),
        ("A", "a=2", "x", 0.6, 1), ("A", "a=2", "y", 0.6, 3),
        ("B", "", "x", 0.0, 1),
    ]  # fmt: skip
    table = pd.DataFrame(
        [(m, s, p, 0.2, v) for m, s, p, v, n in rows for _ in range(n)],
        columns=["method", "setting", "pair", "sigma", SMOKE.score],
    )
    assert best_settings(table, SMOKE) == {"A": "a=2", "B": ""}
    easy = table[table["pair"].eq("x") | table["setting"].eq("a=2")]  # a=1 lacks its hard cell
    assert best_settings(easy, SMOKE)["A"] == "a=2"


def test_only_the_best_weights_of_each_cell_are_kept(tmp_path):
    plan = [r for r in SMOKE.plan() if r.method == "BetaVAE" and r.sigma == 0.1]
    fill(tmp_path, plan)
    for planned in plan:
        (tmp_path / planned.config.folder_name / "model.safetensors").touch()
    kept = prune(collect(plan, tmp_path, NOTHING), SMOKE, plan, tmp_path)
    left = {path.parent.name for path in tmp_path.rglob("*.safetensors")}
    assert left == set(kept) and len(left) == 1
    assert next(iter(left)).split("-")[2] == "2"  # the seed with the best score


def test_weights_that_were_to_be_kept_are_not_removed_unasked(done, tmp_path, capsys):
    weights = [tmp_path / r.config.folder_name / "model.safetensors" for r in SMOKE.plan()]
    for path in weights:
        path.touch()
    assert command("run", *done, "--quiet", "--keep", "all") == 0
    assert command("run", *done, "--quiet", "--fresh") == 2
    said = capsys.readouterr().err
    assert "give --keep all again, or remove" in said and str(tmp_path / "keep_all") in said
    assert command("run", *done, "--quiet", "--keep", "none") == 0
    assert all(path.exists() for path in weights)
    (tmp_path / "keep_all").unlink()
    assert command("run", *done, "--quiet") == 0
    assert sum(path.exists() for path in weights) == kept(SMOKE.plan()) == 6  # 2 methods, 3 sigmas


# Pictures, pages and the command


def test_pictures_say_what_is_certain():
    frame = pd.DataFrame(
        {
            "method": ["A", "A", "B", "B"], "sigma": [math.inf, 0.2] * 2,
            "value": [0.5, 0.2, 0.4, 0.3], "low": [0.4, 0.1, 0.3, 0.2],
            "high": [0.6, 0.3, 0.5, 0.4], "claim": [True, True, True, False],
            "p": [0.01, 0.2, 0.01, 0.01],
        }
    )  # fmt: skip
    ax = plots.strengths(frame, SMOKE.score)
    faces = [line.get_markerfacecolor() for line in ax.lines if line.get_marker() != "None"]
    assert [face == "white" for face in faces] == [False, False, False, True]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["σ = ∞", "σ = 0.2"]
    ax = plots.differences(frame, SMOKE.score, "R")
    faces = [line.get_markerfacecolor() for line in ax.lines if line.get_marker() == "o"]
    names = [text.get_text() for text in ax.get_yticklabels()]
    assert names == ["A, σ = 0.2", "B, σ = 0.2", "A, σ = ∞", "B, σ = ∞"]
    assert [face == "white" for face in faces] == [True, True, False, False]
    plt.close("all")


def test_a_plane_is_the_grid_of_two_factors():
    with pytest.raises(ValueError, match=r"\(n, m, 2\)"):
        plots.plane(np.zeros((3, 3)), PAIR)
    grid = np.stack(np.meshgrid(np.arange(3.0), np.arange(4.0), indexing="ij"), axis=2)
    ax = plots.plane(grid, PAIR)
    assert len(ax.lines) == 4 + 3
    assert all(np.ptp(line.get_ydata()) == 0 for line in ax.lines[:4])  # the first factor moves
    plt.close("all")


def test_codes_of_a_plane_have_the_order_of_the_factors(tmp_path):
    from vaelib.train import train

    run = train(config(steps=2), tmp_path / "run", progress=False)
    grid = plane_of(run, PAIR, steps=5)
    assert grid.shape == (5, 5, 2) and np.isfinite(grid).all()
    assert not np.allclose(grid, grid.transpose(1, 0, 2))


def test_a_plane_of_own_images_takes_the_nearest_where_none_has_the_values(tmp_path, monkeypatch):
    from vaelib.datasets import ArrayData
    from vaelib.train import train

    monkeypatch.setenv("VAELIB_DATA", str(tmp_path))
    factors = np.array([[0, 0], [1, 1], [2, 2], [2, 0]])  # of 3×3 combinations
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32), np.uint8)
    own = replace(config(steps=2), data=ArrayData(images, factors, PAIR))
    grid = plane_of(train(own, tmp_path / "run", progress=False), PAIR)
    assert grid.shape == (3, 3, 2)


def test_the_figures_of_a_study(tmp_path):
    plan = SMOKE.plan()
    fill(tmp_path, plan)
    made = figures(SMOKE, collect(plan, tmp_path, NOTHING))
    assert [f.name for f in made] == ["main-strength", "main-differences", "main-settings"]
    assert all(f.png.startswith(b"\x89PNG") and f.caption for f in made)
    assert "optimistic" in made[0].caption  # β was chosen on the rows that are shown


def command(*words):
    return main(["study", *words])


@pytest.fixture
def done(tmp_path):
    """The folder of a smoke study whose runs are all there."""
    fill(tmp_path, SMOKE.plan())
    return ("smoke", "-o", "steps=2", "--folder", str(tmp_path))


def test_the_command_tells_draws_and_reports(done, tmp_path, capsys):
    assert command("run", *done, "--quiet") == 0
    assert "27 runs done, 0 failed" in capsys.readouterr().out
    assert len(read(tmp_path / "table.csv")) == 27
    assert command("table", *done, "--csv", str(tmp_path / "all.csv"), "--only", "seed=1") == 0
    assert "9 of 9 runs are done" in capsys.readouterr().out
    assert len(read(tmp_path / "all.csv")) == 9
    assert command("plot", *done) == 0 and len(list((tmp_path / "figures").glob("*.png"))) == 3
    assert command("report", *done) == 0
    page = (tmp_path / "report.html").read_text()
    assert SMOKE.hypothesis in page and page.count("<img ") == 3
    assert "http://" not in page and "https://" not in page


def test_what_a_study_asks_for_must_be_there(tmp_path):
    """The metrics before the first run, the score as soon as there are rows."""
    config_ = SMOKE.plan()[0].config
    wrong = type("Wrong", (Tiny,), {"metrics": ("mgi",)})((config_,))
    with pytest.raises(ValueError, match="metrics must be among .*mig.*, got mgi"):
        jobs_for(wrong, wrong.plan(), tmp_path)
    table = read(shipped_table(CorrelatedStudy))
    wrong = type("Wrong", (Tiny,), {"score": "uncorrelated.mig.mig"})()
    with pytest.raises(ValueError, match="a column of its table, as uncorrelated.mig, .*mig.mig'"):
        check_score(table, wrong)
    check_score(table, CorrelatedStudy())


def test_the_command_says_what_is_wrong(tmp_path, capsys):
    assert command("table", "smoke", "--folder", str(tmp_path)) == 2
    assert "no run of this study and these options is finished" in capsys.readouterr().err
    assert command("run", "smoke", "--scheduler", "tcp://x:1") == 2
    assert "--scheduler needs --backend dask" in capsys.readouterr().err
    assert command("run", "smoke", "--queue", "short") == 2
    assert "--queue needs --backend slurm or pbs" in capsys.readouterr().err
    assert command("run", "smoke", "--backend", "dask", "--scheduler", "x", "--workers", "2") == 2
    assert "--workers has no effect with --scheduler" in capsys.readouterr().err
    where = ("--folder", str(tmp_path), "--quiet", "--only", "seed=0", "beta=1", "sigma=inf")
    assert command("run", "smoke", "--backend", "slurm", *where) == 2
    assert "there is no sbatch here" in capsys.readouterr().err


@pytest.mark.parametrize("score", ["uncorrelated.pairwise_mig", "uncorrelated.mig.mig"])
def test_a_score_that_no_run_will_have_is_told_before_the_first(score, tmp_path):
    wrong = type("Wrong", (Tiny,), {"score": score})()
    with pytest.raises(ValueError, match="score of Wrong must be one of uncorrelated"):
        jobs_for(wrong, [Planned(config(), "A")], tmp_path)


def test_words_of_several_only_add_up(tmp_path):
    words = ("--only", "seed=0", "--only", "beta=1", "sigma=inf")
    args = parser().parse_args(["study", "table", "smoke", "--folder", str(tmp_path), *words])
    study, plan, _ = chosen(args)
    assert [run.config.seed for run in filtered(plan, args)] == [0] and study.name() == "smoke"


def test_a_relative_folder_is_that_of_the_caller(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (job,) = jobs_for(Tiny(), [Planned(config(), "A")], Path("here"))
    monkeypatch.chdir("/")  # as a worker elsewhere
    assert job.result.is_relative_to(tmp_path / "here")


def test_the_exit_status_tells_of_failures(tmp_path, monkeypatch, capsys):
    study = replace(Tiny(), configs=(config(), config(1, learning_rate=1e30)))
    monkeypatch.setattr(Smoke, "plan", lambda self: study.plan())
    monkeypatch.setattr(Smoke, "metrics", Tiny.metrics)
    monkeypatch.setattr(Smoke, "samples", Tiny.samples)
    where = ("smoke", "--folder", str(tmp_path), "--quiet", "--workers", "1")
    assert command("run", *where) == 1
    told = capsys.readouterr().out
    assert "1 runs done, 1 failed" in told and "TrainingDiverged" in told and "--retry" in told
    assert len(read(tmp_path / "table.csv")) == 1
    assert command("report", *where[:3]) == 0
    assert "Failed runs: 1" in (tmp_path / "report.html").read_text()


def test_where_nothing_can_be_tried_again_nothing_is_said_of_it(tmp_path, capsys):
    assert _tell([Outcome("run", "failed", "was scored with other metrics")], tmp_path) == 1
    assert "--retry" not in capsys.readouterr().out


def test_what_a_study_would_cost(tmp_path, monkeypatch, capsys):
    study = replace(Tiny(), configs=tuple(config(seed, steps=500) for seed in range(3)))
    monkeypatch.setattr(Smoke, "plan", lambda self: study.plan())
    monkeypatch.setattr(Smoke, "metrics", Tiny.metrics)
    monkeypatch.setattr(Smoke, "samples", Tiny.samples)
    monkeypatch.setattr("vaelib.studies.cost.SECONDS", 0.1)
    assert command("run", "smoke", "--folder", str(tmp_path), "--workers", "2", "--dry-run") == 0
    told = capsys.readouterr().out
    assert "3 runs" in told and "on 2" in told and "MB of disk" in told
    assert not list(tmp_path.iterdir())


def test_labels_of_a_planned_run():
    run = Planned(config(3), "M", "beta=1", "select", PAIR, 0.2)
    assert run.words == ["select", "pos_x+pos_y", "sigma=0.2", "M", "beta=1", "seed=3"]
    assert Planned(config(), "M").words == ["main", "sigma=inf", "M", "seed=0"]
