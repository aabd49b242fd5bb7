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

from vaelib.pixels import unit
from vaelib.plots._cells import cell_points, centre, fit, frame, name_rows, show
from vaelib.plots.palette import INK, PALE, WIDTH, new_axes, styled
from vaelib.traversal import Traversal

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
    cell = cell_points(ax, columns)
    size, lines = fit(labels, cell)
    below = math.ceil(1.35 * size * lines / cell * images.shape[-1])  # room for labels, in pixels
    cells = np.pad(cells, ((0, 0), (0, 0), (0, 0), (0, below), (0, 0)), constant_values=1)
    ax = show(cells, ax, margin=0.1)
    for i, label in enumerate(labels):
        x, y = centre(cells, *divmod(i, columns))
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
    ax = show(cells, ax)
    name_rows(ax, cells, ["image", "reconstruction"])
    if len(nats):
        ax.set_xticks([centre(cells, 0, i)[0] for i in range(len(above))])
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
    ax = show(cells, ax)
    name_rows(ax, cells, t.labels, [INK if active else PALE for active in t.active])
    frame(ax, cells, [(row, column) for row, column in enumerate(t.home) if t.active[row]])
    shown = [0, t.images.shape[1] // 2, t.images.shape[1] - 1]
    ax.set_xticks([centre(cells, 0, s)[0] for s in shown])
    ax.set_xticklabels([f"{100 * t.levels[s]:.0f} %" for s in shown])
    ax.set_xlabel("value of the row's latent, as a quantile over the data")
    ax.set_title("Each row moves one latent; framed: nearest to the code of the image itself")
    return ax
