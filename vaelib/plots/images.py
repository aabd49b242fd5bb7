"""Pictures made of images: grids, reconstructions, traversals.

>>> from vaelib.datasets import DSprites
>>> from vaelib.networks import Fast
>>> from vaelib.traversal import decode, sample_prior, traverse
>>> from vaelib.vae import VAE
>>> vae, rng = VAE(Fast(), (1, 64, 64), latent_dim=10), np.random.default_rng(0)
>>> images = DSprites().sample(6, rng)
>>> ax = image_grid(images, columns=3, labels="abcdef")
>>> ax = reconstructions(images, decode(vae, rng.normal(size=(6, 10))))
>>> ax = prior_samples(sample_prior(vae, 20, rng))
>>> ax = traversal(traverse(vae, images, steps=3))
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from vaelib.pixels import mosaic, unit
from vaelib.plots.palette import FRAME, INK, PALE, WIDTH, new_axes, styled
from vaelib.traversal import Traversal

_GAP = 2  # pixels of white between two images
_LARGEST = 0.9  # inches, a cell at most
_FADE = 0.3  # what an inactive row keeps of its contrast


@styled
def image_grid(
    images: Any, columns: int = 10, labels: Sequence[str] = (), ax: Axes | None = None
) -> Axes:
    """Images (N, C, H, W), row by row; `labels`, if given, stand below them, one each."""
    images = unit(images)
    if labels and len(labels) != len(images):
        raise ValueError(f"{len(images)} images need as many labels, got {len(labels)}")
    columns = min(columns, len(images))
    blank = np.ones((-len(images) % columns, *images.shape[1:]), np.float32)
    cells = np.concatenate([images, blank]).reshape(-1, columns, *images.shape[1:])
    cell = _cell_points(ax, columns)
    size, lines = _fit(labels, cell)
    below = math.ceil(1.35 * size * lines / cell * images.shape[-1])  # room for labels, in pixels
    cells = np.pad(cells, ((0, 0), (0, 0), (0, 0), (0, below), (0, 0)), constant_values=1)
    ax = _show(cells, ax, margin=0.1)
    for i, label in enumerate(labels):
        x, y = _centre(cells, *divmod(i, columns))
        bottom = y + cells.shape[3] / 2 - below
        ax.text(x, bottom, label, ha="center", va="top", fontsize=size, linespacing=1.0)
    ax.set_axis_off()
    return ax


@styled
def reconstructions(
    images: Any, reconstructed: Any, nats: Sequence[float] = (), ax: Axes | None = None
) -> Axes:
    """Images (N, C, H, W) above what the model makes of them.

    `nats`, the reconstruction error of each image (sum over pixels), stands below, if given.
    """
    above, below = unit(images), unit(reconstructed)
    if above.shape != below.shape:
        raise ValueError(
            f"images and reconstructions must match, got {above.shape} and {below.shape}"
        )
    cells = np.stack([above, below])
    ax = _show(cells, ax)
    _name_rows(ax, cells, ["image", "reconstruction"])
    if len(nats):
        ax.set_xticks([_centre(cells, 0, i)[0] for i in range(len(above))])
        ax.set_xticklabels([f"{value:.0f}" for value in nats])
        ax.set_xlabel("reconstruction error of the image in nats")
    ax.set_title("Images and their reconstructions")
    return ax


@styled
def prior_samples(images: Any, columns: int = 10, ax: Axes | None = None) -> Axes:
    """Images (N, C, H, W) decoded from the prior, as `traversal.sample_prior` gives them."""
    images = unit(images)
    columns = min(columns, len(images))
    ax = ax or new_axes(0.35 + (WIDTH - 1) / columns * math.ceil(len(images) / columns))
    image_grid(images, columns, ax=ax)
    ax.set_title("Samples: codes drawn from the prior N(0, I), decoded")
    return ax


@styled
def traversal(traversal: Traversal, ax: Axes | None = None) -> Axes:
    """One latent a row, by falling KL; each moves over the values that it takes on the data.

    Inactive latents are pale. In each other row, the framed image is nearest to the anchor's own
    code.
    """
    t = traversal
    keep = np.where(t.active, 1.0, _FADE)[:, None, None, None, None]
    cells = 1 - keep * (1 - t.images)
    ax = _show(cells, ax)
    _name_rows(ax, cells, t.labels, [INK if active else PALE for active in t.active])
    _frame(ax, cells, [(row, column) for row, column in enumerate(t.home) if t.active[row]])
    shown = [0, t.images.shape[1] // 2, t.images.shape[1] - 1]
    ax.set_xticks([_centre(cells, 0, s)[0] for s in shown])
    ax.set_xticklabels([f"{100 * t.levels[s]:.0f} %" for s in shown])
    ax.set_xlabel("value of the row's latent, as a quantile over the data")
    ax.set_title("Each row moves one latent; framed: nearest to the code of the image itself")
    return ax


def _show(cells: np.ndarray, ax: Axes | None, margin: float = 0.55) -> Axes:
    """The cells (rows, columns, C, H, W) as one picture without spines or ticks.

    A new figure has `margin` inches of height for the title and what stands below.
    """
    picture = mosaic(cells, _GAP)
    if ax is None:
        height, width = picture.shape[:2]
        across = cells.shape[1] * _cell_points(None, cells.shape[1]) / 72  # inches
        ax = new_axes(across * height / width + margin)
    ax.imshow(picture, interpolation="antialiased")
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    ax.set_xticks([])
    ax.set_yticks([])
    return ax


def _cell_points(ax: Axes | None, columns: int) -> float:
    """The width of a cell in points, about: the layout is made only when the figure is drawn."""
    if ax is None:
        return 72 * min(_LARGEST, (WIDTH - 1.0) / columns)
    alone = 0.775  # the width of an axes that has its figure for itself, before the layout
    share = min(1.0, ax.get_position().width / alone)
    return 72 * share * ax.figure.get_figwidth() / columns


def _fit(labels: Sequence[str], width: float) -> tuple[float, int]:
    """The size in points, 7.5 at most, that fits all labels into `width` points; their lines."""
    lines = [label.split("\n") for label in labels]
    longest = max((len(line) for label in lines for line in label), default=1)
    return min(7.5, width / (0.6 * longest)), max(map(len, lines), default=0)


def _centre(cells: np.ndarray, row: int, column: int) -> tuple[float, float]:
    """The x and y of a cell's middle, in pixels of the picture."""
    height, width = cells.shape[-2:]
    x = column * (width + _GAP) + (width - 1) / 2
    return x, row * (height + _GAP) + (height - 1) / 2


def _name_rows(
    ax: Axes, cells: np.ndarray, names: Sequence[str], colours: Sequence[str] = ()
) -> None:
    ax.set_yticks([_centre(cells, row, 0)[1] for row in range(len(names))])
    ax.set_yticklabels(names)
    for tick, colour in zip(ax.get_yticklabels(), colours, strict=False):
        tick.set_color(colour)


def _frame(ax: Axes, cells: np.ndarray, places: Sequence[tuple[int, int]]) -> None:
    height, width = cells.shape[-2:]
    for row, column in places:
        x, y = _centre(cells, row, column)
        corner = (x - width / 2 + 1, y - height / 2 + 1)
        ax.add_patch(Rectangle(corner, width - 2, height - 2, fill=False, ec=FRAME, lw=1.8))
