"""Objects as JSON and back: an import path and keywords.

`BetaVAE(beta=4.0)` ↔ `{"type": "vaelib.objectives.beta_vae:BetaVAE", "beta": 4.0}`. Every part of a
run (data, network, objective) is a dataclass, so its fields are its whole configuration; there is
no table of names to keep up to date.

>>> from vaelib import objectives
>>> spec = to_spec(objectives.BetaVAE(beta=4.0))
>>> from_spec(spec), find_type(spec["type"]).__name__
(BetaVAE(beta=4.0), 'BetaVAE')
>>> build(objectives.BetaVAE, {"beta": 8.0})
BetaVAE(beta=8.0)
>>> "BetaVAE" in discover(objectives, objectives.Objective)
True
"""

from __future__ import annotations

import dataclasses
import importlib
import math
import pkgutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from vaelib.own import DECORATE, VARIABLE, classes, may_import

_KINDS = {"int": int, "float": (int, float), "bool": bool, "str": str, "Any": object}


def to_spec(value: Any) -> Any:
    """`value` as plain JSON types. Dataclasses become dicts with a `type`; tuple keys, lists."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        own = vars(type(value)).keys()
        if own & {"__init__", "__annotations__"} and "__dataclass_params__" not in own:
            # what it adds would be left out
            raise ValueError(f"{type(value).__name__} must be a dataclass: {DECORATE}")
        path = f"{_home(type(value))}:{type(value).__qualname__}"
        fields = [f for f in dataclasses.fields(value) if f.init]
        return {"type": path, **{f.name: to_spec(_number(f, value)) for f in fields}}
    if isinstance(value, dict):
        if all(isinstance(key, str) for key in value):
            return {key: to_spec(item) for key, item in value.items()}
        return [[*key, to_spec(item)] for key, item in value.items()]
    if isinstance(value, list | tuple):
        return [to_spec(item) for item in value]
    if isinstance(value, float) and math.isinf(value):
        return "inf" if value > 0 else "-inf"  # JSON has no infinity
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ValueError(f"a configuration holds dataclasses and plain values, got {type(value)}")


def _number(field: dataclasses.Field, owner: Any) -> Any:
    """The field's value; 4 is 4.0 where a float belongs: it is the same configuration."""
    value = getattr(owner, field.name)
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return float(value) if is_whole and field.type in ("float", float) else value


def without(spec: Any, kind: str, name: str, value: Any) -> Any:
    """`spec` without the field `name` of each object of this type, at any depth, that is `value`.

    >>> without([{"type": "a:B", "x": 1, "y": 2}, {"type": "a:C", "x": 1}], "a:B", "x", 1)
    [{'type': 'a:B', 'y': 2}, {'type': 'a:C', 'x': 1}]
    """
    if isinstance(spec, list):
        return [without(item, kind, name, value) for item in spec]
    if not isinstance(spec, dict):
        return spec
    drop = {name} if spec.get("type") == kind and spec.get(name) == value else set()
    return {k: without(v, kind, name, value) for k, v in spec.items() if k not in drop}


def brief(value: Any) -> str:
    """repr() with only those fields, at any depth, that differ from their defaults.

    >>> from vaelib.objectives.pair_weights import IfSignificant, Relaxed
    >>> brief(IfSignificant(Relaxed(beta_max=8.0)))
    'IfSignificant(weights=Relaxed(beta_max=8.0))'
    """
    if isinstance(value, tuple):
        return f"({', '.join(map(brief, value))}{',' * (len(value) == 1)})"
    if not dataclasses.is_dataclass(value):
        return repr(value)
    own = [(f, getattr(value, f.name)) for f in dataclasses.fields(value) if f.init]
    shown = [f"{f.name}={brief(v)}" for f, v in own if to_spec(v) != to_spec(_default(f))]
    return f"{type(value).__name__}({', '.join(shown)})"


def _default(field: dataclasses.Field) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    made = field.default_factory
    return None if made is dataclasses.MISSING else made()


def from_spec(spec: Any) -> Any:
    """The inverse of :func:`to_spec`. ValueError names an unknown type or field.

    Safe for files of others: see :func:`find_type` for what can be built.
    """
    if isinstance(spec, list):
        return [from_spec(item) for item in spec]
    if spec in ("inf", "-inf"):
        return float(spec)
    if not isinstance(spec, dict):
        return spec
    values = {key: from_spec(item) for key, item in spec.items() if key != "type"}
    return build(find_type(spec["type"]), values) if "type" in spec else values


def build(cls: type, values: dict[str, Any]) -> Any:
    """`cls(**values)`, or ValueError with the fields that there are."""
    allowed = [f.name for f in dataclasses.fields(cls) if f.init]
    unknown = sorted(set(values) - set(allowed))
    if unknown:
        raise ValueError(f"{cls.__name__} has the fields {allowed}, got {unknown}")
    for field in dataclasses.fields(cls):
        if field.name in values:
            _check_kind(cls, field, values[field.name])
    try:
        return cls(**values)
    except TypeError as error:  # a field is missing, or is a list of the wrong things
        raise ValueError(f"{cls.__name__} cannot be made of {values}: {error}") from error


def _check_kind(cls: type, field: dataclasses.Field, value: Any) -> None:
    """ValueError when `value` is not what a field is annotated with, where that is one class."""
    kind = str(field.type).removesuffix(" | None")
    base = _KINDS.get(kind) or vars(sys.modules[cls.__module__]).get(kind)
    if not isinstance(base, type | tuple) or (value is None and kind != field.type):
        return
    if not isinstance(value, base) or (isinstance(value, bool) and kind in ("int", "float")):
        raise ValueError(f"{field.name} of {cls.__name__} must be {field.type}, got {value!r}")


def find_type(path: str) -> type:
    """The dataclass that is defined at `module:Class`; ValueError for all else.

    A file can have modules imported of vaelib and of the user (:mod:`vaelib.own`) only. A class of
    a module that the program imported itself is found too, when it builds on one of vaelib.
    """
    if not isinstance(path, str):
        raise ValueError(f"a type is written module:Class, got {path!r}")
    module, _, name = path.partition(":")
    trusted, running = may_import(module), module == _script()
    if not (trusted or running or module in sys.modules):
        raise ValueError(
            f"{path!r} is not in vaelib: if you trust its module, name it in {VARIABLE}"
        )
    try:
        place = sys.modules["__main__"] if running else importlib.import_module(module)
        found = vars(place).get(name)
    except ImportError as error:
        raise ValueError(f"no class {path!r} to import: {error}") from error
    if not (isinstance(found, type) and dataclasses.is_dataclass(found)):
        raise ValueError(f"{path!r} must name a dataclass")
    if _home(found) != module or not (trusted or _builds_on_vaelib(found)):
        raise ValueError(
            f"{path!r} must name a class where it is defined, and one that builds on a class of "
            f"vaelib unless its module is named in {VARIABLE}"
        )
    return found


def _home(cls: type) -> str:
    """The module to import for `cls`: a script that runs has another name than when imported."""
    runs = cls.__module__ in ("__main__", "__mp_main__")  # the latter in worker processes
    return _script() if runs else cls.__module__


def _script() -> str:
    """The module's name of the script that runs; `__main__` in a notebook."""
    main = vars(sys.modules["__main__"])
    if main.get("__spec__") and main["__spec__"].name != "__main__":  # python -m package.module
        return main["__spec__"].name
    return Path(main["__file__"]).stem if main.get("__file__") else "__main__"


def own_modules(spec: Any) -> dict[str, ModuleType]:
    """The modules outside of vaelib, by the types of a spec that they define.

    >>> own_modules({"type": "vaelib.objectives.beta_vae:BetaVAE", "beta": 4.0})
    {}
    """
    if isinstance(spec, list):
        spec = dict(enumerate(spec))
    if not isinstance(spec, dict):
        return {}
    found = {path: m for item in spec.values() for path, m in own_modules(item).items()}
    path = spec.get("type", "vaelib")
    name = path.partition(":")[0]
    if name.partition(".")[0] != "vaelib":
        found[path] = sys.modules["__main__" if name == _script() else name]
    return found


def _builds_on_vaelib(cls: type) -> bool:
    return any(base.__module__.partition(".")[0] == "vaelib" for base in cls.__mro__)


def discover(package: ModuleType, base: type) -> dict[str, type]:
    """The concrete subclasses of `base` defined in the modules of `package`, by class name."""
    names = [info.name for info in pkgutil.iter_modules(package.__path__)]
    places = [importlib.import_module(f"{package.__name__}.{name}") for name in names]
    return dict(sorted(classes(base, places).items()))
