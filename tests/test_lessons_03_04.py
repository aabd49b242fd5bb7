"""Chapters 3 and 4: what they write by hand is what the library does; their checks give advice."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from outputs import images_for, random_output
from test_exercises import advice
from test_lessons import LONGEST, cells_with, lesson, lines_of
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from vaelib import information
from vaelib.datasets import DSprites
from vaelib.exercises import capacity_control, learnable_beta
from vaelib.objectives import CapacityVAE, ControlVAE
from vaelib.objectives.l_vae import R1, R2, LearnedWeights
from vaelib.objectives.per_latent_beta import PerLatentBeta

THREE, FOUR = "03_capacity_control", "04_learnable_beta"

# Chapter 3


@pytest.mark.parametrize("step", [0, 40, 99, 500])
def test_capacity_loss_by_hand_is_that_of_the_library(step):
    by_hand = lesson(
        THREE,
        "def capacity_loss",
        binary_cross_entropy_with_logits=binary_cross_entropy_with_logits,
    )["capacity_loss"]
    out = random_output()
    batch = images_for(out)
    loss, _ = CapacityVAE(gamma=7.0, capacity=3.0, capacity_steps=100)(batch, out, step)
    torch.testing.assert_close(by_hand(batch.images, out, step, 7.0, 3.0, 100), loss)


def test_what_a_latent_tells_is_what_samples_of_it_tell():
    told = lesson(THREE, "def told", np=np)["told"]
    rng, levels, kl = np.random.default_rng(0), 6, 1.5
    noise = math.exp(-kl)
    value = rng.integers(levels, size=400_000)
    means = np.linspace(-1, 1, levels) * math.sqrt((1 - noise**2) / np.linspace(-1, 1, 6).var())
    z = means[value] + noise * rng.standard_normal(len(value))
    counted = information.mutual_information(information.bins(z[:, None], 200), value[:, None])
    assert told(levels, kl) == pytest.approx(counted[0, 0], abs=0.01)
    assert told(3, 6.0) == pytest.approx(math.log(3), abs=1e-3)  # wide apart: all of it
    assert told(32, 0.3) < 0.3  # never more than it costs


def test_the_cost_of_not_knowing_is_the_loss_of_the_best_constant_drawing():
    """Shape unknown, the rest known: the mean of the three sprites, scored on each of them."""
    cost = lesson(THREE, "def cost_of_not_knowing", np=np, data=DSprites())["cost_of_not_knowing"]
    data, total = DSprites(), []
    for factors in data.sample_factors(5, np.random.default_rng(0)):
        three = [data.render(np.array([[shape, *factors[1:]]]))[0, 0] for shape in range(3)]
        best = np.mean(three, axis=0).clip(1e-9, 1 - 1e-9)
        surprise = [-np.where(image == 1, np.log(best), np.log(1 - best)).sum() for image in three]
        total.append(np.mean(surprise))
    assert cost(0, n=5) == pytest.approx(np.mean(total), rel=1e-5)


def test_the_method_of_chapter_3_by_hand_is_short():
    (method,) = cells_with(THREE, "def capacity_loss")
    assert lines_of(method) <= LONGEST


# Chapter 4


@pytest.mark.parametrize(("name", "reading"), [("R1", R1()), ("R2", R2())])
def test_weighted_loss_by_hand_is_that_of_the_library(name, reading):
    names = lesson(FOUR, "def weighted_loss", torch=torch, softplus=softplus)
    losses, logs = torch.tensor([120.0, 9.0]), torch.tensor([2.0, -1.0], requires_grad=True)
    weights = LearnedWeights(2, reading, 1e-3)
    weights.log_variance.data = logs.detach().clone()
    weighted, regulariser = weights(losses)
    library, by_hand = weighted.sum() + regulariser, names["weighted_loss"](losses, logs, name)
    torch.testing.assert_close(by_hand, library)
    by_hand.backward()
    library.backward()
    torch.testing.assert_close(logs.grad, weights.log_variance.grad)
    assert names["effective_beta"](logs.detach()) == pytest.approx(
        weights.effective_beta().item(), rel=1e-5
    )


def test_controller_by_hand_is_that_of_the_library():
    control = lesson(FOUR, "def control(", np=np)["control"]
    objective, summed = ControlVAE(start=5.0, capacity=5.0, integral=0.4), 0.0
    for kl in (0.0, 30.0, 40.0, 400.0, 2.0, 5.0, 0.0, 0.0):
        beta, summed = control(kl, 5.0, summed, gain=0.4)
        library, remembered = objective.control(torch.tensor(kl), step=0)
        objective.summed.copy_(remembered)
        assert beta == pytest.approx(library.item(), rel=1e-5)
        assert summed == pytest.approx(remembered.item(), abs=1e-4)


@pytest.mark.parametrize("reading", [R1(), R2()])
def test_the_price_of_a_latent_is_that_of_per_latent_beta_at_rest(reading):
    price = lesson(FOUR, "def price", np=np, torch=torch)["price"]
    out = random_output()
    objective = PerLatentBeta(reading=reading)
    weights = LearnedWeights(1 + out.z.shape[1], reading, 1e-3)
    objective.weights = weights
    kl = out.posterior.kl().mean(0).tolist()
    at_rest = [reading.fixed_point(nats) for nats in kl]
    weights.log_variance.data[1:] = torch.tensor(at_rest).log()
    terms = objective.penalty(images_for(out), out, 0)
    regulariser = terms["weight_regulariser"] - reading.regulariser(weights.log_variance[:1]).sum()
    paid = (terms["weighted_kl"] + regulariser).item()
    assert sum(price(reading, nats) for nats in kl) == pytest.approx(paid, rel=1e-4)


def world() -> dict:
    return lesson(FOUR, "def distortion", "def next_beta", np=np, R1=R1)


def test_a_beta_vae_of_the_simple_world_stands_where_the_slope_is_beta():
    names = world()
    for beta in (0.3, 4.0, 30.0):
        kl, d = names["rate"](beta), 1e-4
        slope = (names["distortion"](kl + d) - names["distortion"](kl - d)) / (2 * d)
        assert -slope == pytest.approx(beta, rel=1e-4)


@pytest.mark.parametrize("reading", [R1(), R2()])
def test_the_chase_has_the_two_attractors_that_the_chapter_tells(reading):
    def end(beta):
        for _ in range(200):
            beta = world_next(beta, reading)
        return beta

    world_next = world()["next_beta"]
    assert 2.0 < end(0.1) < 3.0 and end(20.0) == pytest.approx(end(0.1), rel=0.01)
    assert end(70.0) == math.inf


@pytest.mark.parametrize("rho", [0.5, 0.9])
@pytest.mark.parametrize("betas", [(1.0, 1.0), (1.0, 4.0)])
def test_weights_of_latents_leave_a_linear_code_at_45_degrees(rho, betas):
    names = lesson(FOUR, "def linear_vae", torch=torch, np=np)
    with torch.random.fork_rng():
        angles = names["angles"](names["linear_vae"](rho, betas))
    assert angles == pytest.approx([45, 45], abs=1)


def test_the_methods_of_chapter_4_by_hand_are_short():
    for method in cells_with(FOUR, "def weighted_loss", "def control(", "def linear_vae"):
        assert lines_of(method) <= LONGEST


# Advice


@pytest.mark.parametrize(
    "check",
    [
        capacity_control.check_nats,
        capacity_control.check_schedule,
        capacity_control.check_recruited,
        capacity_control.check_smallest_gamma,
        learnable_beta.check_fixed_point,
        learnable_beta.check_step,
        learnable_beta.check_angle,
    ],
)
def test_a_function_that_returns_the_dots_is_told_so(check):
    assert "Not answered yet" in advice(check, lambda *_: ...)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda sizes: math.log2(math.prod(sizes)), "in bits"),
        (lambda sizes: float(math.prod(sizes)), "number of images"),
        (lambda sizes: math.log(sum(sizes)), "product"),
        (lambda sizes: math.log(737_280), "sizes that are given"),
        (lambda sizes: 1.0, "gives 1.00"),
    ],
)
def test_nats_say_what_is_wrong(wrong, words):
    assert words in advice(capacity_control.check_nats, wrong)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda t, a, b, top: min(top, top * (t - a) / (b - a)), "negative"),
        (lambda t, a, b, top: max(0.0, top * (t - a) / (b - a)), "hold it at 20"),
        (lambda t, a, b, top: 0.0 if t < a else min(top, top * t / b), "measure the steps"),
        (lambda t, a, b, top: 0.0 if t < b else top, "must be 5 at step 2,000"),
    ],
)
def test_schedule_says_what_is_wrong(wrong, words):
    assert words in advice(capacity_control.check_schedule, wrong)


def first_above(log, nats):
    rows = (log[[c for c in log if c.startswith("kl_")]] > nats).to_numpy()
    first = [log["capacity"][row.argmax()] if row.any() else np.inf for row in rows.T]
    return np.array(first)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (first_above, "flickers"),
        (lambda log, nats: np.array([4.0, 12.0, 0.0, np.inf, 0.0]), "its capacity is infinite"),
        (lambda log, nats: np.array([2.0, 10.0, np.inf, np.inf, 0.0]), "the row before"),
        (lambda log, nats: np.zeros(2), "one capacity for each latent"),
    ],
)
def test_recruited_says_what_is_wrong(wrong, words):
    assert words in advice(capacity_control.check_recruited, wrong)


def slopes(kl, reconstruction):
    order = np.argsort(kl)
    return np.diff(reconstruction[order]) / np.diff(kl[order])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda kl, d: slopes(kl, d).min(), "negative"),
        (lambda kl, d: -slopes(kl, d).max(), "gentlest"),
        (lambda kl, d: (d.max() - d.min()) / (kl.max() - kl.min()), "first point to the last"),
        (lambda kl, d: -(np.diff(d) / np.diff(kl)).min(), "Sort by the KL"),
    ],
)
def test_smallest_gamma_says_what_is_wrong(wrong, words):
    assert words in advice(capacity_control.check_smallest_gamma, wrong)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (4.0, "drown"), (16, "three colours"), (12, "pixels is that"),
        (8, "The side is doubled"), (1 / 3, "other way round"), (5.0, "N"), ("48", "number"),
    ],
)  # fmt: skip
def test_same_pressure_says_what_is_wrong(wrong, words):
    assert words in advice(learnable_beta.check_same_pressure, wrong)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda loss, s: loss / (2 * s), "σ⁴"),
        (lambda loss, s: (loss / (2 * s)) ** 0.25, "the question is σ²"),
        (lambda loss, s: math.sqrt(loss / s), "The 2"),
        (lambda loss, s: loss + 1, "derivative"),
    ],
)
def test_fixed_point_says_what_is_wrong(wrong, words):
    assert words in advice(learnable_beta.check_fixed_point, wrong)


def logistic(x):
    return 1 / (1 + math.exp(-x))


def change(e, before):
    return 0.1 * (logistic(-e) - logistic(-before)) - 0.01 * e


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda b, e, before: b + 0.01 * e, "sign is wrong"),
        (lambda b, e, before: b + 0.1 * logistic(-e) - 0.01 * e, "*change*"),
        (lambda b, e, before: b + change(e, before), "below 1"),
        (lambda b, e, before: max(1, b + change(e, before)), "above 100"),
        (lambda b, e, before: b - 0.01 * e, "yours is"),
    ],
)
def test_step_says_what_is_wrong(wrong, words):
    assert words in advice(learnable_beta.check_step, wrong)


def turned(rho, a, b):
    return 0.5 * math.atan2(2 * rho * a * b, a**2 - b**2)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (turned, "radians"),
        (lambda *case: 90 - math.degrees(turned(*case)), "second factor"),
        (lambda *case: 2 * math.degrees(turned(*case)), "twice"),
        (lambda rho, a, b: 45.0, "it is 23.06°"),
    ],
)
def test_angle_says_what_is_wrong(wrong, words):
    assert words in advice(learnable_beta.check_angle, wrong)
