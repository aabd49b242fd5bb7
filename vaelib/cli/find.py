"""The objectives, data sets, networks and metrics that there are, by name."""

from __future__ import annotations

import inspect
from collections.abc import Mapping


def objectives() -> dict[str, type]:
    from vaelib import objectives
    from vaelib.spec import discover

    return discover(objectives, objectives.Objective)


def datasets() -> dict[str, type]:
    """Those that can be named alone; wrappers around another data set (Correlated) are not."""
    from vaelib import datasets
    from vaelib.cli.fields import fields_of
    from vaelib.spec import discover

    found = discover(datasets, datasets.FactorData)
    return {n: c for n, c in found.items() if all(f.default is not None for f in fields_of(c))}


def networks() -> dict[str, type]:
    from vaelib import networks

    found = {n: c for n, c in vars(networks).items() if _is_network(c, networks.Network)}
    return dict(sorted(found.items()))


def _is_network(value: object, base: type) -> bool:
    return isinstance(value, type) and issubclass(value, base) and not inspect.isabstract(value)


def by_name(found: Mapping[str, type], name: str, what: str) -> type:
    """The class of this name, capitals aside: `betavae` is BetaVAE."""
    matches = [cls for key, cls in found.items() if key.lower() == name.lower().replace("-", "")]
    if not matches:
        raise ValueError(f"{what} must be one of {', '.join(found)}, got {name!r}")
    return matches[0]


def summary(value: object) -> str:
    """The first paragraph of a docstring, as one line."""
    return " ".join((inspect.getdoc(value) or "").split("\n\n")[0].split())
