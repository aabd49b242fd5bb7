"""Studies in pictures: scores with intervals, paired differences, settings, curves, planes.

>>> from vaelib.studies.statistics import by_strength, paired
>>> import pandas as pd
>>> table = pd.DataFrame({"method": list("aaabbb"), "seed": [0, 1, 2] * 2, "mig": range(6)})
>>> table = table.assign(pair="x+y", sigma=0.2, setting="beta=4", key=table.index)
>>> ax = strengths(by_strength(table, "mig"), "mig")
>>> ax = differences(paired(table, "mig", reference="a"), "mig", "a")
>>> ax = sensitivity(table, "mig")
>>> log = pd.DataFrame({"step": [1, 2], "reconstruction": [7.0, 6.0], "kl": [2.0, 2.0]})
>>> axes = curves({"a": log, "b": log + 1})
>>> ax = plane(np.stack(np.meshgrid(range(4), range(5)), axis=-1), ("pos_x", "pos_y"))
>>> words("uncorrelated.mig")
'MIG (uncorrelated data)'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from vaelib.plots.palette import (
    COLOURS,
    INK,
    MARKERS,
    PALE,
    WIDTH,
    label_lines,
    look,
    new_axes,
    styled,
)

if TYPE_CHECKING:
    import pandas as pd


@styled
def strengths(found: pd.DataFrame, score: str, ax: Axes | None = None) -> Axes:
    """The score of each method at each strength of correlation, with intervals.

    `found` has the columns method, sigma, value, low, high, claim, as
    `vaelib.studies.statistics.by_strength` gives them. Hollow marks: fewer than three seeds.
    """
    ax = ax or new_axes(3.6, 0.8 * WIDTH)
    sigmas = sorted(found["sigma"].unique(), reverse=True)
    methods, lines = list(found["method"].unique()), []
    for i, method in enumerate(methods):
        part = found[found["method"] == method].set_index("sigma")
        part = part.loc[[s for s in sigmas if s in part.index]]
        x = np.array([sigmas.index(s) for s in part.index]) + _aside(i, len(methods))
        how = {"color": look(i)["color"]}
        lines += ax.plot(x, part["value"], lw=1.0, ls=look(i)["linestyle"], **how)
        ax.vlines(x, part["low"], part["high"], lw=1.2, **how)
        for at, row in zip(x, part.itertuples(), strict=True):
            face = how["color"] if row.claim else "white"
            marker = MARKERS[(i + i // len(COLOURS)) % len(MARKERS)]  # a colour's second is another
            ax.plot(at, row.value, marker=marker, mfc=face, ms=4.5, **how)
    ax.set_xticks(range(len(sigmas)), [_sigma(s) for s in sigmas])
    ax.set_xlim(-0.45, len(sigmas) - 0.55)
    ax.set_xlabel("correlation in training, stronger to the right")
    ax.set_ylabel(words(score))
    label_lines(ax, methods, lines)
    return ax


@styled
def differences(found: pd.DataFrame, score: str, reference: str, ax: Axes | None = None) -> Axes:
    """Paired differences to the method `reference`, a line each, with intervals around them.

    `found` is what `vaelib.studies.statistics.paired` gives. Full marks: the corrected p is below
    0.05 and no cell has fewer than three seeds.
    """
    found = found.sort_values("sigma", kind="stable").reset_index(drop=True)
    ax = ax or new_axes(0.9 + 0.17 * len(found), 0.8 * WIDTH)
    for i, row in found.iterrows():
        certain = row["claim"] and row["p"] < 0.05
        ax.plot([row["low"], row["high"]], [i, i], color=INK, ls="-", lw=1.2)
        ax.plot(row["value"], i, "o", color=INK, mfc=INK if certain else "white", ms=5)
    ax.axvline(0, color=PALE, lw=0.9, ls="-")
    names = [f"{row['method']}, {_sigma(row['sigma'])}" for _, row in found.iterrows()]
    ax.set_yticks(range(len(found)), names)
    ax.set_ylim(len(found) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel(f"{words(score)}:\ndifference to {reference}")
    return ax


@styled
def sensitivity(table: pd.DataFrame, score: str, ax: Axes | None = None) -> Axes:
    """The score of every setting of every method: dots are runs, bars their means."""
    groups = list(table.groupby(["method", "setting"], sort=False))
    ax = ax or new_axes(0.8 + 0.17 * len(groups), 0.8 * WIDTH)
    methods = list(dict.fromkeys(method for (method, _), _ in groups))
    for i, ((method, _), part) in enumerate(groups):
        colour = COLOURS[methods.index(method) % len(COLOURS)]
        ax.plot(part[score], [i] * len(part), ".", color=colour, ms=4, alpha=0.7)
        ax.plot(part[score].mean(), i, "|", color=colour, ms=12, mew=2.5)
    ax.set_yticks(range(len(groups)), [f"{m} {s}".strip() for (m, s), _ in groups])
    ax.set_ylim(len(groups) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel(words(score))
    return ax


@styled
def curves(logs: Mapping[str, pd.DataFrame], axes: np.ndarray | None = None) -> np.ndarray:
    """Reconstruction and KL over the steps of several runs, {name: run.log}, in nats per image."""
    if axes is None:
        _, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.2))
    for ax, column in zip(axes, ("reconstruction", "kl"), strict=True):
        lines = []
        for i, log in enumerate(logs.values()):
            smooth = log[column].rolling(5, min_periods=1).mean()
            lines += ax.plot(log["step"], smooth, **look(i))
        ax.set_xlabel("training step")
        ax.set_ylabel(f"{'KL' if column == 'kl' else column}, nats per image")
    axes[0].set_yscale("log")
    label_lines(axes[1], list(logs), lines)
    return np.asarray(axes)


@styled
def plane(
    grid: np.ndarray, names: tuple[str, str], title: str = "", ax: Axes | None = None
) -> Axes:
    """The codes of a grid of two factors in the plane of two latents: (n, m, 2).

    Lines of one colour join images that differ only in the first factor, lines of the other those
    that differ only in the second. Lines along the axes: each factor has a latent of its own.
    """
    grid = np.asarray(grid)
    if grid.ndim != 3 or grid.shape[2] != 2:
        raise ValueError(f"a grid of codes must be (n, m, 2), got {grid.shape}")
    ax = ax or new_axes(2.6, 2.6)
    for k, lines in enumerate((grid.transpose(1, 0, 2), grid)):
        for i, line in enumerate(lines):
            label = f"{names[k]} moves" if i == 0 else None
            ax.plot(*line.T, color=COLOURS[k], ls="-", lw=0.9, label=label)
    ax.set_xlabel("one latent")
    ax.set_ylabel("another")
    ax.set_aspect("equal", adjustable="datalim")
    ax.set_title(title)
    return ax


def words(column: str) -> str:
    """`uncorrelated.pairwise_mig.pair` in words."""
    distribution, _, rest = column.partition(".")
    where = {"uncorrelated": "uncorrelated data", "correlated": "training data"}
    name = rest.replace("_", " ").replace(".pair", " of the pair").replace(".", ", ")
    name = name.replace("mig", "MIG").replace("dci", "DCI")
    return f"{name} ({where[distribution]})" if distribution in where else column


def _aside(i: int, n: int) -> float:
    """A place beside the tick, so that intervals do not cover each other."""
    return 0.6 * ((i + 0.5) / n - 0.5)


def _sigma(sigma: float) -> str:
    return "σ = ∞" if np.isinf(sigma) else f"σ = {sigma:g}"
