"""The user's own objectives, metrics, data sets and studies, in modules outside of vaelib.

The environment variable VAELIB_MODULES lists them, paths of files or of packages' folders, or names
of modules, separated as in PATH. What is in them, of a package what its `__init__.py` imports, is
found by name as if it stood in vaelib, and the configurations of runs may name it and all that lies
in the package. Nothing else outside of vaelib is ever imported for a file that somebody hands over.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import FunctionType, GenericAlias, ModuleType
from typing import Any

VARIABLE = "VAELIB_MODULES"
DECORATE = "write @dataclass above it"


def modules() -> list[ModuleType]:
    """The modules that VAELIB_MODULES lists. ValueError names one that cannot be imported."""
    return [_module(entry) for entry in os.environ.get(VARIABLE, "").split(os.pathsep) if entry]


def _module(entry: str) -> ModuleType:
    name, file = _located(entry)
    if file and not file.exists():
        raise ValueError(f"{VARIABLE}: {entry!r} cannot be imported: there is no file {file}")
    if file and (place := str(file.parents[file.stem == "__init__"])) not in sys.path:
        sys.path.append(place)
    try:
        module = importlib.import_module(name)
    except Exception as error:
        raise ValueError(f"{VARIABLE}: {entry!r} cannot be imported: {error}") from error
    if file and Path(module.__file__ or "").resolve() != file:
        raise ValueError(f"{VARIABLE}: {entry!r}, but {name!r} is a module already: rename it")
    return module


def _located(entry: str) -> tuple[str, Path | None]:
    """The name to import, and where a path was given the file that it must be."""
    path = Path(entry).expanduser().resolve()
    if path.suffix != ".py" and not {"/", os.sep} & set(entry):
        return entry, None
    file = path if path.suffix == ".py" else path / "__init__.py"
    return (file.parent.name if file.stem == "__init__" else file.stem), file


def classes(base: type, places: Iterable[ModuleType]) -> dict[str, type]:
    """The concrete subclasses of `base` that these modules, or a package's own, define, by name."""
    return {
        name: value
        for module in places
        for name, value in sorted(vars(module).items())
        if is_final(value, base) and _is_inside(value.__module__, module)
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
    return {
        name: value
        for module in modules()
        for name, value in vars(module).items()
        if inspect.isfunction(value) and name == _home(value, module).rpartition(".")[2]
    }


def _home(function: FunctionType, module: ModuleType) -> str:
    """The name of the module that it belongs to: of those in a package its own."""
    own = function.__module__
    return own if _is_inside(own, module) else module.__name__


def may_import(module: str) -> bool:
    """Whether a configuration may have this module imported: one of vaelib or of the user."""
    return f"{module}.".startswith("vaelib.") or any(_is_inside(module, m) for m in modules())


def _is_inside(name: str, module: ModuleType) -> bool:
    """Whether the module of this name is `module` or, where that is a package, in it."""
    return f"{name}.".startswith(f"{module.__name__}.")
