import pytest
import torch
from outputs import gradients, images_for, kl_loops, output, random_output

from vaelib.objectives import CapacityVAE


def test_capacity_grows_linearly_and_then_stays():
    objective = CapacityVAE(capacity=20.0, capacity_steps=1000)
    assert [objective.capacity_at(t) for t in (0, 250, 1000, 5000)] == [0, 5, 20, 20]


def test_penalty_and_gradient_against_naive_loops():
    out = random_output()
    objective = CapacityVAE(gamma=7.0, capacity=1.0, capacity_steps=10)
    penalty = objective.penalty(images_for(out), out, 5)["capacity_penalty"]
    expected = 7.0 * abs(sum(sum(row) for row in kl_loops(out)) / 6 - 0.5)
    torch.testing.assert_close(penalty, expected)
    for a, b in zip(gradients(penalty, out), gradients(expected, out), strict=True):
        torch.testing.assert_close(a, b)


def test_the_kl_is_averaged_before_the_absolute_value():
    # Two images of 0 and of 2 nats: the batch has 1 nat, exactly the capacity. A penalty of each
    # image alone, as some code has it, would ask for 1.
    mean = torch.tensor([[0.0], [2.0]])
    out = output(mean, torch.zeros(2, 1))
    objective = CapacityVAE(gamma=1.0, capacity=1.0, capacity_steps=1)
    assert objective.penalty(images_for(out), out, 1)["capacity_penalty"].item() == 0


def test_too_few_nats_are_pulled_up_and_too_many_down():
    for capacity, sign in ((0.0, 1), (50.0, -1)):
        out = random_output()
        objective = CapacityVAE(gamma=1.0, capacity=capacity, capacity_steps=1)
        penalty = objective.penalty(images_for(out), out, 1)["capacity_penalty"]
        mean_gradient, _ = gradients(penalty, out)
        assert (mean_gradient.sign() == sign * out.posterior.mean.sign()).all()


def test_the_capacity_of_the_step_is_logged():
    out = random_output()
    objective = CapacityVAE(capacity=10.0, capacity_steps=100)
    objective.learn(images_for(out), out, 50)
    assert objective.extra_log() == {"capacity": 5.0}


def test_bad_values_are_refused():
    with pytest.raises(
        ValueError, match="capacity_steps must be a whole number of at least 1, got 0"
    ):
        CapacityVAE(capacity_steps=0)
    with pytest.raises(ValueError, match="at least 0"):
        CapacityVAE(gamma=float("nan"))
