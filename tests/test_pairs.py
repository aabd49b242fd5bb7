"""Pairs that differ in k factors, and the three ways of drawing them under correlation."""

import itertools
import json
import math
from dataclasses import dataclass

import numpy as np
import pytest

from vaelib.datasets import Correlated, DSprites, FactorData, Pooled
from vaelib.datasets.fixed_sample import FixedSample
from vaelib.datasets.pairs import Pairs
from vaelib.spec import from_spec, to_spec

DATA = DSprites()
STRONG = Correlated(DATA, {("pos_x", "pos_y"): 0.1})
MODES = ("observational", "interventional", "causal")


@dataclass(frozen=True)
class Grid(FactorData):
    factor_sizes: tuple[int, ...] = (3, 4, 2)
    factor_names: tuple[str, ...] = ("a", "b", "c")
    image_shape = (1, 1, 1)

    def render(self, factors):
        return np.zeros((len(factors), 1, 1, 1), dtype=np.uint8)


def halves(data, n, seed=0):
    factors = data.sample_factors(n, np.random.default_rng(seed))
    return factors[: n // 2], factors[n // 2 :]


def expected_redraw(joint, mode, a, b, factor):
    """p(new value) of factor 0 or 1 of an a-b pair at (a, b), in plain arithmetic."""
    if factor == 0:
        p = {"observational": joint[:, b], "interventional": joint.sum(1), "causal": np.ones(3)}
        old = a
    else:
        p = {"observational": joint[a], "interventional": joint.sum(0), "causal": joint[a]}
        old = b
    p = p[mode].copy()
    p[old] = 0
    return p / p.sum()


@pytest.mark.parametrize("k", [1, 2, 4])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("data", [DATA, STRONG], ids=["uniform", "correlated"])
def test_exactly_k_factors_differ(data, mode, k):
    first, second = halves(Pairs(data, k, mode), 2000)
    assert set((first != second).sum(axis=1)) == {k}
    share = (first != second).mean(axis=0)
    assert share == pytest.approx(k / 5, abs=0.06)  # each factor has the same chance


def test_a_random_number_of_factors():
    first, second = halves(Pairs(DATA, None), 4000)
    counts = np.bincount((first != second).sum(axis=1), minlength=6)
    assert counts[0] == counts[5] == 0
    assert counts[1:5] == pytest.approx(500, abs=100)


@pytest.mark.parametrize("mode", MODES)
def test_the_new_value_has_the_right_chances(mode):
    """All transitions of both factors of a correlated pair, by chi-square."""
    data = Correlated(Grid(), {("a", "b"): 0.4})
    first, second = halves(Pairs(data, 1, mode), 200_000)
    joint = data.joint("a", "b")
    for factor, size in ((0, 3), (1, 4)):
        changed = first[:, factor] != second[:, factor]
        chi_square = cells = 0
        for a, b in itertools.product(range(3), range(4)):
            here = changed & (first[:, 0] == a) & (first[:, 1] == b)
            seen = np.bincount(second[here, factor], minlength=size)
            p = expected_redraw(joint, mode, a, b, factor)
            some = p * here.sum() > 0
            assert seen[~some].sum() == 0
            chi_square += ((seen - p * here.sum())[some] ** 2 / (p * here.sum())[some]).sum()
            cells += some.sum() - 1
        assert abs(chi_square - cells) < 5 * np.sqrt(2 * cells)


def test_observational_stays_where_the_data_are():
    joint = STRONG.joint("pos_x", "pos_y")
    rare = joint < 1e-5
    share = {}
    for mode in MODES:
        _, second = halves(Pairs(STRONG, 1, mode), 20_000)
        share[mode] = rare[second[:, 3], second[:, 4]].mean()
    assert share["observational"] < 0.005
    assert share["interventional"] > 0.1
    assert share["observational"] < share["causal"] < share["interventional"]


def test_images_match_their_factors():
    pairs = Pairs(STRONG, 2)
    batch = pairs.sample(32, np.random.default_rng(1))
    assert np.array_equal(batch.images, DATA.render(batch.factors))
    assert pairs.uncorrelated() is DATA and pairs.distribution == "correlated"
    assert from_spec(json.loads(json.dumps(to_spec(pairs)))) == pairs


def test_the_first_images_follow_the_data():
    first, _ = halves(Pairs(STRONG), 100_000)
    assert np.corrcoef(first[:, 3], first[:, 4])[0, 1] == pytest.approx(0.942, abs=0.003)


def test_a_factor_with_one_value_never_changes():
    first, second = halves(Pairs(Grid((1, 4, 2)), 2), 400)
    assert set((first != second).sum(axis=1)) == {2} and not first[:, 0].any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Pairs(DATA, 0), r"1\.\.4, got 0"),
        (lambda: Pairs(DATA, 5), r"1\.\.4, got 5"),
        (lambda: Pairs(DATA, 1.5), r"1\.\.4, got 1\.5"),
        (lambda: Pairs(DATA, True), r"1\.\.4, got True"),
        (lambda: Pairs(Grid((1, 1, 1)), None), "k must be"),
        (lambda: Pairs(DATA, 1, "both"), r"one of \['causal'.*'both'"),
        (lambda: Pairs(FixedSample(DATA, 10)), "plain data set or Correlated, which has all"),
        (lambda: FixedSample(Pairs(DATA), 10), "a fixed sample of single images breaks"),
        (lambda: FixedSample(Pooled(Pairs(DATA)), 10), "a fixed sample of single images breaks"),
        (lambda: Pairs(DATA).sample(3, np.random.default_rng(0)), "even"),
    ],
)
def test_misuse_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_no_other_value_possible_is_said():
    data = Correlated(Grid(), {("a", "c"): 1e-200, ("b", "c"): math.inf})
    with pytest.raises(ValueError, match="no other [ac] possible"):
        halves(Pairs(data), 100)
