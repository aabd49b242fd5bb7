import numpy as np
import pytest
from hand_made import noisy, with_means

from vaelib import metrics, sanity
from vaelib.types import Codes

CODES = noisy(900, idle=3)


def test_rows_are_ordered_as_their_names_say():
    rows = sanity.rows(CODES)
    mig = {name: metrics.mig(codes)["mig"] for name, codes in rows.items()}
    assert mig["perfect"] > 0.8 and mig["random"] < 0.05
    assert mig["random"] < mig["pair rotated by 45°"] < mig["perfect"]


def test_all_have_the_samples_and_latents_of_the_codes():
    images = np.random.default_rng(0).integers(0, 2, (900, 1, 4, 4), np.uint8)
    for codes in sanity.rows(CODES, images).values():
        assert codes.means.shape == CODES.means.shape and codes.names == CODES.names
        assert np.array_equal(codes.factors, CODES.factors)


def test_the_rotated_pair_stands_at_45_degrees():
    angles = metrics.plane_angle(sanity.rotated(CODES, ("a", "c")))
    assert angles["a+c"] == pytest.approx(45, abs=2) and angles["a+b"] < 2
    assert metrics.plane_angle(sanity.rotated(CODES))["b+c"] == pytest.approx(45, abs=2)


@pytest.mark.parametrize("pair", [("a",), ("a", "a"), ("a", "size"), ("a", "b", "c")])
def test_a_pair_that_does_not_exist_is_refused(pair):
    with pytest.raises(ValueError, match="two of"):
        sanity.rotated(CODES, pair)


def test_perfect_has_a_latent_for_every_factor_even_if_the_model_has_fewer():
    narrow = with_means(CODES, CODES.means[:, :1])
    assert sanity.perfect(narrow).means.shape[1] == 3


def test_pca_finds_the_directions_of_a_linear_picture():
    rng = np.random.default_rng(0)
    mixing = np.linalg.qr(rng.standard_normal((30, 2)))[0].T
    sources = rng.standard_normal((6000, 2)) * [3.0, 1.0]
    codes = Codes(sources, rng.integers(0, 3, (6000, 2)))
    found = sanity.pca((sources @ mixing).reshape(6000, 1, 5, 6), codes).means
    overlap = np.abs(np.corrcoef(found.T, sources.T)[:2, 2:])
    np.testing.assert_allclose(overlap, np.eye(2), atol=0.05)
    assert found[:, 0].std() == pytest.approx(1)


def test_pca_needs_an_image_for_each_code():
    with pytest.raises(ValueError, match="got 10 for 900"):
        sanity.pca(np.zeros((10, 1, 4, 4)), CODES)


def test_the_small_world_is_complete_and_balanced():
    cells, counts = np.unique(sanity.identity().factors, axis=0, return_counts=True)
    assert len(cells) == 60 and set(counts) == {10}
    assert sanity.doubled().means.shape == (600, 6)
    assert np.ptp(sanity.constant().means) == 0
