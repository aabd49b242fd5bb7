"""Chapter 1: factors, correlation, twins, and an honest split."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from numbers import Real
from typing import Any

import numpy as np

from vaelib.datasets import Correlated, DSprites
from vaelib.exercises.verdict import exercise, expect

WANTED_R = 0.5
PAIR = ("pos_x", "pos_y")


@exercise("Right: one step of a factor passes all images of those that run faster: data.index.")
def check_index_of(index_of: Callable[[np.ndarray, tuple[int, ...]], np.ndarray]) -> Iterator[str]:
    """`index_of(factors, sizes)`: factor vectors (N, K) to places in the grid, (N,)."""
    data = DSprites()
    steps = np.eye(5, dtype=np.int64)  # one step of each factor
    factors = np.concatenate([steps, data.factors(np.arange(0, len(data), 997))])
    got = np.asarray(index_of(factors.copy(), data.factor_sizes))
    yield from expect(got, (len(factors),), "one number for each factor vector")
    right = data.index(factors)
    if got[0] == 1:
        yield "You let the first factor run fastest. In this file the last one does: pos_y."
    if np.array_equal(got - right, np.full_like(got, got[0] - right[0])) and got[0] != right[0]:
        yield f"Every index is off by {got[0] - right[0]}: the first image has index 0."
    for name, weight, step in zip(data.factor_names, got[:5], right[:5], strict=True):
        if weight != step:
            yield (
                f"One step of {name} must move the index by {step:,} (the images of all factors "
                f"that run faster), yours moves it by {weight:,}."
            )
    if np.asarray(index_of(np.array([[1, 0, 0, 0, 1]]), (2, 2, 2, 2, 2)))[0] != 17:
        yield "Five factors of two values: [1, 0, 0, 0, 1] has the index 17. Use the sizes given."
    if not np.array_equal(got, right):
        row = int(np.flatnonzero(got != right)[0])
        yield f"{factors[row].tolist()} has the index {right[row]:,}, yours is {got[row]:,}."


@exercise("Right: that σ gives r = 0.5.")
def check_sigma(sigma: float) -> Iterator[str]:
    """The σ of pos_x and pos_y at which their correlation coefficient is 0.50."""
    if not isinstance(sigma, Real) or not sigma > 0:
        yield f"σ must be a number above 0, got {sigma!r}."
    r = pearson(Correlated(DSprites(), {PAIR: float(sigma)}).joint(*PAIR))
    if abs(r - WANTED_R) >= 0.01:
        change = "smaller" if r < WANTED_R else "larger"
        yield f"σ = {sigma:g} gives r = {r:.3f}, not {WANTED_R}. Try a {change} one."


def pearson(joint: np.ndarray) -> float:
    """The correlation coefficient of two indices with these joint probabilities, (n, m)."""
    first, second = np.indices(joint.shape)
    x, y = first - (first * joint).sum(), second - (second * joint).sum()
    return float((x * y * joint).sum() / np.sqrt((x**2 * joint).sum() * (y**2 * joint).sum()))


@exercise("Right: two factor vectors, one image. No encoder can tell these two apart.")
def check_twins(first: Any, second: Any) -> Iterator[str]:
    """Two factor vectors (5,) of the same ellipse, in different orientations, 39 left aside."""
    data = DSprites()
    pair = np.array([first, second])
    if pair.shape != (2, 5):
        yield f"Give two vectors of five factors, {data.factor_names}; got the shape {pair.shape}."
    images = data.render(pair)  # its own message says which value is out of range
    if (pair[:, 0] != 1).any():
        yield "Both must be ellipses: shape = 1."
    if 39 in pair[:, 2]:
        yield "Orientation 39 is the easy case: it equals 0 for every shape. Find another pair."
    if pair[0, 2] == pair[1, 2]:
        yield "Both have the same orientation; twins differ in it."
    if differing := int((images[0] != images[1]).sum()):
        yield f"These two differ in {differing} pixels. Half a turn is 19.5 steps: look near there."


@exercise("Right: no index is in both, and both contain every value of every factor.")
def check_split(split: Callable[[Any, int, int, np.random.Generator], Any]) -> Iterator[str]:
    """`split(data, train, test, rng)`: indices of that many images to train on and to test on."""
    data, sizes = DSprites(), (20_000, 5_000)
    got = split(data, *sizes, np.random.default_rng(0))
    if not isinstance(got, tuple | list) or len(got) != 2:
        yield f"It returns a {type(got).__name__}; it must return two arrays: return train, test."
    parts = {"train": np.asarray(got[0]), "test": np.asarray(got[1])}
    for (name, part), size in zip(parts.items(), sizes, strict=True):
        yield from _check_part(data, name, part, size)
    if shared := len(np.intersect1d(*parts.values())):
        yield f"{shared:,} images are in both parts: the test asks for what was learned by heart."
    again = split(data, *sizes, np.random.default_rng(0))
    if not all(map(np.array_equal, parts.values(), again)):
        yield "The same rng seed gives another split the second time: draw from the rng passed in."
    other = split(data, *sizes, np.random.default_rng(1))
    if all(map(np.array_equal, parts.values(), other)):
        yield "Another rng gives the same split: draw from the rng passed in, not from your own."


def _check_part(data: DSprites, name: str, part: np.ndarray, size: int) -> Iterator[str]:
    if part.shape != (size,) or not np.issubdtype(part.dtype, np.integer):
        yield f"The {name} part must be {size:,} whole numbers, got {part.size:,} of {part.dtype}."
    if repeated := size - len(np.unique(part)):
        yield f"{repeated:,} images come twice in the {name} part: draw without replacement."
    if lacking := missing_values(data, data.factors(part)):
        yield f"The {name} part lacks values: {lacking}. The file is sorted; draw from all of it."


def missing_values(data: DSprites, factors: np.ndarray) -> str:
    """Which factors do not take all their values: `shape has 1 of 3`; "" when none is missing."""
    counts = [len(np.unique(column)) for column in factors.T]
    rows = zip(data.factor_names, counts, data.factor_sizes, strict=True)
    return ", ".join(f"{name} has {count} of {size}" for name, count, size in rows if count < size)
