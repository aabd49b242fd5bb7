"""The runs of a report as tables: one table a distribution, never mixed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vaelib.report.state import write_text

if TYPE_CHECKING:
    import pandas as pd


QUICK = ("mig", "factor_vae_score")  # seconds a run; some others take minutes


def check_metrics(names: Sequence[str]) -> None:
    """ValueError, with what there is, for a metric that does not exist."""
    from vaelib import metrics

    if unknown := [name for name in names if name not in metrics.all()]:
        there = ", ".join(metrics.all())
        raise ValueError(f"metrics must be among {there}, got {', '.join(unknown)}")


def evaluate_new(folder: Path, metrics: Sequence[str], progress: bool = True) -> None:
    """Score the finished runs under `folder` that have no scores yet."""
    from tqdm import tqdm

    from vaelib.evaluate import evaluate
    from vaelib.runs import find

    new = [run for run in find(folder) if run.finished and not run.scores]
    for run in tqdm(new, desc="scores", unit="run", disable=not progress or not new):
        evaluate(run, metrics=metrics)


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


def arranged(table: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """For reading: what was varied, then the scores, then the rest; and what is common to all rows.

    Settings that are the same in all rows are taken out and given as {name: value}.
    """
    columns = list(table.columns)
    settings = columns[1 : columns.index("seed") + 1]  # after the run's name
    rest = [c for c in ("reconstruction", "kl", "seconds") if c in columns]
    scores = [c for c in columns if c not in (*settings, *rest, "run", "distribution")]
    varied = [c for c in settings if _varied(table, c)]
    same = {c: str(table[c].iloc[0]) for c in settings if c not in varied}
    return table[[*varied, *scores, *rest, "run"]], same


def _varied(table: pd.DataFrame, column: str) -> bool:
    """Whether rows differ here; one row alone still shows what it is."""
    alone = len(table) == 1 and column not in ("network", "latent_dim", "batch_size")
    return alone or table[column].astype(str).nunique() > 1
