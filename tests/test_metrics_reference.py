"""Against disentanglement_lib on its arrays, and against references written out."""

import numpy as np
import pytest
from hand_made import noisy, reference, turned, with_means, world
from reference_codes import known, make
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.feature_selection import mutual_info_classif
from sklearn.metrics import roc_auc_score

from benchmarks._metric_references import REFERENCES, quietly
from vaelib import information, metrics
from vaelib.metrics import _boosting, _splits, infomec
from vaelib.metrics.beta_vae_score import _differences
from vaelib.types import Codes

CASES = ("perfect", "rotated")


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("metric", ["mig", "modularity", "irs"])
def test_equal_on_the_training_samples(metric, name):
    codes, scores = reference(name)
    found = metrics.all()[metric](codes[:10_000])[metric]
    assert found == pytest.approx(scores[metric], abs=1e-6)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(
    ("metric", "tolerance"),
    [("sap", 1e-6), ("explicitness", 5e-3), ("factor_vae_score", 0.02), ("beta_vae_score", 0.02)],
)
def test_equal_on_training_and_test_samples(metric, tolerance, name):
    codes, scores = reference(name)
    assert metrics.all()[metric](codes)[metric] == pytest.approx(scores[metric], abs=tolerance)


@pytest.mark.parametrize("name", CASES)
def test_fast_dci_is_near_the_exact_one(name):
    codes, scores = reference(name)
    found = metrics.dci(codes)
    assert found["disentanglement"] == pytest.approx(scores["dci_disentanglement"], abs=0.03)
    assert found["completeness"] == pytest.approx(scores["dci_completeness"], abs=0.03)
    assert found["informativeness"] == pytest.approx(scores["dci_informativeness"], abs=0.03)


WRITTEN_OUT = {
    "mig": 1e-6,
    "modularity": 1e-6,
    "irs": 1e-6,
    "sap": 1e-6,
    "explicitness": 5e-3,
    "factor_vae_score": 0.02,
    "beta_vae_score": 0.02,
    "infomec": 1e-3,
}


@pytest.mark.parametrize("name", ["mixed_1500", "pair45_1500", "split_1500", "random_1500"])
@pytest.mark.parametrize("metric", WRITTEN_OUT)
def test_equal_to_the_papers_loops(metric, name):
    """disentanglement_lib's formulas, written out with scikit-learn in benchmarks/."""
    codes, (value, reference) = make(name), REFERENCES[metric]
    expected = quietly(reference, codes)
    assert metrics.all()[metric](codes)[value] == pytest.approx(expected, abs=WRITTEN_OUT[metric])


def written_out_dci(codes):
    """Eastwood & Williams 2018, one formula a line, with scikit-learn's own classifier."""
    train, test = codes[: 2 * len(codes) // 3], codes[2 * len(codes) // 3 :]
    columns, accuracy = [], []
    for k in range(codes.factors.shape[1]):
        model = GradientBoostingClassifier(random_state=0).fit(train.means, train.factors[:, k])
        columns.append(model.feature_importances_)
        accuracy.append(model.score(test.means, test.factors[:, k]))
    r = np.stack(columns, axis=1)
    d, k = r.shape
    rows, cols = r / np.maximum(r.sum(1, keepdims=True), 1e-300), r / r.sum(0)
    per_latent = 1 + np.sum(rows * np.log(np.maximum(rows, 1e-300)), axis=1) / np.log(k)
    per_factor = 1 + np.sum(cols * np.log(np.maximum(cols, 1e-300)), axis=0) / np.log(d)
    disentanglement = np.sum(per_latent * r.sum(1) / r.sum())
    return disentanglement, per_factor.mean(), np.mean(accuracy)


@pytest.mark.parametrize("degrees", [0, 45])
def test_exact_dci_is_written_out_with_scikit_learn_and_fast_dci_is_near(degrees):
    codes = turned(noisy(300), degrees)
    expected = written_out_dci(codes)
    exact = metrics.dci(codes, trees="gradient_boosting")
    np.testing.assert_allclose(list(exact.values()), expected, atol=1e-9)
    fast = list(metrics.dci(codes).values())
    np.testing.assert_allclose(fast[:2], expected[:2], atol=0.03)
    assert fast[2] == pytest.approx(expected[2], abs=0.08)  # of 100 test samples


def test_boosting_without_savings_is_scikit_learns(monkeypatch):
    """New splits in every round, anywhere: the same trees, so the same model."""
    monkeypatch.setattr(_boosting, "GROWTH", 1.0)
    monkeypatch.setattr(_boosting, "STEPS", ((0, 0.1),))
    monkeypatch.setattr(_splits, "QUANTILES", 300)
    assert _boosting.schedule() == [[0.1]] * 100
    codes = noisy(450, noise=0.05)
    target = codes.factors[:, 2]
    model = GradientBoostingClassifier(random_state=0).fit(codes.means[:300], target[:300])
    found = _boosting.boost(codes.means[:300], target[:300], codes.means[300:], target[300:])
    np.testing.assert_allclose(found.importances, model.feature_importances_, atol=0.01)
    assert np.mean(found.predicted == model.predict(codes.means[300:])) > 0.95


SMALL = [name for name in known() if name.endswith(("_450", "_1500"))]


@pytest.mark.parametrize("name", [*SMALL, "mixed", "split"])
def test_fast_dci_is_near_the_exact_one_on_codes_of_all_kinds(name):
    """scikit-learn's scores were computed once, by reference_codes.py."""
    found, expected = metrics.dci(make(name)), known()[name]
    assert found["disentanglement"] == pytest.approx(expected["disentanglement"], abs=0.03)
    assert found["completeness"] == pytest.approx(expected["completeness"], abs=0.03)
    assert found["informativeness"] == pytest.approx(expected["informativeness"], abs=0.04)


def test_dci_refuses_unknown_trees():
    with pytest.raises(ValueError, match=r"fast.*gradient_boosting.*got 'lasso'"):
        metrics.dci(noisy(), trees="lasso")


def naive_votes(codes, batches, rng):
    spread = codes.means.var(axis=0, ddof=1)
    votes = np.zeros((codes.factors.shape[1], codes.means.shape[1]))
    for _ in range(batches):
        factor = rng.integers(votes.shape[0])
        value = codes.factors[rng.integers(len(codes)), factor]
        rows = rng.choice(np.flatnonzero(codes.factors[:, factor] == value), 64)
        votes[factor, np.argmin(codes.means[rows].var(axis=0, ddof=1) / spread)] += 1
    return votes


def test_factor_vae_score_is_the_papers_loop():
    codes = turned(noisy(noise=0.3, idle=0), 40)
    rng = np.random.default_rng(3)
    train, test = naive_votes(codes, 2000, rng), naive_votes(codes, 2000, rng)
    expected = test[train.argmax(axis=0), np.arange(test.shape[1])].sum() / test.sum()
    found = metrics.factor_vae_score(codes)["factor_vae_score"]
    assert 0.4 < expected < 0.97 and found == pytest.approx(expected, abs=0.04)


def test_factor_vae_score_leaves_out_latents_that_hardly_move():
    codes = noisy(idle=0)
    still = np.column_stack([codes.means, 0.01 * codes.means[:, :1]])
    assert metrics.factor_vae_score(with_means(codes, 0.01 * codes.means)) == {
        "factor_vae_score": 0.0
    }
    assert metrics.factor_vae_score(with_means(codes, still)) == metrics.factor_vae_score(codes)


def test_beta_vae_score_pairs_no_code_with_itself():
    """A difference of 0 would name the factor of which few samples share a value."""
    rng = np.random.default_rng(0)
    factors = np.stack([rng.integers(0, 3, 300), rng.integers(0, 3, 300), np.arange(300) // 2], 1)
    means = rng.standard_normal((300, 2)).astype(np.float32)
    pairs = Codes(means, factors).rows_by_value[2]  # two samples each
    found = _differences(np.arange(300.0)[:, None], pairs, 500, rng)
    assert found.min() == found.max() == 1.0  # each with the other one
    alone = _differences(np.arange(300.0)[:, None], tuple(np.arange(300)[:, None]), 500, rng)
    assert (alone == 0).all()  # there is no other


def test_irs_is_the_papers_loop():
    codes = noisy()
    z, v = codes.means, codes.factors
    furthest = np.abs(z - z.mean(axis=0)).max(axis=0)
    robust = np.zeros((z.shape[1], v.shape[1]))
    for k in range(v.shape[1]):
        far = []
        for value in np.unique(v[:, k]):
            group = z[v[:, k] == value]
            far.append(np.percentile(np.abs(group - group.mean(axis=0)), 99, axis=0))
        robust[:, k] = 1 - np.mean(far, axis=0) / furthest
    expected = np.sum(robust.max(axis=1) * furthest) / furthest.sum()
    assert metrics.irs(codes)["irs"] == pytest.approx(expected, abs=1e-12)


def test_explicitness_ranks_as_scikit_learn_does():
    from vaelib.metrics.explicitness import _area

    rng = np.random.default_rng(0)
    chances = np.round(rng.dirichlet(np.ones(4), 200), 1)  # rounded: ties
    truth = rng.integers(0, 4, 200)
    expected = np.mean([roc_auc_score(truth == c, chances[:, c]) for c in range(4)])
    assert _area(chances, truth, np.arange(4)) == pytest.approx(expected, abs=1e-12)
    assert _area(chances, truth, np.arange(10, 14)) == 0.5  # no class of the test was learned


def test_continuous_sap_is_the_squared_correlation_gap():
    codes = turned(noisy(), 20)
    r2 = np.corrcoef(codes.means.T, codes.factors.T)[:5, 5:] ** 2
    first, second = np.sort(r2, axis=0)[[-1, -2]]
    assert metrics.sap(codes)["sap_continuous"] == pytest.approx(np.mean(first - second))


def test_infomec_counts_neighbours_as_scikit_learn_does():
    from vaelib.metrics.infomec import _information

    codes = turned(noisy(), 30)
    latents = information.standardised(codes.means)
    for j in range(4):
        for k in range(3):
            expected = mutual_info_classif(
                latents[:, [j]], codes.factors[:, k], n_neighbors=10, random_state=0
            )[0]
            found = _information(latents[:, j], codes.factors[:, k])
            assert found == pytest.approx(expected, abs=1e-6)
    assert infomec(codes)["infom"] < infomec(noisy())["infom"]


def test_unsupervised_scores_closed_forms():
    rng = np.random.default_rng(0)
    covariance = np.array([[4.0, 1.2], [1.2, 1.0]])
    raw = rng.standard_normal((5000, 2))
    white = (raw - raw.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(raw.T))).T
    codes = Codes(white @ np.linalg.cholesky(covariance).T, world(5000))  # exact covariance
    found = metrics.unsupervised_scores(codes)
    rho = 1.2 / 2
    assert found["gaussian_total_correlation"] == pytest.approx(-0.5 * np.log(1 - rho**2))
    # tr (A)^½ of a 2 × 2 matrix is (tr A + 2 √det A)^½, here with A = Σ diag(Σ)
    product = covariance * np.diag(covariance)
    root = np.sqrt(np.trace(product) + 2 * np.sqrt(np.linalg.det(product)))
    distance = 2 * np.trace(covariance) - 2 * root
    assert found["gaussian_wasserstein_correlation"] == pytest.approx(distance)
    assert found["gaussian_wasserstein_correlation_norm"] == pytest.approx(distance / 5)
