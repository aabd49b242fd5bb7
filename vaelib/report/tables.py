"""The runs of a report as tables: one table a distribution, never mixed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vaelib.report.state import write_text

if TYPE_CHECKING:
    import pandas as pd

DISTRIBUTIONS = ("uncorrelated", "correlated")


def evaluate_new(folder: Path, progress: bool = True) -> None:
    """Score the finished runs under `folder` that have no scores yet."""
    from tqdm import tqdm

    from vaelib.evaluate import evaluate
    from vaelib.runs import find

    new = [run for run in find(folder) if run.finished and not run.scores]
    for run in tqdm(new, desc="scores", unit="run", disable=not progress or not new):
        evaluate(run)


def score_tables(folder: Path) -> dict[str, pd.DataFrame]:
    """For each distribution on which a run under `folder` was scored: one row a run.

    Runs without scores stand in the table of the uncorrelated distribution, without numbers.
    """
    from vaelib.runs import find, table

    runs = find(folder) if folder.exists() else []
    chosen = {
        "uncorrelated": [r for r in runs if "uncorrelated" in r.scores or not r.scores],
        "correlated": [r for r in runs if "correlated" in r.scores],
    }
    return {name: table(rs, name) for name, rs in chosen.items() if rs}


def write_csv(folder: Path, tables: dict[str, pd.DataFrame]) -> list[str]:
    """scores.csv and scores_correlated.csv; the names of those written."""
    files = {"uncorrelated": "scores.csv", "correlated": "scores_correlated.csv"}
    for name, table in tables.items():
        write_text(folder / files[name], table.to_csv(index=False))
    return [files[name] for name in tables]


def common_columns(table: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """The table without the columns that say the same in every row, and what these say."""
    if len(table) < 2:
        keep = ("network", "batch_size", "latent_dim", "distribution")
        same = [column for column in table.columns if column in keep]
    else:
        setting = list(table.columns[: list(table.columns).index("distribution") + 1])
        same = [c for c in setting if c != "run" and table[c].astype(str).nunique() == 1]
    return table.drop(columns=same), {c: str(table[c].iloc[0]) for c in same}
