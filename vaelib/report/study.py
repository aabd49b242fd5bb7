"""The report of a study: one HTML page that loads nothing."""

from __future__ import annotations

import base64
import inspect
import math
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib

from vaelib.report.facts import facts
from vaelib.report.html import duration, html_table
from vaelib.report.page import POLICY, style, template
from vaelib.studies.base import Planned, Study
from vaelib.studies.claim import latest
from vaelib.studies.claims import holds, verdict
from vaelib.studies.figures import (
    SELECT,
    Figure,
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
    parts = [
        _head(study, plan, table, only),
        _section("Scores", [*score_figures(study, table)], _scores(study, table)),
        _section("Settings", [*setting_figures(study, table)], _selected(study, table)),
        _section("Training", [curves] if curves else []),
        _section("Planes", [*plane_figures(table, plan, folder, study)]),
        _section("Seeds of each cell", [], _frame(cells(table, study.score))),
        _failures(plan, folder),
        _section("How this page was made", [], _facts()),
    ]
    return template("notebook").substitute(
        title=f"Study {escape(study.name())}", policy=POLICY, style=style(), banner="", links="",
        body="\n".join(part for part in parts if part),
    )  # fmt: skip


def _head(study: Study, plan: Sequence[Planned], table: pd.DataFrame, only: Sequence[str]) -> str:
    about = "".join(f"<p>{escape(p)}</p>" for p in (inspect.getdoc(study) or "").split("\n\n"))
    seconds = table.drop_duplicates("key")["seconds"].sum()
    done = f"{len(table)} of {len(plan)} rows, {duration(seconds)} of training"
    if only:
        done = f"<b>Only what fits {escape(' '.join(only))}:</b> {done}"
    return (
        f"<h1>Study: {escape(study.name())}</h1>"
        f"<p><b>Expected before the runs:</b> {escape(study.hypothesis)}</p>{about}"
        f"<p>{done}. Score: <code>{escape(study.score)}</code>, "
        f"{'lower' if study.lower_is_better else 'higher'} is better. "
        "A cell with fewer than three seeds carries no claim.</p>"
    )


def _section(title: str, figures: Sequence[Figure], html: str = "") -> str:
    if not figures and not html:
        return ""
    return f"<h2>{escape(title)}</h2>" + "".join(map(_figure, figures)) + html


def _figure(figure: Figure) -> str:
    data = base64.b64encode(figure.png).decode()
    caption = escape(figure.caption)
    return (
        f'<figure><img src="data:image/png;base64,{data}" alt="{caption}" '
        f'style="max-width:100%"><figcaption>{caption}</figcaption></figure>'
    )


_DIFFERENCES = (
    "Each method minus {}, with intervals; p after Holm's correction and raw before it; least, the "
    "smallest p that so many pairs of runs can reach; claim, whether there are three seeds. Below, "
    "the same as sentences, the other way round:"
)


def _scores(study: Study, table: pd.DataFrame) -> str:
    """Under the pictures the numbers, and which differences are certain."""
    parts = []
    for phase, part in phases(table):
        part, _ = one_setting(part, study)
        parts.append(f"<h3>{escape(phase)}</h3>" + _frame(by_strength(part, study.score)))
        if comparable(part, study):
            found = paired(part, study.score, study.reference, study.rivals)
            said = [
                verdict(row, study.reference, study.lower_is_better) for _, row in found.iterrows()
            ]
            items = "".join(f"<li>{escape(line)}</li>" for line in said)
            parts.append(f"<p>{_DIFFERENCES.format(escape(study.reference))}</p>" + _frame(found))
            parts.append(f"<ul>{items}</ul>")
            parts += _claims(study, found)
    return "".join(parts)


def _claims(study: Study, found: pd.DataFrame) -> list[str]:
    """What becomes of a claim about named rivals, at each strength of correlation."""
    strong = sorted(sigma for sigma in set(found["sigma"]) if math.isfinite(sigma))
    return [
        f"<p>The claim against {len(study.rivals)} rivals, at σ = {sigma:g}: "
        f"{escape(holds(found, sigma, study.rivals, study.lower_is_better))}.</p>"
        for sigma in (strong if study.rivals else ())
    ]


def _selected(study: Study, table: pd.DataFrame) -> str:
    part = table[table["phase"] == SELECT].dropna(subset=[study.score])
    if part.empty:
        return ""
    rows = [[escape(m), escape(s)] for m, s in best_settings(part, study).items()]
    best = html_table(["method", "setting"], rows)
    return f"<p>The best settings of the selection split:</p>{best}"


def _failures(plan: Sequence[Planned], folder: Path) -> str:
    parts = []
    for run in {run.config.key: run for run in plan}.values():
        left = latest(folder, run.config.folder_name)
        if (folder / run.config.folder_name / RESULT).exists():
            continue  # another try went well
        if left and (left / FAILURE).exists():
            words = escape(" ".join(run.words))
            text = escape(recorded(left))
            parts.append(f"<details><summary>{words}</summary><pre>{text}</pre></details>")
    return f"<h2>Failed runs: {len(parts)}</h2>" + "".join(parts) if parts else ""


def _facts() -> str:
    return html_table(["", ""], [[escape(k), escape(v)] for k, v in facts().items()])


def _frame(frame: pd.DataFrame) -> str:
    rows = [[escape(_cell(value)) for value in row] for row in frame.itertuples(index=False)]
    return html_table([escape(str(c)) for c in frame.columns], rows)


def _cell(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
