"""Chapter 3: nats, schedules, and what a log tells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd

from vaelib.datasets import DSprites
from vaelib.exercises.verdict import compare, exercise, expect, number


@exercise("Right: ln n nats tell n equal values apart, and the nats of independent factors add up.")
def check_nats(nats: Callable[[Sequence[int]], float]) -> Iterator[str]:
    """`nats(sizes)`: nats that name one value of each factor, all values equally likely."""
    sizes = DSprites().factor_sizes
    got, right = number(nats(sizes)), float(np.log(np.prod(sizes)))
    known = {
        right / np.log(2): "That is in bits. A nat uses the natural logarithm.",
        float(np.prod(sizes)): "That is the number of images; how many nats name one of them?",
        float(np.log(np.sum(sizes))): "It adds up the values of all factors; the images are their "
        "product: every value goes with every other.",
        float(np.mean(np.log(sizes))): "It averages over the factors; the nats of all of them are "
        "needed at once.",
    }
    rest = f"For dSprites it gives {got:.2f}; one of {np.prod(sizes):,} images has other nats."
    yield from compare(got, right, known, rest, rtol=1e-4)
    if not np.isclose(number(nats([2, 2, 2])), 3 * np.log(2)):
        yield "For three factors of two values it must be 3 ln 2: use the sizes that are given."


@exercise("Right: it waits, climbs evenly, and stays.")
def check_schedule(capacity: Callable[[int, int, int, float], float]) -> Iterator[str]:
    """`capacity(step, start, stop, top)`: 0 until `start`, `top` from `stop` on, a line between."""
    start, stop, top = 1_000, 5_000, 20.0
    wanted = {0: 0.0, 999: 0.0, 1_000: 0.0, 2_000: 5.0, 3_000: 10.0, 5_000: 20.0, 9_000: 20.0}
    got = {step: number(capacity(step, start, stop, top)) for step in wanted}
    if got[0] < 0:
        yield f"Before step {start:,} it is negative ({got[0]:g}): no KL can be that small."
    if got[9_000] > top:
        yield f"After step {stop:,} it goes on to {got[9_000]:g}: hold it at {top:g}."
    if np.isclose(got[2_000], 8.0):
        yield "It climbs as if it had begun at step 0: measure the steps from `start`."
    for step, right in wanted.items():
        if not np.isclose(got[step], right, atol=1e-6):
            yield (
                f"With start {start:,}, stop {stop:,} and top {top:g} it must be {right:g} at "
                f"step {step:,}; yours is {got[step]:g}."
            )


def _log() -> pd.DataFrame:
    """A log where z0 comes early, z1 flickers, z2 never comes, z3 is lost, and z4 always there."""
    row = np.arange(10)
    kl = np.zeros((10, 5))
    kl[:, 0] = np.maximum(0, row - 1)
    kl[:, 1] = np.maximum(0, row - 5)
    kl[2:4, 1] = 0.9  # a flicker
    kl[3:9, 3] = 1.0  # and gone in the last row
    kl[:, 4] = 1.0
    columns = [f"kl_{j}" for j in range(5)]
    return pd.DataFrame(kl, columns=columns).assign(capacity=2.0 * row)


@exercise("Right: this is the order in which the latents were recruited.")
def check_recruited(recruited: Callable[[pd.DataFrame, float], Sequence[float]]) -> Iterator[str]:
    """`recruited(log, nats)`: the capacity from which on each latent has more than `nats`, (D,).

    `log` has the columns capacity and kl_0 … kl_{D−1}; infinite for a latent that never does.
    """
    got = np.asarray(recruited(_log(), 0.5), float)
    yield from expect(got, (5,), "one capacity for each latent")
    if got[1] == 4.0:
        yield (
            "z1 flickers at the capacities 4 and 6 and is gone again at 8. Count from where it "
            "stays above the threshold up to the end."
        )
    if np.isfinite(got[2]):
        yield f"z2 never has 0.5 nats, so its capacity is infinite; yours is {got[2]:g}."
    if np.isfinite(got[3]):
        yield f"z3 has 0 nats at the end, so its capacity is infinite; yours is {got[3]:g}."
    if got[0] == 2.0:
        yield (
            "That is a row's number, or the row before: z0 is above the threshold from row 2 on, "
            "where the capacity is 4."
        )
    for j, right in enumerate((4.0, 12.0, np.inf, np.inf, 0.0)):
        if got[j] != right:
            yield f"z{j} is there from capacity {right:g} on; yours says {got[j]:g}."


@exercise("Right: a larger γ moves no optimum, but far beyond it drowns the reconstruction.")
def check_smallest_gamma(
    smallest_gamma: Callable[[np.ndarray, np.ndarray], float],
) -> Iterator[str]:
    """`smallest_gamma(kl, reconstruction)`: the steepest fall between neighbours on the curve.

    Points (N,) of the rate–distortion curve, in any order.
    """
    kl = np.array([12.0, 2.0, 5.0, 0.0])  # not sorted
    reconstruction = np.array([70.0, 380.0, 200.0, 560.0])
    got = number(smallest_gamma(kl.copy(), reconstruction.copy()))
    nats, error = np.array([0.0, 1.0, 2.0, 6.0]), np.array([300.0, 280.0, 200.0, 180.0])
    bent = number(smallest_gamma(nats, error))
    known = {
        -90: "The curve falls, so its slope is negative; γ must be as large as minus the slope.",
        490 / 12: "That is the slope from the first point to the last; the curve is steeper at "
        "first.",
        130 / 7: "That is the gentlest piece; γ must hold the KL at C on the steepest one too.",
    }
    rest = (
        f"For KL {kl.tolist()} and reconstruction {reconstruction.tolist()} it gives {got:.4g}; "
        "90 is right: from 0 to 2 nats, 180 nats of reconstruction are saved. Sort by the KL."
    )
    yield from compare(got, 90, known, rest)
    if not np.isclose(bent, 80.0):
        yield (
            "The steepest piece need not be the first, and it lies between two neighbours: for KL "
            "[0, 1, 2, 6] and reconstruction [300, 280, 200, 180] it must be 80, yours is "
            f"{bent:.4g}."
        )
