"""The report of a study: one HTML page that loads nothing."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib

from vaelib.report.facts import facts
from vaelib.report.html import duration, fill
from vaelib.studies.base import Planned, Study
from vaelib.studies.claim import latest
from vaelib.studies.claims import holds, verdict
from vaelib.studies.figures import (
    SELECT,
    comparable,
    curve_figure,
    one_setting,
    phases,
    plane_figures,
    score_figures,
    setting_figures,
)
from vaelib.studies.results import FAILURE, RESULT, recorded
from vaelib.studies.statistics import by_strength, paired
from vaelib.studies.table import best_settings, cells

if TYPE_CHECKING:
    import pandas as pd


def page(
    study: Study,
    plan: Sequence[Planned],
    table: pd.DataFrame,
    folder: Path,
    only: Sequence[str] = (),
) -> str:
    """The page of these rows; training curves and planes where `folder` has the runs.

    `only` are the words by which the rows were chosen.
    """
    matplotlib.use("Agg")
    curves = curve_figure(table, plan, folder)
    seconds = table.drop_duplicates("key")["seconds"].sum()
    return fill(
        "study",
        study=study,
        about=(inspect.getdoc(study) or "").split("\n\n"),
        done=f"{len(table)} of {len(plan)} rows, {duration(seconds)} of training",
        only=" ".join(only),
        figures={
            "scores": [*score_figures(study, table)],
            "settings": [*setting_figures(study, table)],
            "training": [curves] if curves else [],
            "planes": [*plane_figures(table, plan, folder, study)],
        },
        phases=[_phase(study, name, part) for name, part in phases(table)],
        best=_best(study, table),
        seeds=_table(cells(table, study.score)),
        failures=_failures(plan, folder),
        facts=facts(),
        links=[],
    )


def _phase(study: Study, name: str, part: pd.DataFrame) -> dict[str, Any]:
    """The numbers under the pictures of the scores, and which differences are certain."""
    part, _ = one_setting(part, study)
    shown = {"name": name, "strengths": _table(by_strength(part, study.score)), "differences": {}}
    if not comparable(part, study):
        return shown
    found = paired(part, study.score, study.reference, study.rivals)
    rows = [row for _, row in found.iterrows()]
    return shown | {
        "differences": _table(found),
        "verdicts": [verdict(row, study.reference, study.lower_is_better) for row in rows],
        "claims": _claims(study, found),
    }


def _claims(study: Study, found: pd.DataFrame) -> dict[float, str]:
    """What becomes of a claim about named rivals, at each strength of correlation."""
    strong = sorted(sigma for sigma in set(found["sigma"]) if math.isfinite(sigma))
    return {
        sigma: holds(found, sigma, study.rivals, study.lower_is_better)
        for sigma in (strong if study.rivals else ())
    }


def _best(study: Study, table: pd.DataFrame) -> dict[str, str]:
    """The best setting of each method, on the selection split."""
    part = table[table["phase"] == SELECT].dropna(subset=[study.score])
    return {} if part.empty else best_settings(part, study)


def _failures(plan: Sequence[Planned], folder: Path) -> list[tuple[str, str]]:
    """The words of each run that failed and did not go well in another try, and what it said."""
    found = []
    for run in {run.config.key: run for run in plan}.values():
        left = latest(folder, run.config.folder_name)
        done = (folder / run.config.folder_name / RESULT).exists()
        if not done and left and (left / FAILURE).exists():
            found.append((" ".join(run.words), recorded(left)))
    return found


def _table(frame: pd.DataFrame) -> dict[str, Any]:
    rows = [[_cell(value) for value in row] for row in frame.itertuples(index=False)]
    return {"head": [str(c) for c in frame.columns], "rows": rows}


def _cell(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
