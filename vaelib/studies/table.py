"""The results of a study as one table: a row a run of the design.

>>> import pandas as pd
>>> from vaelib.spec import to_spec
>>> from vaelib.studies.smoke import Smoke
>>> study, folder = Smoke(seeds=(0, 1, 2), sigmas=(0.4,)), default_folder(Smoke)
>>> run, *_ = plan = study.plan()
>>> shipped_table(Smoke).name
'table.csv'
>>> result = {"config": to_spec(run.config), "key": run.config.key, "git": "", "finished": ""}
>>> result |= {"scores": {}, "elbo": {}, "seconds": 60.0, "machine": {"cpu": "", "torch": ""}}
>>> table = pd.DataFrame([row_of(run, result) | run.labels for run in plan])
>>> table[study.score] = range(len(table))
>>> write(table, folder / "table.csv")
>>> len(read(folder / "table.csv")), len(cells(table, study.score))
(9, 3)
>>> place(run) in places(table)
True
>>> check_score(table, study), check_score_name(study)  # else ValueError
(None, None)
>>> best_settings(table, study), len(list(best_keys(table, study)))
({'BetaTCVAE': 'beta=1.5', 'BetaVAE': 'beta=1'}, 2)
>>> len(with_settings(table, best_settings(table, study)))
6
>>> len(collect(plan, folder, before=table)), len(prune(table, study, plan, folder))
(1, 1)
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from vaelib.files import DataFileError, readable, write_text
from vaelib.paths import in_clone, runs_dir
from vaelib.studies.base import Planned, Study
from vaelib.studies.results import RESULT, read_result
from vaelib.studies.statistics import ENOUGH
from vaelib.studies.work import drop_weights

LABELS = ("phase", "pair", "sigma", "method", "setting", "seed")
ONE_BEST = ["phase", "pair", "sigma", "method"]  # of each, the weights of one run are kept
TABLE = "table.csv"
TEXT = ("key", "phase", "pair", "method", "setting", "git", "cpu", "gpu", "torch", "finished")


def default_folder(study: type[Study]) -> Path:
    """Where the runs of a study go: study_runs/NAME, beside the folder of the other runs."""
    return runs_dir().resolve().parent / "study_runs" / study.name()


def shipped_table(study: type[Study]) -> Path:
    """The committed table of a study: data/studies/NAME/table.csv, or its copy in the package."""
    package = Path(__file__).parents[1]
    tables = package.parent / "data" / "studies" if in_clone() else package / "study_tables"
    return tables / study.name() / TABLE


def collect(plan: Sequence[Planned], folder: Path, before: pd.DataFrame) -> pd.DataFrame:
    """One row for each planned run that has a result, in the order of the plan.

    Results are those in `folder`, else the rows of `before`. A run that stands in the plan more
    than once (σ = ∞ is the same for all pairs) has as many rows. A file that is no result is left
    out, with a warning.
    """
    known = _by_place(before)
    rows = [_row(run, folder / run.config.folder_name) or known.get(place(run)) for run in plan]
    return pd.DataFrame([row for row in rows if row])


def _row(run: Planned, folder: Path) -> dict[str, Any] | None:
    try:
        if not (result := read_result(folder, run.config.key)):
            return None
        with readable(folder / RESULT, "is not the result of a run"):
            return row_of(run, result)
    except DataFileError as error:
        warnings.warn(f"left out: {error}", stacklevel=3)
        return None


def place(run: Planned) -> tuple[Any, ...]:
    """Which run, and where in the design: σ = ∞ is one run in the place of several pairs."""
    return (run.config.key, *run.labels.values())


def places(table: pd.DataFrame) -> set[tuple[Any, ...]]:
    """The places of the design that a table has rows of."""
    return set(_by_place(table))


def _by_place(table: pd.DataFrame) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The rows of a table by their place in the design."""
    rows = table.to_dict("records")
    return {(row["key"], *(row[name] for name in LABELS)): row for row in rows}


def read(path: Path) -> pd.DataFrame:
    """A table as it was written; an empty one where there is no file.

    DataFileError when it is damaged, or no table of a study.
    """
    if not path.exists():
        return pd.DataFrame()
    text = dict.fromkeys(TEXT, str)
    with readable(path, "is no table of a study"):
        frame = pd.read_csv(path, dtype=text, keep_default_na=False, na_values=[""])
        if missing := [name for name in ("key", *LABELS) if name not in frame]:
            raise ValueError(f"it lacks the columns {', '.join(missing)}")
    return frame.fillna(dict.fromkeys((c for c in text if c in frame), ""))


def write(table: pd.DataFrame, path: Path) -> None:
    """As CSV, whole or not at all."""
    write_text(path, table.to_csv(index=False, lineterminator="\n"))


def row_of(run: Planned, result: dict[str, Any]) -> dict[str, Any]:
    """Labels, configuration, scores, cost and origin of one run."""
    config, spec = run.config, result["config"]
    row: dict[str, Any] = {**run.labels, "steps": config.steps, "batch_size": config.batch_size}
    row |= {"latent_dim": config.latent_dim, "learning_rate": config.learning_rate}
    parts = ("objective", "sampling", "network", "data")
    row |= {part: json.dumps(spec[part], ensure_ascii=False) for part in parts if part in spec}
    for distribution in sorted(result["scores"], reverse=True):
        row |= _scores(distribution, result["scores"][distribution]["scores"], run.pair)
    for distribution in sorted(result["elbo"], reverse=True):
        row |= {f"{distribution}.{k}": v for k, v in result["elbo"][distribution].items()}
    machine = result["machine"]
    row |= {"seconds": result["seconds"], "cpu": machine["cpu"], "gpu": machine.get("gpu", "")}
    row |= {"torch": machine["torch"], "git": result["git"], "finished": result["finished"]}
    return row | {"key": result["key"]}


def _scores(distribution: str, scores: dict, pair: tuple[str, str] | None) -> dict[str, float]:
    """Summaries by metric and value, and what concerns the run's own pair as metric.pair."""
    row = {}
    for metric, values in scores.items():
        for name, value in values.items():
            if not set("+|:") & set(name):
                short = metric if metric == name else f"{metric}.{name}"
                row[f"{distribution}.{short}"] = value
        row |= _of_pair(f"{distribution}.{metric}", values, pair)
    return row


def _of_pair(name: str, values: dict[str, float], pair: tuple[str, str] | None) -> dict[str, float]:
    """a+b, the mean of a|b and b|a, and labels_100:a+b of the pair (a, b)."""
    if pair is None:
        return {}
    a, b = pair
    found = {f"{name}.pair": [values[k] for k in (f"{a}+{b}", f"{b}+{a}") if k in values]}
    found[f"{name}.pair"] += [values[k] for k in (f"{a}|{b}", f"{b}|{a}") if k in values]
    for key, value in values.items():
        head, colon, tail = key.partition(":")
        if colon and set(tail.split("+")) == {a, b}:
            found[f"{name}.{head}.pair"] = [value]
    return {key: sum(part) / len(part) for key, part in found.items() if part}


def cells(table: pd.DataFrame, score: str) -> pd.DataFrame:
    """How many seeds with a score each cell has, and whether that is enough for a claim: three."""
    by = [name for name in LABELS if name != "seed"]
    seeds = table.dropna(subset=[score]).groupby(by, sort=False)["seed"].nunique()
    found = seeds.rename("seeds").reset_index()
    return found.assign(claim=found["seeds"] >= ENOUGH)


def check_score(table: pd.DataFrame, study: Study) -> None:
    """ValueError when a table with rows lacks the column that the study is judged by."""
    if len(table) and study.score not in table:
        columns = [name for name in table if name.startswith(study.score.partition(".")[0] + ".")]
        raise ValueError(
            f"score of {type(study).__name__} must be a column of its table, as "
            f"{', '.join(columns) or ', '.join(table)}, got {study.score!r}"
        )


def check_score_name(study: Study) -> None:
    """ValueError when no run of the study can have the score that it is judged by.

    Asks the metric of a small code, so that it is known before hours of training.
    """
    from vaelib.evaluate import score
    from vaelib.sanity import identity

    distribution, _, name = study.score.partition(".")
    metric, codes = name.partition(".")[0], identity()
    given = [*study.metrics, "reconstruction", "kl"]
    rule = ""
    if metric not in given:
        rule = f"distribution.metric with a metric of {', '.join(given)}"
    elif metric in study.metrics:
        row = _scores(distribution, score(codes, [metric]), codes.names[:2])
        rule = "" if study.score in row else f"one of {', '.join(row)}"
    if rule:
        raise ValueError(f"score of {type(study).__name__} must be {rule}, got {study.score!r}")


def prune(table: pd.DataFrame, study: Study, plan: Sequence[Planned], folder: Path) -> list[str]:
    """Drop the weights of all runs but the best one of each cell; the names of the runs kept."""
    check_score(table, study)
    names = {run.config.key: run.config.folder_name for run in plan}
    kept = {names[key] for key in best_keys(table, study)} if len(table) else set()
    for name in set(names.values()) - kept:
        if (folder / name / RESULT).exists():
            drop_weights(folder / name)
    return sorted(kept)


def best_keys(table: pd.DataFrame, study: Study) -> Iterable[str]:
    """The best run of each phase, pair, strength and method."""
    order = table.dropna(subset=[study.score]).sort_values(
        study.score, ascending=study.lower_is_better
    )
    return order.groupby(ONE_BEST, sort=False)["key"].first()


def best_settings(table: pd.DataFrame, study: Study) -> dict[str, str]:
    """The setting of each method with the best mean score over all its rows.

    Means of the cells (pair and strength) are averaged, so that more seeds here or there do not
    count more. Settings that were tried on fewer cells than others of the method are not compared:
    theirs may be the easy ones.
    """
    by = ["method", "setting", "pair", "sigma"]
    means = table.dropna(subset=[study.score]).groupby(by, sort=False)[study.score].mean()
    scores = means.groupby(["method", "setting"]).agg(["mean", "count"])
    most = scores.groupby("method")["count"].transform("max")
    sign = -1 if study.lower_is_better else 1
    best = (sign * scores["mean"][scores["count"] == most]).groupby("method").idxmax()
    return {method: setting for method, setting in best}


def with_settings(table: pd.DataFrame, settings: dict[str, str]) -> pd.DataFrame:
    """The rows of these settings."""
    return table[table["setting"] == table["method"].map(settings)]
