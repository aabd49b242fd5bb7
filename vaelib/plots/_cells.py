"""Cells of images in rows and columns, as one picture with names beside it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from vaelib.pixels import mosaic
from vaelib.plots.palette import FRAME, WIDTH, new_axes

GAP = 2  # pixels of white between two images
_LARGEST = 0.9  # inches, a cell at most


def show(cells: np.ndarray, ax: Axes | None, margin: float = 0.55) -> Axes:
    """The cells (rows, columns, C, H, W) as one picture without spines or ticks.

    A new figure has `margin` inches of height for the title and what stands below.
    """
    picture = mosaic(cells, GAP)
    if ax is None:
        height, width = picture.shape[:2]
        across = cells.shape[1] * cell_points(None, cells.shape[1]) / 72  # inches
        ax = new_axes(across * height / width + margin)
    ax.imshow(picture, interpolation="antialiased")
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    ax.set_xticks([])
    ax.set_yticks([])
    return ax


def cell_points(ax: Axes | None, columns: int) -> float:
    """The width of a cell in points, about: the layout is made only when the figure is drawn."""
    if ax is None:
        return 72 * min(_LARGEST, (WIDTH - 1.0) / columns)
    alone = 0.775  # the width of an axes that has its figure for itself, before the layout
    share = min(1.0, ax.get_position().width / alone)
    return 72 * share * ax.figure.get_figwidth() / columns


def fit(labels: Sequence[str], width: float) -> tuple[float, int]:
    """The size in points, 7.5 at most, that fits all labels into `width` points; their lines."""
    lines = [label.split("\n") for label in labels]
    longest = max((len(line) for label in lines for line in label), default=1)
    return min(7.5, width / (0.6 * longest)), max(map(len, lines), default=0)


def centre(cells: np.ndarray, row: int, column: int) -> tuple[float, float]:
    """The x and y of a cell's middle, in pixels of the picture."""
    height, width = cells.shape[-2:]
    x = column * (width + GAP) + (width - 1) / 2
    return x, row * (height + GAP) + (height - 1) / 2


def name_rows(
    ax: Axes, cells: np.ndarray, names: Sequence[str], colours: Sequence[str] = ()
) -> None:
    """The names beside the rows, in their colours."""
    ax.set_yticks([centre(cells, row, 0)[1] for row in range(len(names))])
    ax.set_yticklabels(names)
    for tick, colour in zip(ax.get_yticklabels(), colours, strict=False):
        tick.set_color(colour)


def frame(ax: Axes, cells: np.ndarray, places: Sequence[tuple[int, int]]) -> None:
    """A frame around each cell (row, column) of these."""
    height, width = cells.shape[-2:]
    for row, column in places:
        x, y = centre(cells, row, column)
        corner = (x - width / 2 + 1, y - height / 2 + 1)
        ax.add_patch(Rectangle(corner, width - 2, height - 2, fill=False, ec=FRAME, lw=1.8))
