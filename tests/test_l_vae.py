import math

import pytest
import torch
from outputs import images_for, kl_loops, random_output

from vaelib.networks import MLP
from vaelib.objectives import LVAE, PerLatentBeta
from vaelib.objectives.l_vae import R1, R2, LearnedWeights
from vaelib.vae import VAE

VALUE = {
    R1: lambda loss, s2: loss / (2 * s2) + 0.5 * math.log(s2),
    R2: lambda loss, s2: loss / (2 * s2) + math.log(1 + s2),
}
both_readings = pytest.mark.parametrize("reading", [R1(), R2()], ids=repr)


def prepared(objective, dim=3):
    objective.prepare(VAE(MLP(hidden=4), (1, 32, 32), dim), 100, torch.Generator())
    return objective.double()


@both_readings
@pytest.mark.parametrize("loss", [0.01, 1.0, 30.0, 700.0])
def test_the_fixed_point_is_the_minimum(reading, loss):
    value, s2 = VALUE[type(reading)], reading.fixed_point(loss)
    assert value(loss, s2) < min(value(loss, s2 * 1.01), value(loss, s2 / 1.01))


@both_readings
def test_gradient_steps_arrive_at_the_fixed_point(reading):
    losses = torch.tensor([40.0, 2.0, 0.1])
    weights = LearnedWeights(3, reading, learning_rate=0.05)
    for _ in range(600):
        weighted, regulariser = weights(losses)
        (weighted.sum() + regulariser).backward()
        weights.learn()
    expected = torch.tensor([reading.fixed_point(loss) for loss in losses.tolist()])
    torch.testing.assert_close(weights.log_variance.detach().exp(), expected, rtol=0.02, atol=0)
    torch.testing.assert_close(
        weights.effective_beta(), expected[0] / expected[1:], rtol=0.04, atol=0
    )


def test_the_effective_beta_of_reading_1_is_the_ratio_of_the_losses():
    assert R1().fixed_point(35.6) / R1().fixed_point(15.4) == pytest.approx(35.6 / 15.4)


def test_a_collapse_is_rewarded_without_bound_by_reading_1_only():
    tiny = 1e-12
    assert VALUE[R1](tiny, R1().fixed_point(tiny)) < -10
    assert 0 < VALUE[R2](tiny, R2().fixed_point(tiny)) < 1e-5


def test_reading_2_tends_to_the_limits_in_its_docstring():
    assert R2().fixed_point(1e6) == pytest.approx((1e6 + 2) / 2, rel=1e-5)
    assert R2().fixed_point(1e-8) == pytest.approx(math.sqrt(1e-8 / 2), rel=1e-3)


@both_readings
def test_l_vae_loss_against_the_equation(reading):
    objective, out = prepared(LVAE(reading=reading)), random_output()
    objective.weights.log_variance.data = torch.tensor([1.5, -0.5]).double()
    batch = images_for(out)
    loss, terms = objective(batch, out, 0)
    reconstruction = objective.reconstruction(batch, out).item()
    kl = sum(sum(row) for row in kl_loops(out)).item() / 6
    value = VALUE[type(reading)]
    expected = value(reconstruction, math.exp(1.5)) + value(kl, math.exp(-0.5))
    assert loss.item() == pytest.approx(expected)
    assert terms["weighted_kl"].item() == pytest.approx(kl / (2 * math.exp(-0.5)))
    assert objective.extra_log()["beta"] == pytest.approx(math.exp(2.0))
    assert objective.extra_log()["reconstruction"] == pytest.approx(reconstruction)


@both_readings
def test_per_latent_loss_against_the_equation(reading):
    objective, out = prepared(PerLatentBeta(reading=reading)), random_output()
    logs = [1.0, -0.5, 0.0, 0.7]
    objective.weights.log_variance.data = torch.tensor(logs).double()
    batch = images_for(out)
    loss, _ = objective(batch, out, 0)
    kl = [sum(column).item() / 6 for column in zip(*kl_loops(out), strict=True)]
    losses = [objective.reconstruction(batch, out).item(), *kl]
    value = VALUE[type(reading)]
    expected = sum(value(one, math.exp(s)) for one, s in zip(losses, logs, strict=True))
    assert loss.item() == pytest.approx(expected)
    betas = [objective.extra_log()[f"beta_{j}"] for j in range(3)]
    assert betas == pytest.approx([math.exp(1.5), math.exp(1.0), math.exp(0.3)])


@pytest.mark.parametrize("cls", [LVAE, PerLatentBeta])
def test_the_weights_step_only_in_learn(cls):
    objective, out = prepared(cls()), random_output()
    batch = images_for(out)
    before = objective.weights.log_variance.detach().clone()
    objective(batch, out, 0)[0].backward()
    assert torch.equal(objective.weights.log_variance, before)
    objective.learn(batch, out, 0)
    # Adam's first step is the learning rate, against the gradient: losses above 1 raise σ².
    change = (objective.weights.log_variance - before).detach()
    torch.testing.assert_close(change.abs(), torch.full_like(change, 5e-4), rtol=1e-4, atol=0)


@pytest.mark.parametrize("cls", [LVAE, PerLatentBeta])
def test_what_has_no_sense_is_refused(cls):
    with pytest.raises(ValueError, match="reading must be a Reading, got 5"):
        cls(reading=5)
    with pytest.raises(ValueError, match="weight_learning_rate must be at least 0"):
        cls(weight_learning_rate=math.nan)
