"""The user's own objectives, metrics, data sets and studies, in modules outside of vaelib.

The environment variable VAELIB_MODULES lists them, paths of files or names of modules, separated as
in PATH. What is in them is found by name as if it stood in vaelib, and the configurations of runs
may name it. Nothing else outside of vaelib is ever imported for a file that somebody hands over.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import GenericAlias, ModuleType
from typing import Any

VARIABLE = "VAELIB_MODULES"
DECORATE = "write @dataclass above it"


def modules() -> list[ModuleType]:
    """The modules that VAELIB_MODULES lists. ValueError names one that cannot be imported."""
    return [_module(entry) for entry in os.environ.get(VARIABLE, "").split(os.pathsep) if entry]


def _module(entry: str) -> ModuleType:
    path = Path(entry).expanduser().resolve()
    name, is_file = (path.stem, True) if path.suffix == ".py" else (entry, False)
    if is_file and str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    try:
        module = importlib.import_module(name)
    except Exception as error:
        raise ValueError(f"{VARIABLE}: {entry!r} cannot be imported: {error}") from error
    if is_file and Path(module.__file__ or "").resolve() != path:
        raise ValueError(f"{VARIABLE}: {entry!r}, but {name!r} is a module already: rename it")
    return module


def classes(base: type, places: Iterable[ModuleType]) -> dict[str, type]:
    """The concrete subclasses of `base` that these modules define, by name."""
    return {
        name: value
        for module in places
        for name, value in sorted(vars(module).items())
        if is_final(value, base) and value.__module__ == module.__name__
    }


def joined(ours: Mapping[str, type], base: type) -> dict[str, type]:
    """The parts of vaelib with those of the user; ValueError where both have one name, and
    for a class that is no dataclass."""
    yours = classes(base, modules())
    if both := sorted(ours.keys() & yours.keys()):
        raise ValueError(f"{VARIABLE}: {', '.join(both)} is a name of vaelib already: rename yours")
    for name, cls in yours.items():
        if "__dataclass_params__" not in vars(cls):
            raise ValueError(f"{VARIABLE}: {name} must be a dataclass: {DECORATE}")
    return {**ours, **yours}


def is_final(value: object, base: type) -> bool:
    """Whether `value` is a concrete subclass of `base`."""
    # Python 3.10 takes an alias such as dict[str, float] for a type; issubclass then refuses it
    is_class = isinstance(value, type) and not isinstance(value, GenericAlias)
    return is_class and issubclass(value, base) and not inspect.isabstract(value)


def functions() -> dict[str, Any]:
    """The functions of the user's modules that have their module's name, as metrics have."""
    names = {module: module.__name__.rpartition(".")[2] for module in modules()}
    found = {name: vars(module).get(name) for module, name in names.items()}
    return {name: value for name, value in found.items() if inspect.isfunction(value)}


def may_import(module: str) -> bool:
    """Whether a configuration may have this module imported: one of vaelib or of the user."""
    trusted = ["vaelib", *(m.__name__ for m in modules())]
    return any(module == name or module.startswith(f"{name}.") for name in trusted)
