"""How a training went: the loss and its parts, the KL of each latent.

>>> import pandas as pd
>>> columns = {"step": [1, 2], "loss": [9.0, 8.0], "reconstruction": [7.0, 6.0], "kl": [2.0, 2.0]}
>>> log = pd.DataFrame(columns | {"kl_0": [1.9, 1.9], "kl_1": [0.1, 0.1]})
>>> axes = losses(log)  # both of these side by side
>>> ax = loss_curves(log)
>>> ax = latent_kl(log)
>>> ax = kl_bars([1.9, 0.1])
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from vaelib.plots._frames import need
from vaelib.plots.palette import INK, PALE, WIDTH, label_lines, look, new_axes, styled
from vaelib.traversal import ACTIVE_NATS

if TYPE_CHECKING:
    import pandas as pd


@styled
def losses(log: pd.DataFrame, axes: Sequence[Axes] | None = None) -> np.ndarray:
    """Loss, reconstruction and KL (left) and the KL of each latent (right) over the steps.

    `log` is `run.log`: columns step, loss, reconstruction, kl, kl_0 …, in nats per image. Returns
    the two axes.
    """
    if axes is None:
        _, axes = plt.subplots(1, 2, figsize=(WIDTH, 2.8))
    loss_curves(log, axes[0])
    latent_kl(log, axes[1])
    return np.asarray(axes)


@styled
def loss_curves(log: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Loss, reconstruction and unweighted KL over the steps, in nats; log scale if all are > 0."""
    need(log, "the log", "step", "loss", "reconstruction", "kl")
    ax = ax or new_axes(2.8, WIDTH / 2)
    # The reconstruction is a broad pale band under the thin loss: both show where they coincide.
    looks = {
        "reconstruction": {"color": look(0)["color"], "lw": 4, "alpha": 0.45, "ls": "-"},
        "loss": {"color": INK, "lw": 1.2, "ls": "-"},
        "kl": {"color": look(1)["color"], "ls": (0, (5, 1.5))},
    }
    lines = [ax.plot(log["step"], log[c], label=c, **how)[0] for c, how in looks.items()]
    lowest = log[list(looks)].min(axis=None)
    if lowest > 0:
        ax.set_yscale("log")
        ax.set_ylim(bottom=max(lowest / 1.5, 0.1))  # a KL of less is none
        ax.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    _steps(ax, log)
    ax.set_ylabel("nats per image")
    ax.set_title("Loss and its parts")
    label_lines(ax, ["reconstruction", "loss", "KL"], lines)
    return ax


@styled
def latent_kl(log: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """The KL of each latent over the steps; those that end inactive are pale and share a label."""
    found = (c for c in log if re.fullmatch(r"kl_\d+", str(c)))
    columns = sorted(found, key=lambda c: int(c[3:]))
    need(log, "the log", "step", *(columns or ["kl_0"]))
    ax = ax or new_axes(2.8, WIDTH / 2)
    columns.sort(key=lambda c: -log[c].iloc[-1])
    active = [c for c in columns if log[c].iloc[-1] >= ACTIVE_NATS]
    rest = columns[len(active) :]
    pale = {"color": PALE, "ls": "-", "lw": 0.9}
    idle = [ax.plot(log["step"], log[c], label=c, **pale)[0] for c in rest]
    lines = [ax.plot(log["step"], log[c], label=c, **look(i))[0] for i, c in enumerate(active)]
    ax.set_ylim(bottom=0)
    _steps(ax, log)
    ax.set_ylabel("nats per image")
    ax.set_title("KL of each latent")
    names = ["z" + c[3:] for c in active] + [f"{len(rest)} inactive"] * bool(rest)
    label_lines(ax, names, lines + idle[:1])
    return ax


@styled
def kl_bars(kl: Sequence[float], ax: Axes | None = None) -> Axes:
    """The KL of each latent, (D,) in nats, as bars from the most informative one down."""
    kl = np.asarray(kl, float)
    order = np.argsort(-kl, kind="stable")
    ax = ax or new_axes(0.5 + 0.24 * len(kl))
    active = kl[order] >= ACTIVE_NATS
    bars = ax.barh(
        np.arange(len(kl)), kl[order], color=np.where(active, look(0)["color"], PALE), height=0.7
    )
    ax.bar_label(bars, [f"{value:.2f}" for value in kl[order]], padding=3, fontsize=8)
    ax.set_yticks(np.arange(len(kl)), [f"z{j}" for j in order])
    ax.invert_yaxis()
    ax.tick_params(axis="y", length=0)
    ax.margins(x=0.1, y=0.02)
    ax.set_xlabel("KL in nats per image")
    ax.set_title(f"{active.sum()} of {len(kl)} latents are active: {kl.sum():.1f} nats in all")
    return ax


def _steps(ax: Axes, log: pd.DataFrame) -> None:
    ax.set_xlim(log["step"].iloc[0], log["step"].iloc[-1])
    ax.set_xlabel("training step")
    ax.xaxis.set_major_locator(plt.MaxNLocator(4))
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
