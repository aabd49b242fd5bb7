"""`vaelib study table`, `plot` and `report`; and which study a command is about."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vaelib.cli.command import add_command, add_options, need_pages

if TYPE_CHECKING:
    import pandas as pd

    from vaelib.studies.base import Planned, Study


def add(actions: argparse._SubParsersAction) -> None:
    table = add_command(actions, "table", show_table)
    add_study(table)
    table.add_argument("--csv", metavar="FILE", help="write all rows to this file")

    plot = add_command(actions, "plot", plot_study)
    add_study(plot)
    text = "where the pictures go (default: figures/ in the study's folder)"
    plot.add_argument("--out", metavar="FOLDER", help=text)

    report = add_command(actions, "report", report_study)
    add_study(report)
    text = "where the page goes (default: report.html in the study's folder)"
    report.add_argument("--out", metavar="FILE", help=text)


def add_study(parser: argparse.ArgumentParser) -> None:
    """The options by which all actions are told which runs they are about."""
    parser.add_argument("name", metavar="NAME", help="the study; `vaelib study list` shows them")
    add_options(parser, "the study, as seeds=(7,8)", "-o", "--option")
    parser.add_argument(
        "--only",
        action="extend",
        nargs="+",
        default=[],
        metavar="WORD",
        help="only runs that fit all these words: a phase, pair, method, setting, sigma=0.2 or "
        "seed=1; with * for anything and | for or",
    )
    parser.add_argument(
        "--folder", metavar="FOLDER", help="where the runs are (default: study_runs/NAME)"
    )
    parser.add_argument(
        "--fresh", action="store_true", help="do not count the rows of the committed table as done"
    )


def chosen(args: argparse.Namespace) -> tuple[Study, list[Planned], Path]:
    """The study, all its runs, and its folder."""
    from vaelib.cli.fields import make
    from vaelib.studies import named
    from vaelib.studies.base import whole_plan
    from vaelib.studies.table import default_folder

    cls = named(args.name)
    study = make(cls, args.option)
    return study, whole_plan(study), Path(args.folder or default_folder(cls)).resolve()


def filtered(plan: Sequence[Planned], args: argparse.Namespace) -> list[Planned]:
    from vaelib.studies.base import only

    return only(plan, args.only)


def shipped(study: Study, args: argparse.Namespace) -> pd.DataFrame:
    """The committed rows, unless --fresh."""
    import pandas as pd

    from vaelib.studies.table import read, shipped_table

    return pd.DataFrame() if args.fresh else read(shipped_table(type(study)))


def save_table(plan: Sequence[Planned], folder: Path, before: pd.DataFrame) -> pd.DataFrame:
    """Write table.csv in the folder: the plan's rows, which are returned, and those of others."""
    import pandas as pd

    from vaelib.studies.table import TABLE, collect, write

    table = collect(plan, folder, before)
    write(pd.concat([table, _of_others(plan, folder)], ignore_index=True), folder / TABLE)
    return table


def _of_others(plan: Sequence[Planned], folder: Path) -> pd.DataFrame:
    """Rows of the folder's table that another `-o` planned, and whose runs are still there."""
    import pandas as pd

    from vaelib.files import DataFileError
    from vaelib.studies.results import RESULT
    from vaelib.studies.table import TABLE, read

    try:
        table = read(folder / TABLE)
    except DataFileError:  # it is written anew
        return pd.DataFrame()
    if table.empty:
        return table
    there = {path.parent.name.rpartition("-")[2] for path in folder.glob(f"*/{RESULT}")}
    mine = {run.config.key for run in plan}
    return table[table["key"].isin(there - mine)]


def results(args: argparse.Namespace) -> tuple[Study, list[Planned], Path, pd.DataFrame]:
    """The study with the rows of its finished runs; ValueError without any."""
    from vaelib.studies.table import check_score, collect

    study, plan, folder = chosen(args)
    plan = filtered(plan, args)
    table = collect(plan, folder, shipped(study, args))
    if table.empty:
        raise ValueError(
            f"no run of this study and these options is finished in {folder}: run it with "
            f"`vaelib study run {args.name}`, or give the -o that it was run with"
        )
    check_score(table, study)
    return study, plan, folder, table


def show_table(args: argparse.Namespace) -> int:
    """The results, a row a run.

    Print how many seeds each cell of the design has and how each method scores; --csv
    writes all rows. Rows are those of the runs in the folder, and of the committed table.

    vaelib study table correlated --csv data/studies/correlated/table.csv
    """
    from vaelib.studies.statistics import summary
    from vaelib.studies.table import cells, write

    study, plan, _, table = results(args)
    print(f"{len(table)} of {len(plan)} runs are done. Seeds of each cell (claims need 3):")
    print(cells(table, study.score).to_string(index=False))
    for phase, part in table.groupby("phase", sort=False):
        print(f"\n{phase}: {study.score}")
        print(summary(part, study.score).round(3).to_string())
    if args.csv:
        write(table, Path(args.csv))
        print(f"\n{args.csv}: {len(table)} rows")
    return 0


def plot_study(args: argparse.Namespace) -> int:
    """The pictures of the results.

    Write the pictures of a study: scores by strength, paired differences, settings.

    vaelib study plot smoke --out pictures
    """
    from vaelib.files import write_whole
    from vaelib.studies.figures import figures

    study, _, folder, table = results(args)
    out = Path(args.out or folder / "figures")
    for figure in figures(study, table):
        write_whole(out / f"{figure.name}.png", lambda path, f=figure: path.write_bytes(f.png))
        print(out / f"{figure.name}.png")
    return 0


def report_study(args: argparse.Namespace) -> int:
    """The results as one HTML page.

    Write a page with scores and intervals, paired differences, settings, training curves
    and planes. It loads nothing from a network.

    vaelib study report correlated
    """
    need_pages()
    from vaelib.files import write_text
    from vaelib.report.study import page

    study, plan, folder, table = results(args)
    out = Path(args.out or folder / "report.html")
    write_text(out, page(study, plan, table, folder, args.only))
    print(out)
    return 0
