"""Images a second and memory: what has to be quick around the networks.

    python -m benchmarks.loader

One thread and CPU time; each row has the limit that it must keep.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks._results import Rows, keep, table, write_readme
from vaelib import machine
from vaelib.datasets import DSprites
from vaelib.runs import encode
from vaelib.train import TrainConfig
from vaelib.vae import VAE

GRID = len(DSprites())


def seconds(work: Callable[[], Any], rounds: int) -> float:
    """CPU seconds of one call, the median; a first call warms up."""
    times = []
    for _ in range(rounds + 1):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return float(np.median(times[1:]))


def from_table(images: int, rows: int = GRID) -> DSprites:
    """dSprites as read from its file: packed bits in a mapped table, here drawn instead."""
    drawn = DSprites()
    packed = drawn.packed(drawn.factors(np.arange(images)))
    data = DSprites("table.npy")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # what is mapped stays
        file = Path(folder) / "table.npy"
        np.save(file, np.resize(packed, (rows, packed.shape[1])))  # a small drawing fills them
        vars(data)["_table"] = np.load(file, mmap_mode="r")
    return data


def loading(images: int, rounds: int) -> Rows:
    rng, found = np.random.default_rng(0), []
    for name, data, limit in (
        ("from the packed table", from_table(images), 1_000_000),
        ("drawn on demand", DSprites(), 40_000),
    ):
        for batch in (64, 1024):
            spent = seconds(lambda d=data, n=batch: d.sample(n, rng), rounds)
            found.append(at_least(f"batches of {batch} {name}, images/s", batch / spent, limit))
    return found


def encoding(images: int) -> Rows:
    """Seconds for the whole grid on two cores, computed from a part of it on one."""
    found = []
    for precision in dict.fromkeys(("float32", "auto")):
        vae = VAE(TrainConfig().network, (1, 64, 64), 10).eval()
        plan = machine.plan("cpu", precision)
        vae.to(memory_format=plan.layout)
        with plan.autocast():
            spent = seconds(lambda v=vae: encode(v, DSprites(), images), 3)
        name = f"encode half of the grid on one core, {str(plan.dtype).removeprefix('torch.')}, s"
        found.append(at_most(name, spent / images * GRID / 2, 60))
    return found


TRAIN = """
import torch, vaelib.train as t, tempfile
torch.set_num_threads(1)
config = t.TrainConfig(steps={steps}, device="cpu")
t.train(config, tempfile.mkdtemp(), progress=False)
print(next(l for l in open("/proc/self/status") if l.startswith("VmHWM")).split()[1])
"""
IMPORT = "import time; b = time.process_time(); import vaelib; print(time.process_time() - b)"
IMPORT_TRAIN = "import torch, time; b = time.process_time(); import vaelib.train, vaelib.runs; "
IMPORT_TRAIN += "print(time.process_time() - b)"


def processes(steps: int) -> Rows:
    found = [
        at_most("import vaelib, s", ask(IMPORT), 0.3),
        at_most("import vaelib.train after torch, s", ask(IMPORT_TRAIN), 0.3),
    ]
    if sys.platform == "linux":
        memory = ask(TRAIN.format(steps=steps)) / 1024
        found.append(at_most("peak memory of a training run, MB", memory, 1024))
    return found


def ask(code: str) -> float:
    command = [sys.executable, "-c", code]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def at_least(what: str, value: float, limit: float) -> dict[str, Any]:
    return {"what": what, "value": value, "limit": f"≥ {limit:,}", "kept": _yes(value >= limit)}


def at_most(what: str, value: float, limit: float) -> dict[str, Any]:
    return {"what": what, "value": value, "limit": f"≤ {limit:,}", "kept": _yes(value <= limit)}


def _yes(kept: bool) -> str:
    return "yes" if kept else "NO"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("benchmarks.loader", description=__doc__.split("\n")[0])
    parser.add_argument("--short", action="store_true", help="only see that it runs")
    short = parser.parse_args(arguments).short
    torch.set_num_threads(1)
    rows = loading(1_000 if short else GRID, 3 if short else 200)
    rows += encoding(500 if short else 10_000) + processes(3 if short else 300)
    print(table(rows))
    if not short:
        keep("loader", rows)
        write_readme("loader", table(rows))


if __name__ == "__main__":
    main()
