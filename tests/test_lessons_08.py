"""Chapter 8: its statistics by hand are those of the library, its checks advise; rows may lack."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from test_exercises import advice
from test_lessons import LONGEST, cells_with, lesson, lines_of

from vaelib.exercises import correlated_study as exercises
from vaelib.studies.statistics import interval, mean, sign_flip

EIGHT = "08_correlated_study"


def test_signs_flipped_by_hand_give_the_p_of_the_library():
    flip = lesson(EIGHT, "def flip_signs", np=np, itertools=itertools)["flip_signs"]
    for n in (2, 5, 9):
        differences = np.random.default_rng(n).normal(0.3, 1, n)
        assert flip(differences) == pytest.approx(sign_flip(differences))
    assert flip(np.ones(5)) == 2 / 32


def test_the_bootstrap_by_hand_has_the_interval_of_the_library():
    bootstrap = lesson(EIGHT, "def bootstrap", np=np)["bootstrap"]
    values = np.random.default_rng(0).normal(size=20)
    means = bootstrap(values, 20_000, np.random.default_rng(1))
    found = interval([values], mean)
    assert np.percentile(means, [2.5, 97.5]) == pytest.approx([found.low, found.high], abs=0.04)


def test_methods_by_hand_are_short():
    assert all(lines_of(cell) <= LONGEST for cell in cells_with(EIGHT, "def "))


def test_smallest_says_what_is_wrong():
    for wrong, words in ((5, "two-sided"), (9, "fewer can"), (3, "2ⁿ patterns"), ("x", "a number")):
        assert words in advice(exercises.check_smallest, wrong)


def bonferroni(p):
    return np.minimum(p * len(p), 1)


def falling(p):
    order = np.argsort(p)
    found = np.empty(len(p))
    found[order] = np.minimum(p[order] * np.arange(len(p), 0, -1), 1)
    return found


def in_sorted_order(p):
    return np.minimum(np.maximum.accumulate(np.sort(p) * np.arange(len(p), 0, -1)), 1)


@pytest.mark.parametrize(
    "wrong, words",
    [
        (bonferroni, "Bonferroni"),
        (falling, "it gives"),
        (in_sorted_order, "order of the p given"),
        (lambda p: 10 * p + 1, "never above 1"),
        (lambda p: 0.5, "must return"),
    ],
)
def test_corrected_says_what_is_wrong(wrong, words):
    assert words in advice(exercises.check_corrected, wrong)


def unsorted(values):
    cut = len(values) // 4
    return np.mean(values[cut : len(values) - cut])


@pytest.mark.parametrize(
    "wrong, words",
    [(np.mean, "plain mean"), (unsorted, "Sort"), (np.max, "middle half has the mean")],
)
def test_middle_says_what_is_wrong(wrong, words):
    assert words in advice(exercises.check_middle, wrong)


@pytest.mark.parametrize(
    "wrong, words",
    [
        (lambda t: t["score"][t["phase"] == "report"].mean(), "choose one first"),
        (lambda t: t.groupby("setting")["score"].mean().max(), "It gives"),
        (lambda t: t.groupby(["phase", "setting"])["score"].mean()["report"].max(), "measure in"),
        (lambda t: t["score"].max(), "single run"),
    ],
)
def test_fair_score_says_what_is_wrong(wrong, words):
    assert words in advice(exercises.check_fair_score, wrong)


@pytest.mark.parametrize("rows", [0, 40])
def test_the_reading_part_works_with_whatever_rows_there_are(rows, capsys):
    """Without any, and with some: sentences are computed, never there before their rows."""
    from vaelib.studies import correlated, named

    study = named("correlated")(seeds=(100, 101, 102), pairs=(("pos_x", "pos_y"),))
    plan = study.report()[:rows]
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {**run.labels, "key": run.config.key, study.score: rng.random()} for run in plan
    )
    names: dict = {"table": table, "study": study, "display": print}
    (imports,) = cells_with(EIGHT, "import matplotlib")
    exec(imports.replace("%matplotlib inline", ""), names)
    names |= {"GRIDS": correlated.GRIDS, "plt": Shown, "plots": Shown}
    for cell in cells_with(EIGHT, "select = table", "shown = dict", "compared = {", "holds("):
        if "import matplotlib" not in cell:
            exec(cell, names)
    told = capsys.readouterr().out
    assert ("the claim cannot be judged yet" in told) == (rows > 0)
    assert ("Nothing can be said yet" in told) == (rows == 0)


class Shown:
    """Takes the place of pyplot and the plots."""

    def __getattr__(self, name):
        return lambda *_, **__: self

    strengths = differences = show = classmethod(lambda cls, *_: cls())
