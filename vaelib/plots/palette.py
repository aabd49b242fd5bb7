"""How our pictures look: one palette, one width, one style.

The colours are those of Okabe and Ito (2008, "Color Universal Design"), told apart by colour-blind
people; every line also has its own dash pattern and every series its own marker, so that a picture
still reads when it is printed in grey.

>>> from matplotlib import pyplot as plt
>>> with style():
...     ax = new_axes(height=2.0)
>>> lines = [ax.plot([0, 1], [0, rise], **look(i))[0] for i, rise in enumerate((1.0, 1.02))]
>>> label_ends(ax, ["one", "other"], [1.0, 1.02], [line.get_color() for line in lines])
>>> spread([1.0, 1.02], gap=0.1).round(2)
array([0.96, 1.06])
>>> styled(lambda: plt.rcParams["axes.spines.top"])()
False
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import matplotlib
import numpy as np
from cycler import cycler
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

WIDTH = 7.0  # inches, of every figure
INK = "#1b1b1b"
PALE = "#8a8a8a"  # what is there but does not matter: inactive latents
FRAME = "#E69F00"  # around what the reader should find; seen on black, white and dark blue
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", INK)
DASHES = ("-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (5, 1.2, 1, 1.2)), (0, (8, 2)), (0, (3, 3)), "-")
MARKERS = ("o", "s", "^", "D", "v", "p", "X")
MAP = "Blues"  # light to dark, so it also reads in grey; white is nothing

STYLE = {
    "figure.constrained_layout.use": True,
    "figure.dpi": 110,
    "savefig.dpi": 200,
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.grid": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 5,
    "axes.prop_cycle": cycler(color=COLOURS) + cycler(linestyle=DASHES),
    "image.cmap": MAP,
    "hatch.linewidth": 0.6,
}


def style():
    """Our look, for figures of your own: `with plots.style(): fig, ax = plt.subplots()`."""
    # A notebook's backend sets up its display when it is first asked for. Inside the context that
    # would be undone at the end, and figures would vanish from the notebook.
    matplotlib.get_backend()
    return matplotlib.rc_context(STYLE)


def styled(plot: Callable) -> Callable:
    """Draw `plot` in our style, whatever the notebook has set."""

    @functools.wraps(plot)
    def wrapped(*args, **kwargs):
        with style():
            return plot(*args, **kwargs)

    return wrapped


def new_axes(height: float, width: float = WIDTH) -> Axes:
    """The axes of a new figure, in inches."""
    return plt.subplots(figsize=(width, height))[1]


def look(index: int) -> dict:
    """Colour and dash pattern of the series number `index`, for `ax.plot`.

    After seven series the colours repeat with other dashes.
    """
    turn, place = divmod(index, len(COLOURS))
    return {"color": COLOURS[place], "linestyle": DASHES[(place + 2 * turn) % len(DASHES)]}


def label_ends(ax: Axes, names: Sequence[str], heights: Sequence[float], colours: Sequence) -> None:
    """Names at the right end of lines that end at `heights`, moved apart so that none overlap.

    Call it when the limits and the scale of the axes are final.
    """
    to_points = 72 / ax.figure.dpi
    right = ax.get_xlim()[1]
    spots = [ax.transData.transform((right, y))[1] * to_points for y in heights]
    floor = ax.get_window_extent().y0 * to_points
    for name, y, spot, new, colour in zip(
        names, heights, spots, spread(spots, 9.5, floor), colours, strict=True
    ):
        ax.annotate(
            name,
            xy=(1, y),
            xycoords=("axes fraction", "data"),
            xytext=(5, new - spot),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=colour,
            annotation_clip=False,
        )


def spread(spots: Sequence[float], gap: float, floor: float = -np.inf) -> np.ndarray:
    """New places for `spots`, near them, in their order, at least `gap` apart and above `floor`."""
    spots = np.asarray(spots, float)
    order = np.argsort(spots, kind="stable")
    moved = spots[order]
    for _ in range(200):  # push neighbours apart evenly until all fit
        short = np.maximum(gap - np.diff(moved), 0)
        moved[:-1] -= short / 2
        moved[1:] += short / 2
    lowest = floor
    for i, place in enumerate(moved):
        moved[i] = max(place, lowest)
        lowest = moved[i] + gap
    new = np.empty_like(moved)
    new[order] = moved
    return new
