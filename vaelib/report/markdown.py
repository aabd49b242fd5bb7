"""Markdown as HTML, with formulas as MathML."""

from __future__ import annotations

from html import escape
from typing import Any
from urllib.parse import quote

from bs4 import BeautifulSoup
from markupsafe import Markup
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from vaelib.report.formulas import replace_in_text, to_mathml

_NO_FORMULAS = {"pre", "code", "script", "style", "textarea", "math", "svg", "kbd", "title"}


class Renderer(IPythonRenderer):
    """nbconvert's, except that formulas are converted here and not by a script in the page."""

    def block_math(self, body: str) -> str:
        return to_mathml(body, display=True)

    def inline_math(self, body: str) -> str:
        return to_mathml(body)

    def latex_environment(self, name: str, body: str) -> str:
        return to_mathml(rf"\begin{{{name}}}{body}\end{{{name}}}", display=True)

    def heading(self, text: str, level: int, **attributes: Any) -> str:
        """nbconvert's own re-writes the heading as XML, of which a formula comes out broken."""
        name = quote(plain(text).replace(" ", "-"))
        link = "" if self.exclude_anchor_links else f'<a class="anchor-link" href="#{name}">¶</a>'
        return f'<h{level} id="{name}">{text}{link}</h{level}>\n'

    def block_html(self, html: str) -> str:
        return formulas_in_html(super().block_html(html))

    def block_mermaidjs(self, code: str) -> str:
        return f"<pre>{escape(code)}</pre>"


def to_html(text: str, attachments: dict[str, Any] | None = None, anchors: bool = True) -> str:
    """`text` as HTML; `attachments` are the pictures pasted into a cell. `anchors` puts ¶ links."""
    renderer = Renderer(
        escape=False, attachments=attachments or {}, exclude_anchor_links=not anchors
    )
    return MarkdownWithMath(renderer=renderer).render(text)


def inline(text: str) -> Markup:
    """A heading, a caption or another line of Markdown as HTML."""
    html = to_html(text, anchors=False).strip()
    return Markup(html.removeprefix("<p>").removesuffix("</p>"))


def plain(html: str) -> str:
    """The text of `html`."""
    return BeautifulSoup(html, "html.parser").get_text().strip()


def formulas_in_html(html: str) -> str:
    """`html` with the formulas between dollars in its texts as MathML; code stays as it is."""
    if "$" not in html and r"\(" not in html and r"\[" not in html:
        return html
    soup = BeautifulSoup(html, "html.parser")
    for text in list(soup.find_all(string=True)):
        if type(text).__name__ != "NavigableString":  # a comment or a doctype
            continue
        if any(parent.name in _NO_FORMULAS for parent in text.parents):
            continue
        if converted := replace_in_text(str(text)):
            text.replace_with(BeautifulSoup(converted, "html.parser"))
    return str(soup)
