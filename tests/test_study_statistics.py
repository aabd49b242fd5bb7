"""Intervals, paired differences and corrections against closed forms and published numbers."""

import numpy as np
import pandas as pd
import pytest

from vaelib.studies.claims import holds, verdict
from vaelib.studies.statistics import (
    by_strength,
    holm,
    interquartile_mean,
    interval,
    mean,
    paired,
    sign_flip,
    summary,
)

SCORE = "uncorrelated.mig"


def frame(rows):
    names = ["method", "pair", "sigma", "seed", SCORE]
    table = pd.DataFrame(rows, columns=names)
    return table.assign(key=[f"k{i}" for i in range(len(table))])


def test_the_interquartile_mean_is_that_of_the_middle_half():
    assert interquartile_mean(np.arange(8.0)) == pytest.approx(np.mean([2, 3, 4, 5]))
    assert interquartile_mean(np.array([0, 1, 2, 3, 1000.0])) == 2
    rows = np.arange(16.0).reshape(2, 8)
    assert interquartile_mean(rows).tolist() == [3.5, 11.5]


def test_the_interval_of_a_mean_has_the_width_of_theory():
    values = np.random.default_rng(0).normal(5, 2, 400)
    found = interval([values], mean)
    half = 1.96 * values.std() / np.sqrt(400)
    assert found.value == pytest.approx(values.mean())
    assert found.high - found.low == pytest.approx(2 * half, rel=0.08)
    assert found.runs == found.seeds == 400 and found.carries_claim


def test_strata_are_resampled_each_for_itself():
    """Two constant strata: stratified resampling never changes their mean, plain would."""
    found = interval([np.zeros(10), np.ones(10)], mean)
    assert (found.low, found.value, found.high) == (0.5, 0.5, 0.5)


def test_few_seeds_carry_no_claim():
    two = interval([np.array([1.0, 2.0]), np.arange(5.0)])
    assert two.seeds == 2 and not two.carries_claim
    one = interval([np.array([1.0])])
    assert one.value == 1 and np.isnan([one.low, one.high]).all()
    with pytest.raises(ValueError, match="at least one"):
        interval([np.array([])])


def test_one_pair_of_runs_says_nothing():
    assert sign_flip(np.array([0.4])) == sign_flip(np.array([])) == 1.0  # 2/2¹


def test_the_sign_flip_test_counts_signs():
    assert sign_flip(np.array([1.0, 2.0, 3.0, 4.0, 5.0])) == pytest.approx(2 / 32)
    assert sign_flip(np.array([1.0, -1.0, 1.0, -1.0])) == 1
    assert sign_flip(np.zeros(3)) == 1
    rng = np.random.default_rng(0)
    false = [sign_flip(rng.normal(size=8)) < 0.05 for _ in range(200)]
    assert np.mean(false) < 0.1


def test_holm_as_in_published_examples():
    """Holm 1979, section 4 by its rule; and R's p.adjust on the same numbers."""
    found = holm([0.01, 0.04, 0.03, 0.005])
    assert found.tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]).tolist() == [1, 1] and holm([]).size == 0


def test_scores_by_strength_pool_pairs_and_count_their_seeds():
    rows = [("A", p, 0.2, s, s + 10.0 * (p == "y")) for p in "xy" for s in range(4)]
    rows += [("A", "x", 0.4, s, 1.0) for s in range(2)]
    found = by_strength(frame(rows), SCORE).set_index("sigma")
    assert found.loc[0.2, "runs"] == 8 and found.loc[0.2, "seeds"] == 4 and found.loc[0.2, "claim"]
    assert found.loc[0.2, "value"] == pytest.approx(np.mean([2, 3, 10, 11]))
    assert not found.loc[0.4, "claim"]


def test_one_run_that_stands_for_several_pairs_counts_once():
    table = frame([("A", p, np.inf, s, v) for s in range(3) for p, v in (("x", 0.0), ("y", 1.0))])
    table["key"] = [f"k{s}" for s in table["seed"]]
    found = by_strength(table, SCORE)
    assert found["runs"].tolist() == [3] and found["value"].tolist() == [0.5]


def test_differences_are_paired_by_data_and_seed():
    """Seeds differ by far more than methods; only pairing sees the difference of 0.1."""
    rng = np.random.default_rng(0)
    level = {(p, s): 10 * rng.normal() for p in "xyz" for s in range(5)}
    rows = [("R", p, 0.2, s, v) for (p, s), v in level.items()]
    rows += [("A", p, 0.2, s, v + 0.1 + 0.01 * rng.normal()) for (p, s), v in level.items()]
    rows += [("B", p, 0.2, s, v + 0.01 * rng.normal()) for (p, s), v in level.items()]
    rows += [("A", "x", 0.2, 99, 1e6)]  # has no partner
    found = paired(frame(rows).sample(frac=1, random_state=0), SCORE, "R").set_index("method")
    assert found.loc["A", "value"] == pytest.approx(0.1, abs=0.01) and found.loc["A", "runs"] == 15
    assert found.loc["A", "p"] < 0.01 < 0.05 < found.loc["B", "p"]
    assert found["p"].tolist() == pytest.approx(holm(found["raw"]).tolist())
    assert found["least"].tolist() == [2 * 2 / 10_000] * 2  # so many signs are not all tried
    assert found.loc["A", "low"] > 0 > found.loc["B", "low"]


def test_rivals_are_corrected_for_their_own_number_and_controls_for_theirs():
    rng = np.random.default_rng(1)
    rows = [(m, p, 0.2, s, rng.normal()) for m in "RABCDE" for p in "xyz" for s in range(3)]
    found = paired(frame(rows), SCORE, "R", rivals=("A", "B")).set_index("method")
    for family in (["A", "B"], ["C", "D", "E"]):
        part = found.loc[family]
        assert part["p"].tolist() == pytest.approx(holm(part["raw"]).tolist())
        assert part["least"].tolist() == [2 * len(family) / 2**9] * len(family)
    more = paired(frame(rows), SCORE, "R", rivals=("A", "B", "F")).set_index("method")
    part = more.loc[["A", "B"]]  # F was planned, too
    assert part["p"].tolist() == pytest.approx(holm([*part["raw"], 1.0])[:2].tolist())
    assert part["least"].tolist() == [2 * 3 / 2**9] * 2


def test_without_partners_nothing_is_compared():
    assert paired(frame([("A", "x", 0.2, 0, 1.0), ("R", "x", 0.2, 1, 1.0)]), SCORE, "R").empty


def test_a_missing_reference_is_refused():
    with pytest.raises(ValueError, match=r"reference must be one of \['A'\]"):
        paired(frame([("A", "x", 0.2, 0, 1.0)]), SCORE, "R")


def compared(sigma, method, value, low, high, p, claim=True):
    return {
        "method": method, "sigma": sigma, "value": value, "low": low, "high": high, "p": p,
        "claim": claim, "runs": 15, "least": 0.001,
    }  # fmt: skip


BEATEN = compared(0.2, "A", -0.3, -0.4, -0.2, 0.01)
EQUAL = compared(np.inf, "A", 0.0, -0.02, 0.02, 0.9)


@pytest.mark.parametrize(
    "row, said",
    [
        (BEATEN, "ours − A, σ = 0.2: +0.300 [+0.200, +0.400], p = 0.01, 15 pairs of runs: better"),
        (compared(0.2, "A", 0.3, 0.2, 0.4, 0.01), "pairs of runs: worse"),
        (EQUAL, "σ = ∞: -0.000 [-0.020, +0.020], p = 0.9, 15 pairs of runs: not worse by"),
        (compared(0.2, "A", 0.1, -0.1, 0.3, 0.5), "pairs of runs: undecided"),
        (compared(0.2, "A", -0.2, -0.3, -0.1, 0.1), "pairs of runs: ahead, not certainly"),
        (compared(0.2, "A", 0.2, 0.1, 0.3, 0.1), "pairs of runs: behind, not certainly"),
        (
            compared(0.2, "A", 0.1, -0.1, 0.3, 0.5) | {"least": 0.06},
            "few runs cannot reach p < 0.05",
        ),
        (compared(0.2, "A", -0.3, -0.4, -0.2, 0.01, claim=False), "no claim, fewer than three"),
        (
            compared(0.2, "A", -0.3, np.nan, np.nan, 1.0, claim=False) | {"runs": 1},
            "σ = 0.2: +0.300, p = 1, 1 pair of runs: no claim",
        ),
    ],
)
def test_what_a_comparison_allows_to_say(row, said):
    assert said in verdict(pd.Series(row), "ours")


def test_a_claim_needs_all_comparisons():
    close, worse = (
        compared(*v) for v in ((0.2, "B", -0.1, -0.3, 0.1, 0.2), (np.inf, "B", 0.2, 0.1, 0.3, 0.01))
    )
    few = compared(0.2, "B", -0.3, -0.4, -0.2, 0.01, claim=False)
    beaten = BEATEN | {"method": "B"}
    told = {
        "holds": [BEATEN, EQUAL],
        "does not hold: at σ = 0.2 not certainly better than B": [BEATEN, close, EQUAL, worse],
        "holds in part: at σ = ∞ possibly worse than B": [BEATEN, beaten, EQUAL, worse],
        "cannot be judged yet": [BEATEN],
    }
    for words, rows in told.items():
        assert holds(pd.DataFrame(rows), 0.2).startswith(words)
    assert holds(pd.DataFrame([BEATEN, few, EQUAL, worse]), 0.2).startswith("cannot")
    assert holds(pd.DataFrame([BEATEN, EQUAL, worse]), 0.2).startswith("cannot")  # B, at σ = 0.2
    assert holds(pd.DataFrame([BEATEN, EQUAL, worse]), 0.2, rivals=["A"]) == "holds"
    assert holds(pd.DataFrame([BEATEN, EQUAL]), 0.2, rivals=["A", "C"]).startswith("cannot")


def test_a_claim_that_so_few_runs_cannot_decide_does_not_fail():
    three = compared(0.2, "B", -0.3, -0.4, -0.2, 1.0) | {"least": 1.0}
    close = compared(0.2, "A", -0.1, -0.3, 0.1, 0.2)
    none = [EQUAL, EQUAL | {"method": "B"}]
    words = "so few runs cannot reach p < 0.05"
    assert words in holds(pd.DataFrame([BEATEN, three, *none]), 0.2)
    assert holds(pd.DataFrame([close, three, *none]), 0.2).startswith("does not hold")


def test_few_runs_without_correlation_are_an_indication():
    said = holds(pd.DataFrame([BEATEN, EQUAL | {"runs": 5}]), 0.2)
    assert said.startswith("holds, with an indication only") and "intervals of 5 runs" in said


def test_where_lower_scores_are_better_less_is_a_gain():
    row = pd.Series(BEATEN)
    assert verdict(row, "ours", lower_is_better=True).endswith("worse")
    higher = compared(0.2, "A", 0.3, 0.2, 0.4, 0.01)
    said = verdict(pd.Series(higher), "ours", lower_is_better=True)
    assert "ours − A, σ = 0.2: -0.300 [-0.400, -0.200]" in said and said.endswith("better")
    assert holds(pd.DataFrame([higher, EQUAL]), 0.2, lower_is_better=True) == "holds"
    assert holds(pd.DataFrame([BEATEN, EQUAL]), 0.2, lower_is_better=True).startswith("does not")
    worse = compared(np.inf, "A", -0.2, -0.3, -0.1, 0.01)
    assert "possibly worse" in holds(pd.DataFrame([higher, worse]), 0.2, lower_is_better=True)


def test_a_run_that_stands_for_several_pairs_counts_once():
    rows = [("A", pair, np.inf, seed, score) for seed, score in ((0, 1.0), (1, 3.0))
            for pair in ("x", "y")]  # fmt: skip
    table = frame(rows).assign(setting="s", key=lambda t: t["seed"].astype(str))
    found = summary(table, SCORE).iloc[0]
    assert found["runs"] == 2 and found["mean"] == 2.0 and found["std"] == pytest.approx(2**0.5)
