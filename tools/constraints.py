"""Make constraints.txt anew, after a change of pyproject.toml or to take newer releases.

    python tools/constraints.py              today's newest versions; torch stays
    python tools/constraints.py --torch 2.14.0
    python tools/constraints.py --keep       only what is new or no longer fits changes
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "constraints.txt"
HEADER = """\
# The exact versions that `make` installs: pip install -c constraints.txt -e '.[…]'
# For Python 3.10 to 3.14 on Linux, macOS and Windows. Packages of CUDA are left out: torch pins its
# own. Made by `make constraints` (tools/constraints.py); do not edit.
"""
RESOLVE = ["-m", "uv", "pip", "compile", "pyproject.toml", "--all-extras", "--universal", "-q",
           "--python-version", "3.10", "--no-annotate", "--no-header"]  # fmt: skip
LEFT_OUT = re.compile(r"(nvidia|cuda|triton)")


def main() -> None:
    old = TARGET.read_text(encoding="utf-8")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--torch", default=re.search(r"^torch==(\S+)", old, re.M)[1],
                        help="its version (default: the present one)")  # fmt: skip
    parser.add_argument("--keep", action="store_true", help="keep present versions where they fit")
    chosen = parser.parse_args()
    TARGET.write_text(HEADER + resolved(chosen.torch, old if chosen.keep else ""), encoding="utf-8")


def resolved(torch: str, wished: str) -> str:
    """A version for each package; those of `wished`, a text like constraints.txt, come first."""
    with tempfile.TemporaryDirectory() as folder:
        pins, output = Path(folder) / "pins.txt", Path(folder) / "constraints.txt"
        pins.write_text(f"torch=={torch}\n", encoding="utf-8")
        output.write_text(wished, encoding="utf-8")
        command = [sys.executable, *RESOLVE, "-c", str(pins), "-o", str(output)]
        subprocess.run(command, cwd=ROOT, check=True)
        lines = output.read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if not LEFT_OUT.match(line))


if __name__ == "__main__":
    main()
