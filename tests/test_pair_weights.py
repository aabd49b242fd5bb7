import math

import numpy as np
import pytest
import torch

from vaelib.objectives.pair_weights import (
    Chosen,
    IfSignificant,
    Measured,
    OnePartner,
    Relaxed,
    Uniform,
    WeakThenTighten,
    partnered,
    relaxation,
)
from vaelib.spec import from_spec, to_spec


def matrix(first, second, third):
    """Symmetric 3×3 of the pairs 01, 02 and 12."""
    found = torch.zeros(3, 3)
    for (i, j), value in zip([(0, 1), (0, 2), (1, 2)], (first, second, third), strict=True):
        found[i, j] = found[j, i] = value
    return found


def measured(first, second, third, null=0.0, error=0.0):
    one = matrix(1, 1, 1)
    return Measured(matrix(first, second, third), null * one, error * one)


RULES = [
    Uniform(), Chosen(), Relaxed(), IfSignificant(), WeakThenTighten(), OnePartner(),
    OnePartner(WeakThenTighten(IfSignificant(Relaxed(beta_min=0.0), z=2.0), measure_steps=10)),
]  # fmt: skip


@pytest.mark.parametrize("rule", RULES, ids=repr)
@pytest.mark.parametrize("step", [0, 5_000, 10**6])
def test_every_rule_gives_symmetric_prices_and_survives_a_round_trip(rule, step):
    beta = rule(measured(0.5, 0.01, 0.0, null=0.005, error=0.001), step)
    assert torch.equal(beta, beta.T) and torch.equal(beta.diagonal(), torch.zeros(3))
    assert (beta >= 0).all() and beta.isfinite().all()
    assert from_spec(to_spec(rule)) == rule


def test_uniform_and_chosen_pairs():
    assert torch.equal(Uniform(3.0)(measured(1, 2, 3), 0), matrix(3, 3, 3))
    chosen = Chosen(pairs=((2, 1),), beta=4.0, relaxed=0.5)
    assert torch.equal(chosen(measured(1, 2, 3), 0), matrix(4, 4, 0.5))


def test_relaxed_is_the_slope_of_the_concave_price():
    rule = Relaxed(beta_max=6.0, epsilon=0.05, beta_min=0.0)
    i = torch.tensor([0.42, 0.05, 0.0], dtype=torch.float64, requires_grad=True)
    price = 6.0 * 0.05 * torch.log1p(i / 0.05)  # φ(I) = β_max ε log(1 + I/ε)
    (slope,) = torch.autograd.grad(price.sum(), i)
    found = rule(measured(0.42, 0.05, 0.0), 0)
    torch.testing.assert_close(found, matrix(*slope.tolist()))
    assert found[0, 2].item() == 3.0 and found[1, 2].item() == 6.0


def test_the_slope_at_the_average_majorises_the_concave_price():
    """φ(I) ≤ φ(Ī) + β(Ī)·(I − Ī): minimising the right side cannot raise the left."""

    def price(i):
        return 6.0 * 0.05 * torch.log1p(i / 0.05)

    i = torch.linspace(0, 2, 50)
    for average in (0.0, 0.01, 0.3, 1.5):
        beta = Relaxed(beta_min=0.0)(measured(average, 0, 0), 0)[0, 1]
        assert (price(torch.tensor(average)) + beta * (i - average) >= price(i) - 1e-6).all()


def test_relaxed_stays_within_its_bounds_and_takes_negative_estimates_as_none():
    assert torch.equal(Relaxed(beta_min=2.0)(measured(9.0, -0.1, 0), 0), matrix(2, 6, 6))


def test_only_dependence_beyond_chance_is_relaxed():
    rule = IfSignificant(Relaxed(epsilon=0.05, beta_min=0.0), z=3.0)
    found = rule(measured(0.015, 0.02, 0.12, null=0.01, error=0.01 / 3), 0)
    torch.testing.assert_close(found, matrix(6.0, 6.0, 6.0 * 0.05 / 0.15))


def test_weak_then_tighten_goes_from_one_price_to_the_rule():
    rule = WeakThenTighten(Relaxed(beta_min=0.0), start=1.0, measure_steps=100, tighten_steps=200)
    know = measured(0.45, 0, 0)
    for step, expected in (
        (0, (1, 1, 1)),
        (100, (1, 1, 1)),
        (200, (0.8, 3.5, 3.5)),
        (300, (0.6, 6, 6)),
        (9999, (0.6, 6, 6)),
    ):
        torch.testing.assert_close(rule(know, step), matrix(*map(float, expected)))


def test_a_third_latent_that_depends_on_both_partners_is_not_relaxed():
    inner = Relaxed(beta_max=6.0, epsilon=0.05, beta_min=0.0)
    found = OnePartner(inner)(measured(0.45, 0.2, 0.1), 0)
    torch.testing.assert_close(found, matrix(0.6, 6.0, 6.0))


def test_rounding_does_not_part_partners():
    nats = torch.tensor([[0.0, 0.45], [0.45 + 1e-7, 0.0]])
    for square in (nats, nats.T):
        assert partnered(square).tolist() == [[False, True], [True, False]]


def test_two_pairs_may_each_have_their_own_price():
    nats = torch.zeros(4, 4)
    nats[0, 2] = nats[2, 0] = 0.45
    nats[1, 3] = nats[3, 1] = 0.2
    nats[0, 1] = nats[1, 0] = 0.1
    found = OnePartner(Relaxed(beta_min=0.0))(Measured(nats, 0 * nats, 0 * nats), 0)
    assert (found.triu(1) + 6 * torch.ones(4, 4).tril() < 6).nonzero().tolist() == [[0, 2], [1, 3]]


def test_a_uniform_price_is_no_relaxation():
    assert torch.equal(relaxation(matrix(2, 2, 2)), matrix(0, 0, 0))
    torch.testing.assert_close(relaxation(matrix(1, 2, 4)), matrix(0.75, 0.5, 0))
    assert torch.equal(relaxation(matrix(0, 0, 0)).isfinite(), torch.ones(3, 3, dtype=torch.bool))


PAIRS = "pairs must be pairs of different latents"


@pytest.mark.parametrize(
    ("cls", "options", "says"),
    [
        (Relaxed, {"epsilon": 0.0}, "epsilon > 0"),
        (Relaxed, {"beta_max": math.inf}, "beta_max must be at least 0 and finite, got inf"),
        (Uniform, {"beta": -1.0}, "beta must be at least 0 and finite, got -1.0"),
        (Uniform, {"beta": math.nan}, "got nan"),
        (Chosen, {"pairs": ((0.7, 1.9),)}, PAIRS),
        (Chosen, {"pairs": ((0, -1),)}, PAIRS),
        (Chosen, {"pairs": ((1, 1),)}, PAIRS),
        (Chosen, {"pairs": ((0, True),)}, PAIRS),
        (Chosen, {"pairs": (0, 1)}, rf"{PAIRS}.*, got \(0, 1\)"),
        (Chosen, {"pairs": ((0, 1, 2),)}, PAIRS),
        (Chosen, {"relaxed": -1.0}, "relaxed must be at least 0"),
        (IfSignificant, {"z": -1.0}, "z must be at least 0"),
        (IfSignificant, {"z": math.nan}, "z must be at least 0"),
        (IfSignificant, {"weights": 6.0}, "weights must be a PairWeights, got 6.0"),
        (OnePartner, {"weights": Relaxed}, "weights must be a PairWeights"),
        (WeakThenTighten, {"weights": None}, "weights must be a PairWeights"),
        (WeakThenTighten, {"start": math.nan}, "start must be at least 0"),
        (WeakThenTighten, {"measure_steps": -1}, "measure_steps must be a whole number of at le"),
        (WeakThenTighten, {"tighten_steps": 0}, "tighten_steps must be a whole number of at leas"),
        (WeakThenTighten, {"tighten_steps": math.nan}, "tighten_steps must be a whole number"),
    ],
)
def test_rules_without_sense_are_refused(cls, options, says):
    with pytest.raises(ValueError, match=says):
        cls(**options)


def test_a_pair_of_latents_that_the_model_lacks_is_refused():
    with pytest.raises(ValueError, match=r"pairs must be of latents 0..2, got \(\(0, 7\),\)"):
        Chosen(((0, 7),))(measured(1, 2, 3), 0)


def test_pairs_may_be_numbers_of_numpy():
    assert Chosen(np.array([[0, 2]])) == Chosen(((0, 2),))
    assert to_spec(Chosen(np.array([[0, 2]])))["pairs"] == [[0, 2]]


@pytest.mark.parametrize("rule", [IfSignificant, OnePartner])
def test_a_rule_around_a_rule_hands_on_the_step(rule):
    class Spy(Uniform):
        steps = []

        def __call__(self, measured, step):
            self.steps.append(step)
            return super().__call__(measured, step)

    zeros = torch.zeros(3, 3)
    rule(Spy())(Measured(zeros, zeros, zeros), step=17)
    assert Spy.steps == [17]
