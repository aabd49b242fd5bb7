import json
from dataclasses import dataclass

import numpy as np
import pytest
from hand_made import noisy

from vaelib import evaluate as module
from vaelib import metrics, sanity
from vaelib.datasets import Correlated, FactorData, FixedSample
from vaelib.datasets.uniform import Uniform
from vaelib.datasets.wrapped import Wrapped
from vaelib.evaluate import evaluate, sanity_scores, score, score_without, standard_errors, summary
from vaelib.types import Codes

FAST = ("mig", "pairwise_mig", "factor_vae_score")


@dataclass(frozen=True)
class Strip(FactorData):
    """A dot on a strip of 5 × 4 pixels, or nothing where the third factor says so."""

    factor_names = ("pos_x", "pos_y", "orientation")
    factor_sizes = (5, 4, 2)
    image_shape = (1, 4, 5)

    def render(self, factors):
        images = np.zeros((len(factors), 1, 4, 5), np.uint8)
        x, y, shown = factors.T
        images[np.arange(len(factors)), 0, y, x] = shown
        return images


class Dependent(Strip):
    """The same world with x and y drawn together."""

    distribution = "correlated"

    def sample_factors(self, n, rng):
        factors = super().sample_factors(n, rng)
        factors[:, 1] = np.minimum(factors[:, 0], 3)
        return factors

    def uncorrelated(self):
        return Strip()


class Config:
    data = Dependent()


class FakeRun:
    config = Config()

    def __init__(self, folder):
        self.folder = folder


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run whose encoder reads the factors off: what is tested here comes after encoding."""

    def encode(run, data, n, rng):
        factors = data.sample_factors(n, rng)
        return Codes(factors + 0.1 * rng.standard_normal(factors.shape), factors, data.factor_names)

    monkeypatch.setattr("vaelib.runs.encode", encode)
    return FakeRun(tmp_path)


def saved(run):
    return json.loads((run.folder / "scores.json").read_text("utf-8"))


def test_score_gives_what_the_metrics_give():
    codes = noisy()
    found = score(codes, FAST, seed=3)
    assert list(found) == list(FAST)
    assert found["mig"] == metrics.mig(codes)
    assert found["factor_vae_score"] == metrics.factor_vae_score(codes, seed=3)
    assert set(score(noisy(200))) == set(score(noisy(200), ["all"])) == set(metrics.all())


def test_an_unknown_metric_is_refused_with_what_there_is():
    with pytest.raises(ValueError, match=r"among .*mig.*, got fid"):
        score(noisy(), ["mig", "fid"])


def test_without_a_factor_is_as_if_it_were_not_there():
    codes = noisy()
    expected = score(codes.select("a", "c"), FAST)
    assert score_without(codes, "b", FAST) == expected
    assert score_without(codes, "orientation", FAST) == {}
    assert score_without(codes.select("a", "b"), "b", FAST) == {}


def test_scores_are_filed_under_their_distribution(run):
    entry = evaluate(run, metrics=FAST, n=500, seed=1)
    assert saved(run) == {"uncorrelated": entry}
    assert entry["samples"] == 500 and entry["seed"] == 1 and entry["seconds"] > 0
    other = evaluate(run, Dependent(), metrics=FAST, n=500, seed=1)
    assert saved(run) == {"uncorrelated": entry, "correlated": other}
    # A code of x knows y too where they depend: the illusion that the two rows show apart.
    assert other["scores"]["mig"]["mig"] < entry["scores"]["mig"]["mig"] - 0.2
    assert [path.name for path in run.folder.iterdir()] == ["scores.json"]


def test_factors_drawn_in_an_own_way_are_own_and_scored_uniform(run, monkeypatch):
    monkeypatch.delattr(Dependent, "distribution")
    monkeypatch.delattr(Dependent, "uncorrelated")
    data = Dependent()
    assert data.distribution == "own" and FixedSample(data, 9).distribution == "own"
    evaluate(run, metrics=["mig"], n=300)
    evaluate(run, data, metrics=["mig"], n=300)
    assert list(saved(run)) == ["uncorrelated", "own"]
    x, y = data.uncorrelated().sample_factors(900, np.random.default_rng(0))[:, :2].T
    assert abs(np.corrcoef(x, y)[0, 1]) < 0.1
    with pytest.raises(ValueError, match="draws its factors in its own way"):
        Correlated(data, {("pos_x", "pos_y"): 0.2})
    assert Correlated(data.uncorrelated(), {}).distribution == "uncorrelated"


def test_scores_without_orientation_stand_beside(run):
    entry = evaluate(run, metrics=FAST, n=500)
    assert "pos_x+orientation" in entry["scores"]["pairwise_mig"]
    assert set(entry["without_orientation"]["pairwise_mig"]) == {"mean", "min", "pos_x+pos_y"}


def test_more_metrics_on_the_same_samples_are_added_and_other_samples_replace(run):
    evaluate(run, metrics=["mig"], n=500)
    evaluate(run, metrics=["irs"], n=500)
    assert set(saved(run)["uncorrelated"]["scores"]) == {"mig", "irs"}
    assert set(saved(run)["uncorrelated"]["without_orientation"]) == {"mig", "irs"}
    evaluate(run, metrics=["sap"], n=600)
    assert set(saved(run)["uncorrelated"]["scores"]) == {"sap"}


def test_scores_on_data_that_the_run_does_not_come_from_stand_beside(run):
    other = type("Other", (Strip,), {"__repr__": lambda self: "Other()"})
    evaluate(run, Strip(), metrics=["mig"], n=200)
    evaluate(run, other(), metrics=["sap"], n=200)
    assert {name: list(entry["scores"]) for name, entry in saved(run).items()} == {
        "uncorrelated": ["mig"], "uncorrelated: Other()": ["sap"]
    }  # fmt: skip


def test_a_failure_leaves_the_file_as_it_was(run):
    evaluate(run, metrics=["mig"], n=500)
    before = saved(run)
    with pytest.raises(ValueError, match="at least 100 samples, got 50"):
        evaluate(run, metrics=["mig"], n=50)
    assert saved(run) == before


def test_standard_errors_are_the_spread_over_new_samples():
    truth = np.std([metrics.mig(noisy(800, noise=0.3, seed=s))["mig"] for s in range(60)], ddof=1)
    found = standard_errors(noisy(800, noise=0.3), 40, ["mig"])["mig"]["mig"]
    assert 0.5 * truth < found < 2 * truth


def test_a_factor_that_varies_in_some_halves_only_is_told():
    factors = np.random.default_rng(0).integers(0, 3, (200, 3))
    factors[:, 2] = np.arange(200) == 7
    codes = Codes(factors + 0.0, factors)
    with pytest.raises(ValueError, match="varies in some halves of the 200 samples only"):
        standard_errors(codes, 8, ["pairwise_mig"])


def test_standard_errors_come_on_request(run):
    entry = evaluate(run, metrics=["mig"], n=500, bootstrap=3)
    assert entry["standard_errors"]["mig"]["mig"] > 0
    assert "standard_errors" not in evaluate(run, metrics=["mig"], n=500)
    with pytest.raises(ValueError, match="at least 2 resamples, got 1"):
        standard_errors(noisy(), 1)


def test_summary_leaves_single_pairs_out():
    table = score(noisy(2000), ["mig", "pairwise_mig", "fast_adaptation"])
    table["unfairness"] = {"mean": 0.1, "a|b": 0.2}
    kept = summary(table)
    assert kept["mig"] == table["mig"] and set(kept["pairwise_mig"]) == {"mean", "min"}
    assert set(kept["fast_adaptation"]) == {f"labels_{n}" for n in (0, 10, 100, 1000)}
    assert kept["unfairness"] == {"mean": 0.1}


def test_sanity_rows_frame_a_model():
    factors = Strip().sample_factors(600, np.random.default_rng(0))
    codes = Codes(factors + 0.2, factors, Strip.factor_names)
    found = sanity_scores(codes, Strip(), ["mig"])
    assert list(found) == ["perfect", "pair rotated by 45°", "random", "PCA"]
    assert found["random"]["mig"]["mig"] < found["perfect"]["mig"]["mig"]
    assert list(sanity_scores(codes, metrics=["mig"])) == list(sanity.rows(codes))


def test_samples_are_those_of_the_papers():
    assert module.SAMPLES == 15_000
    codes = Codes(np.zeros((module.SAMPLES, 1)), np.zeros((module.SAMPLES, 1)))
    assert [len(part) for part in codes.split()] == [10_000, 5_000]


def test_scores_without_an_account_of_themselves_stay():
    """Files of early versions have no `about`."""
    table = {"mig": {"mig": 0.1}, "sap": {"sap": 0.2}}
    old = {"samples": 9, "seed": 0, "scores": table}
    new = {"samples": 9, "seed": 0, "about": "x", "scores": {"mig": {"mig": 0.3}}}
    assert module._merge(old, new)["scores"] == {"mig": {"mig": 0.3}, "sap": {"sap": 0.2}}
    assert module._merge({**old, "about": "y"}, new)["scores"] == {"mig": {"mig": 0.3}}


@pytest.mark.parametrize("entry", [[], 3, "mig"])
def test_what_is_no_table_of_scores_is_told_and_stays(entry, run):
    (run.folder / "scores.json").write_text(json.dumps({"uncorrelated": entry}))
    with pytest.raises(ValueError, match=r"scores\.json holds no scores"):
        evaluate(run, metrics=["mig"], n=500)
    assert saved(run) == {"uncorrelated": entry}


def test_all_metrics_of_dependent_factors_leave_out_the_angle():
    rng = np.random.default_rng(0)
    colour, x = np.eye(3, dtype=int)[rng.integers(3, size=600)], rng.integers(5, size=(600, 1))
    factors = np.hstack([colour, x])
    codes = Codes(factors + 0.1 * rng.normal(size=factors.shape), factors, ("r", "g", "b", "x"))
    table = score(codes)
    assert "plane_angle" not in table and {"mig", "dci", "pairwise_mig"} <= set(table)
    with pytest.raises(ValueError, match="none is a sum of others"):
        score(codes, ["plane_angle"])


def test_all_metrics_of_a_single_factor_leave_out_those_that_compare_factors():
    rng = np.random.default_rng(0)
    digit = rng.integers(10, size=(600, 1))
    codes = Codes(np.hstack([digit + 0.1 * rng.normal(size=(600, 1)), rng.normal(size=(600, 2))]),
                  digit, ("digit",))  # fmt: skip
    table = score(codes)
    assert {"mig", "explicitness", "sap", "unsupervised_scores"} <= set(table)
    assert not {"pairwise_mig", "plane_angle"} & set(table) and table["mig"]["mig"] > 0.9
    with pytest.raises(ValueError, match="pairwise_mig needs at least 2 of the factors"):
        score(codes, ["pairwise_mig"])
    still = Codes(codes.means, np.zeros_like(digit), ("digit",))
    with pytest.raises(ValueError, match="needs at least . of the factors"):
        score(still)


class Hearts(Wrapped):
    """A user's wrapper that draws only some of the factors."""

    def __init__(self, data):
        self.data = data

    def sample_factors(self, n, rng):
        return self.data.sample_factors(n, rng) * [1, 1, 0] + [0, 0, 1]


def test_a_wrapper_is_scored_on_what_it_draws():
    drawn = Hearts(Strip()).sample_distinct(5, np.random.default_rng(0))
    assert drawn.shape == (5, 3) and (drawn[:, 2] == 1).all()
    drawn = Hearts(Strip()).sample_distinct(500, np.random.default_rng(0))
    assert (drawn[:, 2] == 1).all() and len(np.unique(drawn, axis=0)) == len(drawn) == 20


class Broken(Strip):
    @property
    def image_shape(self):
        return None.shape


def test_an_error_inside_a_property_of_a_data_set_stays_what_it_is():
    with pytest.raises(AttributeError, match="'NoneType' object has no attribute 'shape'"):
        _ = Broken().image_shape
    with pytest.raises(AttributeError, match="no attribute 'colour'"):
        _ = Strip().colour


class Skew(Dependent):
    uncorrelated = FactorData.uncorrelated


def test_data_that_say_how_they_are_drawn_have_a_uniform_form_too():
    data = Skew()
    assert data.distribution == "correlated" and data.uncorrelated().distribution == "uncorrelated"
    drawn = data.uncorrelated().sample_factors(5_000, np.random.default_rng(0))
    assert abs(np.corrcoef(drawn[:, 0], drawn[:, 1])[0, 1]) < 0.05


def test_uniform_is_for_data_of_a_distribution_of_their_own():
    with pytest.raises(ValueError, match="a distribution of its own, got FixedSample"):
        Uniform(FixedSample(Strip(), 20))
