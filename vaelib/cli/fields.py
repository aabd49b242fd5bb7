"""Dataclass fields as options: their types, defaults and comments, read from the source.

Reading the source needs no import of torch, so that help is there at once, and the comment beside a
field is its help: nothing is written twice.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from inspect import isabstract
from pathlib import Path
from typing import Any

from vaelib.report.parameters import comments_by_line
from vaelib.report.values import literal, parse
from vaelib.spec import build

SIMPLE = ("int", "float", "str", "bool")


@dataclass(frozen=True)
class Field:
    """A dataclass field as its source has it."""

    name: str
    type: str
    default: str | None  # source text; None when the field must be given
    help: str

    def parse(self, text: str, names: Mapping[str, type] | None = None) -> Any:
        """`text` as this field's type; ValueError names the field.

        Beside plain values, a dataclass of `names` can be written as a call, `Weighted(n=3)`, or by
        its name alone.
        """
        kind = self.type.removesuffix(" | None")
        if kind != self.type and text.lower() == "none":
            return None
        try:
            return parse(kind, text) if kind in SIMPLE else _value(text, names or {})
        except SyntaxError as error:
            choice = f", of {', '.join(sorted(names))}" if names else ""
            raise ValueError(f"{self.name}: must be {self.type}{choice}, got {text!r}") from error
        except ValueError as error:
            raise ValueError(f"{self.name}: {error}") from error

    def __str__(self) -> str:
        default = "" if self.default is None else f" = {self.default}"
        return f"{self.name}: {self.type}{default}" + (f"  # {self.help}" if self.help else "")


def _value(text: str, names: Mapping[str, type]) -> Any:
    """A literal, or dataclasses with such values by keyword; nothing else is called.

    SyntaxError for whatever else.
    """
    match ast.parse(text, mode="eval").body:
        case ast.Name(id=name) if name in names:
            return make(names[name], [])
        case ast.Call(func=ast.Name(id=name), args=[], keywords=keywords) if name in names:
            return make(names[name], [f"{k.arg}={_text(k.value)}" for k in keywords])
        case ast.Tuple(elts=parts) if names:
            return tuple(_value(ast.unparse(part), names) for part in parts)
        case node:
            try:
                return literal(node)
            except (TypeError, ValueError) as error:
                raise SyntaxError(f"{ast.unparse(node)} is no value") from error


def _text(node: ast.expr) -> str:
    """What would be typed for it: text without its quotes."""
    plain = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return node.value if plain else ast.unparse(node)


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


def _names_for(field: Field, cls: type) -> dict[str, type]:
    """The dataclasses that a field of `cls` can hold, by name: its annotation's and below it."""
    kind = field.type.removesuffix(" | None").removeprefix("tuple[").removesuffix(", ...]")
    base = vars(sys.modules[cls.__module__]).get(kind)
    found = [base] if isinstance(base, type) else []
    for one in found:  # grows while it is read
        found += one.__subclasses__()
    return {one.__name__: one for one in found if is_dataclass(one) and not isabstract(one)}


def make(cls: type, options: Sequence[str], **parts: Any) -> Any:
    """`cls` with options such as `beta=8`; ValueError lists the fields that there are.

    `parts` are fields that are given as they are.
    """
    fields = {field.name: field for field in fields_of(cls)}
    values = dict(parts)
    for option in options:
        name, sign, text = option.partition("=")
        if not sign or name not in fields:
            there = "\n  ".join(map(str, fields.values())) or "(no options)"
            rule = f"an option of {cls.__name__} is written name=value, got {option!r}"
            unknown = f"{cls.__name__} has no option {name!r}"
            raise ValueError(f"{unknown if sign else rule}; there are\n  {there}")
        values[name] = fields[name].parse(text, _names_for(fields[name], cls))
    if missing := [f for f in fields.values() if f.default is None and f.name not in values]:
        raise ValueError(f"{cls.__name__} needs {', '.join(map(str, missing))}")
    return build(cls, values)
