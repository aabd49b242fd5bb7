"""`vaelib evaluate` and `vaelib evaluate-codes`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaelib.cli.command import add_command, add_number, find_runs

if TYPE_CHECKING:
    import pandas as pd

    from vaelib.datasets import FactorData
    from vaelib.evaluate import Table
    from vaelib.runs import Run

SAMPLES = 15_000  # as in vaelib.evaluate, which loads scikit-learn; a test compares

PERFECT = (
    "perfect: a latent for each factor, with noise of a tenth of its spread. The noise, and bins "
    "wider than a factor's steps, keep information scores such as MIG below 1 even there."
)


def add(commands: argparse._SubParsersAction) -> None:
    _add_evaluate(commands)
    _add_evaluate_codes(commands)


def _add_evaluate(commands: argparse._SubParsersAction) -> None:
    parser = add_command(commands, "evaluate", evaluate)
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help="the folder of a run, or a folder of runs"
    )
    _add_metrics(parser, ["mig", "factor_vae_score"])
    add_number(parser, "--samples", SAMPLES, "images to encode")
    text = "standard errors from N resamples, 2 or more, into scores.json (default: none)"
    parser.add_argument("--bootstrap", type=int, default=0, metavar="N", help=text)
    parser.add_argument(
        "--as-trained", action="store_true", help="score on the data that the run was trained on"
    )
    text = "print the scores of a perfect, a rotated and a random code and of PCA below the runs"
    parser.add_argument("--sanity", action="store_true", help=text)


def _add_evaluate_codes(commands: argparse._SubParsersAction) -> None:
    parser = add_command(commands, "evaluate-codes", evaluate_codes)
    parser.add_argument("file", metavar="FILE", help="the npz file")
    _add_metrics(parser, ["all"])
    form = parser.add_mutually_exclusive_group()
    text = "score a perfect, a rotated and a random code of the same size too"
    form.add_argument("--sanity", action="store_true", help=text)
    text = "instead of the table print one JSON object, {metric: {value: number}}"
    form.add_argument("--json", action="store_true", help=text)


def _add_metrics(parser: argparse.ArgumentParser, default: list[str]) -> None:
    parser.add_argument(
        "--metrics",
        nargs="+",
        default=default,
        metavar="NAME",
        help="which metrics, or `all`, which takes some ten seconds; `vaelib list metrics` shows "
        f"them (default: {' '.join(default)})",
    )
    add_number(parser, "--seed", 0, "of the images and of what a metric draws")
    parser.add_argument("--csv", metavar="FILE", help="write the table to this file too")


def evaluate(args: argparse.Namespace) -> int:
    """Score finished runs.

    Score runs by the disentanglement metrics, keep the scores in each run's scores.json,
    and print a table. Scores are on uncorrelated factors, the only ground on which models
    that were trained on different correlations can be compared; --as-trained scores on the
    run's own data.

    vaelib evaluate runs --metrics mig factor_vae_score
    """
    import pandas as pd

    from vaelib.runs import table

    found = find_runs(args.runs)
    runs = _scored([run for run in found if _is_usable(run)], args)
    if not runs:
        unfinished = any(not run.finished for run in found)
        advice = "; go on with `vaelib resume FOLDER`" if unfinished else ""
        raise ValueError(f"there is no run that could be scored{advice}")
    frames = []
    for distribution in sorted({_world(run, args).distribution for run in runs}, reverse=True):
        chosen = [run for run in runs if _world(run, args).distribution == distribution]
        frames.append(table(chosen, distribution))
        _print_runs(frames[-1], chosen, args)
    if args.csv:
        _write(pd.concat(frames), Path(args.csv))
    return int(len(runs) < len(found))


def _is_usable(run: Run) -> bool:
    """Whether a run can be scored; it is told why not."""
    try:
        if run.finished:
            _ = run.vae
            return True
        why = "not finished"
    except (ValueError, OSError) as error:
        why = str(error)
    _tell_left_out(run, why)
    return False


def _tell_left_out(run: Run, why: str) -> None:
    print(f"left out, {why}: {run.folder}", file=sys.stderr)


def _scored(runs: list[Run], args: argparse.Namespace) -> list[Run]:
    """Those that could be scored; the others are told, unless there is but one run."""
    from tqdm import tqdm

    from vaelib.evaluate import evaluate

    done = []
    for run in tqdm(runs, desc="runs", unit="run", disable=None):
        try:
            world = _world(run, args)
            evaluate(run, world, args.metrics, args.samples, args.seed, args.bootstrap)
            done.append(run)
        except ValueError as error:
            if len(runs) == 1:
                raise
            _tell_left_out(run, str(error))
    return done


def _world(run: Run, args: argparse.Namespace) -> FactorData:
    """The images that a run is scored on."""
    data = run.config.data
    return data if args.as_trained else data.uncorrelated()


def _print_runs(frame: pd.DataFrame, runs: list[Run], args: argparse.Namespace) -> None:
    import pandas as pd

    from vaelib.report.tables import arranged

    shown, same = arranged(frame)
    if args.sanity:
        known = pd.DataFrame(_known_rows(runs, args))
        shown = pd.concat([shown, known[[c for c in shown if c in known]]], ignore_index=True)
        whole = shown.convert_dtypes()  # steps stay whole numbers where codes have none
        shown = whole.astype(object).where(whole.notna(), "")
    print(f"Scored on {frame['distribution'].iloc[0]} factors:")
    _print(shown)
    print("The same in all rows: " + ", ".join(f"{name} {value}" for name, value in same.items()))
    if "reconstruction" in shown:
        print(
            "reconstruction and kl, nats per image, are means of the last logged training batches."
        )
    if args.sanity:
        print(PERFECT)


def _known_rows(runs: list[Run], args: argparse.Namespace) -> list[dict[str, Any]]:
    """Codes whose scores are known beforehand, on the factors that the runs were scored on: one row
    each, once for every data set and number of latents."""
    import numpy as np

    from vaelib.evaluate import sanity_scores
    from vaelib.runs import score_columns
    from vaelib.types import Codes

    kinds, rows = {}, []
    for run in runs:
        data = _world(run, args)
        kinds[f"{run.config.latent_dim} latents, {data}"] = data, run.config.latent_dim
    for kind, (data, latents) in kinds.items():
        factors = data.sample_distinct(args.samples, np.random.default_rng(args.seed))
        codes = Codes(np.zeros((len(factors), latents)), factors, data.factor_names)
        for name, table in sanity_scores(codes, data, args.metrics, args.seed).items():
            rows.append({"run": f"({name}: {kind})", **score_columns(table)})
    return rows


def _write(frame: pd.DataFrame, path: Path) -> None:
    from vaelib.files import write_text

    write_text(path, frame.to_csv(index=False))


def _print(frame: pd.DataFrame) -> None:
    print(
        frame.to_string(index=False, float_format=lambda v: f"{v:.4g}", na_rep="", line_width=None)
    )


def evaluate_codes(args: argparse.Namespace) -> int:
    """Score codes of any model, from an npz file.

    Score codes that any program wrote: an npz file with the arrays `means` (N, D), one code
    a row, `factors` (N, K), whole numbers, and if wanted `names`, the K factors' names.
    Rows must be in random order: some metrics train on the first part and test on the rest.
    Nothing in the file is unpickled. The table leaves out values of single pairs of
    factors; --json and --csv have them.

    vaelib evaluate-codes codes.npz
    vaelib evaluate-codes codes.npz --metrics mig dci --json
    """
    from vaelib.codes_file import read_codes
    from vaelib.evaluate import sanity_scores, score, summary

    codes, bar = read_codes(args.file), sys.stderr.isatty()
    found = {"value": score(codes, args.metrics, args.seed, bar)}
    if args.sanity:
        found |= sanity_scores(codes, None, args.metrics, args.seed)
    if args.csv:
        _write(_one_row_a_value(found), Path(args.csv))
    if args.json:
        print(json.dumps(found["value"], allow_nan=False))
    else:
        _print(_one_row_a_value({title: summary(table) for title, table in found.items()}))
    return 0


def _one_row_a_value(found: dict[str, Table]) -> pd.DataFrame:
    import pandas as pd

    rows = [
        {"metric": metric, "score": name}
        | {title: table[metric].get(name) for title, table in found.items()}
        for metric, values in found["value"].items()
        for name in values
    ]
    return pd.DataFrame(rows)
