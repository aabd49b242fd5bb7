"""What a notebook can be given: its cell tagged `parameters`, read and checked before it runs.

One parameter a line, `name: type = default  # help (smoke 40, full 30000) [1, 1000000]`:

- the type is int, float, bool, str, or list[one of them];
- the default is the value of the preset `quick`; round brackets at the end give those of others;
- square brackets at the end give the smallest and largest value, braces {a, b} all allowed ones.
  They hold for what a reader gives; a preset may go beyond, because smoke only tests.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vaelib.report.values import Limits, literal, parse

PRESETS = ("smoke", "quick", "full")
Values = dict[str, Any]


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell."""

    name: str
    type: str  # "int", "float", "bool", "str" or "list[…]"
    default: Any
    help: str = ""
    limits: Limits = field(default_factory=Limits)
    presets: Mapping[str, Any] = field(default_factory=dict)

    def parse(self, value: Any) -> Any:
        """`value`, text or from YAML, as this parameter's type; ValueError says what is allowed."""
        try:
            return self.limits.check(parse(self.type, value))
        except ValueError as error:
            raise ValueError(f"{self.name}: {error}") from error

    def at(self, preset: str) -> Any:
        return self.presets.get(preset, self.default)


def read(path: Path) -> list[Parameter]:
    """The parameters of the notebook at `path`, in its order; none without a parameters cell."""
    import nbformat

    cells = nbformat.read(path, as_version=4).cells
    chosen = [
        c for c in cells if "parameters" in c.metadata.get("tags", []) and c.cell_type == "code"
    ]
    try:
        return [p for cell in chosen[:1] for p in read_source(cell.source)]
    except (ValueError, SyntaxError) as error:
        raise ValueError(f"the parameters cell of {path.name}: {error}") from error


def read_source(source: str) -> list[Parameter]:
    """The parameters that the source of a cell declares."""
    comments = comments_by_line(source)
    return [
        _parameter(node, comments)
        for node in ast.parse(source).body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value
    ]


def _parameter(node: ast.AnnAssign, comments: dict[int, str]) -> Parameter:
    name, kind = node.target.id, ast.unparse(node.annotation)
    help_text, parts = _split(comments.get(node.end_lineno, ""))
    limits = Limits.read(kind, parts.get("limits", ""))
    plain = Parameter(name, kind, None, limits=limits)
    presets = {k: parse(kind, v) for k, v in _presets(parts.get("presets", "")).items()}
    return Parameter(name, kind, plain.parse(literal(node.value)), help_text, limits, presets)


def comments_by_line(source: str) -> dict[int, str]:
    """The comment on each line of `source`, by line number."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("# ") for t in tokens if t.type == tokenize.COMMENT}


_PRESET = r"\((?P<presets>(?:smoke|quick|full)\s[^()]*)\)"
_LIMITS = r"(?P<limits>\[[^][,]*,[^][,]*\]|\{[^{}]*\})"


def _split(comment: str) -> tuple[str, dict[str, str]]:
    """The help text, and the preset and limit groups that stand at its end in either order."""
    parts: dict[str, str] = {}
    while match := re.search(rf"\s*(?:{_PRESET}|{_LIMITS})\s*$", comment):
        parts |= {key: text for key, text in match.groupdict().items() if text is not None}
        comment = comment[: match.start()]
    return comment.strip(), parts


def _presets(text: str) -> dict[str, str]:
    """`smoke 40, full 30000` → {"smoke": "40", "full": "30000"}; a list's items use semicolons."""
    pairs = [part.split(maxsplit=1) for part in text.split(",") if part.strip()]
    if any(len(pair) != 2 or pair[0] not in PRESETS for pair in pairs):
        raise ValueError(f"presets are written (smoke 40, full 30000), got ({text})")
    return {name: value.replace(";", ",") for name, value in pairs}


def resolve(
    offered: Mapping[str, list[Parameter]], preset: str, given: Mapping[str, Any]
) -> dict[str, Values]:
    """The values for each notebook: those of the preset, and over them those `given`.

    `offered` has each notebook's parameters by its name. ValueError lists every unknown name and
    every value of a wrong type or out of range, and then what there is.
    """
    if preset not in PRESETS:
        raise ValueError(f"preset must be one of {', '.join(PRESETS)}, got {preset!r}")
    known = {p.name for parameters in offered.values() for p in parameters}
    problems = [f"no notebook has a parameter {name!r}" for name in given if name not in known]
    values = {name: _resolve(ps, preset, given, problems) for name, ps in offered.items()}
    if problems:
        unique = "\n".join(f"  - {problem}" for problem in dict.fromkeys(problems))
        raise ValueError(f"the parameters do not fit:\n{unique}\n\n{describe(offered)}")
    return values


def _resolve(
    parameters: Iterable[Parameter], preset: str, given: Mapping[str, Any], problems: list[str]
) -> Values:
    values = {}
    for parameter in parameters:
        try:
            explicit = parameter.name in given
            values[parameter.name] = (
                parameter.parse(given[parameter.name]) if explicit else parameter.at(preset)
            )
        except ValueError as error:
            problems.append(str(error))
    return values


def describe(offered: Mapping[str, list[Parameter]]) -> str:
    """What there is, as text: each notebook's parameters with type, default, range and help."""
    return "\n\n".join(f"{name}\n{_table(parameters)}" for name, parameters in offered.items())


def _table(parameters: list[Parameter]) -> str:
    rows = [
        (p.name, p.type, f"default {p.default}", str(p.limits), p.help + _preset_note(p))
        for p in parameters
    ]
    if not rows:
        return "  (no parameters)"
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    lines = ["  ".join([*map(str.ljust, row, widths), row[4]]) for row in rows]
    return "\n".join(f"  {line.rstrip()}" for line in lines)


def _preset_note(parameter: Parameter) -> str:
    notes = ", ".join(f"{name} {value}" for name, value in parameter.presets.items())
    return f" ({notes})" if notes else ""
