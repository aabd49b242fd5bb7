"""The pictures of a report: PNG outputs of the cells tagged `report`, with their headings."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Any

TAG = "report"


@dataclass(frozen=True)
class Picture:
    """A picture for the index page."""

    png: bytes
    caption: str  # Markdown: the heading above the cell
    cell: str  # the id of the cell, which is its anchor on the notebook's page


def pictures(notebook: Any) -> list[Picture]:
    """The pictures of an executed notebook, in order."""
    found, heading = [], ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            heading = last_heading(cell.source) or heading
        elif TAG in cell.metadata.get("tags", []):
            found += [Picture(png, heading, cell.get("id", "")) for png in _pngs(cell)]
    return found


def last_heading(markdown: str) -> str:
    """The text of the last heading in `markdown`, "" without one; code blocks have none."""
    text = re.sub(r"^(```|~~~).*?^\1", "", markdown, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^ {0,3}#{1,6}\s+(.+?)\s*#*\s*$", text, flags=re.MULTILINE)
    return headings[-1] if headings else ""


def title_of(notebook: Any, default: str) -> str:
    """The first heading of a notebook."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (
            match := re.search(r"^#\s+(.+?)\s*$", cell.source, flags=re.MULTILINE)
        ):
            return match[1]
    return default


def _pngs(cell: Any) -> list[bytes]:
    """The PNG outputs of a cell, and what a flipbook or a static widget shows at first."""
    found = [_png(output.get("data", {})) for output in cell.get("outputs", [])]
    return [base64.b64decode(png) for png in found if png]


def _png(data: dict[str, Any]) -> str:
    if "image/png" in data:
        return data["image/png"]
    tags = re.findall(r"<img\b[^>]*>", data.get("text/html", ""))
    shown = [tag for tag in tags if not re.search(r"display:\s*none", tag)]
    match = re.search(r'src="data:image/png;base64,([^"]+)"', " ".join(shown))
    return match[1] if match else ""
