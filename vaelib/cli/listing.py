"""`vaelib list`."""

from __future__ import annotations

import argparse

from vaelib.cli import find
from vaelib.cli.command import add_command
from vaelib.cli.fields import fields_of

TITLES = {
    "objectives": "Objectives (--objective; options by -o):",
    "data": "Data sets (--data; options by --data-option):",
    "wrappers": "Wrappers of a data set (--wrap):",
    "networks": "Networks (--network; options by --network-option):",
    "samplings": "Samplings (--sampling; options by --sampling-option):",
    "schedules": "Schedules of the learning rate (--schedule; options by --schedule-option):",
    "metrics": "Metrics (--metrics):",
}


def add(commands: argparse._SubParsersAction) -> None:
    parser = add_command(commands, "list", show)
    parser.add_argument(
        "kinds", nargs="*", metavar="KIND", help=f"which of {', '.join(TITLES)} (default: all)"
    )


def show(args: argparse.Namespace) -> int:
    """Objectives, data sets, networks and metrics that there are.

    List what the other commands take by name, with the options of each and their defaults.

    vaelib list objectives
    """
    unknown = [kind for kind in args.kinds if kind not in TITLES]
    if unknown:
        raise ValueError(f"KIND must be one of {', '.join(TITLES)}, got {', '.join(unknown)}")
    print("\n\n".join(map(_text, args.kinds or TITLES)))
    return 0


def _text(kind: str) -> str:
    lines = [TITLES[kind]]
    for name, value in getattr(find, kind)().items():
        lines += [f"  {name}", f"      {find.summary(value)}"]
        lines += [f"      {field}" for field in fields_of(value)] if kind != "metrics" else []
    return "\n".join(lines)
