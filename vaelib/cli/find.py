"""The objectives, data sets, networks, samplings, schedules and metrics that there are, by name."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from vaelib import own


def objectives() -> dict[str, type]:
    from vaelib import objectives
    from vaelib.spec import discover

    base = objectives.Objective
    return own.joined(discover(objectives, base), base)


def data() -> dict[str, type]:
    """Those that can be named alone; wrappers around another data set (Correlated) are not."""
    from vaelib.cli.fields import fields_of

    found = _all_datasets()
    return {n: c for n, c in found.items() if all(f.default is not None for f in fields_of(c))}


def wrappers() -> dict[str, type]:
    """Data sets that draw the images of another one, their field `data`, in their own way."""
    from vaelib.cli.fields import fields_of

    found = _all_datasets()
    needed = {n: [f.name for f in fields_of(c) if f.default is None] for n, c in found.items()}
    return {n: c for n, c in found.items() if needed[n] == ["data"]}


def _all_datasets() -> dict[str, type]:
    from vaelib import datasets
    from vaelib.spec import discover

    return own.joined(discover(datasets, datasets.FactorData), datasets.FactorData)


def networks() -> dict[str, type]:
    from vaelib import networks
    from vaelib.vit import network

    return _in_modules(networks.Network, networks, network)


def samplings() -> dict[str, type]:
    from vaelib import flattening, sampling

    return _in_modules(sampling.Sampling, sampling, flattening)


def schedules() -> dict[str, type]:
    from vaelib import schedules

    return _in_modules(schedules.Schedule, schedules)


def _in_modules(base: type, *modules: ModuleType) -> dict[str, type]:
    values = {name: value for module in modules for name, value in vars(module).items()}
    found = {n: c for n, c in sorted(values.items()) if own.is_final(c, base)}
    return own.joined(found, base)


def metrics() -> dict[str, Any]:
    from vaelib import metrics

    return metrics.all()


def by_name(found: Mapping[str, type], name: str, what: str) -> type:
    """The class of this name, capitals aside: `betavae` is BetaVAE."""
    matches = [cls for key, cls in found.items() if key.lower() == name.lower().replace("-", "")]
    if not matches:
        raise ValueError(f"{what} must be one of {', '.join(found)}, got {name!r}")
    return matches[0]


def summary(value: object) -> str:
    """The first paragraph of a docstring, as one line."""
    text = " ".join((inspect.getdoc(value) or "").split("\n\n")[0].split())
    return re.sub(r":\w+:`([^`]+)`", r"\1", text).rstrip(",:")
