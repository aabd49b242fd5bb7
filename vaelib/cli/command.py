"""What the commands share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vaelib.runs import Run


def add_command(
    commands: argparse._SubParsersAction, name: str, summary: str, text: str, example: str
) -> argparse.ArgumentParser:
    """A parser of one command: `summary` stands in the list of all, `example` at the help's end."""
    return commands.add_parser(
        name,
        help=summary,
        description=text,
        epilog=f"example:\n{indent(example)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def add_number(
    parser: argparse.ArgumentParser, flag: str, default: float, text: str, metavar: str = "N"
) -> None:
    """An option that takes a number of the default's type."""
    help_text = f"{text} (default: %(default)s)"
    parser.add_argument(flag, type=type(default), default=default, metavar=metavar, help=help_text)


def indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.strip().splitlines())


def find_runs(folders: list[str]) -> list[Run]:
    """The runs in these folders, at any depth; ValueError when a folder has none."""
    from vaelib.runs import find

    runs = []
    for folder in folders:
        found = find(folder) if Path(folder).is_dir() else []
        if not found:
            raise ValueError(
                f"{folder} is no run and holds none: a run is a folder with config.json"
            )
        runs += found
    return runs
