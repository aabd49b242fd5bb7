"""Run most tests with the oldest versions that pyproject.toml admits: `make test-lower`.

The versions go to .venv-lower, made with the Python that runs this: the oldest that have wheels
for it, so Python 3.10 tries the bounds themselves. torch has the version of constraints.txt: its
old wheels bring gigabytes of CUDA along.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".venv-lower"
PYTHON = FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
EXTRAS = ["--extra", "notebooks", "--extra", "dev"]
# What old direct requirements need of others, which name no upper bound themselves.
FITTING = """
numcodecs<0.16  # zarr 2.18 uses names that later ones lack
ipython<9  # later ones show no figure of matplotlib 3.7
"""
# Long trainings, whole chapters, hundreds of processes, browsers: they take most of the time, and
# say little of versions.
LEFT_OUT = ["animation", "benchmarks", "browser", "exercises", "faults", "flipbook", "fuzz",
            "killed", "lessons*", "many", "metrics_contract", "notebooks", "one_file",
            "readers_path", "report_smoke", "researcher", "studies", "study_run",
            "train"]  # fmt: skip


def main() -> int:
    run(sys.executable, "-m", "venv", str(FOLDER))
    torch = re.search(r"^torch==\S+", (ROOT / "constraints.txt").read_text("utf-8"), re.M)[0]
    pins, versions = FOLDER / "pins.txt", FOLDER / "versions.txt"
    pins.write_text(f"{torch}{FITTING}", encoding="utf-8")
    run(sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", *EXTRAS, "-q", "-c",
        str(pins), "--resolution", "lowest-direct", "--python", sys.executable, "--no-annotate",
        "--no-header", "--only-binary", ":all:", "-o", str(versions))  # fmt: skip
    kept = [line for line in versions.read_text("utf-8").splitlines(keepends=True)
            if not re.match(r"(nvidia|cuda|triton|torch)", line)]  # fmt: skip
    versions.write_text("".join(kept), encoding="utf-8")
    install = [str(PYTHON), "-m", "pip", "install", "-q"]
    run(*install, "-c", str(pins), torch)
    run(sys.executable, "-m", "uv", "pip", "install", "-q", "--python", str(PYTHON), "-r",
        str(versions))  # fmt: skip
    run(*install, "--no-deps", "-e", ".")
    # Old releases warn of newer ones beside them: those warnings are no errors here.
    options = ["-q", "-o", "filterwarnings=default"]
    ignored = [f"--ignore-glob=*/test_{name}.py" for name in LEFT_OUT]
    command = [str(PYTHON), "-m", "pytest", *options, *ignored, *sys.argv[1:]]
    return subprocess.run(command, cwd=ROOT).returncode


def run(*command: str) -> None:
    subprocess.run(command, cwd=ROOT, check=True)


if __name__ == "__main__":
    sys.exit(main())
