"""`vaelib list`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from vaelib.cli import find
from vaelib.cli.command import add_command
from vaelib.cli.fields import fields_of

KINDS = ("objectives", "data", "wrappers", "networks", "samplings", "schedules", "metrics")


def add(commands: argparse._SubParsersAction) -> None:
    parser = add_command(
        commands,
        "list",
        "objectives, data sets, networks and metrics that there are",
        "List what the other commands take by name, with the options of each and their defaults.",
        "vaelib list objectives",
    )
    parser.add_argument(
        "kinds", nargs="*", metavar="KIND", help=f"which of {', '.join(KINDS)} (default: all)"
    )
    parser.set_defaults(command=show)


def show(args: argparse.Namespace) -> int:
    unknown = [kind for kind in args.kinds if kind not in KINDS]
    if unknown:
        raise ValueError(f"KIND must be one of {', '.join(KINDS)}, got {', '.join(unknown)}")
    texts = [_PRINTERS[kind]() for kind in args.kinds or KINDS]
    print("\n\n".join(texts))
    return 0


def _metrics() -> str:
    from vaelib import metrics

    lines = [f"  {name}\n      {find.summary(f)}" for name, f in metrics.all().items()]
    return "\n".join(["Metrics (--metrics):", *lines])


def _classes(title: str, found: Mapping[str, type]) -> str:
    lines = []
    for name, cls in found.items():
        lines += [f"  {name}", f"      {find.summary(cls)}"]
        lines += [f"      {field}" for field in fields_of(cls)]
    return "\n".join([title, *lines])


_PRINTERS = {
    "objectives": lambda: _classes("Objectives (--objective; options by -o):", find.objectives()),
    "data": lambda: _classes("Data sets (--data; options by --data-option):", find.datasets()),
    "wrappers": lambda: _classes("Wrappers of a data set (--wrap):", find.wrappers()),
    "networks": lambda: _classes(
        "Networks (--network; options by --network-option):", find.networks()
    ),
    "samplings": lambda: _classes(
        "Samplings (--sampling; options by --sampling-option):", find.samplings()
    ),
    "schedules": lambda: _classes(
        "Schedules of the learning rate (--schedule; options by --schedule-option):",
        find.schedules(),
    ),
    "metrics": _metrics,
}
