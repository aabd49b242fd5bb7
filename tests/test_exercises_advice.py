"""Exercises: wrong answers that look right are told apart, right ones that look different pass."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from vaelib.exercises import (
    adaptive_architecture,
    beta_vae,
    capacity_control,
    correlated_study,
    data_exploration,
    learnable_beta,
    metrics,
    pairwise_beta,
    your_own_data,
)


def told(check, *answers) -> str:
    verdict = check(*answers)
    assert not verdict.passed, f"{check.__name__} let a wrong answer pass: {verdict}"
    return verdict.advice


def test_a_forgotten_return_is_told_so():
    assert "return" in told(your_own_data.check_effective, lambda chances: None)
    assert "Not answered yet" in told(your_own_data.check_effective, lambda chances: ...)


# Chapter 1


def own_generator(data, train, test, rng):
    drawn = np.random.default_rng(0).permutation(len(data))[: train + test]
    return drawn[:train], drawn[train:]


def test_a_split_must_come_from_the_rng_passed_in():
    assert "not from your own" in told(data_exploration.check_split, own_generator)


def test_a_list_of_right_indices_is_right():
    assert data_exploration.check_index_of(
        lambda factors, sizes: [int(np.ravel_multi_index(row, sizes)) for row in factors]
    )


def test_an_index_must_use_the_sizes_it_is_given():
    weights = np.array([245_760, 40_960, 1_024, 32, 1])  # those of dSprites
    assert "Use the sizes" in told(data_exploration.check_index_of, lambda f, sizes: f @ weights)


@pytest.mark.parametrize("sigma", [0.346, 0.35])  # to three and to two decimals
def test_sigma_need_not_be_given_to_the_last_decimal(sigma):
    assert data_exploration.check_sigma(sigma)


@pytest.mark.parametrize(
    ("check", "wrong", "count"),
    [
        (beta_vae.check_average, lambda losses, sizes: losses * sizes / sizes.sum(), 4),
        (capacity_control.check_nats, lambda sizes: np.log(sizes), 5),
        (learnable_beta.check_fixed_point, lambda loss, strength: [loss, strength], 2),
        (pairwise_beta.check_effective, lambda weights: torch.from_numpy(weights), 7),
    ],
)
def test_several_numbers_instead_of_one_are_told_so(check, wrong, count):
    assert told(check, wrong) == f"It returns {count} numbers; it must return one."


# Chapter 3


def from_the_end(log, nats, keep=1):
    """Right for keep = 1; else only so many rows must be above."""
    found = []
    for name in sorted(c for c in log if c.startswith("kl_")):
        above = (log[name] > nats).to_numpy()
        rows = [i for i in range(len(above)) if above[i : i + keep].all()]
        found.append(log["capacity"][rows[0]] if rows else np.inf)
    return np.array(found)


def row_number(log, nats):
    found = []
    for name in sorted(c for c in log if c.startswith("kl_")):
        below = np.flatnonzero(log[name] <= nats)
        start = below[-1] + 1 if len(below) else 0
        found.append(float(start) if start < len(log) else np.inf)
    return np.array(found)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (from_the_end, "flickers"),
        (lambda log, nats: from_the_end(log, nats, keep=2), "flickers"),
        (lambda log, nats: from_the_end(log, nats, keep=3), "z3"),
        (row_number, "row's number"),
        (lambda log, nats: np.nan_to_num(row_number(log, nats) * 2, posinf=99), "z2 never"),
        (lambda log, nats: row_number(log, nats)[:2], "one capacity for each"),
    ],
)
def test_recruited(wrong, words):
    assert words in told(capacity_control.check_recruited, wrong)


def test_recruited_must_not_stop_at_a_latent_that_is_always_there():
    def never_below_is_forgotten(log, nats):
        starts = [np.flatnonzero(log[f"kl_{j}"] <= nats)[-1] + 1 for j in range(log.shape[1] - 1)]
        return np.array([log["capacity"].get(start, np.inf) for start in starts])

    assert "IndexError" in told(capacity_control.check_recruited, never_below_is_forgotten)


def slopes(kl, reconstruction):
    order = np.argsort(kl)
    return -np.diff(reconstruction[order]) / np.diff(kl[order])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda kl, rec: slopes(kl, rec)[0], "need not be the first"),
        (lambda kl, rec: -np.gradient(np.sort(kl)[::-1], np.sort(rec)).min(), "90 is right"),
        (lambda kl, rec: slopes(kl, rec).min(), "gentlest"),
        (lambda kl, rec: -slopes(kl, rec).max(), "negative"),
        (lambda kl, rec: (rec.max() - rec.min()) / (kl.max() - kl.min()), "first point to the"),
    ],
)
def test_smallest_gamma(wrong, words):
    assert words in told(capacity_control.check_smallest_gamma, wrong)


# Chapter 4


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda loss, strength: loss, "the minimum is at 3"),
        (lambda loss, strength: math.sqrt(loss / 2) / strength, "the minimum is at 3"),
        (lambda loss, strength: loss / (2 * strength), "take the square root"),
        (lambda loss, strength: math.sqrt(loss / strength), "The 2"),
    ],
)
def test_fixed_point(wrong, words):
    assert words in told(learnable_beta.check_fixed_point, wrong)


def right_angle(rho, a, b):
    return math.degrees(0.5 * math.atan2(2 * rho * a * b, a**2 - b**2))


def of_the_eigenvectors(rho, a, b):
    covariance = np.array([[a * a, rho * a * b], [rho * a * b, b * b]])
    first = np.linalg.eigh(covariance)[1][:, -1]
    return math.degrees(math.atan2(first[1], first[0]))


def without_atan2(rho, a, b):
    return 45.0 if a == b else math.degrees(0.5 * math.atan(2 * rho * a * b / (a**2 - b**2)))


def test_either_end_of_the_axis_is_right():
    assert learnable_beta.check_angle(right_angle)
    assert learnable_beta.check_angle(of_the_eigenvectors)
    assert learnable_beta.check_angle(lambda *given: of_the_eigenvectors(*given) + 180)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (without_atan2, "second principal axis"),
        (lambda *given: math.radians(right_angle(*given)), "radians"),
        (lambda *given: 2 * right_angle(*given), "twice"),
        (lambda *given: 90 - right_angle(*given), "measure from the first"),
        (lambda *given: 30.0, "it is"),
    ],
)
def test_angle(wrong, words):
    assert words in told(learnable_beta.check_angle, wrong)


# Chapter 5


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda n: 1.8 * n, "do not add up"),
        (lambda n: 1.803 if n == 1 else 3 - 1.2 / n, "exactly 1.8"),
        (lambda n: 3 - 1.2 / n**2, "cumulants"),
    ],
)
def test_kurtosis_of_sum(wrong, words):
    assert words in told(pairwise_beta.check_kurtosis_of_sum, wrong)


# Chapter 6


def outlier(latents, rng):
    return np.concatenate([np.full((1, latents.shape[1]), 1e6), latents[1:]])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda factors, rng: outlier(factors.astype(float), rng), "no fraud"),
        (lambda factors, rng: outlier(factors[:, :1].astype(float), rng), "no fraud"),
        (lambda factors, rng: rng.normal(size=(2_000, 3)), "Its IRS is"),
        (lambda factors, rng: np.zeros((2_000, 3)), "never moves"),
        (lambda factors, rng: np.zeros(2_000), "must return latents"),
    ],
)
def test_fool(wrong, words):
    assert words in told(metrics.check_fool, wrong)


def test_frauds_of_other_kinds_are_accepted():
    def rare(factors, rng):
        return (rng.random((len(factors), 2)) < 0.002) * 1.0

    assert metrics.check_fool(rare)


# Chapter 7


def cycle(step, period, until=1.0):
    within = step % period / period
    return 0.0 if within > until else min(1.0, max(0.0, 4 * within - 1))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda step, period: cycle(step, period, 0.75), "up to the end"),
        (lambda step, period: cycle(step, 100), "period of 40"),
        (lambda step, period: min(1.0, max(0.0, 4 * step / period - 1)), "modulo"),
        (lambda step, period: min(1.0, 2 * (step % period) / period), "first quarter"),
        (lambda step, period: (0, 0.5, 1, 1)[4 * (step % period) // period], "early in the ramp"),
    ],
)
def test_annealing(wrong, words):
    assert words in told(adaptive_architecture.check_annealing, wrong)


def test_pooling_over_the_wrong_axis():
    def over_latents(tokens, queries):
        logits = queries @ tokens.transpose(1, 2) / tokens.shape[-1] ** 0.5
        return logits.softmax(1) @ tokens

    assert "over the tokens" in told(adaptive_architecture.check_latent_attention, over_latents)
    assert "one token a latent" in told(
        adaptive_architecture.check_latent_attention, lambda tokens, queries: torch.zeros(3, 4)
    )


# Chapter 8


def holm_without_cap(p):
    order = np.argsort(p)
    running = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    return running[np.argsort(order)]


def test_holm():
    assert "never above 1" in told(correlated_study.check_corrected, holm_without_cap)
    assert correlated_study.check_corrected(
        lambda p: np.minimum(holm_without_cap(p), 1).tolist()
    ), "a list is as good"
    assert "Bonferroni" in told(
        correlated_study.check_corrected, lambda p: np.minimum(p * len(p), 1)
    )


def chosen(how, last="mean"):
    def fair_score(table):
        part = table[table["phase"] == "select"].groupby("setting")["score"]
        setting = getattr(part, how)().idxmax()
        report = table[(table["phase"] == "report") & (table["setting"] == setting)]["score"]
        return float(getattr(report, last)())

    return fair_score


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (chosen("max"), "best single run"),
        (chosen("median"), "median"),
        (lambda table: table[table.phase == "select"].groupby("setting").score.mean().max(), "in"),
        (lambda table: table[table.phase == "report"].groupby("setting").score.mean().max(),
         "best of the reported"),
        (lambda table: table[table.phase == "report"].groupby("setting").score.mean().min(),
         "0.35"),
        (lambda table: table.score.max(), "take means"),
        (chosen("mean", "max"), "0.35"),
    ],
)  # fmt: skip
def test_fair_score(wrong, words):
    assert words in told(correlated_study.check_fair_score, wrong)


# Chapter 9


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda f: int(np.prod(f.max(0) + 1)) - len(np.unique(f, axis=0)), "values that occur"),
        (lambda f: int(np.prod([len(np.unique(c)) for c in f.T])) - len(f), "one combination only"),
        (lambda f: 0, "lack"),
    ],
)
def test_missing_cells(wrong, words):
    assert words in told(your_own_data.check_missing, wrong)
