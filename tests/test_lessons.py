"""What a chapter writes by hand is what the library does: both on the same numbers."""

from __future__ import annotations

from pathlib import Path

import jupytext
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from vaelib import information
from vaelib.datasets import Correlated, DSprites
from vaelib.objectives import BetaVAE
from vaelib.types import Batch, Posterior, VAEOutput

SCRIPTS = Path(__file__).resolve().parents[1] / "notebooks" / "py"
LONGEST = 25  # lines of a method by hand


def cells_with(name: str, *words: str) -> list[str]:
    """The code cells of a chapter that hold any of the words, in order."""
    cells = [c.source for c in jupytext.read(SCRIPTS / f"{name}.py").cells if c.cell_type == "code"]
    return [cell for cell in cells if any(word in cell for word in words)]


def lesson(chapter: str, *words: str, **names) -> dict:
    """The names that these cells define."""
    for cell in cells_with(chapter, *words):
        exec(cell, names)
    return names


def lines_of(cell: str) -> int:
    return sum(bool(line.strip()) for line in cell.splitlines())


# Chapter 1


def test_squares_by_hand_are_those_of_the_library():
    square = lesson("01_data_exploration", "def square", np=np)["square"]
    factors = np.array([[0, s, 0, x, y] for s in range(6) for x in range(32) for y in range(32)])
    by_hand = np.stack([square(*row) for row in factors[:, [1, 3, 4]]])
    assert np.array_equal(by_hand, DSprites().render(factors)[:, 0])


@pytest.mark.parametrize("sigma", [float("inf"), 0.7, 0.2, 0.02])
@pytest.mark.parametrize("pair", [("pos_x", "pos_y"), ("scale", "orientation")])
def test_joint_by_hand_is_what_correlated_draws_from(sigma, pair):
    joint = lesson("01_data_exploration", "def joint", np=np)["joint"]
    data = Correlated(DSprites(), {pair: sigma})
    sizes = [data.factor_sizes[data.factor_names.index(name)] for name in pair]
    np.testing.assert_allclose(joint(sizes, sigma), data.joint(*pair), atol=1e-12)


def test_information_and_pearson_by_hand_are_those_of_samples():
    names = lesson("01_data_exploration", "def joint", "def information", np=np)
    p = names["joint"]((32, 32), 0.3)
    drawn = np.random.default_rng(0).choice(p.size, size=400_000, p=p.ravel())
    x, y = np.unravel_index(drawn, p.shape)
    counted = information.mutual_information(x[:, None], y[:, None])[0, 0]
    assert names["information"](p) == pytest.approx(counted, abs=0.005)
    assert names["pearson"](p) == pytest.approx(np.corrcoef(x, y)[0, 1], abs=0.005)


# Chapter 2


@pytest.fixture
def by_hand() -> dict:
    torch.manual_seed(0)
    return lesson("02_beta_vae", "def loss_terms", torch=torch, nn=nn, F=F)


def test_loss_by_hand_is_that_of_the_library(by_hand):
    images = DSprites().sample(8, np.random.default_rng(0)).to("cpu").images
    torch.manual_seed(1)
    reconstruction, kl = by_hand["loss_terms"](images)
    torch.manual_seed(1)  # the same noise again
    posterior = Posterior(*by_hand["encoder"](images).chunk(2, dim=1))
    z = posterior.sample()
    out = VAEOutput(posterior, z, by_hand["decoder"](z).view_as(images))
    loss, terms = BetaVAE(beta=4.0)(Batch(images, torch.zeros(8, 5)), out, step=0)
    torch.testing.assert_close(reconstruction, terms["reconstruction"])
    torch.testing.assert_close(4 * kl, terms["weighted_kl"])
    torch.testing.assert_close(reconstruction + 4 * kl, loss)


def test_first_loss_is_that_of_fair_coins(by_hand):
    images = DSprites().sample(64, np.random.default_rng(0)).to("cpu").images
    reconstruction, _ = by_hand["loss_terms"](images)
    assert reconstruction.item() == pytest.approx(4096 * np.log(2), rel=0.03)


def test_training_by_hand_learns(by_hand):
    """The loop as it stands in the chapter, for 40 steps."""
    data, rng = DSprites(), np.random.default_rng(0)
    names = by_hand | {"hand_steps": 40, "data": data, "rng": rng, "beta": 4.0}
    (loop,) = cells_with("02_beta_vae", "optimizer.step()")
    exec(loop, names)
    losses = [row[1] for row in names["history"]]
    assert losses[0] > 2000 and losses[-1] < 700


def test_the_method_by_hand_is_short():
    method = cells_with("02_beta_vae", "def loss_terms", "optimizer.step()")
    assert len(method) == 2 and sum(map(lines_of, method)) <= LONGEST, "the chapter promises it"
