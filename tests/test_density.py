import numpy as np
import pytest

from vaelib.density import NearestNeighbours, effective_share, flat_weights


def test_density_against_a_naive_search():
    codes = np.random.default_rng(0).normal(size=(60, 2))
    found = NearestNeighbours(k=3, references=40)(codes)
    for n in range(60):
        others = [np.linalg.norm(codes[n] - codes[m]) for m in range(40) if m != n]
        assert found[n] == pytest.approx(-2 * np.log(sorted(others)[2]))


@pytest.mark.parametrize("d", [1, 2, 4])
def test_density_of_a_gaussian(d):
    codes = np.random.default_rng(0).normal(size=(6000, d))
    found, true = NearestNeighbours(k=20)(codes), -0.5 * np.square(codes).sum(1)
    assert np.corrcoef(found, true)[0, 1] > 0.9
    assert np.polyfit(true, found, 1)[0] == pytest.approx(1, abs=0.2)  # same unit, not only order


def test_images_that_occur_many_times_stay_finite():
    codes = np.repeat(np.random.default_rng(0).normal(size=(20, 2)), 30, axis=0)
    assert np.isfinite(NearestNeighbours(k=5)(codes)).all()
    assert np.isfinite(NearestNeighbours(k=5)(np.zeros((50, 2)))).all()


def test_without_active_latents_or_neighbours_the_density_is_flat():
    assert (NearestNeighbours()(np.zeros((100, 0))) == 0).all()
    assert (NearestNeighbours(k=12)(np.zeros((5, 2))) == 0).all()


def test_weights_are_the_inverse_density_within_their_limits():
    log = np.log(np.array([1.0, 2.0, 0.5, 1.0, 0.8]))
    weights = flat_weights(log, ratio=100, min_effective=0.1)
    np.testing.assert_allclose(weights / weights[0], np.exp(-log))
    assert weights.mean() == pytest.approx(1)
    extreme = flat_weights(np.array([-50.0, 0, 0, 0, 50.0]), ratio=100, min_effective=0.01)
    np.testing.assert_allclose(extreme / extreme[1], [100 / 3, 1, 1, 1, 1 / 3])


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 1.0])
def test_the_effective_sample_is_kept_above_its_limit(share):
    log = np.random.default_rng(0).normal(size=1000) * 4
    assert effective_share(flat_weights(log, 1e6, 1e-6)) < 0.02
    weights = flat_weights(log, ratio=1e6, min_effective=share)
    assert effective_share(weights) == pytest.approx(share, rel=1e-3)
    assert (np.diff(weights[np.argsort(log)]) <= 1e-12).all()  # the order stays


def test_effective_share_of_known_weights():
    assert effective_share(np.ones(7)) == 1
    assert effective_share(np.array([1.0, 0, 0, 0])) == 0.25


def test_bad_limits_are_refused():
    with pytest.raises(ValueError, match=r"min_effective in \(0, 1\], got 100 and 0"):
        flat_weights(np.zeros(3), 100, 0)
    with pytest.raises(ValueError, match="below references"):
        NearestNeighbours(k=5, references=5)


def test_weights_are_measured_from_the_typical_image():
    """One lonely code among ten: a median is not moved by it, a mean would be."""
    log_density = np.append(np.zeros(9), -1000.0)
    weights = flat_weights(log_density, ratio=100.0, min_effective=0.001)
    assert weights[-1] / weights[0] == pytest.approx(100 / 3)
