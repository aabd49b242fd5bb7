"""Runs every benchmark of this folder: `python -m benchmarks`, or the named ones:
`python -m benchmarks step_time`.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(names: list[str]) -> None:
    found = sorted(p.stem for p in HERE.glob("*.py") if not p.stem.startswith("_"))
    unknown = [name for name in names if name not in found]
    if unknown:
        raise SystemExit(f"the benchmarks are {found}, got {unknown}")
    for name in names or found:
        print(f"\n== {name}", flush=True)
        importlib.import_module(f"benchmarks.{name}").main([])


if __name__ == "__main__":
    main(sys.argv[1:])
