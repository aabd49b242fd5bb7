"""An executed notebook as one HTML page that loads nothing."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import pass_context
from markupsafe import Markup
from nbconvert import HTMLExporter

from vaelib.files import write_text
from vaelib.report import static_widgets
from vaelib.report.formulas import replace_in_text
from vaelib.report.html import fill
from vaelib.report.markdown import formulas_in_html, plain, to_html
from vaelib.report.offline import offline
from vaelib.report.pictures import title_of
from vaelib.report.state import file_name

_LIVE_ONLY = ("application/javascript", "text/vnd.mermaid")  # written for a page with a kernel
_PAPERMILL_BANNER = "papermill-error-cell-tag"  # the page has a banner of its own


class Exporter(HTMLExporter):
    """nbconvert's cells, without its page around them, which loads scripts from a network."""

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        return to_html(source, context.get("cell", {}).get("attachments"))


def render(
    notebook: Any,
    title: str,
    pages: Mapping[str, str],
    error: str = "",
    links: Sequence[tuple[str, str]] = (),
) -> str:
    """The page of an executed notebook. `links` are addresses and their texts, for its top.

    `pages` are the pages beside it, {"02_beta_vae.ipynb": "02_beta_vae.html"}.
    """
    exporter = Exporter(template_name="basic")
    body, _ = exporter.from_notebook_node(prepare(notebook))
    return fill(
        "notebook",
        title=plain(to_html(title)),
        error=error,
        cell=_last_run(notebook),
        links=links,
        body=Markup(offline(body, pages)),
    )


def write_page(source: Path, page: Path, name: str, error: str, names: list[str]) -> None:
    """Convert the executed notebook `source` to `page`; `names` are all of the report, in order."""
    notebook = read(source)
    pages = {f"{other}.ipynb": f"{file_name(other)}.html" for other in names}
    links = _links(name, source.name, names)
    write_text(page, render(notebook, title_of(notebook, name), pages, error, links))


def read(source: Path) -> Any:
    """An executed notebook; an empty one where nothing was executed."""
    return nbformat.read(source, as_version=4) if source.exists() else nbformat.v4.new_notebook()


def _last_run(notebook: Any) -> str:
    """The id of the last cell that papermill began; "" when it began none."""
    begun = [
        cell.get("id", "")
        for cell in notebook.cells
        if cell.cell_type == "code"
        and cell.metadata.get("papermill", {}).get("status", "pending") != "pending"
    ]
    return begun[-1] if begun else ""


def _links(name: str, source: str, names: list[str]) -> list[tuple[str, str]]:
    at = names.index(name)
    links = [("../index.html", "← The report")]
    links += [(f"{file_name(n)}.html", f"Before: {n}") for n in names[max(0, at - 1) : at]]
    links += [(f"{file_name(n)}.html", f"Next: {n}") for n in names[at + 1 : at + 2]]
    return [*links, (source, "This page as a notebook")]


def prepare(notebook: Any) -> Any:
    """A copy whose outputs are static: widgets as pictures, formulas as MathML."""
    notebook = copy.deepcopy(notebook)
    notebook.cells = [c for c in notebook.cells if _PAPERMILL_BANNER not in _tags(c)]
    static_widgets.take_out(notebook)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            _make_static(output.get("data", {}))
    return notebook


def _tags(cell: Any) -> list[str]:
    return cell.metadata.get("tags", [])


def _make_static(data: dict[str, Any]) -> None:
    for kind in _LIVE_ONLY:
        data.pop(kind, None)
    if "text/html" in data:
        data["text/html"] = formulas_in_html(data["text/html"])
    elif "text/latex" in data:
        latex = data.pop("text/latex")
        data["text/html"] = replace_in_text(latex) or f"<pre>{escape(latex)}</pre>"
