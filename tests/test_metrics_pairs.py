"""The scores of pairs of factors, of several models, and of few labels."""

import numpy as np
import pytest
from hand_made import noisy, turned, with_means
from scipy.stats import spearmanr
from sklearn.linear_model import Lasso
from sklearn.preprocessing import StandardScaler

from vaelib import metrics
from vaelib.metrics.entanglement_threshold import _thresholds
from vaelib.types import Codes


def test_a_turned_pair_shows_in_its_own_scores_only():
    straight, slanted = noisy(), turned(noisy(), 45)
    for metric in (metrics.pairwise_mig, metrics.plane_angle, metrics.entanglement_threshold):
        before, after = metric(straight), metric(slanted)
        change = {pair: abs(after[pair] - before[pair]) for pair in ("a+b", "a+c", "b+c")}
        assert max(change, key=change.get) == "b+c", (metric.__name__, change)
    assert metrics.pairwise_mig(slanted)["b+c"] < 0.15 < 0.5 < metrics.pairwise_mig(straight)["min"]


def test_names_that_make_two_pairs_one_are_refused():
    factors = np.random.default_rng(0).integers(0, 3, (300, 4))
    codes = Codes(factors + 0.0, factors, ("a", "b+c", "a+b", "c"))
    with pytest.raises(ValueError, match="must tell their pairs a"):
        metrics.pairwise_mig(codes)


@pytest.mark.parametrize("degrees", [0, 10, 30, 45, 60, 90, 135])
def test_plane_angle_reads_the_turn(degrees):
    expected = min(degrees % 90, 90 - degrees % 90)
    codes = noisy(6000, noise=0.02, idle=0)
    even = Codes((codes.means - codes.means.mean(0)) / codes.means.std(0), codes.factors)
    found = metrics.plane_angle(turned(even, degrees))["factor_1+factor_2"]
    assert found == pytest.approx(expected, abs=1.5)


def test_plane_angle_is_right_on_correlated_factors_too():
    rng = np.random.default_rng(0)
    first = rng.integers(0, 10, 4000)
    second = np.clip(first + rng.integers(-1, 2, 4000), 0, 9)  # correlation 0.95
    factors = np.column_stack([first, second])
    codes = Codes(factors + 0.1 * rng.standard_normal((4000, 2)), factors)
    assert metrics.plane_angle(codes)["max"] < 2


def test_pairwise_mig_written_out():
    known = np.array([[0.9, 0.2], [0.1, 0.7], [0.5, 0.1]])
    from vaelib.metrics._known import pair_gap

    assert pair_gap(known) == pytest.approx(((0.9 - 0.1) + (0.7 - 0.2)) / 2)
    assert pair_gap(np.array([[0.9, 0.8], [0.1, 0.7]])) == 0  # one latent is best for both


def components(importances, threshold):
    """Which factors hang together above a threshold, by walking the graph."""
    d, k = importances.shape
    reach = [{f} for f in range(k)]
    for _ in range(k + d):
        for latent in range(d):
            tied = [f for f in range(k) if importances[latent, f] >= threshold]
            joined = set().union(*(reach[f] for f in tied)) if tied else set()
            for f in joined:
                reach[f] = reach[f] | joined
    return reach


def test_thresholds_are_where_factors_first_hang_together():
    importances = np.random.default_rng(4).dirichlet(np.ones(5), 4).T  # (5 latents, 4 factors)
    joined = _thresholds(importances)
    for a in range(4):
        for b in range(a + 1, 4):
            levels = np.sort(importances.ravel())[::-1]
            expected = next(t for t in levels if b in components(importances, t)[a])
            assert joined[a, b] == joined[b, a] == expected


def test_ten_labels_undo_a_turn_but_not_noise():
    found = metrics.fast_adaptation(turned(noisy(noise=0.03), 45))
    assert found["labels_0:b+c"] < 0.15 and found["labels_100:b+c"] > 0.6
    random = with_means(noisy(), np.random.default_rng(0).standard_normal((1200, 5)))
    assert metrics.fast_adaptation(random)["labels_100"] < 0.1


def test_fast_adaptation_leaves_out_more_labels_than_half_the_samples():
    assert "labels_1000" not in metrics.fast_adaptation(noisy(1999))
    assert "labels_1000" in metrics.fast_adaptation(noisy(2000))


def test_unfairness_finds_the_leak_and_its_direction():
    """Latent 0 says a, but 0 wherever b is 2, and nothing says b: predictions of a follow b."""
    codes = noisy()
    means = codes.means.copy()
    means[:, 1] = np.random.default_rng(1).standard_normal(1200)
    straight = metrics.unfairness(with_means(codes, means))
    hidden = codes.factors[:, 1] == 2
    means[hidden, 0] -= codes.factors[hidden, 0] / 2
    leaking = metrics.unfairness(with_means(codes, means))
    # If a quarter of the samples is all predicted 0: distances 1/2 to there, 1/6 elsewhere, 1/4
    # in the mean; trees that also learn noise reach most of it.
    assert 0.12 < leaking["a|b"] < 0.28
    assert straight["a|b"] < 0.05 and leaking["a|c"] < 0.05


def test_unfairness_of_full_dependence_is_the_total_variation():
    from vaelib.metrics.unfairness import _distance

    groups = np.repeat([0, 1], 50)
    assert _distance(groups, groups) == pytest.approx(0.5)  # (1, 0) and (0, 1) against (½, ½)
    assert _distance(np.tile([0, 1], 50), groups) == pytest.approx(0)


def test_more_labels_predict_better():
    found = metrics.downstream_accuracy(noisy(1800, noise=0.05))
    assert list(found) == ["labels_10", "labels_100", "labels_1000", "labels_all"]
    assert found["labels_10"] < found["labels_100"] < found["labels_1000"]
    assert found["labels_all"] > found["labels_1000"] - 0.02  # 1,200 labels: hardly more
    assert list(metrics.downstream_accuracy(noisy(150))) == ["labels_10", "labels_all"]


def written_out_udr(models, relate):
    """Duan et al. 2020 as disentanglement_lib computes it; all latents in use."""
    scaled = [StandardScaler().fit_transform(codes.means) for codes in models]
    scores = np.zeros((len(models), len(models)))
    for i, x in enumerate(scaled):
        for j, y in enumerate(scaled):
            r = relate(x, y)
            columns = np.mean(r.max(axis=0) ** 2 / r.sum(axis=0))
            rows = np.mean(r.max(axis=1) ** 2 / r.sum(axis=1))
            scores[i, j] = (columns + rows) / 2
    return [np.median(np.delete(scores[:, i], i)) for i in range(len(models))]


RELATIONS = {
    "lasso": lambda x, y: np.abs(Lasso(alpha=0.1).fit(x, y).coef_.T),
    "spearman": lambda x, y: np.abs(spearmanr(x, y)[0][: x.shape[1], x.shape[1] :]),
}


@pytest.mark.parametrize("relation", RELATIONS)
def test_udr_is_written_out(relation):
    base = noisy(idle=0)
    models = [turned(with_means(base, base.means * 5), degrees) for degrees in (0, 5, 40)]
    found = metrics.udr(models, relation=relation)
    expected = written_out_udr(models, RELATIONS[relation])
    np.testing.assert_allclose(list(found.values()), expected, atol=1e-6)
    assert min(found, key=found.get) == "model_2"  # the odd one out


@pytest.mark.parametrize("relation", RELATIONS)
def test_udr_of_models_that_use_no_latent_is_0(relation):
    base = noisy()
    models = [with_means(base, 0 * base.means), base]
    assert metrics.udr(models, relation=relation) == {"model_0": 0.0, "model_1": 0.0}


def test_udr_drops_latents_by_their_kl():
    base = noisy(idle=2)
    models = [with_means(base, base.means * 5)] * 2
    told = metrics.udr(models, kl=[np.array([1, 1, 1, 0, 0.009])] * 2)
    kept = with_means(base, base.means[:, :3] * 5)
    assert told == pytest.approx(metrics.udr([kept] * 2))


@pytest.mark.parametrize(
    ("models", "settings", "says"),
    [
        ([noisy()], {}, "at least 2 models, got 1"),
        ([noisy(), noisy(seed=1)], {}, "same images"),
        ([noisy()] * 2, {"relation": "pearson"}, "lasso"),
        ([noisy()] * 2, {"kl": [np.ones(5), np.ones(4)]}, "one number per latent"),
        ([noisy(90)] * 2, {}, "at least 100 samples, got 90"),
    ],
)
def test_udr_refuses(models, settings, says):
    with pytest.raises(ValueError, match=says):
        metrics.udr(models, **settings)
