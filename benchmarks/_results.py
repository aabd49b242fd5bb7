"""Results, kept as JSON by processor, and the tables made from them."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from vaelib import machine
from vaelib.files import write_json, write_text

HERE = Path(__file__).parent
Rows = list[dict[str, Any]]


def folder() -> Path:
    """results/ and the processor's name, as `amd-epyc`."""
    return HERE / "results" / re.sub(r"\W+", "-", machine.cpu_name().lower()).strip("-")


def keep(name: str, rows: Rows, **about: Any) -> None:
    """Write the rows of a benchmark with the machine and the time; the file is whole or absent."""
    when = datetime.now(timezone.utc).isoformat(timespec="seconds")
    value = {"benchmark": name, "when": when, "machine": machine.describe(), **about, "rows": rows}
    write_json(folder() / f"{name}.json", value)


def kept(name: str) -> dict[str, Any] | None:
    """What :func:`keep` wrote on this kind of machine, or None."""
    path = folder() / f"{name}.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else None


def table(rows: Rows) -> str:
    """A Markdown table; the columns are those of all rows."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    cells = [columns, *([_cell(row.get(c)) for c in columns] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    lines = [
        "| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |"
        for line in cells
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *lines[1:]])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def write_readme(name: str, text: str) -> None:
    """Put `text` between the marks `<!-- name -->` and `<!-- /name -->` of README.md."""
    path = HERE / "README.md"
    old = path.read_text("utf-8")
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if start not in old or end not in old:
        raise ValueError(f"benchmarks/README.md must have the marks {start} and {end}")
    head, tail = old.split(start)[0], old.split(end)[1]
    write_text(path, f"{head}{start}\n{text}\n{end}{tail}")
