"""What the commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from inspect import getdoc
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaelib.report.values import Limits, parse

if TYPE_CHECKING:
    from vaelib.runs import Run


ANY = Limits()


def add_command(
    commands: argparse._SubParsersAction, name: str, function: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    """A parser of the command that `function` carries out, explained by its docstring."""
    parser = _explained(commands, name, function)
    parser.set_defaults(command=function)
    return parser


def add_group(
    commands: argparse._SubParsersAction, name: str, add: Callable[..., None]
) -> argparse._SubParsersAction:
    """A command made of actions, explained by the docstring of the function that adds them."""
    parser = _explained(commands, name, add)
    return parser.add_subparsers(title="actions", metavar="ACTION", required=True)


def _explained(
    commands: argparse._SubParsersAction, name: str, function: Callable
) -> argparse.ArgumentParser:
    """The first line of the docstring stands in the list of all commands, the paragraph after it
    in the help of this one, and the last paragraph, its examples, at the end of that."""
    summary, text, example = (getdoc(function) or "\n\n\n\n").split("\n\n")  # none with -OO
    return commands.add_parser(
        name,
        help=summary[:1].lower() + summary[1:].rstrip("."),
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


def add_options(parser: argparse.ArgumentParser, what: str, *flags: str, **more: Any) -> None:
    """An option that gives options of something, and can be given several times."""
    text = f"an option of {what}; repeat it for more"
    metavar = "OPTION=VALUE"
    parser.add_argument(*flags, action="append", default=[], metavar=metavar, help=text, **more)


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
