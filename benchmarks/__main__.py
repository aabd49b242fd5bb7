"""Runs the benchmarks of this folder: `python -m benchmarks`, or the named ones, as in
`python -m benchmarks step_time`. With `--short` they do as little as shows that they run.

Each module has `main(arguments)`, which prints a table, keeps it in results/ and writes it into
README.md. The training of benchmarks.speedrun takes hours and is started by itself.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from vaelib import machine

HERE = Path(__file__).parent


def main(arguments: list[str]) -> None:
    found = sorted(p.stem for p in HERE.glob("*.py") if not p.stem.startswith("_"))
    names = [a for a in arguments if not a.startswith("-")]
    options = [a for a in arguments if a.startswith("-")]
    if unknown := [name for name in names if name not in found]:
        raise SystemExit(f"the benchmarks are {found}, got {unknown}")
    print("\n".join(f"{key}: {value}" for key, value in machine.describe().items()))
    for name in names or found:
        print(f"\n== {name}", flush=True)
        importlib.import_module(f"benchmarks.{name}").main(options)


if __name__ == "__main__":
    main(sys.argv[1:])
