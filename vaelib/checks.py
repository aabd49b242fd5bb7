"""Checks of an object's fields, for `__post_init__`: ValueError has the rule and the value.

>>> import numpy as np
>>> is_whole(3), is_whole(np.int64(3)), is_whole(3.0), is_whole(True)
(True, True, False, False)
"""

from __future__ import annotations

from dataclasses import fields
from numbers import Integral, Real
from typing import Any


def is_whole(value: object) -> bool:
    """Whether it is a whole number, Python's or NumPy's; a bool is none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def whole(owner: object, least: int, *names: str) -> None:
    """ValueError when one of these fields is no whole number of at least `least`.

    NumPy's numbers become Python's, which config.json can hold.
    """
    for name in names:
        value = getattr(owner, name)
        if not is_whole(value) or value < least:
            raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
        object.__setattr__(owner, name, int(value))  # also where the dataclass is frozen


def numbers(owner: Any) -> None:
    """ValueError when a field annotated `float` or `int` holds no number at all.

    NumPy's numbers become Python's. Text and tensors would pass some comparisons, and stop others
    with an error that does not name the field.
    """
    for field in fields(owner):
        value = getattr(owner, field.name, None)
        if not field.init or field.type not in ("float", "int", float, int):
            continue
        if isinstance(value, bool) and field.type in ("int", int):
            continue  # `whole` refuses it, and says what is allowed
        if not isinstance(value, Real) or isinstance(value, bool):
            raise ValueError(f"{field.name} must be a number, got {value!r}")
        if type(value) not in (int, float):
            kind = int if isinstance(value, Integral) else float
            object.__setattr__(owner, field.name, kind(value))


def of_kind(owner: object, **kinds: type) -> None:
    """ValueError when one of these fields is no instance of its class."""
    for name, kind in kinds.items():
        if not isinstance(getattr(owner, name), kind):
            raise ValueError(f"{name} must be a {kind.__name__}, got {getattr(owner, name)!r}")
