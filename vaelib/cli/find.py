"""The objectives, data sets, networks, samplings, schedules and metrics that there are, by name."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from vaelib import own
from vaelib.cli.fields import fields_of
from vaelib.spec import discover


def objectives() -> dict[str, type]:
    from vaelib import objectives

    base = objectives.Objective
    return own.joined(discover(objectives, base), base)


def data() -> dict[str, type]:
    """Those that can be named alone; wrappers around another data set (Correlated) are not."""
    return {name: cls for name, cls in _all_datasets().items() if not _needed(cls)}


def wrappers() -> dict[str, type]:
    """Data sets that draw the images of another one, their field `data`, in their own way."""
    return {name: cls for name, cls in _all_datasets().items() if _needed(cls) == ["data"]}


def _needed(cls: type) -> list[str]:
    """The fields that have no default."""
    return [field.name for field in fields_of(cls) if field.default is None]


def _all_datasets() -> dict[str, type]:
    from vaelib import datasets

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
    return own.joined(dict(sorted(own.classes(base, modules).items())), base)


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
