"""Annealing: the factor by closed form, and that it acts on the penalty alone."""

from types import SimpleNamespace

import pytest
import torch
from test_free_bits import BATCH, output

from vaelib.objectives import LVAE, Annealed, BetaTCVAE, BetaVAE, FreeBits, PixelWeighted


def test_a_cycle_is_nothing_a_rise_and_all():
    annealed = Annealed(period=8, cycles=2)
    found = [annealed.factor_at(step) for step in range(20)]
    cycle = [0, 0, 0, 0.5, 1, 1, 1, 1]
    assert found == [*cycle, *cycle, 1, 1, 1, 1]


def test_adavae_has_four_cycles():
    annealed, steps = Annealed(period=25), range(200)
    starts = [s for s in steps[1:] if annealed.factor_at(s) < annealed.factor_at(s - 1)]
    assert starts == [25, 50, 75]


@pytest.mark.parametrize("objective", [BetaVAE(3.0), BetaTCVAE(6.0)], ids=repr)
def test_the_factor_acts_on_the_penalty(objective):
    out, annealed = output([1.0, 0.3]), Annealed(objective, period=16)
    plain = objective(BATCH, out, 6)[1]
    loss, terms = annealed(BATCH, out, 6)
    assert annealed.factor_at(6) == 0.5
    for name, term in terms.items():
        torch.testing.assert_close(term, plain[name] * (1 if name == "reconstruction" else 0.5))
    torch.testing.assert_close(loss, sum(terms.values()))


def test_what_holds_learned_weights_is_not_annealed():
    """Without it the weight of the reconstruction would fall as long as the factor is 0."""
    objective, out = LVAE(), output([1.0])
    objective.prepare(SimpleNamespace(latent_dim=1), 10, None)
    plain = objective(BATCH, out, 0)[1]
    annealed = Annealed(objective, period=100, cycles=1)(BATCH, out, 0)[1]
    assert annealed["weight_regulariser"] == plain["weight_regulariser"] != 0
    changed = {name for name in plain if annealed[name] != plain[name]}
    assert changed and all(annealed[name] == 0 for name in changed)


def test_a_weighted_reconstruction_is_a_reconstruction():
    objective = LVAE()
    objective.prepare(SimpleNamespace(latent_dim=1), 10, None)
    plain, annealed = objective(BATCH, output([1.0]), 0)[1], Annealed(objective, period=4)
    _, terms = annealed(BATCH, output([1.0]), 0)
    torch.testing.assert_close(terms["weighted_reconstruction"], plain["weighted_reconstruction"])
    assert terms["weighted_kl"] == 0


def test_wrappers_go_around_each_other_in_any_order():
    out = output([1.0, 0.3])
    a = Annealed(FreeBits(PixelWeighted(BetaVAE(4.0), 4)), period=16)
    b = PixelWeighted(FreeBits(Annealed(BetaVAE(4.0), period=16)), 4)
    for step in (0, 6, 15):
        torch.testing.assert_close(a(BATCH, out, step)[0], b(BATCH, out, step)[0])


def test_the_log_has_the_factor():
    annealed = Annealed(period=16)
    annealed.learn(BATCH, output([1.0]), 6)
    assert annealed.extra_log() == {"annealing": 0.5}


@pytest.mark.parametrize("options", [{"period": 0}, {"cycles": 0}])
def test_wrong_cycles_are_refused(options):
    with pytest.raises(ValueError, match="must be a whole number of at least 1"):
        Annealed(**options)
