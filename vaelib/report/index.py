"""The index page of a report, and its files for machines."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from datetime import datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaelib.files import write_text, write_whole
from vaelib.paths import shipped_dir
from vaelib.report import tables
from vaelib.report.facts import facts
from vaelib.report.html import duration, html_table
from vaelib.report.markdown import to_html
from vaelib.report.page import POLICY, prepare, style, template
from vaelib.report.parameters import Parameter
from vaelib.report.pictures import Picture, pictures, title_of
from vaelib.report.scrub import scrub
from vaelib.report.state import write_plain_json

if TYPE_CHECKING:
    import pandas as pd

    from vaelib.report.build import Report, Settings


def write_index(
    report: Report, settings: Settings, offered: Mapping[str, list[Parameter]], fast: bool
) -> None:
    """Write index.html, metrics.json, scores.csv and figures/ of the report."""
    notebooks = {name: _read(report.folder / r["page"]) for name, r in report.records.items()}
    scores = tables.score_tables(report.folder / "runs")
    files = tables.write_csv(report.folder, scores)
    made = facts()
    write_plain_json(report.folder / "metrics.json", _metrics(report, scores, made))
    page = template("index").substitute(
        policy=POLICY,
        style=style(),
        name=escape(report.folder.name),
        lead=_lead(report, len(offered)),
        notes=_notes(report, fast),
        notebooks=_notebooks(report, notebooks),
        pictures=_gallery(report, notebooks),
        scores=_scores("Scores", scores) + _scores("Scores of shipped runs", _shipped(notebooks)),
        parameters=_parameters(report, offered),
        facts=_facts({"preset": settings.preset, **made}),
        command=escape(command(settings, report)),
        downloads="".join(f' · <a href="{file}">{file}</a>' for file in files),
    )
    write_text(report.folder / "index.html", scrub(page, report.folder))


def _read(page: Path) -> Any:
    import nbformat

    source = page.with_suffix(".ipynb")
    return nbformat.read(source, as_version=4) if source.exists() else nbformat.v4.new_notebook()


def _metrics(
    report: Report, scores: dict[str, pd.DataFrame], made: dict[str, str]
) -> dict[str, Any]:
    runs = {name: frame.to_dict("records") for name, frame in scores.items()}
    return {"made": made, "notebooks": report.records, "runs": runs}


def _lead(report: Report, planned: int) -> str:
    ran, failed = len(report.records), len(report.failed)
    seconds = sum(record["seconds"] for record in report.records.values())
    parts = [f"{ran} of {planned} notebooks" if ran < planned else _count(ran, "notebook")]
    parts += [f"{duration(seconds)} of work", _today()]
    return " · ".join(parts + ([f'<span class="bad">{failed} failed</span>'] if failed else []))


def _today() -> str:
    now = datetime.now()
    return f"{now.day} {now:%B %Y, %H:%M}"


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _notes(report: Report, fast: bool) -> str:
    notes = []
    if fast:
        notes.append(
            '<p class="note">This is a test of the machinery: every training was cut to a few '
            "steps. Its numbers and pictures mean nothing.</p>"
        )
    if report.failed:
        names = ", ".join(map(escape, report.failed))
        notes.append(f'<p class="note error">Not all went well: {names} stopped at an error.</p>')
    return "\n".join(notes)


def _notebooks(report: Report, notebooks: dict[str, Any]) -> str:
    rows = []
    for name, record in report.records.items():
        title = _inline(title_of(notebooks[name], name))
        state = _state(record["error"])
        link = f'<a href="{escape(record["page"])}">{title}</a>'
        rows.append(
            [
                f'{link}<br><span class="soft">{escape(name)}</span>',
                state,
                duration(record["seconds"]),
            ]
        )
    return html_table(["Notebook", "Ended", "Time"], rows, numbers=[2])


def _state(error: str) -> str:
    return (
        f'<span class="bad">{escape(error)}</span>'
        if error
        else '<span class="good">complete</span>'
    )


def _gallery(report: Report, notebooks: dict[str, Any]) -> str:
    """The pictures of each notebook under its title."""
    parts = []
    for name, notebook in notebooks.items():
        found = enumerate(pictures(prepare(notebook)), 1)
        if figures := [_figure(report, name, number, picture) for number, picture in found]:
            parts.append(f"<h3>{_inline(title_of(notebook, name))}</h3>")
            parts.append(f'<div class="gallery">{"".join(figures)}</div>')
    if not parts:
        return ""
    return "\n".join(['<section id="pictures"><h2>Pictures</h2>', *parts, "</section>"])


def _figure(report: Report, name: str, number: int, picture: Picture) -> str:
    page = Path(report.records[name]["page"])
    file = f"figures/{page.stem}-{number}.png"
    write_whole(report.folder / file, lambda path: path.write_bytes(picture.png))
    caption, alt = _inline(picture.caption or name), escape(picture.caption or name)
    return (
        f'<figure><a href="{page.as_posix()}#cell-id={escape(picture.cell)}">'
        f'<img src="{file}" alt="{alt}" loading="lazy"></a>'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _inline(markdown: str) -> str:
    html = to_html(markdown, anchors=False).strip()
    return html.removeprefix("<p>").removesuffix("</p>")


def _shipped(notebooks: dict[str, Any]) -> dict[str, pd.DataFrame]:
    """The tables of the runs that come with vaelib, when a notebook looks for them."""
    cells = [cell.source for notebook in notebooks.values() for cell in notebook.cells]
    asked = any("load_or_train" in source for source in cells)
    return tables.score_tables(shipped_dir()) if asked else {}


def _scores(title: str, scores: dict[str, pd.DataFrame]) -> str:
    if not scores:
        return ""
    parts = [f'<section class="scores"><h2>{title}</h2>']
    for distribution, frame in scores.items():
        shown, same = tables.arranged(frame)
        note = ", ".join(f"{_words(k)} {_cell(v)}" for k, v in same.items())
        parts.append(f"<h3>Scored on {distribution} factors</h3>")
        parts.append(
            _frame(shown) + (f'<p class="soft">The same in all rows: {note}.</p>' if note else "")
        )
    return "\n".join([*parts, "</section>"])


def _frame(frame: pd.DataFrame) -> str:
    numbers = [i for i, c in enumerate(frame.columns) if frame[c].dtype.kind in "if"]
    rows = [[_cell(value) for value in row] for row in frame.itertuples(index=False)]
    return html_table([_words(str(c)) for c in frame.columns], rows, numbers)


def _words(column: str) -> str:
    return escape(column.replace("_", " ").replace(".", ": "))


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.3f}" if abs(value) < 10 else f"{value:,.4g}"
    return escape(str(value))


def _parameters(report: Report, offered: Mapping[str, list[Parameter]]) -> str:
    parts = []
    for name, parameters in offered.items():
        values = report.records.get(name, {}).get("parameters", {})
        rows = [_parameter(p, values.get(p.name, p.default)) for p in parameters]
        if rows:
            head = ["Name", "Value", "Default", "Allowed", "Meaning"]
            parts.append(f"<h3>{escape(name)}</h3>" + html_table(head, rows))
    return "\n".join(parts) or "<p>These notebooks have none.</p>"


def _parameter(parameter: Parameter, value: Any) -> list[str]:
    shown = escape(str(value))
    changed = f"<b>{shown}</b>" if value != parameter.default else shown
    allowed = f"{parameter.type} {parameter.limits}".strip()
    texts = [escape(str(parameter.default)), escape(allowed), _inline(parameter.help)]
    return [f"<code>{escape(parameter.name)}</code>", changed, *texts]


def _facts(found: Mapping[str, str]) -> str:
    items = "".join(f"<dt>{escape(k)}</dt><dd>{escape(str(v))}</dd>" for k, v in found.items())
    return f'<dl class="facts">{items}</dl>'


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
