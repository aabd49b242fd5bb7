"""Images a second of training on a GPU: one run, and many runs stacked in one process.

    python -m benchmarks.gpu

Wall time of the second half of a training, all included: data, log, optimiser. The first half takes
the compilation. Without a GPU nothing is measured.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace

import pandas as pd
import torch

from benchmarks._results import Rows, keep, table, write_readme
from benchmarks.loader import at_least
from vaelib import machine
from vaelib.stacked import train_stacked
from vaelib.train import TrainConfig, train

MANY = 16  # runs


def rate(log: pd.DataFrame, batch_size: int, runs: int = 1) -> float:
    """Images a second, from the middle of a log to its end."""
    first, last = log.iloc[len(log) // 2], log.iloc[-1]
    return runs * batch_size * (last["step"] - first["step"]) / (last["seconds"] - first["seconds"])


def measure(base: TrainConfig, many_steps: int) -> Rows:
    found = []
    for precision in ("float32", "bfloat16"):
        one = replace(base, precision=precision)
        many = [replace(one, seed=seed, steps=many_steps) for seed in range(MANY)]
        with tempfile.TemporaryDirectory() as folder:
            log = train(one, f"{folder}/one", progress=False).log
            value = rate(log, base.batch_size)
            found.append(at_least(f"one run, {precision}, images/s", value, 50_000))
            log = train_stacked(many, [f"{folder}/{seed}" for seed in range(MANY)])[0].log
            value = rate(log, base.batch_size, MANY)
            found.append(at_least(f"{MANY} runs together, {precision}, images/s", value, 300_000))
    return found


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("benchmarks.gpu", description=__doc__.split("\n")[0])
    parser.add_argument("--short", action="store_true", help="only see that it runs")
    short = parser.parse_args(arguments).short
    if not torch.cuda.is_available():
        print("no GPU here: nothing is measured")
        return
    steps = 20 if short else 2 * machine.GRAPHS_FROM
    base = TrainConfig(device="cuda", steps=steps, log_every=max(1, steps // 10))
    rows = measure(replace(base, checkpoint_every=steps), many_steps=steps // 10)
    print(table(rows))
    if not short:
        keep("gpu", rows)
        write_readme("gpu", table(rows))


if __name__ == "__main__":
    main()
