"""Objects as JSON and back: an import path and keywords.

`BetaVAE(beta=4.0)` ↔ `{"type": "vaelib.objectives.beta_vae:BetaVAE", "beta": 4.0}`. Every part of a
run (data, network, objective) is a dataclass, so its fields are its whole configuration; there is
no table of names to keep up to date.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import math
import pkgutil
from types import ModuleType
from typing import Any


def to_spec(value: Any) -> Any:
    """`value` as plain JSON types. Dataclasses become dicts with a `type`; tuple keys, lists."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [f.name for f in dataclasses.fields(value) if f.init]
        path = f"{type(value).__module__}:{type(value).__qualname__}"
        return {"type": path, **{name: to_spec(getattr(value, name)) for name in names}}
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
    """The inverse of :func:`to_spec`. ValueError names an unknown type or field."""
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
    return cls(**values)


def find_type(path: str) -> type:
    """The dataclass at `module:Class`; only dataclasses are built, never other callables."""
    module, _, name = path.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"no class {path!r} to import: {error}") from error
    if not (isinstance(found, type) and dataclasses.is_dataclass(found)):
        raise ValueError(f"{path!r} must name a dataclass")
    return found


def discover(package: ModuleType, base: type) -> dict[str, type]:
    """The concrete subclasses of `base` defined in the modules of `package`, by class name."""
    found = {}
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        for name, cls in vars(module).items():
            if (
                isinstance(cls, type)
                and issubclass(cls, base)
                and not inspect.isabstract(cls)
                and cls.__module__ == module.__name__
            ):
                found[name] = cls
    return dict(sorted(found.items()))
