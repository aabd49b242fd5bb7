"""An executed notebook as one HTML page that loads nothing."""

from __future__ import annotations

import base64
import copy
from collections.abc import Mapping
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from jinja2 import pass_context
from nbconvert import HTMLExporter
from pygments.formatters import HtmlFormatter

from vaelib.files import write_text
from vaelib.report import static_widgets
from vaelib.report.formulas import replace_in_text
from vaelib.report.markdown import formulas_in_html, plain, to_html
from vaelib.report.offline import offline
from vaelib.report.pictures import title_of
from vaelib.report.state import file_name

# A browser that obeys this loads nothing from a network even if a page asked for it.
POLICY = (
    "default-src 'none'; img-src 'self' file: data: blob:; media-src data: blob:; font-src data:; "
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'; frame-src data: blob:"
)
_LIVE_ONLY = ("application/javascript", "text/vnd.mermaid")  # written for a page with a kernel
_PAPERMILL_BANNER = "papermill-error-cell-tag"  # the page has a banner of its own


class Exporter(HTMLExporter):
    """nbconvert's cells, without its page around them, which loads scripts from a network."""

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        return to_html(source, context.get("cell", {}).get("attachments"))


def render(
    notebook: Any, title: str, pages: Mapping[str, str], banner: str = "", links: str = ""
) -> str:
    """The page of an executed notebook. `banner` and `links` are HTML for its top.

    `pages` are the pages beside it, {"02_beta_vae.ipynb": "02_beta_vae.html"}.
    """
    exporter = Exporter(template_name="basic")
    body, _ = exporter.from_notebook_node(prepare(notebook))
    return template("notebook").substitute(
        title=escape(plain(to_html(title))),
        policy=POLICY,
        style=style(),
        banner=banner,
        links=links,
        body=offline(body, pages),
    )


def write_page(source: Path, page: Path, name: str, error: str, names: list[str]) -> None:
    """Convert the executed notebook `source` to `page`; `names` are all of the report, in order."""
    import nbformat

    notebook = (
        nbformat.read(source, as_version=4) if source.exists() else nbformat.v4.new_notebook()
    )
    banner = _banner(error, _last_run(notebook)) if error else ""
    pages = {f"{other}.ipynb": f"{file_name(other)}.html" for other in names}
    links = _links(name, source.name, names)
    html = render(notebook, title_of(notebook, name), pages, banner, links)
    write_text(page, html)


def _banner(error: str, cell: str) -> str:
    where = f'<a href="#cell-id={escape(cell)}">Go to the cell where it stopped</a>' if cell else ""
    return (
        '<div class="banner error" role="alert"><b>This notebook did not run to its end.</b>'
        f"<pre>{escape(error)}</pre>{where}</div>"
    )


def _last_run(notebook: Any) -> str:
    """The id of the last cell that papermill began; "" when it began none."""
    begun = [
        cell.get("id", "")
        for cell in notebook.cells
        if cell.cell_type == "code"
        and cell.metadata.get("papermill", {}).get("status", "pending") != "pending"
    ]
    return begun[-1] if begun else ""


def _links(name: str, source: str, names: list[str]) -> str:
    at = names.index(name)
    links = [("../index.html", "← The report")]
    links += [(f"{file_name(n)}.html", f"Before: {n}") for n in names[max(0, at - 1) : at]]
    links += [(f"{file_name(n)}.html", f"Next: {n}") for n in names[at + 1 : at + 2]]
    links += [(source, "This page as a notebook")]
    return "\n".join(f'<a href="{escape(to)}">{escape(text)}</a>' for to, text in links)


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


def template(name: str) -> Template:
    """The page of this name beside this file; `$word` is filled in."""
    return Template((files("vaelib.report") / f"{name}.html.template").read_text("utf-8"))


@cache
def style() -> str:
    """The style sheet of all pages: ours with its font, and the colours of code, light and dark."""
    font = (files("vaelib.report") / "fonts" / "noto-sans-math.woff2").read_bytes()
    own = (files("vaelib.report") / "style.css").read_text("utf-8")
    own = own.replace("FONT", base64.b64encode(font).decode())
    light = HtmlFormatter(style="default").get_style_defs(".highlight")
    dark = HtmlFormatter(style="monokai").get_style_defs(".highlight")
    return f"{own}\n{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}"
