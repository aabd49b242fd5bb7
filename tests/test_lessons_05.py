"""Chapter 5: what it writes by hand is what the library does, and keeps its closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from test_exercises import advice
from test_lessons import LONGEST, cells_with, lesson, lines_of

from vaelib.datasets import Correlated, DSprites
from vaelib.exercises import pairwise_beta
from vaelib.objectives.pair_weights import Measured, Relaxed
from vaelib.objectives.terms import correlated_kl, kurtosis
from vaelib.spec import to_spec
from vaelib.studies.methods import OBJECTIVE
from vaelib.types import Posterior

FIVE = "05_pairwise_beta"


def by_hand(name, **names):
    return lesson(FIVE, f"def {name}", np=np, torch=torch, **names)[name]


def linear_vae():
    return by_hand("linear_vae", POINTS={}, clouds={})


def gaussian(rho, n=4_000):
    """Points with exactly unit variances and the correlation rho, (n, 2)."""
    points = np.random.default_rng(0).normal(size=(n, 2))
    points -= points.mean(0)
    points = points @ np.linalg.inv(np.linalg.cholesky(np.cov(points.T, bias=True))).T
    return points @ np.linalg.cholesky([[1, rho], [rho, 1]]).T


def test_the_kl_to_a_tied_prior_is_that_of_the_library():
    names = lesson(FIVE, "def linear_vae", torch=torch, clouds={})
    mean, logvar = torch.randn(50, 2), torch.tensor([0.3, -0.8])
    r = torch.tensor([[1.0, -0.4], [-0.4, 1.0]])
    library = correlated_kl(Posterior(mean, logvar.expand(50, 2)), r).mean()
    torch.testing.assert_close(names["gaussian_kl"](mean, logvar, r[0, 1]), library)
    torch.testing.assert_close(names["fourth_moment"](mean), kurtosis(mean))


def test_the_linear_vae_finds_the_principal_axes():
    """Equal effects, any correlation: 45 degrees, as chapter 4's formula says."""
    decoder, _ = linear_vae()(torch.from_numpy(gaussian(0.5)).float())
    angle = by_hand("angles", plots=None)
    np.testing.assert_allclose(angle(decoder), [45, 45], atol=2)


def test_a_prior_that_knows_the_correlation_refunds_its_price():
    """The least KL falls, and the code may lie at any angle."""
    points = torch.from_numpy(gaussian(0.8)).float()
    train = linear_vae()
    found = [train(points, prior=True, start=start) for start in range(3)]
    angle = by_hand("angles", plots=None)
    turns = [angle(decoder).mean() for decoder, _ in found]
    assert max(turns) - min(turns) > 3
    assert max(kl for _, kl in found) == pytest.approx(min(kl for _, kl in found), abs=0.01)


def test_the_information_by_hand_is_that_of_a_gaussian():
    information = by_hand("information", clouds={})
    rho, width = 0.8, 0.15
    seen = rho / (1 + width**2)  # the posterior's noise hides a little
    found = information(gaussian(rho, 200_000), bins=40, width=width)
    assert found == pytest.approx(-0.5 * math.log(1 - seen**2), abs=0.02)


def test_the_bent_price_has_the_slope_of_the_rule():
    bent, nats, step = by_hand("bent"), 0.2, 1e-5
    slope = (bent(nats + step, 0.05) - bent(nats - step, 0.05)) / (2 * step)
    measured = torch.tensor([[0.0, nats], [nats, 0.0]])
    rule = Relaxed(beta_max=6.0, epsilon=0.05, beta_min=0.0)
    price = rule(Measured(measured, 0 * measured, 0 * measured), 0)[0, 1]
    assert 6.0 * slope == pytest.approx(price.item(), rel=1e-4)


def test_the_chapter_trains_what_the_study_compares():
    from vaelib.objectives import PairTurns, PairwiseBeta, pair_weights, partner_prior, terms

    names = vars(pair_weights) | vars(terms) | vars(partner_prior)
    names |= {"PairwiseBeta": PairwiseBeta, "PairTurns": PairTurns}
    names |= {"TrainConfig": None, "Broadcast": None, "PixelWeighted": None}  # not called
    (cell,) = cells_with(FIVE, "OURS = PairTurns(")
    exec(cell, names)
    assert to_spec(names["OURS"]) == to_spec(OBJECTIVE)


@pytest.mark.parametrize("rho, tie", [(0.5, 0.5), (0.75, 0.7), (0.8, 0.0), (0.8, 0.4)])
def test_the_price_of_a_tied_pair_is_the_slope_of_what_it_pays(rho, tie):
    """Of its dependence, less what the KL to the tied prior is lower than that to a plain one."""

    def nats_and_paid(rho):
        points = torch.from_numpy(gaussian(rho, 1_000))
        posterior = Posterior(points, torch.full_like(points, -20.0))
        kl = [
            correlated_kl(posterior, torch.tensor([[1.0, r], [r, 1.0]], dtype=torch.float64)).mean()
            for r in (0.0, tie)
        ]
        nats = -0.5 * math.log(1 - rho**2)
        return nats, nats - float(kl[0] - kl[1])

    (less, paid_less), (more, paid_more) = (nats_and_paid(rho + step) for step in (-1e-4, 1e-4))
    slope = by_hand("slope")(-0.5 * math.log(1 - rho**2), tie)
    assert (paid_more - paid_less) / (more - less) == pytest.approx(slope, abs=1e-3)


@pytest.mark.parametrize("degrees", [10, 40, 80])
@pytest.mark.parametrize("sigma", [0.4, 0.1])
def test_a_turned_cloud_is_turned_back_to_its_axes(degrees, sigma):
    world = Correlated(DSprites(), {("pos_x", "pos_y"): sigma})
    rng = np.random.default_rng(0)
    factors = world.sample_factors(20_000, rng)[:, -2:] + rng.random((20_000, 2))
    factors = (factors - factors.mean(0)) / factors.std(0)
    turned = by_hand("turned", clouds={})
    flattest = lesson(
        FIVE, "def flattest", np=np, torch=torch, turned=turned,
        fourth_moment=lambda z: kurtosis(z), plain={}, clouds={},
    )["flattest"]  # fmt: skip
    codes = turned(factors, degrees)
    axes = (degrees + flattest(codes)) % 90
    assert min(axes, 90 - axes) <= 3


@pytest.mark.parametrize("word", ["def linear_vae", "def turning", "def information"])
def test_what_is_written_by_hand_is_short(word):
    (cell,) = cells_with(FIVE, word)
    function = cell[cell.index(word) :].split("\n\n\n")[0]
    assert lines_of(function) <= LONGEST


def test_advice_on_prices():
    check = pairwise_beta.check_price
    assert "not answered yet" in advice(check, lambda *_: ...).lower()
    assert "beta_min" in advice(check, lambda i, most, e, least: most * e / (e + i))
    bill = lambda i, most, e, least: max(least, most * e * math.log1p(i / e)) if i else most  # noqa: E731
    assert "slope" in advice(check, bill) or "must be" in advice(check, bill)


def test_advice_on_the_kurtosis_of_a_sum():
    check = pairwise_beta.check_kurtosis_of_sum
    assert "do not add up" in advice(check, lambda n: 1.8 * n)
    assert "1.8" in advice(check, lambda n: 3.0)
    assert "cumulants" in advice(check, lambda n: 3 - 1.2 / n**2)


def test_advice_on_effective_weights():
    check = pairwise_beta.check_effective
    assert "divide" in advice(check, lambda w: w.sum() ** 2 / (w**2).sum())
    assert "scale" in advice(check, lambda w: 1 / (w**2).sum())
