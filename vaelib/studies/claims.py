"""What the paired differences of a study allow to say, as sentences that are computed.

>>> import pandas as pd
>>> place = {"method": "BetaVAE", "sigma": 0.2, "claim": True}
>>> found = {"value": -0.2, "low": -0.3, "high": -0.1, "p": 0.01, "least": 0.01, "runs": 30}
>>> verdict(pd.Series(place | found), reference="ours")
'ours − BetaVAE, σ = 0.2: +0.200 [+0.100, +0.300], p = 0.01, 30 pairs of runs: better'
>>> holds(pd.DataFrame([place | found, place | found | {"sigma": np.inf}]), strong=0.2)
'holds'
>>> strength(np.inf)
'σ = ∞'
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

MARGIN = 0.05  # of a score: differences below it do not matter
CERTAIN = 0.05  # corrected p
ENOUGH_RUNS = 10  # of a bootstrap interval, which with fewer holds the truth in less than 90 %


def verdict(row: pd.Series, reference: str, lower_is_better: bool = False) -> str:
    """One comparison, a row of `paired`, in words: who is better, by how much, how surely.

    A gain of the reference is a difference below 0 where lower scores are better.
    """
    gain = -row["value"]  # of the reference over the method
    numbers = f"{gain:+.3f}"
    if np.isfinite(row["low"]):  # one run has no interval
        numbers += f" [{-row['high']:+.3f}, {-row['low']:+.3f}]"
    head = f"{reference} − {row['method']}, {strength(row['sigma'])}: {numbers}, "
    pairs = "1 pair" if row["runs"] == 1 else f"{int(row['runs'])} pairs"
    tail = f"p = {row['p']:.3g}, {pairs} of runs"
    return head + tail + ": " + _conclusion(_upwards(row, lower_is_better))


def _upwards(found: Any, lower_is_better: bool) -> Any:
    """The differences, one or a table of them, as if higher scores were better."""
    if not lower_is_better:
        return found
    found, old = found.copy(), found
    found["value"], found["low"], found["high"] = -old["value"], -old["high"], -old["low"]
    return found


def _conclusion(row: pd.Series) -> str:
    if not row["claim"]:
        return "no claim, fewer than three seeds"
    if row["p"] < CERTAIN:
        return "better" if row["value"] < 0 else "worse"
    few = ", so few runs cannot reach p < 0.05" if row["least"] >= CERTAIN else ""
    if row["high"] < 0 or row["low"] > 0:
        return ("ahead" if row["value"] < 0 else "behind") + ", not certainly" + few
    return f"not worse by more than {MARGIN}" if row["high"] < MARGIN else "undecided" + few


def strength(sigma: float) -> str:
    return "σ = ∞" if np.isinf(sigma) else f"σ = {sigma:g}"


def holds(
    found: pd.DataFrame, strong: float, rivals: Collection[str] = (), lower_is_better: bool = False
) -> str:
    """Whether the reference beats all `rivals` at σ = `strong` and is not worse at σ = ∞.

    `found` has the rows of `paired`; without `rivals` all its methods count. Not worse: no interval
    reaches beyond the margin on the other side. With few runs that is said to be an indication.
    """
    named = set(rivals or found["method"])
    found = _upwards(found[found["method"].isin(named)], lower_is_better)
    at, none = found[found["sigma"] == strong], found[np.isinf(found["sigma"])]
    if any(set(part["method"][part["claim"]]) != named for part in (at, none)):
        return "cannot be judged yet: comparisons are missing, or have fewer than three seeds"
    better = (at["p"] < CERTAIN) & (at["value"] < 0)
    if (few := at["least"] >= CERTAIN).any() and not (~better & ~few).any():
        return f"cannot be judged yet: so few runs cannot reach p < {CERTAIN}"
    if not better.all():
        who = ", ".join(at["method"][~better])
        return f"does not hold: at {strength(strong)} not certainly better than {who}"
    worse = none["high"] >= MARGIN
    if worse.any():
        return f"holds in part: at σ = ∞ possibly worse than {', '.join(none['method'][worse])}"
    if (fewest := int(none["runs"].min())) < ENOUGH_RUNS:
        return (
            f"holds, with an indication only that it is not worse at σ = ∞: intervals of {fewest} "
            "runs are too narrow"
        )
    return "holds"
