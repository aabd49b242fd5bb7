"""The index page of a report, and its files for machines."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaelib.files import write_text, write_whole
from vaelib.paths import shipped_dir
from vaelib.report import tables
from vaelib.report.facts import facts
from vaelib.report.html import duration, fill
from vaelib.report.markdown import inline
from vaelib.report.page import prepare, read
from vaelib.report.parameters import Parameter
from vaelib.report.pictures import pictures, title_of
from vaelib.report.scrub import scrub
from vaelib.report.state import write_plain_json

if TYPE_CHECKING:
    import pandas as pd

    from vaelib.report.build import Report, Settings


def write_index(
    report: Report, settings: Settings, offered: Mapping[str, list[Parameter]], fast: bool
) -> None:
    """Write index.html, metrics.json, scores.csv and figures/ of the report."""
    pages = {name: report.folder / record["page"] for name, record in report.records.items()}
    notebooks = {name: read(page.with_suffix(".ipynb")) for name, page in pages.items()}
    scores = tables.score_tables(report.folder / "runs")
    files = tables.write_csv(report.folder, scores)
    made = facts()
    runs = {name: frame.to_dict("records") for name, frame in scores.items()}
    metrics = {"made": made, "notebooks": report.records, "runs": runs}
    write_plain_json(report.folder / "metrics.json", metrics)
    html = fill(
        "index",
        report=report,
        fast=fast,
        offered=offered,
        lead=_lead(report, len(offered)),
        titles={name: inline(title_of(n, name)) for name, n in notebooks.items()},
        figures=_figures(report, notebooks),
        scores={"Scores": _shown(scores), "Scores of shipped runs": _shown(_shipped(notebooks))},
        facts={"preset": settings.preset, **made},
        command=command(settings, report),
        files=files,
    )
    write_text(report.folder / "index.html", scrub(html, report.folder))


def _lead(report: Report, planned: int) -> str:
    ran, now = len(report.records), datetime.now()
    seconds = sum(record["seconds"] for record in report.records.values())
    count = f"{ran} of {planned}" if ran < planned else str(ran)
    what = "notebook" if ran == planned == 1 else "notebooks"
    return f"{count} {what} · {duration(seconds)} of work · {now.day} {now:%B %Y, %H:%M}"


def _figures(report: Report, notebooks: dict[str, Any]) -> dict[str, list[dict[str, str]]]:
    """The pictures of each notebook that has any; their files are written."""
    found = {}
    for name, notebook in notebooks.items():
        stem = Path(report.records[name]["page"]).stem
        for number, picture in enumerate(pictures(prepare(notebook)), 1):
            file = f"figures/{stem}-{number}.png"
            write_whole(report.folder / file, lambda path, png=picture.png: path.write_bytes(png))
            figure = {"file": file, "cell": picture.cell, "caption": picture.caption or name}
            found.setdefault(name, []).append(figure)
    return found


def _shipped(notebooks: dict[str, Any]) -> dict[str, pd.DataFrame]:
    """The tables of the runs that come with vaelib, when a notebook looks for them."""
    cells = [cell.source for notebook in notebooks.values() for cell in notebook.cells]
    asked = any("load_or_train" in source for source in cells)
    return tables.score_tables(shipped_dir()) if asked else {}


def _shown(scores: dict[str, pd.DataFrame]) -> dict[str, tuple[dict[str, Any], str]]:
    """For each distribution a table for reading, and what is the same in all its rows."""
    found = {}
    for distribution, frame in scores.items():
        shown, same = tables.arranged(frame)
        note = ", ".join(f"{_words(k)} {_cell(v)}" for k, v in same.items())
        found[distribution] = (_table(shown), note)
    return found


def _table(frame: pd.DataFrame) -> dict[str, Any]:
    return {
        "head": [_words(str(c)) for c in frame.columns],
        "rows": [[_cell(value) for value in row] for row in frame.itertuples(index=False)],
        "numbers": [i for i, c in enumerate(frame.columns) if frame[c].dtype.kind in "if"],
    }


def _words(column: str) -> str:
    return column.replace("_", " ").replace(".", ": ")


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.3f}" if abs(value) < 10 else f"{value:,.4g}"
    return str(value)


def command(settings: Settings, report: Report) -> str:
    """The command that makes this report again."""
    words = ["vaelib", "report", *settings.notebooks, "--preset", settings.preset]
    words += ["--name", report.folder.name]
    words += ["--folder", str(settings.folder)] if settings.folder else []
    words += ["--cell-timeout", str(settings.cell_timeout)] if settings.cell_timeout else []
    words += ["--timeout", str(settings.timeout)] if settings.timeout else []
    words += ["--metrics", *settings.metrics] if settings.metrics != tables.QUICK else []
    for name, value in settings.given.items():
        text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        words += ["-p", name, text]
    return shlex.join(words)
