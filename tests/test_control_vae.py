import math

import pytest
import torch
from outputs import images_for, output, random_output

from vaelib.objectives import ControlVAE, DynamicVAE


def with_kl(nats):
    """An output whose KL is exactly this."""
    mean = torch.full((4, 1), math.sqrt(2 * nats))
    return output(mean, torch.zeros(4, 1))


def drive(objective, kls):
    """β after each of these KLs, one a step."""
    betas = []
    for step, kl in enumerate(kls):
        out = with_kl(kl)
        objective.learn(images_for(out), out, step)
        betas.append(objective.extra_log()["beta"])
    return betas


def test_the_target_rises_in_stairs_to_its_end():
    for cls in (ControlVAE, DynamicVAE):
        objective = cls(capacity=2.0, start=0.5, rise=0.25, rise_every=10)
        found = [objective.capacity_at(t) for t in (0, 9, 10, 35, 60, 1000)]
        assert found == [0.5, 0.5, 0.75, 1.25, 2.0, 2.0]


def test_control_vae_against_the_written_out_controller():
    objective = ControlVAE(
        start=1.0, rise=0.5, rise_every=4, capacity=2.0, proportional=0.3, integral=0.05
    )
    kls = [0.5, 3.0, 6.0, 4.0, 9.0, 2.0, 1.0, 0.1, 0.1, 5.0]
    expected, summed = [], 0.0
    for t, kl in enumerate(kls):
        error = min(2.0, 1.0 + 0.5 * (t // 4)) - kl
        summed = min(99.0, max(0.0, summed - 0.05 * error))
        expected.append(0.3 / (1 + math.exp(error)) + summed + 1.0)
    assert drive(objective, kls) == pytest.approx(expected, rel=1e-5)


def test_the_loss_has_the_beta_of_its_own_step_and_does_not_move_the_controller():
    objective, out = ControlVAE(integral=0.1), with_kl(5.0)
    batch = images_for(out)
    twice = [objective.penalty(batch, out, 0)["weighted_kl"].item() for _ in range(2)]
    objective.learn(batch, out, 0)
    assert twice[0] == twice[1] == pytest.approx(5.0 * objective.extra_log()["beta"], rel=1e-6)


@pytest.mark.parametrize("cls", [ControlVAE, DynamicVAE])
def test_a_kl_above_the_target_raises_beta_and_below_lowers_it(cls):
    high = drive(cls(start=2.0, rise=0.0), [10.0] * 30)
    assert all(b > a for a, b in zip(high, high[1:], strict=False))
    objective = cls(start=2.0, rise=0.0)
    drive(objective, [10.0] * 30)
    low = drive(objective, [0.1] * 30)
    assert low[-1] < low[10] < high[-1]


@pytest.mark.parametrize("cls", [ControlVAE, DynamicVAE])
def test_no_windup_beta_leaves_a_bound_at_once(cls):
    objective = cls(start=5.0, rise=0.0, integral=0.1, beta_max=25.0)
    assert drive(objective, [50.0] * 500)[-1] == pytest.approx(25.0, abs=0.02)
    after = drive(objective, [0.0] * 10)  # 5 nats below the target
    assert after[-1] < 22.0
    assert drive(objective, [0.0] * 500)[-1] == pytest.approx(1.0, abs=0.02)
    assert drive(objective, [9.0] * 10)[-1] > 3.0


@pytest.mark.parametrize("cls", [ControlVAE, DynamicVAE])
def test_the_controlled_kl_arrives_at_its_target(cls):
    # A model whose KL falls as 30/(1 + β): the target of 6 nats needs β = 4.
    objective = cls(start=6.0, rise=0.0)
    for step in range(4000):
        out = with_kl(30 / (1 + objective.extra_log()["beta"]))
        objective.learn(images_for(out), out, step)
    assert objective.extra_log()["beta"] == pytest.approx(4.0, abs=0.05)


def test_dynamic_vae_against_the_written_out_controller():
    objective = DynamicVAE(
        start=3.0, rise=0.0, beta_start=10.0, proportional=0.8, integral=0.05, window=3
    )
    kls = [1.0, 8.0, 2.0, 6.0, 0.0, 4.0, 4.0]
    beta, before, expected = 10.0, None, []
    for t in range(len(kls)):
        recent = kls[max(0, t - 2) : t + 1]  # the moving average of three
        error = 3.0 - sum(recent) / len(recent)
        before = error if before is None else before
        beta += 0.8 * (1 / (1 + math.exp(error)) - 1 / (1 + math.exp(before))) - 0.05 * error
        expected.append(beta)
        before = error
    assert drive(objective, kls) == pytest.approx(expected, rel=1e-5)


def test_dynamic_vae_weighs_the_kl_by_its_beta():
    objective, out = DynamicVAE(beta_start=12.0), random_output()
    penalty = objective.penalty(images_for(out), out, 0)["weighted_kl"]
    torch.testing.assert_close(penalty, 12.0 * out.posterior.kl().sum(1).mean())


def test_bad_bounds_are_refused():
    with pytest.raises(ValueError, match="below beta_max"):
        ControlVAE(beta_min=5.0, beta_max=2.0)
    with pytest.raises(ValueError, match="beta_start"):
        DynamicVAE(beta_start=0.5)


@pytest.mark.parametrize("cls", [ControlVAE, DynamicVAE])
@pytest.mark.parametrize("name", ["capacity", "start", "rise", "proportional", "integral"])
@pytest.mark.parametrize("value", [-2.0, math.nan, math.inf])
def test_a_controller_without_sense_is_refused(cls, name, value):
    with pytest.raises(ValueError, match=f"{name} must be at least 0 and finite, got {value}"):
        cls(**{name: value})


@pytest.mark.parametrize(
    ("cls", "name"),
    [(ControlVAE, "rise_every"), (DynamicVAE, "rise_every"), (DynamicVAE, "window")],
)
@pytest.mark.parametrize("value", [0, 1.5, math.nan, True])
def test_steps_are_whole_numbers(cls, name, value):
    with pytest.raises(ValueError, match=f"{name} must be a whole number of at least 1, got"):
        cls(**{name: value})
