"""Chapter 9: weights by hand are the library's, checks advise, a report of one's own file."""

from __future__ import annotations

import json

import numpy as np
import pytest
from test_exercises import advice
from test_lessons import LONGEST, cells_with, lesson, lines_of

from vaelib.cli import main
from vaelib.datasets import ArrayData, Correlated
from vaelib.exercises import your_own_data as exercises

NINE = "09_your_own_data"


def two_factors(n=300):
    rng = np.random.default_rng(0)
    first = rng.integers(0, 5, n)
    return np.column_stack([first, (first + rng.integers(0, 3, n)) % 4])


@pytest.mark.parametrize("sigma", [0.05, 0.3, float("inf")])
def test_chances_by_hand_are_those_of_the_library(sigma, data_folder):
    chances = lesson(NINE, "def chances", np=np)["chances"]
    factors = two_factors()
    images = np.random.default_rng(1).integers(0, 256, (300, 32, 32), dtype=np.uint8)
    data = ArrayData(images, factors, ("a", "b"))
    world = Correlated(data, {("a", "b"): sigma})
    by_hand = np.zeros((5, 4))
    np.add.at(by_hand, tuple(factors.T), chances(*factors.T, sigma))
    if sigma < 1:  # at infinity nothing is tied, and the images are drawn as they come
        np.testing.assert_allclose(by_hand, world.joint("a", "b"), atol=1e-12)
    else:
        there = by_hand > 0
        np.testing.assert_allclose(by_hand[there], 1 / there.sum())


def test_the_method_by_hand_is_short():
    (cell,) = cells_with(NINE, "def chances")
    assert lines_of(cell) <= LONGEST


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda x: (x + 1) / 2, "bytes are np.uint8"),
        (lambda x: np.rint((x + 1) / 2).astype(np.uint8), "White must be 255"),
        (lambda x: ((x + 1) * 127.5).astype(np.uint8), "Round first"),
        (lambda x: np.rint(np.abs(x) * 255).astype(np.uint8), "add 1 before"),
        (lambda x: np.rint((x + 1) * 100).astype(np.uint8), "A pixel is off by 55"),
        (lambda x: x[0], "images of the same shape"),
        (lambda x: ..., "Not answered yet"),
    ],
)
def test_prepare_says_what_is_wrong(wrong, words):
    assert words in advice(exercises.check_prepare, wrong)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda f: int(np.prod(f.max(0) + 1)) - len(f), "fill one combination only"),
        (lambda f: len(np.unique(f, axis=0)), "combinations of"),
        (lambda f: ..., "Not answered yet"),
    ],
)
def test_missing_says_what_is_wrong(wrong, words):
    assert words in advice(exercises.check_missing, wrong)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda p: len(p), "With a single image 1 images are left, yours says 500"),
        (lambda p: (p > 0).sum(), "With one half three times as likely 400"),
        (lambda p: p**2, "must return one number"),
        (lambda p: ..., "Not answered yet"),
    ],
)
def test_effective_says_what_is_wrong(wrong, words):
    assert words in advice(exercises.check_effective, wrong)


@pytest.mark.parametrize("known", [True, False])
def test_a_report_of_ones_own_file(tmp_path, data_folder, capsys, known):
    images = np.random.default_rng(0).integers(0, 256, (130, 20, 24, 3), dtype=np.uint8)
    factors = {"factors": two_factors(130), "names": np.array(["side", "hue"])} if known else {}
    np.savez(tmp_path / "my.npz", images=images, **factors)
    told = ["report", "--data", str(tmp_path / "my.npz"), "--preset", "smoke", "--quiet"]
    assert main([*told, "--folder", str(tmp_path)]) == 0, capsys.readouterr().out
    folder = tmp_path / "smoke-my"
    page = (folder / "notebooks" / f"{NINE}.html").read_text("utf-8")
    assert "130 images of 3×32×32 pixels" in page
    assert ("side: 5 values" in page) == known and ("no factors" in page) != known
    made = json.loads((folder / "metrics.json").read_text("utf-8"))
    (scores,) = [rows for name, rows in made["runs"].items() if name == "empirical"]
    first = next(row for row in scores if row["seed"] == 0)
    assert ("mig" in first) == known
    assert "unsupervised_scores.mutual_info_score" in first


def test_a_report_needs_ones_own_images(tmp_path, capsys):
    assert main(["report", "--data", str(tmp_path / "none.npz")]) == 2
    assert "none.npz" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert main(["report", "--data", str(tmp_path / "empty"), "-p", "sise", "64"]) == 2
    assert "sise" in capsys.readouterr().err
