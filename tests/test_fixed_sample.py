"""A finite training set: drawn once, then the only images there are."""

import json

import numpy as np
import pytest

from vaelib.datasets import Blobs, Correlated, DSprites, Pooled
from vaelib.datasets.fixed_sample import FixedSample
from vaelib.networks import MLP
from vaelib.runs import encode
from vaelib.spec import from_spec, to_spec
from vaelib.train import TrainConfig, train

DATA = DSprites()
CORRELATED = Correlated(DATA, {("pos_x", "pos_y"): 0.2})


def test_the_images_are_drawn_once():
    one, two, other = (FixedSample(CORRELATED, 500, seed) for seed in (3, 3, 4))
    assert np.array_equal(one.indices, two.indices) and len(one.indices) == 500
    assert not np.array_equal(one.indices, other.indices)
    batch = one.sample(2000, np.random.default_rng(0))
    assert set(DATA.index(batch.factors)) <= set(one.indices)
    assert np.array_equal(batch.images, DATA.render(batch.factors))


def test_it_follows_the_distribution_of_its_data():
    factors = DATA.factors(FixedSample(CORRELATED, 50_000).indices)
    assert np.corrcoef(factors[:, 3], factors[:, 4])[0, 1] == pytest.approx(0.782, abs=0.01)
    assert FixedSample(CORRELATED).distribution == "correlated"
    assert FixedSample(CORRELATED).uncorrelated() is DATA
    assert FixedSample(DATA).uncorrelated() is DATA


def test_to_score_each_image_comes_once():
    fixed = FixedSample(CORRELATED, 300)
    found = DATA.index(fixed.sample_distinct(1_000, np.random.default_rng(0)))
    assert sorted(found) == sorted(set(fixed.indices)) and fixed.distinct == len(found)
    few = DATA.index(fixed.sample_distinct(50, np.random.default_rng(0)))
    assert len(set(few)) == 50 and set(few) <= set(found)
    assert Pooled(fixed, 2).distinct == fixed.distinct and DATA.distinct == len(DATA)


def test_rows_are_uniform_without_weights():
    rows = FixedSample(DATA, 20).sample_rows(40_000, np.random.default_rng(1))
    counts = np.bincount(rows, minlength=20)
    assert ((counts - 2000) ** 2 / 2000).sum() < 19 + 5 * np.sqrt(38)


def test_rows_follow_their_weights():
    fixed, weights = FixedSample(DATA, 20), np.arange(20.0)
    rows = fixed.sample_rows(40_000, np.random.default_rng(2), weights)
    counts, expected = np.bincount(rows, minlength=20), 40_000 * weights / weights.sum()
    assert counts[0] == 0
    assert ((counts - expected)[1:] ** 2 / expected[1:]).sum() < 18 + 5 * np.sqrt(36)
    last = np.eye(20)[19]
    assert set(fixed.sample_rows(50, np.random.default_rng(3), last)) == {19}


def test_a_batch_of_rows():
    fixed = FixedSample(DATA, 20)
    rows = np.array([3, 3, 19])
    batch = fixed.batch(rows)
    assert DATA.index(batch.factors).tolist() == fixed.indices[rows].tolist()
    sampled = fixed.sample(8, np.random.default_rng(4))
    same = fixed.batch(fixed.sample_rows(8, np.random.default_rng(4)))
    assert np.array_equal(sampled.images, same.images)


def test_config_round_trip():
    fixed = FixedSample(CORRELATED, 100, seed=7)
    back = from_spec(json.loads(json.dumps(to_spec(fixed))))
    assert back == fixed and np.array_equal(back.indices, fixed.indices)


@pytest.mark.parametrize(
    "weights", [np.ones(19), np.zeros(20), -np.ones(20), np.full(20, np.nan), np.full(20, np.inf)]
)
def test_wrong_weights_are_refused(weights):
    with pytest.raises(ValueError, match="weights must be 20 numbers"):
        FixedSample(DATA, 20).sample_rows(5, np.random.default_rng(0), weights)


@pytest.mark.parametrize("n", [0, 1.5, np.nan, True])
def test_a_size_without_sense_is_refused(n):
    with pytest.raises(ValueError, match=f"n must be a whole number of at least 1, got {n}"):
        FixedSample(DATA, n)


@pytest.mark.parametrize("seed", [-1, 0.5, None])
def test_a_seed_without_sense_is_refused(seed):
    with pytest.raises(ValueError, match=f"seed must be a whole number of at least 0, got {seed}"):
        FixedSample(DATA, 10, seed)


def test_a_size_may_be_a_number_of_numpy():
    assert to_spec(FixedSample(DATA, np.int64(20))) == to_spec(FixedSample(DATA, 20))


def test_factors_are_drawn_from_all_rows_and_scored_once():
    data = FixedSample(Blobs(size=32, positions=4), n=60)  # 16 different images
    drawn = data.sample_factors(4_000, np.random.default_rng(0))
    counts = np.bincount(data.index(drawn), minlength=16) / 4_000
    expected = np.bincount(data.indices, minlength=16) / 60
    assert np.abs(counts - expected).max() < 0.03 and counts.sum() == 1
    again = data.sample_factors(4_000, np.random.default_rng(1))
    assert not np.array_equal(again, drawn)
    once = data.index(data.sample_distinct(100, np.random.default_rng(0)))
    assert sorted(once) == sorted(set(data.indices.tolist()))


def test_test_images_are_not_those_of_the_training_set_where_both_have_one_seed(tmp_path):
    data = FixedSample(DATA, 400)
    config = TrainConfig(data, network=MLP(hidden=4), steps=1, batch_size=4, device="cpu")
    run = train(config, tmp_path / "run", progress=False)
    seen = [
        np.isin(DATA.index(encode(m, DATA, n=300).factors), data.indices) for m in (run.vae, run)
    ]
    assert seen[0].mean() > 0.98, "a bare model does not know what it was trained on"
    assert seen[1].mean() < 0.02
