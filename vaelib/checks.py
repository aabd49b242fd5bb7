"""Checks of an object's fields, for `__post_init__`: ValueError has the rule and the value.

>>> import numpy as np
>>> is_whole(3), is_whole(np.int64(3)), is_whole(3.0), is_whole(True)
(True, True, False, False)
"""

from __future__ import annotations

from numbers import Integral


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


def of_kind(owner: object, **kinds: type) -> None:
    """ValueError when one of these fields is no instance of its class."""
    for name, kind in kinds.items():
        if not isinstance(getattr(owner, name), kind):
            raise ValueError(f"{name} must be a {kind.__name__}, got {getattr(owner, name)!r}")
