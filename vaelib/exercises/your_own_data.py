"""Chapter 9: images to bytes, combinations that are missing, and what weights cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from numbers import Real

import numpy as np

from vaelib.exercises.verdict import exercise, expect


@exercise("Right: bytes, black at 0, white at 255, and each grey where it belongs.")
def check_prepare(prepare: Callable[[np.ndarray], np.ndarray]) -> Iterator[str]:
    """`prepare(images)`: floats in [−1, 1], (N, 3, H, W), to bytes of the same shape."""
    images = np.linspace(-1, 1, 2 * 3 * 32 * 32).astype(np.float32).reshape(2, 3, 32, 32)
    got = prepare(images.copy())
    yield from expect(got, images.shape, "images of the same shape")
    got = np.asarray(got)
    if got.dtype != np.uint8:
        yield f"It returns {got.dtype}; bytes are np.uint8."
    exact = (images + 1) * 127.5
    if got.max() <= 1:
        yield "White must be 255: you are at 1."
    if got.flat[0] > 100:
        yield f"Black, −1, became {got.flat[0]}: add 1 before you multiply."
    if (got == exact.astype(np.uint8)).all():
        yield "A cast cuts off: 254.9 becomes 254. Round first (np.rint)."
    if (worst := np.abs(got - exact).max()) > 0.51:
        yield f"A pixel is off by {worst:.0f} of 255."


@exercise("Right: so many images are missing before every combination has one.")
def check_missing(missing_cells: Callable[[np.ndarray], int]) -> Iterator[str]:
    """`missing_cells(factors)`: how many combinations of values (N, K) never occur."""
    rng = np.random.default_rng(0)
    for sizes, step in (((3, 4, 5), 1), ((2, 2), 1), ((4, 6, 3, 2), 1), ((3, 4), 2)):
        cells = rng.permutation(np.prod(sizes))[: np.prod(sizes) * 2 // 3]
        first = np.stack(np.unravel_index(rng.choice(cells, 400), sizes), axis=1)
        whole = np.stack(np.unravel_index(cells, sizes), axis=1)
        factors = step * np.concatenate([first, whole])  # with a step of 2: 0, 2, 4
        got = missing_cells(factors.copy())
        values = [len(np.unique(column)) for column in factors.T]
        right = int(np.prod(values)) - len(np.unique(factors, axis=0))
        if got == int(np.prod(values)) - len(factors):
            yield "Images with the same factors fill one combination only: np.unique(axis=0)."
        if step > 1 and got == int(np.prod(factors.max(0) + 1)) - len(np.unique(factors, axis=0)):
            yield "Count the values that occur: these factors have 0, 2, 4, and nothing between."
        if got != right:
            yield f"Of {np.prod(values)} combinations of {values} values {right} lack, not {got}."


@exercise("Right: 1 / Σ p². Weights cost images, and this is how many are left.")
def check_effective(effective: Callable[[np.ndarray], float]) -> Iterator[str]:
    """`effective(chances)`: how many equally likely images are worth as much as these, (N,)."""
    cases = {"500 equal chances": np.full(500, 1 / 500), "a single image": np.eye(1, 500)[0]}
    cases["half of them never drawn"] = np.repeat([0, 2 / 500], 250)
    cases["one half three times as likely"] = np.repeat([1 / 1000, 3 / 1000], 250)
    for name, chances in cases.items():
        got, right = effective(chances.copy()), 1 / (chances**2).sum()
        if not isinstance(got, Real | np.ndarray) or np.ndim(got):
            yield f"It returns a {type(got).__name__}; it must return one number."
        if not np.isclose(got, right):
            yield f"With {name} {right:.0f} images are left, yours says {got:.4g}."
