"""Images at a lower resolution: block means, and what wraps what."""

import json
from dataclasses import dataclass

import numpy as np
import pytest

from vaelib.datasets import Correlated, DSprites, FixedSample
from vaelib.datasets.base import FactorData
from vaelib.datasets.pooled import Pooled
from vaelib.spec import from_spec, to_spec

DATA = DSprites()
FACTORS = DATA.sample_factors(50, np.random.default_rng(0))


@dataclass(frozen=True)
class Colours(FactorData):
    """Noise with 256 values, to pool."""

    factor_names = ("seed",)
    factor_sizes = (5,)
    image_shape = (3, 6, 12)
    max_value: int = 255

    def render(self, factors):
        draws = [np.random.default_rng(int(f)).integers(0, 256, (3, 6, 12)) for f in factors[:, 0]]
        return np.array(draws, np.uint8)


def naive(images: np.ndarray, k: int) -> np.ndarray:
    n, c, h, w = images.shape
    return images.astype(float).reshape(n, c, h // k, k, w // k, k).mean((3, 5))


@pytest.mark.parametrize("k", [1, 2, 4, 16, 32])
def test_binary_images_are_averaged_to_the_nearest_byte(k):
    images = Pooled(DATA, k).render(FACTORS)
    assert images.dtype == np.uint8 and images.shape == (50, 1, 64 // k, 64 // k)
    assert np.abs(images - 255 * naive(DATA.render(FACTORS), k)).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("k", [1, 2, 3])
def test_bytes_are_averaged_to_the_nearest(k):
    pooled = Pooled(Colours(), k)
    factors = np.arange(5)[:, None]
    assert pooled.image_shape == (3, 6 // k, 12 // k) and pooled.max_value == 255
    assert np.abs(pooled.render(factors) - naive(Colours().render(factors), k)).max() <= 0.5


def test_it_composes_with_the_other_wrappers():
    pairs = {("pos_x", "pos_y"): 0.2}
    inside = Correlated(Pooled(DATA), pairs)
    fixed = FixedSample(inside, 20)
    assert fixed.image_shape == (1, 32, 32) and fixed.distribution == "correlated"
    assert fixed.uncorrelated() == Pooled(DATA)
    assert Pooled(DATA).uncorrelated() == Pooled(DATA)

    outside = Pooled(Correlated(DATA, pairs))
    assert outside.distribution == "correlated" and outside.uncorrelated() == Pooled(DATA)
    one, two = (data.sample(9, np.random.default_rng(3)) for data in (inside, outside))
    assert np.array_equal(one.images, two.images) and np.array_equal(one.factors, two.factors)


def test_a_batch_is_scaled_to_one():
    images = Pooled(DATA).sample(64, np.random.default_rng(0)).to("cpu").images
    assert images.unique().tolist() == pytest.approx([0, 0.25, 0.5, 0.75, 1], abs=0.51 / 255)


def test_config_round_trip():
    data = Correlated(Pooled(DATA, 4), {("shape", "scale"): 0.4})
    assert from_spec(json.loads(json.dumps(to_spec(data)))) == data


@pytest.mark.parametrize("k", [0, -2, 3, 2.0, True])
def test_wrong_blocks_are_refused(k):
    with pytest.raises(ValueError, match=r"^k must"):
        Pooled(DATA, k)
