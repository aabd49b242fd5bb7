"""`vaelib report`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaelib.cli.command import add_command, need_pages, typed
from vaelib.report.values import Limits

if TYPE_CHECKING:
    from vaelib.report.build import Report, Settings

OWN_DATA = "09"  # the chapter on one's own images


def add(commands: argparse._SubParsersAction) -> None:
    parser = add_command(commands, "report", report)
    text = "which notebooks, by number (02), name or path (default: all)"
    parser.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help=text)
    parser.add_argument(
        "--preset",
        default="quick",
        choices=("smoke", "quick", "full"),
        help="smoke: only a test, minutes; quick: the default values; full: long trainings "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "-p",
        "--parameter",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="set a parameter; stronger than the preset and than -f; repeat it for more",
    )
    parser.add_argument(
        "-f", "--parameter-file", metavar="FILE", help="a YAML file with parameters"
    )
    parser.add_argument(
        "--data",
        metavar="PATH",
        help="a file or folder with your own images: runs the chapter on them (09) unless NOTEBOOK "
        "says otherwise; `vaelib data check PATH` tells beforehand what is in it",
    )
    _add_how(parser)


def _add_how(parser: argparse.ArgumentParser) -> None:
    """Where the report goes and how it is carried out."""
    text = "the name of the report's folder (default: the preset and the -p given)"
    parser.add_argument("--name", default="", help=text)
    parser.add_argument("--folder", metavar="FOLDER", help="where reports go (default: reports/)")
    parser.add_argument(
        "--list", action="store_true", help="show the parameters of the notebooks and end"
    )
    text = "run notebooks again that are finished with the same parameters"
    parser.add_argument("--again", action="store_true", help=text)
    parser.add_argument(
        "--metrics",
        nargs="*",
        default=["mig", "factor_vae_score"],
        metavar="NAME",
        help="score the runs that have no scores yet by these, or `all`; without a name "
        "by none (default: mig factor_vae_score)",
    )
    text = "the longest that a cell may take (default: smoke 900, quick 3600, full a day)"
    seconds = typed("int", Limits(1))
    parser.add_argument("--cell-timeout", type=seconds, metavar="SECONDS", help=text)
    text = "the longest that a notebook may take (default: smoke 1800, quick 14400, full 3 days)"
    parser.add_argument("--timeout", type=seconds, metavar="SECONDS", help=text)
    parser.add_argument("--quiet", action="store_true", help="no progress bars")


def report(args: argparse.Namespace) -> int:
    """Run the notebooks and make a report of pages.

    Run the notebooks with your parameters and make reports/NAME/index.html of them: pages
    that open without a network. A parameter applies to every notebook that has it; unknown
    names, wrong types and values out of range are refused before anything runs. A report
    that was stopped goes on where it was when the same command is given again.

    vaelib report --list
    vaelib report --preset smoke
    vaelib report --data my.npz -p size 64
    vaelib report 02 -p beta 8 -p sigma 0.2 --name strong
    """
    need_pages()
    if args.list:
        return _list(args)
    from vaelib.report.build import build

    return _tell(build(settings_from(args), progress=not args.quiet))


def _list(args: argparse.Namespace) -> int:
    from vaelib.report.build import choose
    from vaelib.report.parameters import describe, read

    print(describe({name: read(path) for name, path in choose(tuple(args.notebooks)).items()}))
    return 0


def settings_from(args: argparse.Namespace) -> Settings:
    """The report that the command line describes."""
    from vaelib.report.build import Settings

    given = {**_from_file(args.parameter_file), **dict(args.parameter)}
    name = args.name
    if args.data is not None:
        given["images"] = str(_own(args.data))
        name = name or f"{args.preset}-{Path(args.data).stem}"
    return Settings(
        notebooks=tuple(args.notebooks) or ((OWN_DATA,) if args.data is not None else ()),
        preset=args.preset,
        name=name,
        given=given,
        folder=Path(args.folder) if args.folder else None,
        cell_timeout=args.cell_timeout,
        timeout=args.timeout,
        again=args.again,
        metrics=tuple(args.metrics),
    )


def _own(path: str) -> Path:
    """The absolute path of a user's images; ValueError for data sets that have their own class."""
    from vaelib.datasets import ArrayData
    from vaelib.datasets.official import find
    from vaelib.datasets.recognise import recognise

    cls, _ = recognise(path)
    if cls is not ArrayData:
        raise ValueError(
            f"{path} is {cls.__name__}; the report on one's own images needs a file or folder as "
            "ArrayData reads it"
        )
    return find(path, "NAME").resolve()


def _from_file(path: str | None) -> dict[str, Any]:
    """The parameters in a YAML file."""
    if path is None:
        return {}
    import yaml

    try:
        values = yaml.safe_load(Path(path).read_text("utf-8")) or {}
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not YAML: {error}") from error
    if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
        raise ValueError(f"{path} must hold lines such as `beta: 8`, got {type(values).__name__}")
    return values


def _tell(report: Report) -> int:
    for name in report.failed:
        print(f"failed: {name}: {report.records[name]['error']}")
    print(report.folder / "index.html")
    return 1 if report.failed else 0
