"""Values of parameters: from text or YAML to the declared type, and their limits."""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass
from typing import Any

WORDS = {"true": True, "yes": True, "on": True, "1": True}
WORDS |= {"false": False, "no": False, "off": False, "0": False}


def parse(kind: str, value: Any) -> Any:
    """`value` as an int, float, bool, str or list; ValueError when it is none.

    Text is read as a person means it: `false` is False, `1e3` is the int 1000, `inf` a float, and
    `1,4,8` a list.
    """
    if kind.startswith("list[") and kind.endswith("]"):
        items = [s for s in value.split(",") if s.strip()] if isinstance(value, str) else value
        if not isinstance(items, list | tuple):
            raise ValueError(f"must be a list, such as 1,4,8, got {value!r}")
        return [parse(kind[5:-1], item) for item in items]
    if kind not in _PARSERS:
        raise ValueError(f"the type must be one of {sorted(_PARSERS)} or list[…], got {kind!r}")
    return _PARSERS[kind](value.strip() if isinstance(value, str) else value)


def _int(value: Any) -> int:
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d{1,30}\s*", value):
        return int(value)  # a float holds sixteen digits
    number = _number(value, "a whole number")
    if not math.isfinite(number) or number != int(number):
        raise ValueError(f"must be a whole number, got {value!r}")
    return int(value) if isinstance(value, int) else int(number)


def _float(value: Any) -> float:
    number = _number(value, "a number")
    if math.isnan(number):
        raise ValueError(f"must be a number, got {value!r}")
    return number


def _number(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"must be {what}, got {value!r}")
    try:
        return float(value)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"must be {what}, got {value!r}") from error


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in WORDS:
        return WORDS[value.lower()]
    raise ValueError(f"must be true or false, got {value!r}")


def _str(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be text, got {value!r}")
    return value


def literal(node: ast.expr) -> Any:
    """The value of a literal, of infinity too; ValueError or TypeError for whatever else."""
    return ast.literal_eval(_Infinity().visit(node))


class _Infinity(ast.NodeTransformer):
    """Puts the number in the place of its names: Python has no literal for it."""

    def visit(self, node: ast.AST) -> ast.AST:
        named = isinstance(node, ast.expr) and ast.unparse(node)
        if named in ("inf", "math.inf", "float('inf')"):
            return ast.Constant(math.inf)
        return self.generic_visit(node)


_PARSERS = {"int": _int, "float": _float, "bool": _bool, "str": _str}


@dataclass(frozen=True)
class Limits:
    """Which values are allowed: between two numbers, both included, or among some; or any."""

    low: float = -math.inf
    high: float = math.inf
    choices: tuple[Any, ...] = ()

    @classmethod
    def read(cls, kind: str, text: str) -> Limits:
        """`[0, 1000]` or `{a, b}`, as they stand at the end of a parameter's help."""
        item = kind[5:-1] if kind.startswith("list[") else kind
        parts = [part for part in text[1:-1].split(",") if part.strip()]
        if text.startswith("{"):
            return cls(choices=tuple(parse(item, part) for part in parts))
        if text and len(parts) != 2:
            raise ValueError(f"a range is written [lowest, highest], got {text}")
        return cls(*(_float(part.strip()) for part in parts))

    def check(self, value: Any) -> Any:
        """`value` itself, or ValueError when it, or an item of it, is not allowed."""
        for item in value if isinstance(value, list) else [value]:
            if self.choices and item not in self.choices:
                raise ValueError(f"must be one of {self}, got {item!r}")
            if not isinstance(item, bool | str) and not self.low <= item <= self.high:
                rule = f"in {self}" if math.isfinite(self.high) else f"at least {self.low:g}"
                raise ValueError(f"must be {rule}, got {item!r}")
        return value

    def __str__(self) -> str:
        if self.choices:
            return "{" + ", ".join(map(str, self.choices)) + "}"
        bounded = math.isfinite(self.low) or math.isfinite(self.high)
        return f"[{self.low:.12g}, {self.high:.12g}]" if bounded else ""
