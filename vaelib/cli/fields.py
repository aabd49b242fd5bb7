"""Dataclass fields as options: their types, defaults and comments, read from the source.

Reading the source needs no import of torch, so that help is there at once, and the comment beside a
field is its help: nothing is written twice.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaelib.report.parameters import comments_by_line
from vaelib.report.values import parse
from vaelib.spec import build

SIMPLE = ("int", "float", "str", "bool")


@dataclass(frozen=True)
class Field:
    """A dataclass field as its source has it."""

    name: str
    type: str
    default: str | None  # source text; None when the field must be given
    help: str

    def parse(self, text: str) -> Any:
        """`text` as this field's type; ValueError names the field."""
        kind = self.type.removesuffix(" | None")
        if kind != self.type and text.lower() == "none":
            return None
        try:
            return parse(kind, text) if kind in SIMPLE else ast.literal_eval(text)
        except (ValueError, SyntaxError) as error:
            reason = str(error) if kind in SIMPLE else f"must be {self.type}, got {text!r}"
            raise ValueError(f"{self.name}: {reason}") from error

    def __str__(self) -> str:
        default = "" if self.default is None else f" = {self.default}"
        return f"{self.name}: {self.type}{default}" + (f"  # {self.help}" if self.help else "")


def fields_in(source: str, class_name: str) -> list[Field]:
    """The fields of the class of this name in this source, in order."""
    comments = comments_by_line(source)
    found = next(
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef) and node.name == class_name
    )
    return [
        _field(node, comments)
        for node in found.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    ]


def _field(node: ast.AnnAssign, comments: dict[int, str]) -> Field:
    default = ast.unparse(node.value) if node.value else None
    help_text = comments.get(node.end_lineno or 0, "")
    return Field(node.target.id, ast.unparse(node.annotation), default, help_text)


def fields_of(cls: type) -> list[Field]:
    """The fields of a dataclass, those it inherits first."""
    found: dict[str, Field] = {}
    for parent in reversed(cls.__mro__):
        if "__dataclass_fields__" in vars(parent):
            source = Path(inspect.getsourcefile(parent)).read_text("utf-8")
            found |= {field.name: field for field in fields_in(source, parent.__name__)}
    return [found[name] for name in cls.__dataclass_fields__ if name in found]


def make(cls: type, options: Sequence[str]) -> Any:
    """`cls` with options such as `beta=8`; ValueError lists the fields that there are."""
    fields = {field.name: field for field in fields_of(cls)}
    values = {}
    for option in options:
        name, sign, text = option.partition("=")
        if not sign or name not in fields:
            there = "\n  ".join(map(str, fields.values())) or "(no options)"
            rule = f"an option of {cls.__name__} is written name=value"
            raise ValueError(f"{rule}, got {option!r}; there are\n  {there}")
        values[name] = fields[name].parse(text)
    return build(cls, values)
