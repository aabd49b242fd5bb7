"""`vaelib evaluate` and `vaelib evaluate-codes`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from vaelib.cli.command import add_command, find_runs

if TYPE_CHECKING:
    import pandas as pd

    from vaelib.runs import Run
    from vaelib.types import Codes

SAMPLES = 15_000  # as in vaelib.evaluate, which loads scikit-learn; a test compares


def add(commands: argparse._SubParsersAction) -> None:
    _add_evaluate(commands)
    _add_evaluate_codes(commands)


def _add_evaluate(commands: argparse._SubParsersAction) -> None:
    parser = add_command(
        commands,
        "evaluate",
        "score finished runs",
        "Score runs by the disentanglement metrics, keep the scores in each run's scores.json,\n"
        "and print a table. Scores are on uncorrelated factors, the only ground on which models\n"
        "that were trained on different correlations can be compared; --as-trained scores on the\n"
        "run's own data.",
        "vaelib evaluate runs --metrics mig factor_vae_score",
    )
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help="the folder of a run, or a folder of runs"
    )
    _add_metrics(parser)
    parser.add_argument(
        "--samples",
        type=int,
        default=SAMPLES,
        metavar="N",
        help="images to encode (default: %(default)s)",
    )
    parser.add_argument(
        "--bootstrap",
        type=int,
        default=0,
        metavar="N",
        help="standard errors from N resamples, 2 or more (default: none)",
    )
    parser.add_argument(
        "--as-trained", action="store_true", help="score on the data that the run was trained on"
    )
    parser.set_defaults(command=evaluate)


def _add_evaluate_codes(commands: argparse._SubParsersAction) -> None:
    parser = add_command(
        commands,
        "evaluate-codes",
        "score codes of any model, from an npz file",
        "Score codes that any program wrote: an npz file with the arrays `means` (N, D), one code\n"
        "a row, `factors` (N, K), whole numbers, and if wanted `names`, the K factors' names.\n"
        "Nothing in the file is unpickled.",
        "vaelib evaluate-codes codes.npz --metrics mig",
    )
    parser.add_argument("file", metavar="FILE", help="the npz file")
    _add_metrics(parser)
    parser.set_defaults(command=evaluate_codes)


def _add_metrics(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--metrics",
        nargs="+",
        metavar="NAME",
        help="which metrics (default: all; `vaelib list` shows them)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="of the images and of what a metric draws (default: %(default)s)",
    )
    parser.add_argument("--csv", metavar="FILE", help="write the table to this file too")


def evaluate(args: argparse.Namespace) -> int:
    runs = find_runs(args.runs)
    unfinished = [run for run in runs if not run.finished]
    for run in unfinished:
        print(f"left out, not finished: {run.folder}", file=sys.stderr)
    runs = [run for run in runs if run.finished]
    if not runs:
        raise ValueError("there is no finished run to score; go on with `vaelib resume FOLDER`")
    _score(runs, args)
    for distribution in sorted({_distribution(run, args) for run in runs}, reverse=True):
        chosen = [run for run in runs if _distribution(run, args) == distribution]
        _print_runs(chosen, distribution, args.csv)
    return 1 if unfinished else 0


def _score(runs: list[Run], args: argparse.Namespace) -> None:
    from tqdm import tqdm

    from vaelib.evaluate import evaluate

    for run in tqdm(runs, desc="runs", unit="run", disable=None):
        data = run.config.data if args.as_trained else None
        evaluate(run, data, args.metrics, args.samples, args.seed, args.bootstrap)


def _distribution(run: Run, args: argparse.Namespace) -> str:
    return run.config.data.distribution if args.as_trained else "uncorrelated"


def _print_runs(runs: list[Run], distribution: str, csv: str | None) -> None:
    from vaelib.runs import table

    frame = table(runs, distribution)
    if csv:
        _write(frame, Path(csv))
    print(f"Scored on {distribution} factors:")
    _print(frame.drop(columns=["network", "batch_size", "distribution"], errors="ignore"))


def _write(frame: pd.DataFrame, path: Path) -> None:
    from vaelib.report.state import write_text

    write_text(path, frame.to_csv(index=False))


def _print(frame: pd.DataFrame) -> None:
    print(
        frame.to_string(index=False, float_format=lambda v: f"{v:.4g}", na_rep="", line_width=None)
    )


def evaluate_codes(args: argparse.Namespace) -> int:
    import pandas as pd

    from vaelib.evaluate import score

    codes = read_codes(Path(args.file))
    scores = score(codes, args.metrics, args.seed, progress=sys.stderr.isatty())
    rows = [
        {"metric": metric, "score": name, "value": value}
        for metric, values in scores.items()
        for name, value in values.items()
    ]
    frame = pd.DataFrame(rows)
    if args.csv:
        _write(frame, Path(args.csv))
    _print(frame)
    return 0


def read_codes(path: Path) -> Codes:
    """The codes in an npz file; ValueError says what is missing."""
    import zipfile

    import numpy as np

    from vaelib.types import Codes

    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (zipfile.BadZipFile, EOFError, AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not a whole npz file of plain arrays: {error}") from error
    if missing := {"means", "factors"} - set(arrays):
        raise ValueError(
            f"{path} must hold means and factors, but {sorted(missing)} is missing; "
            f"it has {sorted(arrays)}"
        )
    return Codes(arrays["means"], arrays["factors"], tuple(map(str, arrays.get("names", ()))))
