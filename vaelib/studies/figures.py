"""The pictures of a study, from its table and, where they are kept, its runs."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from vaelib.runs import Run, images_of
from vaelib.studies.base import Planned, Study
from vaelib.studies.statistics import by_strength, paired
from vaelib.studies.table import best_keys, best_settings, with_settings

SELECT = "select"  # the phase in which settings are chosen


@dataclass(frozen=True)
class Figure:
    """A picture and what it shows."""

    name: str  # of a file
    caption: str
    png: bytes


def phases(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The phases that claims may come from, with their rows."""
    for phase, part in table.groupby("phase", sort=False):
        if phase != SELECT:
            yield str(phase), part


def one_setting(part: pd.DataFrame, study: Study) -> tuple[pd.DataFrame, str]:
    """The rows of each method's best setting, and a note where there were several."""
    part = part.dropna(subset=[study.score])
    if (part.groupby("method")["setting"].nunique() == 1).all():
        return part, ""
    note = "Of each method the setting with the best mean of these very rows: an optimistic choice."
    return with_settings(part, best_settings(part, study)), note


def figures(study: Study, table: pd.DataFrame) -> list[Figure]:
    """All that can be drawn from the table alone."""
    return [*score_figures(study, table), *setting_figures(study, table)]


def score_figures(study: Study, table: pd.DataFrame) -> Iterator[Figure]:
    from vaelib import plots

    for phase, part in phases(table):
        part, note = one_setting(part, study)
        found = by_strength(part, study.score)
        if found.empty:
            continue
        caption = (
            f"{phase}: interquartile mean over pairs and seeds with 95 % intervals (bootstrap, "
            f"stratified by pair). Hollow marks: fewer than three seeds, no claim. {note}"
        )
        yield Figure(f"{phase}-strength", caption, png(plots.strengths(found, study.score)))
        if not comparable(part, study):
            continue
        compared = paired(part, study.score, study.reference, study.rivals)
        caption = (
            f"{phase}: differences to {study.reference} on the same data and seed, mean and 95 % "
            "interval. Full marks: p < 0.05 after Holm's correction (over the rivals that the "
            "hypothesis names, with runs or without, and over all others shown), three seeds "
            "or more."
        )
        axes = plots.differences(compared, study.score, study.reference)
        yield Figure(f"{phase}-differences", caption, png(axes))


def comparable(part: pd.DataFrame, study: Study) -> bool:
    """Whether the reference and another method have runs of the same pair, strength and seed."""
    there = set(part.dropna(subset=[study.score])["method"])
    if study.reference not in there or len(there) < 2:
        return False
    return not paired(part, study.score, study.reference).empty


def setting_figures(study: Study, table: pd.DataFrame) -> Iterator[Figure]:
    from vaelib import plots

    for phase, part in table.groupby("phase", sort=False):
        several = part.groupby("method")["setting"].nunique() > 1
        part = part[part["method"].isin(several[several].index)].dropna(subset=[study.score])
        if len(part):
            caption = f"{phase}: every setting of each method; dots are runs, bars means."
            yield Figure(f"{phase}-settings", caption, png(plots.sensitivity(part, study.score)))


def curve_figure(table: pd.DataFrame, plan: Sequence[Planned], folder: Path) -> Figure | None:
    """Training curves of one run of each method of the first cell that has their logs."""
    from vaelib import plots

    folders = folders_of(plan, folder)
    for (phase, pair, sigma), cell in table.groupby(["phase", "pair", "sigma"], sort=False):
        if phase == SELECT:
            continue
        first = cell.groupby("method", sort=False)["key"].first()
        paths = {method: folders.get(key) for method, key in first.items()}
        logs = {m: Run(p).log for m, p in paths.items() if p and (p / "log.csv").exists()}
        logs = {m: log for m, log in logs.items() if {"reconstruction", "kl"} <= set(log)}
        if logs:
            caption = f"Training curves of one run of each method: {phase} {pair} σ = {sigma:g}."
            return Figure("curves", caption, png(plots.curves(logs)[0]))
    return None


def plane_figures(
    table: pd.DataFrame, plan: Sequence[Planned], folder: Path, study: Study, most: int = 12
) -> Iterator[Figure]:
    """The plane of the correlated pair in the best run of each cell whose weights are there."""
    from vaelib import plots

    folders, best = folders_of(plan, folder), set(best_keys(table, study))
    shown = {run.config.key: run for run in plan if run.pair and run.config.key in best}
    for key, planned in shown.items():
        path = folders.get(key)
        if most < 1 or not path or not Run(path).finished:
            continue
        most -= 1
        what = f"{planned.method}, σ = {planned.sigma:g}"
        axes = plots.plane(plane_of(Run(path), planned.pair), planned.pair, what)
        words = " ".join(planned.words)
        yield Figure(f"plane-{key}", f"{words}: one colour a factor.", png(axes))


def folders_of(plan: Sequence[Planned], folder: Path) -> dict[str, Path]:
    """Key → the folder of each run of the plan that is there."""
    found = {run.config.key: folder / run.config.folder_name for run in plan}
    return {key: path for key, path in found.items() if (path / "config.json").exists()}


def plane_of(run: Run, pair: tuple[str, str], steps: int = 12) -> np.ndarray:
    """Codes of a grid of the pair's values, the other factors in the middle: (n, m, 2).

    In the two latents that vary most over the grid.
    """
    data = run.config.data.uncorrelated()
    places = [data.factor_names.index(name) for name in pair]
    sizes = [min(steps, data.factor_sizes[p]) for p in places]
    values = [
        np.linspace(0, data.factor_sizes[p] - 1, s).round().astype(int)
        for p, s in zip(places, sizes, strict=True)
    ]
    factors = np.tile([size // 2 for size in data.factor_sizes], (sizes[0] * sizes[1], 1))
    first, second = np.meshgrid(*values, indexing="ij")
    factors[:, places[0]], factors[:, places[1]] = first.ravel(), second.ravel()
    factors = data.nearest(factors)  # own images need not have every combination
    with torch.no_grad():
        codes = run.vae.encode(images_of(data, factors)).mean.numpy()
    top = np.argsort(-codes.var(axis=0))[:2]
    return codes[:, np.sort(top)].reshape(*sizes, 2)


def png(axes: Any) -> bytes:
    """The figure of these axes as a PNG; it is closed."""
    from matplotlib import pyplot as plt

    buffer = io.BytesIO()
    axes.figure.savefig(buffer, format="png", dpi=150)
    plt.close(axes.figure)
    return buffer.getvalue()
