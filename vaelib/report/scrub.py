"""No folder of the machine that made a report shows in its pages."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

from vaelib.files import write_text
from vaelib.paths import PACKAGE, in_clone


def scrub_file(path: Path, report: Path) -> None:
    """Shorten the machine's paths in an executed notebook, in place."""
    write_text(path, scrub(path.read_text("utf-8"), report))


def scrub(text: str, report: Path) -> str:
    """`text` with the report's folder, the clone and the home folder shortened."""
    for folder, short in _short_names(report):
        for written in {folder, escape(folder)}:  # as it is, or as a page has it
            text = re.sub(re.escape(written) + r"(?![\w.-])", short, text)
    return text


def _short_names(report: Path) -> list[tuple[str, str]]:
    """Longest first, so that an inner folder is not shortened by an outer one's rule."""
    names = {str(report): f"reports/{report.name}", str(Path.home()): "~"}
    if in_clone():
        names[str(PACKAGE.parent)] = "."
    names.pop("/", None)
    return sorted(names.items(), key=lambda item: -len(item[0]))
