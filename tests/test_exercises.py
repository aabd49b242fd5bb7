"""The checks of the exercises: wrong answers get the advice that they need, solutions pass."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import jupytext
import numpy as np
import pytest
import torch

from vaelib.datasets import Correlated, DSprites
from vaelib.exercises import Verdict, beta_vae, data_exploration, exercise

SCRIPTS = Path(__file__).resolve().parents[1] / "notebooks" / "py"
CHAPTERS = sorted(path.stem for path in SCRIPTS.glob("*.py"))

chapters = pytest.mark.parametrize("name", CHAPTERS)


def advice(check, *answers) -> str:
    """What a wrong answer is told."""
    verdict = check(*answers)
    assert not verdict.passed, f"{check.__name__} let a wrong answer pass: {verdict}"
    return verdict.advice


# Verdicts


@exercise("good")
def check_three(answer):
    if answer < 3:
        yield "too small"
    if answer != 3:
        yield "not 3"


def test_a_verdict_reads_as_one_line():
    assert repr(check_three(3)) == "✓ good"
    assert repr(check_three(1)) == "✗ too small"
    assert check_three(3) and not check_three(4)


def test_an_error_of_the_answer_becomes_advice():
    assert "TypeError" in advice(check_three, "three")


@pytest.mark.parametrize("empty", [..., None])
def test_an_empty_answer_is_told_so(empty):
    assert "Not answered yet" in advice(check_three, empty)


@pytest.mark.parametrize(
    "check",
    [
        data_exploration.check_index_of,
        data_exploration.check_split,
        beta_vae.check_kl,
        beta_vae.check_sample,
        beta_vae.check_average,
        beta_vae.check_codes_along,
    ],
)
def test_a_function_that_returns_the_dots_is_told_so(check):
    assert "Not answered yet" in advice(check, lambda *_: ...)


# Chapter 1


def horner(factors, sizes):
    index = np.zeros(len(factors), np.int64)
    for column, size in zip(factors.T, sizes, strict=True):
        index = index * size + column
    return index


def weighted(*weights):
    return lambda factors, sizes: factors @ np.array(weights)


def test_index_of_accepts_another_way_to_the_same_numbers():
    assert data_exploration.check_index_of(horner)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (weighted(1, 3, 18, 720, 23_040), "first factor run fastest"),
        (lambda factors, sizes: horner(factors, sizes) + 1, "off by 1"),
        (weighted(245_760, 40_960, 1024, 31, 1), "pos_x must move the index by 32"),
        (lambda factors, sizes: list(factors), "one number for each"),
        (lambda factors, sizes: factors, "shape"),
        (lambda factors, sizes: horner(factors, sizes) % 700_000, "has the index"),
    ],
)
def test_index_of_says_what_is_wrong(wrong, words):
    assert words in advice(data_exploration.check_index_of, wrong)


@pytest.mark.parametrize(
    ("sigma", "words"),
    [(0.2, "larger"), (0.4, "smaller"), (np.inf, "smaller"), (-1, "above 0"), ("x", "number")],
)
def test_sigma_points_to_the_better_side(sigma, words):
    assert words in advice(data_exploration.check_sigma, sigma)


def test_pearson_is_that_of_samples():
    data = Correlated(DSprites(), {("pos_x", "pos_y"): 0.3})
    drawn = data.sample_factors(200_000, np.random.default_rng(0))[:, 3:]
    assert data_exploration.pearson(data.joint("pos_x", "pos_y")) == pytest.approx(
        np.corrcoef(drawn.T)[0, 1], abs=0.01
    )


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ([1, 0, 9, 15, 15], [1, 0, 27, 15, 15], "differ in"),
        ([0, 5, 5, 16, 16], [0, 5, 34, 16, 16], "ellipses"),
        ([1, 0, 0, 15, 15], [1, 0, 39, 15, 15], "39"),
        ([1, 0, 9, 15, 15], [1, 0, 9, 15, 15], "same orientation"),
        ([1, 0, 9, 15], [1, 0, 28, 15], "five factors"),
        ([1, 0, 40, 15, 15], [1, 0, 28, 15, 15], "orientation must be in 0..39"),
    ],
)
def test_twins_say_what_is_wrong(first, second, words):
    assert words in advice(data_exploration.check_twins, first, second)


def sorted_split(data, train, test, rng):
    return np.arange(train), np.arange(len(data) - test, len(data))


def overlapping(data, train, test, rng):
    drawn = [rng.choice(len(data), size, replace=False) for size in (train, train)]
    return drawn[0], np.concatenate([drawn[1][: test - 9], drawn[0][:9]])


def unseeded(data, train, test, rng):
    drawn = np.random.default_rng().choice(len(data), train + test, replace=False)
    return drawn[:train], drawn[train:]


def with_replacement(data, train, test, rng):
    return rng.integers(len(data), size=train), rng.integers(len(data), size=test)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (sorted_split, "shape has 1 of 3"),
        (overlapping, "in both parts"),
        (unseeded, "rng passed in"),
        (with_replacement, "come twice"),
        (lambda data, train, test, rng: rng.choice(len(data), train, False), "two arrays"),
        (lambda data, train, test, rng: (rng.permutation(len(data))[:9], []), "must be 20,000"),
    ],
)
def test_split_says_what_is_wrong(wrong, words):
    assert words in advice(data_exploration.check_split, wrong)


# Chapter 2


def elements(mean, logvar):
    return (mean**2 + logvar.exp() - 1 - logvar) / 2


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda m, v: elements(m, v).mean(), "10 times too small"),
        (lambda m, v: elements(m, v).sum(), "batch size"),
        (lambda m, v: -elements(m, v).sum(1).mean(), "never negative"),
        (lambda m, v: 2 * elements(m, v).sum(1).mean(), "1/2 is missing"),
        (lambda m, v: elements(m, v).sum(1).mean() / np.log(2), "bits"),
        (lambda m, v: elements(m, v).sum(1), "their mean"),
        (lambda m, v: elements(m, v), "sum over the latents"),
        (lambda m, v: elements(m, v.log1p().nan_to_num()).sum(1).mean(), "logarithm"),
        (lambda m, v: 3, "one number"),
    ],
)
def test_kl_says_what_is_wrong(wrong, words):
    assert words in advice(beta_vae.check_kl, wrong)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda m, v, e: m + v.exp() * e, "That is the variance"),
        (lambda m, v, e: m + v * e, "exponential"),
        (lambda m, v, e: m, "does not reach"),
        (lambda m, v, e: m + e, "not scaled"),
        (lambda m, v, e: m + 2 * (v / 2).exp() * e, "one standard deviation"),
        (lambda m, v, e: m + (v / 2).exp().detach() * e, "No gradient"),
        (lambda m, v, e: (m + (v / 2).exp() * e).detach(), "No gradient"),
        (lambda m, v, e: (m + (v / 2).exp() * e).sum(1), "one value an image"),
    ],
)
def test_sample_says_what_is_wrong(wrong, words):
    assert words in advice(beta_vae.check_sample, wrong)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda losses, sizes: sum(losses) / sum(sizes), "twice"),
        (lambda losses, sizes: sum(losses) / len(losses), "as much as the full ones"),
        (lambda losses, sizes: np.dot(losses, sizes), "sum over all images"),
        (lambda losses, sizes: max(losses), "is right"),
    ],
)
def test_average_says_what_is_wrong(wrong, words):
    assert words in advice(beta_vae.check_average, wrong)


def from_zero(code, latent, values):
    codes = torch.zeros(len(values), len(code))
    codes[:, latent] = values
    return codes


def in_place(code, latent, values):
    codes = code.expand(len(values), -1).clone()
    codes[:, latent] = values
    code[latent] = values[-1]
    return codes


def moved_by(code, latent, values):
    codes = code.repeat(len(values), 1)
    codes[:, latent] += values
    return codes


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (from_zero, "No image has that code"),
        (in_place, "work on a copy"),
        (moved_by, "must move to them"),
        (lambda code, latent, values: code.repeat(len(values), 1), "values that are given"),
        (lambda code, latent, values: code.repeat(len(values), 1) + 1, "must keep the values"),
        (lambda code, latent, values: code, "one code a value"),
    ],
)
def test_codes_along_says_what_is_wrong(wrong, words):
    assert words in advice(beta_vae.check_codes_along, wrong)


# The notebooks


def code_cells(name: str) -> list[str]:
    cells = jupytext.read(SCRIPTS / f"{name}.py").cells
    return [
        cell.source
        for cell in cells
        if cell.cell_type == "code" and "install" not in cell.metadata.get("tags", [])
    ]


def run(cell: str, names: dict) -> object:
    """Execute a cell in `names`; the value of its last line, as a notebook shows it."""
    body = ast.parse(cell)
    last = body.body.pop() if isinstance(body.body[-1], ast.Expr) else None
    exec(compile(body, "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last else None


def checks_in(cells: list[str]) -> list[str]:
    return re.findall(r"exercises\.(check_\w+)", "\n".join(cells))


def module_of(chapter: str):
    """The checks of 02_beta_vae are in vaelib.exercises.beta_vae."""
    return importlib.import_module(f"vaelib.exercises.{chapter[3:]}")


@chapters
def test_solutions_pass(name):
    names: dict = {}
    verdicts = [run(cell, names) for cell in code_cells(f"solutions/{name}")]
    verdicts = [verdict for verdict in verdicts if isinstance(verdict, Verdict)]
    assert verdicts and all(verdicts), verdicts


@chapters
def test_chapter_solutions_and_module_have_the_same_exercises(name):
    asked, solved = (checks_in(code_cells(prefix + name)) for prefix in ("", "solutions/"))
    assert asked == solved
    assert set(asked) == {check for check in vars(module_of(name)) if check.startswith("check_")}


@chapters
def test_exercises_are_left_to_the_reader(name):
    """As they stand, all cells with a check say that nothing was answered yet."""
    names = {"exercises": module_of(name)}
    cells = [cell for cell in code_cells(name) if "exercises.check_" in cell]
    assert {run(cell, names).advice[:16] for cell in cells} == {"Not answered yet"}
