"""How our pictures look: one palette, one width, one style.

The colours are those of Okabe and Ito (2008, "Color Universal Design"), told apart by colour-blind
people; every line also has its own dash pattern and every series its own marker, so that a picture
still reads when it is printed in grey.

>>> from matplotlib import pyplot as plt
>>> with style():
...     ax = new_axes(height=2.0)
>>> lines = [ax.plot([0, 1], [0, rise], **look(i))[0] for i, rise in enumerate((1.0, 1.02))]
>>> label_ends(ax, ["one", "other"], [1.0, 1.02], [line.get_color() for line in lines])
>>> label_lines(ax, ["one", "other"], lines)  # the same
>>> spread([1.0, 1.02], gap=0.1).round(2)
array([0.96, 1.06])
>>> styled(lambda: plt.rcParams["axes.spines.top"])()
False
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from cycler import cycler
from matplotlib import pyplot as plt
from matplotlib import rc_params_from_file
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

WIDTH = 7.0  # inches, of every figure
INK = "#1b1b1b"
PALE = "#8a8a8a"  # what is there but does not matter: inactive latents
FRAME = "#E69F00"  # around what the reader should find; seen on black, white and dark blue
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", INK)
DASHES = ("-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (5, 1.2, 1, 1.2)), (0, (8, 2)), (0, (3, 3)), "-")
MARKERS = ("o", "s", "^", "D", "v", "p", "X")
MAP = "Blues"  # light to dark, so it also reads in grey; white is nothing

_COLOURED = ("axes.edgecolor", "text.color", "axes.labelcolor", "xtick.color", "ytick.color")
STYLE = {
    **rc_params_from_file(Path(__file__).with_name("vaelib.mplstyle"), use_default_template=False),
    **dict.fromkeys(_COLOURED, INK),
    "axes.prop_cycle": cycler(color=COLOURS) + cycler(linestyle=DASHES),
    "image.cmap": MAP,
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


def label_lines(ax: Axes, names: Sequence[str], lines: Sequence[Line2D]) -> None:
    """A name at the right end of each line, in its colour; see :func:`label_ends`."""
    ends = [np.asarray(line.get_ydata())[-1] for line in lines]
    label_ends(ax, names, ends, [line.get_color() for line in lines])


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
