"""What the commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaelib.report.values import Limits, parse

if TYPE_CHECKING:
    from vaelib.runs import Run


ANY = Limits()


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


def typed(kind: str, limits: Limits = ANY) -> Callable[[str], Any]:
    """A converter for an option, whose complaint argparse prints as it is."""

    def convert(text: str) -> Any:
        try:
            return limits.check(parse(kind, text))
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return convert


def need_pages() -> None:
    """ValueError unless the packages are there that pages are made with."""
    try:
        import latex2mathml  # noqa: F401
        import nbconvert  # noqa: F401
        import papermill  # noqa: F401
    except ImportError as error:
        raise ValueError(
            f"the report needs more packages: pip install 'vaelib[notebooks]' ({error})"
        ) from error


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
