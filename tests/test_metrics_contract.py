"""What holds for every metric that is found in the folder, new ones included."""

import inspect
import math
import pkgutil

import numpy as np
import pytest
from hand_made import noisy, turned, with_means

from vaelib import evaluate, metrics
from vaelib.metrics import _work
from vaelib.metrics._checks import train_and_test
from vaelib.types import Codes

EVERY = sorted(m.name for m in pkgutil.iter_modules(metrics.__path__) if m.name[0] != "_")
ALL = sorted(metrics.all())
CODES = turned(noisy(360), 30)  # every score somewhere between its ends


@pytest.fixture(autouse=True)
def nothing_remembered():
    _work.forget()


def score(name, codes, seed=0):
    function = metrics.all()[name]
    return function(codes, seed=seed) if takes_seed(name) else function(codes)


def takes_seed(name):
    return "seed" in inspect.signature(metrics.all()[name]).parameters


@pytest.mark.parametrize("name", EVERY)
def test_docstring_says_what_is_needed_and_its_limit_cases_hold(name):
    text = " ".join(getattr(metrics, name).__doc__.split())
    for part in ("Blind spots:", "Limit cases:", ">>> "):
        assert part in text, f"{name} must say {part}"
    assert any(part in text for part in ("arXiv", "openreview", "Ours"))
    assert any(part in text for part in ("is best", "independence"))
    assert text.count(">>> ") >= 2  # tests/test_docs.py runs them


def test_what_needs_several_models_is_not_among_the_metrics_of_one():
    assert set(EVERY) - set(ALL) == {"udr"}
    assert callable(metrics.udr)


@pytest.mark.parametrize("name", ALL)
def test_shuffled_and_flipped_latents_change_nothing(name):
    rng = np.random.default_rng(5)
    changed = CODES.means[:, rng.permutation(5)] * rng.choice([-1, 1], 5)
    assert score(name, with_means(CODES, changed)) == pytest.approx(score(name, CODES), abs=1e-9)


@pytest.mark.parametrize("name", ALL)
def test_finite_and_the_same_for_the_same_seed(name):
    found = score(name, CODES)
    assert found and all(type(v) is float and math.isfinite(v) for v in found.values())
    _work.forget()
    assert score(name, CODES) == found


@pytest.mark.parametrize("name", ALL)
def test_arrays_are_left_alone(name):
    before = CODES.means.copy(), CODES.factors.copy()
    score(name, CODES)
    assert np.array_equal(CODES.means, before[0]) and np.array_equal(CODES.factors, before[1])


AWKWARD = {
    "one latent": Codes(CODES.means[:, :1], CODES.factors),
    "a constant latent": Codes(np.column_stack([CODES.means, np.full(360, 0.1)]), CODES.factors),
    "all latents constant": Codes(np.full((360, 4), 0.1), CODES.factors),
    "a latent twice": Codes(CODES.means[:, [0, 0, 1, 2]], CODES.factors),
    "gaps and negative values": Codes(CODES.means, 5 * CODES.factors - 3),
    "a factor with one value": Codes(
        CODES.means, np.column_stack([CODES.factors, np.full(360, 7)])
    ),
    "a factor twice": Codes(CODES.means, CODES.factors[:, [0, 1, 1]]),
    "a value seen once": Codes(
        CODES.means, np.where(np.arange(360)[:, None] == 0, 99, CODES.factors)
    ),
    "two values": Codes(CODES.means, CODES.factors // 2 % 2),
    "float16": Codes(CODES.means.astype(np.float16), CODES.factors.astype(np.uint8)),
    "an outlier": Codes(np.where(np.arange(360)[:, None] == 3, 1e6, CODES.means), CODES.factors),
    "far from zero": Codes(CODES.means + 1e6, CODES.factors),
    "tiny": Codes(CODES.means * 1e-9, CODES.factors),
    "whole numbers": Codes(CODES.factors, CODES.factors),
}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("case", AWKWARD)
def test_awkward_codes_give_numbers_or_a_reason(name, case):
    try:
        found = score(name, AWKWARD[case])
    except ValueError as error:
        assert (name, case) == ("plane_angle", "a factor twice") and "a sum of others" in str(error)
        return
    assert all(math.isfinite(value) for value in found.values())


@pytest.mark.parametrize("name", ALL)
def test_gaps_between_factor_values_change_nothing(name):
    spread = Codes(CODES.means, 5 * CODES.factors - 3, CODES.names)
    assert score(name, spread) == pytest.approx(score(name, CODES), abs=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_a_factor_that_never_varies_is_not_asked_for(name):
    more = Codes(
        CODES.means, np.column_stack([CODES.factors, np.full(360, 7)]), (*CODES.names, "colour")
    )
    assert score(name, more) == pytest.approx(score(name, CODES), abs=1e-12)


@pytest.mark.parametrize("name", ALL)
def test_a_hundred_latents(name):
    rng = np.random.default_rng(0)
    wide = np.column_stack([CODES.means, rng.standard_normal((360, 95))])
    assert all(math.isfinite(v) for v in score(name, with_means(CODES, wide)).values())


@pytest.mark.parametrize("name", ALL)
def test_too_few_samples_are_refused_with_the_number_needed(name):
    with pytest.raises(ValueError, match=rf"{name} needs at least 1[05]0 samples, got 99"):
        score(name, CODES[:99])


@pytest.mark.parametrize("name", [name for name in ALL if name != "unsupervised_scores"])
def test_factors_that_never_vary_are_refused(name):
    still = Codes(CODES.means, np.zeros_like(CODES.factors))
    with pytest.raises(ValueError, match=rf"{name} needs at least . of the factors"):
        score(name, still)


@pytest.mark.parametrize("name", ALL)
def test_numbers_that_cannot_be_squared_are_refused(name):
    with pytest.raises(ValueError, match="within ±1e"):
        score(name, with_means(CODES, CODES.means * 1e200))


@pytest.mark.parametrize(
    "name", ["dci", "downstream_accuracy", "explicitness", "sap", "unfairness"]
)
def test_sorted_samples_are_refused_where_a_predictor_is_trained(name):
    order = np.argsort(CODES.factors[:, 2], kind="stable")
    with pytest.raises(ValueError, match=r"values of c: shuffle the samples"):
        score(name, CODES[order])


def test_a_factor_of_too_many_values_leaves_out_what_predicts_it_and_loses_no_other_score():
    many = Codes(CODES.means, np.column_stack([CODES.factors[:, :2], np.arange(len(CODES))]))
    table = evaluate.score(many)
    assert "mig" in table and not {"dci", "sap", "factor_vae_score", "infomec"} & set(table)
    with pytest.raises(ValueError, match="values of factor_2: give more samples, or leave it out"):
        evaluate.score(many, ["dci"])


def test_remembered_results_are_those_of_the_arrays():
    first = metrics.dci(CODES)
    other = metrics.dci(with_means(CODES, CODES.means + 0.5 * CODES.means[:, [1, 2, 0, 3, 4]]))
    assert metrics.dci(CODES) == first != other


def test_of_many_samples_a_fixed_part_is_fitted():
    rng = np.random.default_rng(0)
    factors = rng.integers(0, 3, (40_000, 2))
    codes = Codes(factors + 0.3 * rng.standard_normal((40_000, 2)), factors)
    train, test = train_and_test(codes, "sap")
    assert (len(train), len(test)) == (20_000, 10_000)
    assert np.array_equal(train.means, train_and_test(codes, "sap")[0].means)
    assert metrics.sap(codes) == metrics.sap(codes)
