"""Time of all metrics on one set of codes, and of each against the papers' formulas.

    python -m benchmarks.metric_suite           # DCI's gradient boosting on 1,500 codes
    python -m benchmarks.metric_suite --full    # and on all 15,000: some six minutes more

A code of dSprites' factors, a pair turned by 45°, ten latents. First the whole suite in a process
of its own: wall and CPU seconds from the first import, and the most memory it held (VmHWM). Then
each metric, and side by side the same formula in plain loops with scikit-learn. CPU time counts
all threads; other work on the machine disturbs it less than wall time.
"""

from __future__ import annotations

import argparse
import inspect
import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks._results import Rows, keep, table, write_readme
from vaelib import machine, metrics, sanity
from vaelib.datasets import DSprites
from vaelib.metrics import _work
from vaelib.types import Codes

SAMPLES, REDUCED = 15_000, 1_500
SUITE = """
import json, sys, time
from pathlib import Path
start = time.perf_counter()
from vaelib.codes_file import read_codes
from vaelib.evaluate import score
score(read_codes(sys.argv[1]))
seconds, status = time.perf_counter() - start, Path("/proc/self/status")
lines = status.read_text().splitlines() if status.exists() else []
peak = [int(line.split()[1]) / 1e3 for line in lines if line.startswith("VmHWM")]
print(json.dumps([seconds, time.process_time(), peak[0] if peak else None]))
"""


def turned_pair(samples: int) -> Codes:
    data = DSprites()
    factors = data.sample_factors(samples, np.random.default_rng(0))
    return sanity.rotated(Codes(np.zeros((samples, 10)), factors, data.factor_names))


def whole(codes: Codes) -> dict[str, Any]:
    """The suite in a new process."""
    import tempfile
    from pathlib import Path

    from vaelib.codes_file import write_codes

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "codes.npz"
        write_codes(path, codes)
        command = [sys.executable, "-c", SUITE, str(path)]
        found = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, cpu, peak = json.loads(found.stdout)
    return {"metric": "all", "samples": len(codes), "s": seconds, "CPU s": cpu, "peak MB": peak}


def timed(function: Callable[[Codes], Any], codes: Codes) -> tuple[Any, float, float]:
    """What it returns, wall seconds, CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    value = function(codes)
    return value, time.perf_counter() - wall, time.process_time() - cpu


def row(name: str, codes: Codes, against: bool = True) -> dict[str, Any]:
    """One metric, and its reference where there is one and it is asked for."""
    from benchmarks._metric_references import REFERENCES, quietly

    _work.forget()
    found, wall, cpu = timed(metrics.all()[name], codes)
    values: dict[str, Any] = {"metric": name, "samples": len(codes), "s": wall, "CPU s": cpu}
    if not against or name not in REFERENCES:
        return values
    which, reference = REFERENCES[name]
    expected, slow, slow_cpu = timed(lambda c: quietly(reference, c), codes)
    values |= {"reference s": slow, "reference CPU s": slow_cpu, "ratio": slow / wall}
    return values | {"CPU ratio": slow_cpu / cpu, "value": found[which], "reference": expected}


def measure(samples: int, reduced: int, full: bool) -> Rows:
    codes = turned_pair(samples)
    rows = [whole(codes)]
    print(table(rows), flush=True)
    metrics.sap(codes[:300])  # imports scikit-learn
    for name, metric in metrics.all().items():
        if "codes" in inspect.signature(metric).parameters:
            rows.append(row(name, codes, against=full or name != "dci"))
            print(table(rows[-1:]), flush=True)
    if not full:
        rows.append(row("dci", codes[:reduced]))
    return rows


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("benchmarks.metric_suite", description=__doc__.split("\n")[0])
    parser.add_argument("--short", action="store_true", help="only see that it runs")
    parser.add_argument("--full", action="store_true", help="gradient boosting on all samples too")
    options = parser.parse_args(arguments)
    print(f"CPU: {machine.cpu_name()}")
    rows = measure(300 if options.short else SAMPLES, REDUCED, options.full or options.short)
    print(table(rows))
    if not options.short:
        keep("metric_suite", rows, full=options.full)
        write_readme("metric_suite", table(rows))


if __name__ == "__main__":
    main()
