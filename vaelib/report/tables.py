"""The runs of a report as tables: one table a distribution, never mixed."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vaelib.files import write_text

if TYPE_CHECKING:
    import pandas as pd

    from vaelib.runs import Run

QUICK = ("mig", "factor_vae_score")  # a second a run; all metrics take about ten


def evaluate_new(folder: Path, metrics: Sequence[str], progress: bool = True) -> None:
    """Score the finished runs under `folder` that have no scores on uncorrelated images yet."""
    from tqdm import tqdm

    from vaelib.evaluate import evaluate

    runs = [run for run in readable_runs(folder) if run.finished and not _is_scored(run)]
    for run in tqdm(runs, desc="scores", unit="run", disable=not progress or not runs):
        try:
            evaluate(run, metrics=metrics)
        except (ValueError, OSError) as error:  # damaged weights, or data that are not here
            warnings.warn(f"no scores for {run.folder.name}: {error}", stacklevel=2)


def _is_scored(run: Run) -> bool:
    """Whether it is on the images that a report asks for."""
    return bool({"uncorrelated", "empirical"} & run.scores.keys())


def readable_runs(folder: Path) -> list[Run]:
    """The runs under `folder`; a warning for each that is damaged or of another version."""
    from vaelib.runs import find, table

    runs = []
    for run in find(folder) if folder.exists() else []:
        try:
            table([run])
        except (ValueError, KeyError, TypeError, IndexError) as error:
            warnings.warn(f"left out of the report, {run.folder.name}: {error}", stacklevel=2)
        else:
            runs.append(run)
    return runs


def score_tables(folder: Path) -> dict[str, pd.DataFrame]:
    """For each distribution on which a run under `folder` was scored: one row a run.

    Runs without scores stand in the table of the uncorrelated distribution, without numbers.
    """
    from vaelib.runs import table

    runs = readable_runs(folder)
    names = dict.fromkeys(["uncorrelated", *sorted({name for r in runs for name in r.scores})])
    chosen = {name: [r for r in runs if name in r.scores] for name in names}
    chosen["uncorrelated"] = [r for r in runs if not r.scores or "uncorrelated" in r.scores]
    return {name: table(rs, name) for name, rs in chosen.items() if rs}


def write_csv(folder: Path, tables: dict[str, pd.DataFrame]) -> list[str]:
    """scores.csv, scores_correlated.csv and so on; the names of those written."""
    files = {name: f"scores_{_plain(name)}.csv" for name in tables}
    files |= {"uncorrelated": "scores.csv"}
    for name, table in tables.items():
        write_text(folder / files[name], table.to_csv(index=False))
    return [files[name] for name in tables]


def _plain(name: str) -> str:
    """A file's name for images: their distribution, and a hash of what else is said of them."""
    distribution, _, rest = name.partition(": ")
    return distribution + (f"_{hashlib.sha256(rest.encode()).hexdigest()[:8]}" if rest else "")


def arranged(table: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """For reading: what was varied, then the scores, then the rest; and what is common to all rows.

    Settings that are the same in all rows are taken out and given as {name: value}. Scores of
    single pairs of factors are left to the files.
    """
    scores = sorted(filter(is_score, table.columns), key=_place)
    rest = [c for c in ("reconstruction", "kl", "seconds") if c in table]
    other = {*scores, *rest, "run", "distribution"}
    settings = [c for c in table.columns if c not in other]
    varied = [c for c in settings if _varied(table, c)]
    same = {c: str(table[c].iloc[0]) for c in settings if c not in varied}
    scores = [c for c in scores if not set("+|") & set(c)]
    return table[[*varied, *scores, *rest, "run"]], same


def _place(column: str) -> int:
    """The metrics that every report has come first; the others keep their order."""
    return QUICK.index(column) if column in QUICK else len(QUICK)


def is_score(column: str) -> bool:
    """Whether a column of a table of runs is a metric's: `mig`, or `dci.completeness`."""
    from vaelib import metrics

    return column.split(".")[0] in metrics.all()


def _varied(table: pd.DataFrame, column: str) -> bool:
    """Whether rows differ here; one row alone still shows what it is."""
    alone = len(table) == 1 and column not in ("network", "latent_dim", "batch_size")
    return alone or table[column].map(repr).nunique() > 1
