"""What holds for all correlations, codes and configurations, on examples that hypothesis draws."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vaelib import metrics
from vaelib.codes_file import read_codes, write_codes
from vaelib.datasets import Blobs, Correlated, DSprites, FixedSample, Pooled, Shapes3DLike
from vaelib.networks import MLP, Burgess, Fast
from vaelib.objectives import FOUND, BetaVAE
from vaelib.spec import from_spec, to_spec
from vaelib.train import TrainConfig
from vaelib.types import Codes

settings.register_profile(
    "tests", deadline=None, derandomize=True, max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
settings.load_profile("tests")

WORLDS = st.sampled_from([DSprites(), Pooled(DSprites(), 2), Shapes3DLike(), Blobs(size=32)])
SIGMAS = st.sampled_from([0.05, 0.2, 0.7, float("inf")]) | st.floats(0.05, 10)


@st.composite
def correlated(draw):
    """A world with one to three correlated pairs of its factors, which may share factors."""
    world = draw(WORLDS)
    names = [n for n, s in zip(world.factor_names, world.factor_sizes, strict=True) if s > 1]
    pair = st.lists(st.sampled_from(names), min_size=2, max_size=2, unique=True)
    pairs = draw(st.lists(pair, min_size=1, max_size=3, unique_by=lambda p: tuple(sorted(p))))
    style = draw(st.sampled_from(["gaussian", "line"]))
    sigmas = {tuple(p): draw(SIGMAS) for p in pairs}
    return Correlated(world, sigmas, draw(st.booleans()), style)


# Data


@given(correlated(), st.integers(0, 2**32 - 1))
def test_samples_lie_in_the_range_and_in_the_support_of_the_joint(data, seed):
    factors = data.sample_factors(200, np.random.default_rng(seed))
    assert factors.shape == (200, len(data.factor_sizes)) and factors.dtype == np.int64
    assert (factors >= 0).all() and (factors < np.array(data.factor_sizes)).all()
    for a, b in data.pairs:
        joint = data.joint(a, b)
        at = [factors[:, data.factor_names.index(name)] for name in (a, b)]
        assert joint[at[0], at[1]].min() > 0


@given(correlated())
def test_joints_are_distributions_that_agree_with_their_marginals(data):
    for a, b in data.pairs:
        joint = data.joint(a, b)
        assert joint.min() >= 0 and joint.sum() == pytest.approx(1)
        np.testing.assert_allclose(joint.sum(axis=1), data.joint(a), atol=1e-12)
        np.testing.assert_allclose(joint.sum(axis=0), data.joint(b), atol=1e-12)
        np.testing.assert_allclose(joint.T, data.joint(b, a), atol=1e-12)
    free = set(data.factor_names) - {name for pair in data.pairs for name in pair}
    for name in free:
        np.testing.assert_allclose(data.joint(name), 1 / len(data.joint(name)))


@given(WORLDS, st.integers(0, 2**32 - 1))
def test_indices_and_factors_are_inverse_and_images_in_range(world, seed):
    index = np.random.default_rng(seed).integers(0, len(world), 4)
    factors = world.factors(index)
    assert np.array_equal(world.index(factors), index)
    images = world.render(factors)
    assert images.shape == (4, *world.image_shape) and images.dtype == np.uint8
    assert images.max() <= world.max_value and np.array_equal(images, world.render(factors))


# Metrics

CHEAP = ("mig", "sap", "modularity", "pairwise_mig", "infomec", "irs", "unsupervised_scores")


@st.composite
def codes(draw):
    """Noisy mixtures of two or three factors, with idle latents."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    k, d = draw(st.integers(2, 3)), draw(st.integers(2, 5))
    factors = rng.integers(0, draw(st.integers(2, 6)), (300, k))
    mixing = rng.normal(size=(k, d)) * rng.integers(0, 2, (k, d))
    means = factors @ mixing + draw(st.sampled_from([0.01, 0.3, 3.0])) * rng.normal(size=(300, d))
    return Codes(means, factors)


def numbers(name, found):
    metric = metrics.all()[name]
    return metric(found, seed=0) if "seed" in metric.__code__.co_varnames else metric(found)


@pytest.mark.parametrize("name", CHEAP)
@settings(max_examples=10)
@given(codes())
def test_scores_are_finite_and_between_their_limits(name, found):
    for key, value in numbers(name, found).items():
        assert np.isfinite(value), key
        if name != "unsupervised_scores":  # whose correlations are no scores
            assert -1e-9 <= value <= 1 + 1e-9, key


@pytest.mark.parametrize("name", ["mig", "pairwise_mig"])
@settings(max_examples=15)
@given(codes(), st.integers(0, 2**32 - 1))
def test_the_scale_of_latents_does_not_count(name, found, seed):
    scale = 2.0 ** np.random.default_rng(seed).integers(-8, 8, found.means.shape[1])  # no rounding
    scaled = replace(found, means=found.means * scale)
    assert numbers(name, scaled) == pytest.approx(numbers(name, found), abs=1e-9)


@settings(max_examples=15)
@given(codes(), st.integers(0, 2**32 - 1))
def test_the_order_of_latents_does_not_count(found, seed):
    """Not of `pairwise_mig`, which takes the first of two latents that know the same."""
    order = np.random.default_rng(seed).permutation(found.means.shape[1])
    turned = replace(found, means=found.means[:, order])
    assert numbers("mig", turned) == pytest.approx(numbers("mig", found), abs=1e-9)


@pytest.mark.parametrize("name", ["mig", "pairwise_mig"])
@settings(max_examples=10)
@given(codes(), st.randoms(use_true_random=False))
def test_the_names_of_values_do_not_count(name, found, random):
    """Renumbering the values of factors keeps what a code tells of them."""
    values = list(range(int(found.factors.max()) + 1))
    random.shuffle(values)
    renamed = replace(found, factors=np.array(values)[found.factors])
    assert numbers(name, renamed) == pytest.approx(numbers(name, found), abs=1e-6)


@given(codes())
def test_codes_survive_their_file(tmp_path, found):
    write_codes(tmp_path / "codes.npz", found)
    back = read_codes(tmp_path / "codes.npz")
    assert np.array_equal(back.means, found.means) and back.names == found.names
    assert np.array_equal(back.factors, found.factors)


# Configurations


@st.composite
def configs(draw):
    size = draw(st.sampled_from([None, 100]))
    data = draw(correlated() | WORLDS)
    data = data if size is None else FixedSample(data, size, draw(st.integers(0, 9)))
    width = draw(st.integers(1, 300))
    network = draw(st.sampled_from([MLP(width), Fast(width, width), Burgess(width)]))
    objective = BetaVAE(draw(st.floats(0, 1e9)))
    objective = draw(st.sampled_from([objective, *_by_default(data)]))
    numbers = {n: draw(st.integers(1, 10**6)) for n in ("latent_dim", "steps", "batch_size")}
    rate = draw(st.floats(0, 1, exclude_min=True))
    seed = draw(st.integers(0, 2**31))
    return TrainConfig(data, objective, network, learning_rate=rate, seed=seed, **numbers)


def _by_default(data):
    for cls in FOUND.values():
        try:
            objective = cls()
            objective.check_data(data)
            yield objective
        except ValueError:  # needs pairs of images
            pass


@given(configs())
def test_a_configuration_survives_strict_json(config):
    text = json.dumps(to_spec(config), allow_nan=False)
    back = from_spec(json.loads(text))
    assert back.key == config.key and to_spec(back) == to_spec(config)
    assert all(type(getattr(back, f.name)) is type(getattr(config, f.name)) for f in fields(config))


@given(configs(), configs())
def test_the_key_tells_configurations_apart(one, other):
    assert (one.key == other.key) == (to_spec(one) == to_spec(other))
