"""Factors and latents: what depends on what.

>>> ax = mutual_information(np.eye(2), ["shape", "scale"], kl=[1.0, 2.0])
>>> x, y = np.random.default_rng(0).integers(0, 8, (2, 1000))
>>> ax = joint_histogram(x, y, (8, 8), ("pos_x", "pos_y"))
>>> axes = joint_histograms({"independent": (x, y), "equal": (x, x)}, (8, 8), ("pos_x", "pos_y"))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from vaelib.plots.palette import FRAME, INK, MAP, PALE, WIDTH, new_axes, styled


@styled
def mutual_information(
    matrix: np.ndarray,
    factor_names: Sequence[str],
    kl: Sequence[float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """I(z_j; factor) of each latent (rows) and factor (columns), (D, K) in nats, as a heat map.

    With `kl`, (D,) in nats, the rows are ordered by falling KL. The frame marks the latent that
    tells most about each factor.
    """
    matrix = np.asarray(matrix, float)
    if matrix.ndim != 2 or matrix.shape[1] != len(factor_names):
        raise ValueError(
            f"the matrix must be (D, {len(factor_names)}) for {tuple(factor_names)}, "
            f"got {matrix.shape}"
        )
    order = np.arange(len(matrix)) if kl is None else np.argsort(-np.asarray(kl), kind="stable")
    shown = matrix[order]
    ax = ax or new_axes(0.9 + 0.27 * len(matrix), min(WIDTH, 1.8 + 0.95 * len(factor_names)))
    picture = ax.imshow(shown, cmap=MAP, vmin=0, vmax=max(shown.max(), 0.1), aspect="auto")
    _write_cells(ax, shown, picture.norm.vmax)
    for column, row in enumerate(shown.argmax(axis=0)):
        corner = (column - 0.48, row - 0.45)
        ax.add_patch(Rectangle(corner, 0.96, 0.9, fill=False, ec=FRAME, lw=2.2))
    ax.set_xticks(range(len(factor_names)), factor_names)
    ax.set_yticks(range(len(order)), [f"z{j}" for j in order])
    _bare(ax)
    ax.set_ylabel("latent" if kl is None else "latent, by falling KL")
    bar = ax.figure.colorbar(picture, ax=ax, label="nats", fraction=0.05, pad=0.02)
    bar.outline.set_visible(False)
    ax.set_title("Mutual information of latent and factor; framed: the highest of each factor")
    return ax


@styled
def joint_histogram(
    first: np.ndarray,
    second: np.ndarray,
    sizes: tuple[int, int],
    names: tuple[str, str],
    ax: Axes | None = None,
) -> Axes:
    """How often each pair of values occurs: two factors of N samples, (N,) int each.

    `sizes` are the factors' numbers of values.
    """
    ax = ax or new_axes(3.0, 3.6)
    share = _shares(first, second, sizes)
    _color_bar(_draw_joint(ax, share, names, share.max()), ax)
    ax.set_title(f"Joint frequency of {names[0]} and {names[1]}")
    return ax


@styled
def joint_histograms(
    samples: Mapping[str, tuple[np.ndarray, np.ndarray]],
    sizes: tuple[int, int],
    names: tuple[str, str],
    axes: Sequence[Axes] | None = None,
) -> np.ndarray:
    """Joint histograms side by side, all with the same shades: {title: (first, second)}."""
    if axes is None:
        height = 0.85 + 0.78 * WIDTH / len(samples)
        _, axes = plt.subplots(1, len(samples), figsize=(WIDTH, height), sharey=True)
    axes = np.atleast_1d(axes)
    shares = [_shares(*pair, sizes) for pair in samples.values()]
    top = max(share.max() for share in shares)
    for ax, title, share in zip(axes, samples, shares, strict=True):
        picture = _draw_joint(ax, share, names, top)
        ax.set_title(title)
        ax.label_outer()
    _color_bar(picture, axes)
    return axes


def _shares(first: np.ndarray, second: np.ndarray, sizes: tuple[int, int]) -> np.ndarray:
    """The share of the samples in each pair of values, (first, second); they add up to 1."""
    first, second = np.asarray(first), np.asarray(second)
    if first.shape != second.shape or first.ndim != 1 or not len(first):
        raise ValueError(f"two factors need (N,) values each, got {first.shape}, {second.shape}")
    for values, size in ((first, sizes[0]), (second, sizes[1])):
        if values.min() < 0 or values.max() >= size:
            raise ValueError(f"values must be in 0..{size - 1}, got {values.min()}..{values.max()}")
    counts = np.bincount(first * sizes[1] + second, minlength=sizes[0] * sizes[1])
    return counts.reshape(sizes) / len(first)


def _draw_joint(ax: Axes, share: np.ndarray, names: tuple[str, str], top: float) -> AxesImage:
    picture = ax.imshow(share.T, cmap=MAP, vmin=0, vmax=top, origin="lower")
    ax.set_box_aspect(1)
    ax.set_aspect("auto")
    ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    ax.set_xlabel(names[0])
    ax.set_ylabel(names[1])
    return picture


def _color_bar(picture: AxesImage, ax: Axes | np.ndarray) -> None:
    bar = picture.figure.colorbar(picture, ax=ax, label="share of samples", shrink=0.9)
    bar.locator = MaxNLocator(4)
    bar.ax.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.3g} %")
    bar.outline.set_visible(False)


def _write_cells(ax: Axes, values: np.ndarray, top: float) -> None:
    highest = values.max(axis=0)
    for (row, column), value in np.ndenumerate(values):
        weight = "bold" if value == highest[column] else "normal"
        colour = "white" if value > 0.6 * top else INK if value > 0.02 * top else PALE
        how = {"ha": "center", "va": "center", "fontsize": 7.5, "color": colour, "weight": weight}
        ax.text(column, row, f"{value:.2f}", **how)


def _bare(ax: Axes) -> None:
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
