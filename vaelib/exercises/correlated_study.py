"""Chapter 8: what few seeds can show, corrected p values, robust means, fair choices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np

from vaelib.exercises.verdict import compare, exercise, expect
from vaelib.studies.statistics import holm

if TYPE_CHECKING:
    import pandas as pd


@exercise("Right: 2/2⁶ = 0.031; five pairs stop at 0.063, however large the difference is.")
def check_smallest(pairs: int) -> Iterator[str]:
    """The smallest number of pairs with which the two-sided sign-flip test can reach p < 0.05."""
    if not isinstance(pairs, Real) or isinstance(pairs, bool):
        yield f"Give a number, got {pairs!r}."
    if pairs == 5:
        yield "One pattern of 32 is 0.03, but the test is two-sided: all plus *or* all minus."
    if pairs > 6:
        yield "That many can; fewer can too. What is the smallest p of n pairs?"
    if pairs != 6:
        yield "With n pairs there are 2ⁿ patterns of signs, and two of them are the most extreme."


@exercise("Right: sorted, multiplied, and never falling.")
def check_corrected(corrected: Callable[[np.ndarray], np.ndarray]) -> Iterator[str]:
    """`corrected(p)`: Holm's p values (n,) in the order given."""
    for p in ([0.01, 0.04, 0.03, 0.005], [0.03, 0.031], [0.9, 0.6, 0.02], [0.2]):
        p = np.array(p)
        got, right = np.asarray(corrected(p.copy())), holm(p)
        yield from expect(got, p.shape, "an array with one p value for each given")
        if np.allclose(got, right):
            continue
        if np.allclose(got, p * len(p)) or np.allclose(got, np.minimum(p * len(p), 1)):
            yield "That is Bonferroni's: Holm multiplies only the smallest with their number."
        if np.max(got) > 1:
            yield "A p value is never above 1."
        if np.allclose(np.sort(got), np.sort(right)):
            yield "The values are right, but they must stand in the order of the p given."
        yield f"For {p.tolist()} it gives {np.round(got, 4).tolist()}, not {right.tolist()}."


@exercise("Right: two wild runs of eight do not move it.")
def check_middle(middle: Callable[[np.ndarray], float]) -> Iterator[str]:
    """`middle(values)`: the interquartile mean."""
    for values in ([3.0, 1.0, 2.0, 100.0], [5.0, 1.0, 9.0, 2.0, 4.0, 50.0, 3.0], [7.0]):
        values = np.array(values)
        cut = len(values) // 4
        right = np.mean(np.sort(values)[cut : len(values) - cut])
        got = middle(values.copy())
        known = {
            np.mean(values): "That is the plain mean: leave out the lowest and the highest quarter "
            "first.",
            np.mean(values[cut : len(values) - cut]): "Sort the values before you cut: the ends "
            "must be the lowest and the highest.",
        }
        rest = f"For {values.tolist()} it gives {got:g}; the middle half has the mean {right:g}."
        yield from compare(got, right, known, rest)


@exercise("Right: the choice never saw the runs that are reported.")
def check_fair_score(fair_score: Callable[[pd.DataFrame], float]) -> Iterator[str]:
    """`fair_score(table)`: chosen in the phase select, measured in the phase report."""
    import pandas as pd

    scores = {  # b has the best single run of `select`, c the best of `report`
        "select": {
            "a": (0.5, 0.5, 0.8),
            "b": (0.1, 0.55, 0.9),
            "c": (0.3, 0.2, 0.3),
            "d": (0, 0, 0),
        },
        "report": {
            "a": (0.3, 0.4, 0.35),
            "b": (0.5, 0.5, 0.5),
            "c": (0.7, 0.6, 0.65),
            "d": (0.1, 0, 0),
        },
    }
    rows = [
        (phase, setting, score)
        for phase, settings in scores.items()
        for setting, three in settings.items()
        for score in three
    ]
    got = fair_score(pd.DataFrame(rows, columns=["phase", "setting", "score"]))
    known = {
        0.65: "That is the best of the reported means; choose in `select`, measure in `report`.",
        0.6: "That is the chosen setting's mean in `select`, where it was chosen; measure in "
        "`report`.",
        (0.35 + 0.5 + 0.65 + 0.1 / 3) / 4: "That is the mean over all settings: choose one first.",
        0.5: "That setting has the best single run, or the best median; choose by the mean.",
        0.9: "That is the best single run; take means.",
    }
    rest = f"It gives {got:g}. In `select` a is best (0.6); its mean in `report` is 0.35."
    yield from compare(got, 0.35, known, rest)
