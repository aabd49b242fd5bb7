"""Correlated factors: closed forms, exact joints, drawing from them, and what is refused."""

import itertools
import json
import math
from dataclasses import dataclass

import numpy as np
import pytest

from vaelib.datasets import Correlated, DSprites, FactorData
from vaelib.spec import from_spec, to_spec

POSITIONS = ("pos_x", "pos_y")
DATA = DSprites()


@dataclass(frozen=True)
class Grid(FactorData):
    """A world of three or four small factors, whose joint a test can write out in full."""

    factor_sizes: tuple[int, ...] = (3, 4, 5)
    factor_names: tuple[str, ...] = ("a", "b", "c")
    image_shape = (1, 1, 1)

    def render(self, factors):
        return np.zeros((len(factors), 1, 1, 1), dtype=np.uint8)


def brute(sizes, pairs, inverse=False):
    """The whole joint by naive loops. pairs: {(i, j): σ}"""
    p = np.zeros(sizes)
    for cell in itertools.product(*map(range, sizes)):
        c = [i / (n - 1) for i, n in zip(cell, sizes, strict=True)]
        gaps = {(i, j): c[i] - (1 - c[j] if inverse else c[j]) for i, j in pairs}
        p[cell] = math.exp(-sum(gaps[ij] ** 2 / (2 * s**2) for ij, s in pairs.items()))
    return p / p.sum()


def r_and_mi(p):
    """Pearson's r and the mutual information in nats of a joint table."""
    x, y = (np.linspace(0, 1, n) for n in p.shape)
    px, py = p.sum(1), p.sum(0)
    dx, dy = x - px @ x, y - py @ y
    r = dx @ p @ dy / np.sqrt((px @ dx**2) * (py @ dy**2))
    some = p > 0
    return r, (p[some] * np.log(p[some] / np.outer(px, py)[some])).sum()


def counts(factors, sizes):
    flat = np.ravel_multi_index(tuple(factors.T), sizes)
    return np.bincount(flat, minlength=math.prod(sizes)).reshape(sizes)


def assert_drawn_from(observed, p):
    """Chi-square of counts against probabilities; rare cells are pooled; 5 deviations allowed."""
    expected = p * observed.sum()
    assert observed[p == 0].sum() == 0
    common = expected >= 5
    rare = expected[~common].sum()
    chi_square = ((observed - expected)[common] ** 2 / expected[common]).sum()
    chi_square += (observed[~common].sum() - rare) ** 2 / max(rare, 1)
    freedom = common.sum()
    assert abs(chi_square - freedom) < 5 * np.sqrt(2 * freedom)


@pytest.mark.parametrize(
    ("pair", "sigma", "r", "mi"),
    [
        (("orientation", "pos_x"), 0.2, 0.78, 0.45),
        (("orientation", "pos_x"), 0.4, 0.41, 0.09),
        (("orientation", "pos_x"), 0.7, 0.17, 0.014),
        (POSITIONS, 0.04, 0.99, None),
        (POSITIONS, 0.1, 0.94, 1.0),
        (POSITIONS, 0.2, 0.78, 0.450),
        (("shape", "scale"), 0.1, 0.98, 1.1),
        (("shape", "scale"), 0.2, 0.88, 0.668),
        (("shape", "scale"), 0.4, 0.57, 0.19),
        (("shape", "scale"), 0.7, 0.25, 0.033),
    ],
)
def test_strength_of_the_formula(pair, sigma, r, mi):
    """The strengths that are known for dSprites, to the digits given."""
    found_r, found_mi = r_and_mi(Correlated(DATA, {pair: sigma}).joint(*pair))
    assert found_r == pytest.approx(r, abs=0.006)
    assert mi is None or found_mi == pytest.approx(mi, abs=0.03 * max(mi, 0.3))


@pytest.mark.parametrize(
    ("pair", "width", "r", "mi", "empty"),
    [
        (("orientation", "pos_x"), 0.2, 0.910, 0.834, 0.423),
        (("orientation", "pos_x"), 0.4, 0.786, 0.495, 0.280),
        (("orientation", "pos_x"), 0.7, 0.492, 0.184, 0.107),
        (POSITIONS, 0.1, 0.944, 1.031, 0.490),
        (POSITIONS, 0.2, 0.879, 0.711, 0.367),
        (POSITIONS, 0.4, 0.736, 0.412, 0.230),
        (POSITIONS, 0.7, 0.406, 0.131, 0.066),
    ],
)
def test_strength_of_the_line(pair, width, r, mi, empty):
    """r, mutual information and share of empty cells of the same line drawn by OpenCV 4.8."""
    joint = Correlated(DATA, {pair: width}, style="line").joint(*pair)
    found_r, found_mi = r_and_mi(joint)
    assert (found_r, found_mi) == pytest.approx((r, mi), abs=0.02)
    assert np.mean(joint == 0) == pytest.approx(empty, abs=0.01)


def test_the_formula_by_hand():
    joint = Correlated(DATA, {("scale", "shape"): 0.3}).joint("scale", "shape")
    by_hand = [[math.exp(-((i / 5 - j / 2) ** 2) / 0.18) for j in range(3)] for i in range(6)]
    assert joint == pytest.approx(np.array(by_hand) / np.sum(by_hand))


@pytest.mark.parametrize(
    "pairs",
    [
        {(0, 1): 0.2},
        {(0, 1): 0.2, (1, 2): 0.3},  # a chain
        {(0, 1): 0.2, (1, 2): 0.3, (0, 2): 0.15},  # a cycle
        {(0, 3): 0.5, (1, 3): 0.2, (2, 3): 0.3},  # one with all others
        {(0, 1): 0.1, (2, 3): 0.3},  # two components
        {(0, 1): 0.2, (1, 2): 0.3, (2, 3): 0.4, (0, 3): 0.2},  # a longer cycle
    ],
)
@pytest.mark.parametrize("inverse", [False, True])
def test_any_set_of_pairs_against_the_whole_joint(pairs, inverse):
    sizes, names = (3, 4, 5, 2), ("a", "b", "c", "d")
    named = {(names[i], names[j]): sigma for (i, j), sigma in pairs.items()}
    data = Correlated(Grid(sizes, names), named, inverse=inverse)
    whole = brute(sizes, pairs, inverse)
    for i, j in itertools.permutations(range(4), 2):
        others = tuple(k for k in range(4) if k not in (i, j))
        expected = whole.sum(axis=others) if i < j else whole.sum(axis=others).T
        assert data.joint(names[i], names[j]) == pytest.approx(expected)
    assert data.joint("c", "a", "b") == pytest.approx(whole.sum(axis=3).transpose(2, 0, 1))
    assert data.joint("d") == pytest.approx(whole.sum(axis=(0, 1, 2)))
    assert_drawn_from(counts(data.sample_factors(100_000, np.random.default_rng(0)), sizes), whole)


@pytest.mark.parametrize("style", ["gaussian", "line"])
@pytest.mark.parametrize("inverse", [False, True])
def test_drawing_two_positions(style, inverse):
    data = Correlated(DATA, {POSITIONS: 0.2}, inverse=inverse, style=style)
    factors = data.sample_factors(200_000, np.random.default_rng(1))
    assert_drawn_from(counts(factors[:, 3:], (32, 32)), data.joint(*POSITIONS))
    assert_drawn_from(counts(factors[:, :3], (3, 6, 40)), np.full((3, 6, 40), 1 / 720))


def test_a_confounder_over_all_of_dsprites():
    """posX with all others: given it, the others are independent and follow the formula."""
    pairs = {("pos_x", name): 0.2 for name in DATA.factor_names if name != "pos_x"}
    data = Correlated(DATA, pairs)
    grids = [np.linspace(0, 1, n) for n in DATA.factor_sizes]
    weights = [np.exp(-((g[:, None] - grids[3]) ** 2) / 0.08) for g in grids]  # (n, 32) each
    marginal = np.prod([weights[k].sum(axis=0) for k in (0, 1, 2, 4)], axis=0)
    marginal /= marginal.sum()
    shape_and_scale = (weights[0] / weights[0].sum(0) * marginal) @ (
        weights[1] / weights[1].sum(0)
    ).T
    assert data.joint("shape", "scale") == pytest.approx(shape_and_scale)
    factors = data.sample_factors(200_000, np.random.default_rng(2))
    assert_drawn_from(counts(factors[:, :2], (3, 6)), shape_and_scale)
    assert_drawn_from(counts(factors[:, 3:], (32, 32)), data.joint(*POSITIONS))


def test_three_pairs_cannot_all_be_strongly_inverse():
    pairs = dict.fromkeys(itertools.combinations("abc", 2), 0.2)
    for inverse, r in ((False, 0.83), (True, -0.33)):
        joint = Correlated(Grid((32, 32, 32)), pairs, inverse).joint("a", "b")
        assert r_and_mi(joint)[0] == pytest.approx(r, abs=0.005)


def test_inverse_is_the_mirror_image():
    plain = Correlated(DATA, {POSITIONS: 0.2}).joint(*POSITIONS)
    mirrored = Correlated(DATA, {POSITIONS: 0.2}, inverse=True).joint(*POSITIONS)
    assert np.allclose(mirrored, plain[:, ::-1])
    assert r_and_mi(mirrored)[0] == pytest.approx(-r_and_mi(plain)[0])


@pytest.mark.parametrize("pairs", [{}, {POSITIONS: math.inf}])
def test_infinite_sigma_is_no_correlation(pairs):
    data = Correlated(DATA, pairs)
    assert data.distribution == "uncorrelated"
    assert np.allclose(data.joint(*POSITIONS), 1 / 1024)
    rng, same = np.random.default_rng(3), np.random.default_rng(3)
    assert np.array_equal(data.sample_factors(50, rng), DATA.sample_factors(50, same))


def test_a_tiny_sigma_leaves_the_diagonal_only():
    factors = Correlated(DATA, {POSITIONS: 1e-200}).sample_factors(500, np.random.default_rng(4))
    assert np.array_equal(factors[:, 3], factors[:, 4]) and len(set(factors[:, 3])) > 25


def test_it_is_the_same_world():
    data = Correlated(DATA, {POSITIONS: 0.2})
    batch = data.sample(64, np.random.default_rng(5))
    assert np.array_equal(batch.images, DATA.render(batch.factors))
    assert (data.factor_names, data.factor_sizes) == (DATA.factor_names, DATA.factor_sizes)
    assert (data.image_shape, data.max_value) == (DATA.image_shape, DATA.max_value)
    assert data.uncorrelated() is DATA and data.distribution == "correlated"
    corner = np.array([[0, 0, 0, 0, 31]])  # all but impossible here, yet it can be looked at
    assert np.array_equal(data.render(corner), DATA.render(corner))


@pytest.mark.parametrize(
    "data",
    [
        DATA,
        Correlated(DATA, {("pos_y", "pos_x"): 0.2, ("shape", "scale"): math.inf}),
        Correlated(DATA, {POSITIONS: 0.4}, inverse=True, style="line"),
    ],
)
def test_config_round_trip(data):
    back = from_spec(json.loads(json.dumps(to_spec(data))))
    assert back == data
    first, second = (d.sample(8, np.random.default_rng(6)) for d in (data, back))
    assert np.array_equal(first.images, second.images)


def test_the_order_of_names_does_not_matter():
    one = Correlated(DATA, {("pos_x", "pos_y"): 0.2, ("shape", "scale"): 0.1})
    two = Correlated(DATA, [["scale", "shape", 0.1], ["pos_y", "pos_x", 0.2]])
    assert one == two and one.pairs == {("shape", "scale"): 0.1, ("pos_x", "pos_y"): 0.2}


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ({("pos_x", "colour"): 0.2}, "must name two of .*'pos_y'.*colour"),
        ({("pos_x", "pos_x"): 0.2}, "must name two of"),
        ({("pos_x",): 0.2}, "two factors and a σ"),
        ({POSITIONS: 0.0}, "above 0"),
        ({POSITIONS: -1.0}, "above 0"),
        ({POSITIONS: math.nan}, "above 0"),
        ({POSITIONS: "0.2"}, "above 0"),
        ({("pos_x", "pos_y"): 0.2, ("pos_y", "pos_x"): 0.3}, "given twice"),
        ([["pos_x", "pos_y", 0.2], ["pos_x", "pos_y", 0.3]], "given twice"),
    ],
)
def test_wrong_pairs_are_refused(pairs, message):
    with pytest.raises(ValueError, match=message):
        Correlated(DATA, pairs)


def test_the_same_pair_twice_with_one_sigma_is_one_pair():
    assert len(Correlated(DATA, {("pos_x", "pos_y"): 0.2, ("pos_y", "pos_x"): 0.2}).pairs) == 1


def test_impossible_pairs_are_refused():
    """Three factors, each the mirror of the others, meet only at 1/2, which even grids lack."""
    pairs = [["a", "b", 1e-200], ["b", "c", 1e-200], ["a", "c", 1e-200]]
    with pytest.raises(ValueError, match="contradict"):
        Correlated(Grid((4, 4, 4)), pairs, inverse=True)


def test_cycles_that_need_a_huge_table_are_refused():
    big = Grid((200, 200, 200), ("a", "b", "c"))
    with pytest.raises(ValueError, match="8,000,000 cells"):
        Correlated(big, [["a", "b", 0.2], ["b", "c", 0.2], ["a", "c", 0.2]])


@pytest.mark.parametrize("inverse", ["false", 0, None])
def test_an_inverse_that_is_not_true_or_false_is_refused(inverse):
    with pytest.raises(ValueError, match=f"inverse must be a bool, got {inverse!r}"):
        Correlated(DATA, {POSITIONS: 0.2}, inverse=inverse)


def test_other_misuse_is_refused():
    with pytest.raises(ValueError, match="plain data set"):
        Correlated(Correlated(DATA, {POSITIONS: 0.2}), {("shape", "scale"): 0.2})
    with pytest.raises(ValueError, match=r"style must be one of \['gaussian', 'line'\]"):
        Correlated(DATA, {POSITIONS: 0.2}, style="plane")
    for names in (), ("pos_x", "colour"), ("pos_x", "pos_x"):
        with pytest.raises(ValueError, match="different ones of"):
            Correlated(DATA, {POSITIONS: 0.2}).joint(*names)
    with pytest.raises(ValueError, match="plain data set"):
        Correlated("dsprites", {POSITIONS: 0.2})
