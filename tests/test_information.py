import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from vaelib import information


def test_bins_are_those_of_numpys_histogram():
    columns = np.random.default_rng(0).standard_normal((500, 3))
    binned = information.bins(columns)
    for column, found in zip(columns.T, binned.T, strict=True):
        counts = np.histogram(column, information.BINS)[0]
        assert np.array_equal(np.bincount(found, minlength=information.BINS), counts)


def test_float32_codes_fall_into_the_bins_that_they_have_as_float32():
    # The edge of a float32 histogram is rounded to float32, and a value can lie on it.
    single = np.float32([0, 0.15, 0.3, 0.7, 0.9, 1.1, 3])
    edges = np.histogram(single, 20)[1]
    expected = np.digitize(single, edges[:-1]) - 1
    assert np.array_equal(information.bins(single.astype(np.float64)[:, None])[:, 0], expected)


@pytest.mark.parametrize("column", [np.full(50, 3.3), np.repeat([1e8, np.nextafter(1e8, 2e8)], 25)])
def test_a_latent_without_range_has_one_bin(column):
    assert len(np.unique(information.bins(column[:, None]))) == 1


def test_mutual_information_is_scikit_learns():
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 7, (400, 3)), rng.integers(0, 5, (400, 2))
    b[:, 0] = (a[:, 1] + rng.integers(0, 2, 400)) % 5
    expected = [[mutual_info_score(x, y) for y in b.T] for x in a.T]
    np.testing.assert_allclose(information.mutual_information(a, b), expected, atol=1e-12)


def test_closed_forms():
    four = np.arange(400)[:, None] % 4
    half = four // 2
    assert information.entropy(four)[0] == pytest.approx(np.log(4))
    assert information.mutual_information(four, half)[0, 0] == pytest.approx(np.log(2))
    independent = (np.arange(400)[:, None] // 4) % 5
    # rounding leaves some 1e-16, with either sign, of which the negative becomes 0
    assert 0.0 <= information.mutual_information(four, independent)[0, 0] < 1e-14


def test_labels_close_gaps_and_keep_order():
    factors = np.array([[-5, 2], [7, 2], [-5, 9], [100, 2]])
    assert information.labels(factors).tolist() == [[0, 0], [1, 0], [0, 1], [2, 0]]


def test_standardised_latents_and_a_constant_one():
    columns = np.random.default_rng(2).normal(3, 5, (300, 2))
    columns = np.column_stack([columns, np.full(300, 0.1)])
    found = information.standardised(columns)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(found.std(axis=0), [1, 1, 0], atol=1e-12)
    other = information.standardised(columns + 1, like=columns)
    np.testing.assert_allclose(other[:, 0] - found[:, 0], 1 / columns[:, 0].std())
