"""Many runs in one picture: how a number changes with a setting, with the spread over seeds.

>>> import pandas as pd
>>> runs = pd.DataFrame({"beta": [1, 1, 4, 4], "seed": [0, 1, 0, 1], "kl": [20, 21, 9, 10]})
>>> runs = runs.assign(reconstruction=[10, 11, 40, 44], mig=[0.0, 0.1, 0.3, 0.4])
>>> ax = sweep(runs, x="beta", y="mig")
>>> ax = rate_distortion(runs)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from vaelib.plots._frames import need
from vaelib.plots.palette import COLOURS, INK, MARKERS, WIDTH, label_lines, look, new_axes, styled

if TYPE_CHECKING:
    import pandas as pd

_NAMES = {
    "beta": "β",
    "gamma": "γ",
    "sigma": "σ",
    "mig": "MIG",
    "kl": "KL in nats",
    "reconstruction": "reconstruction error in nats",
    "factor_vae_score": "FactorVAE score",
}


@styled
def sweep(
    runs: pd.DataFrame, x: str, y: str, group: str | None = None, ax: Axes | None = None
) -> Axes:
    """The column `y` against the setting `x`, one row a run: the mean over seeds and their range.

    `runs` is `runs.table(...)` or any frame with one row a run. `group` names a column whose values
    get a line each. Small dots are single runs.
    """
    need(runs, "the table", x, y, *([group] if group else []))
    ax = ax or new_axes(3.0, 0.7 * WIDTH)
    parts = [("", runs)] if group is None else list(runs.groupby(group, sort=True))
    stats = [part.groupby(x)[y].agg(["mean", "min", "max", "size"]) for _, part in parts]
    lines = []
    for i, ((_, part), stat) in enumerate(zip(parts, stats, strict=True)):
        place = _beside(runs[x], i - (len(parts) - 1) / 2)
        spread = [stat["mean"] - stat["min"], stat["max"] - stat["mean"]]
        mark = {**look(i), "marker": MARKERS[i % len(MARKERS)]}
        middle = place(stat.index.to_numpy(float))
        lines.append(ax.errorbar(middle, stat["mean"], spread, elinewidth=1, capsize=2, **mark)[0])
        ax.plot(place(part[x]), part[y], ls="", marker=".", ms=3, color=mark["color"])
    _scale(ax, runs[x])
    ax.set_xlabel(_name(x))
    ax.set_ylabel(_name(y))
    ax.set_title(f"{_name(y)} by {_name(x)}: {_seeds([s['size'] for s in stats])}")
    if group is not None:
        label_lines(ax, [_value(group, value) for value, _ in parts], lines)
    return ax


@styled
def rate_distortion(runs: pd.DataFrame, group: str = "beta", ax: Axes | None = None) -> Axes:
    """Each run's KL (rate) against its reconstruction error (distortion), in nats per image.

    Runs that differ only in the seed share a value of `group`, which is written beside them: the
    small marks are runs, the large one their mean.
    """
    rate, distortion = "kl", "reconstruction"
    need(runs, "the table", group, rate, distortion)
    ax = ax or new_axes(3.2, 0.7 * WIDTH)
    parts = list(runs.groupby(group, sort=True))
    means = runs.groupby(group)[[rate, distortion]].mean()
    ax.plot(means[rate], means[distortion], color=INK, ls="-", lw=0.9, zorder=1)
    for i, (value, part) in enumerate(parts):
        mark = {"color": COLOURS[i % len(COLOURS)], "marker": MARKERS[i % len(MARKERS)], "ls": ""}
        ax.plot(part[rate], part[distortion], ms=3.5, alpha=0.6, **mark)
        ax.plot(means[rate][value], means[distortion][value], ms=8, mec="white", **mark)
    ax.margins(0.12)
    _label_points(ax, [_value(group, value) for value, _ in parts], means.to_numpy())
    ax.set_xlabel("rate: KL in nats per image")
    ax.set_ylabel("distortion: reconstruction\nerror in nats per image")
    seeds = _seeds([runs.groupby(group).size()]).replace("mean and range", "large marks: mean")
    ax.set_title(f"Rate and distortion ({seeds})")
    return ax


def _label_points(ax: Axes, names: list[str], points: np.ndarray) -> None:
    """Names to the upper right of `points` (N, 2), the lowest first, none on top of another."""
    ax.get_xlim()  # settles the limits
    places = ax.transData.transform(points) * 72 / ax.figure.dpi  # in points, as the text
    taken: list[tuple[float, float]] = []
    for i in np.argsort(places[:, 1], kind="stable"):
        x, y = places[i] + (7, 5)
        while any(abs(x - other) < 45 and abs(y - height) < 10 for other, height in taken):
            y += 1
        taken.append((x, y))
        offset = (x, y) - places[i]
        ax.annotate(names[i], points[i], xytext=offset, textcoords="offset points", fontsize=8)


def _seeds(sizes: list) -> str:
    """How many runs stand behind a mean, in words."""
    numbers = sorted({int(n) for size in sizes for n in size})
    if numbers == [1]:
        return "one run each"
    return f"mean and range of {'–'.join(map(str, dict.fromkeys((numbers[0], numbers[-1]))))} seeds"


def _value(column: str, value: Any) -> str:
    return value if isinstance(value, str) else f"{_name(column)} = {value:g}"


def _name(column: str) -> str:
    return _NAMES.get(column, column.replace("_", " "))


def _wide(values: pd.Series) -> bool:
    """Whether settings span more than a decade, which asks for a log axis."""
    return bool(values.min() > 0 and values.max() > 10 * values.min())


def _beside(values: pd.Series, place: float) -> Callable:
    """Moves settings aside by a hundredth of the axis, so that error bars do not cover others."""
    step = 0.01 * place
    if _wide(values):
        return lambda x: x * (values.max() / values.min()) ** step
    return lambda x: x + step * (values.max() - values.min())


def _scale(ax: Axes, values: pd.Series) -> None:
    """Ticks at the settings that were run."""
    settings = np.unique(values)
    ax.set_xscale("log" if _wide(values) else "linear")
    ax.set_xticks(settings, [f"{value:g}" for value in settings])
    ax.set_xticks([], minor=True)
