"""What all tests share: few threads, no windows, and folders of their own for those that ask."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Before torch, NumPy or matplotlib are imported, and inherited by the processes that tests start:
# one thread adds up in the same order on every machine, and is no slower for small models.
for _library in ("OMP", "MKL", "OPENBLAS"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"
os.environ["MPLBACKEND"] = "Agg"
os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")  # otherwise jupyter_core warns


@pytest.fixture
def runs_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that takes the runs of this test (VAELIB_RUNS)."""
    return _folder(tmp_path / "runs", "VAELIB_RUNS", monkeypatch)


@pytest.fixture
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in the place of data/ (VAELIB_DATA)."""
    return _folder(tmp_path / "data", "VAELIB_DATA", monkeypatch)


def _folder(folder: Path, variable: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder.mkdir()
    monkeypatch.setenv(variable, str(folder))
    return folder
