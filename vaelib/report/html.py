"""The pages of reports, filled in: the templates are in pages/, and load nothing."""

from __future__ import annotations

import base64
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from pygments.formatters import HtmlFormatter

from vaelib.report.markdown import inline


def fill(name: str, **values: Any) -> str:
    """The page of this name. Values go in as text, and as HTML where they are `Markup`."""
    return _templates().get_template(f"{name}.html.jinja").render(style=_style(), **values)


@cache
def _templates() -> Environment:
    made = Environment(
        loader=PackageLoader("vaelib.report", "pages"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    made.filters |= {"duration": duration, "inline": inline, "base64": base64_text}
    return made


@cache
def _style() -> Markup:
    """The style sheet of all pages: ours with its font, and the colours of code, light and dark."""
    font = (files("vaelib.report") / "fonts" / "noto-sans-math.woff2").read_bytes()
    own = (files("vaelib.report") / "style.css").read_text("utf-8")
    own = own.replace("FONT", base64_text(font))
    light = HtmlFormatter(style="default").get_style_defs(".highlight")
    dark = HtmlFormatter(style="monokai").get_style_defs(".highlight")
    return Markup(f"{own}\n{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}")


def base64_text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def duration(seconds: float) -> str:
    """`42 s`, `3 min 05 s` or `2 h 10 min`."""
    if seconds < 59.5:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return (
        f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
    )
