"""What a run of a study leaves in its folder: its result, or the record of its failure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vaelib.files import DataFileError, read_json

RESULT, FAILURE = "result.json", "failure.json"
PARTS = {"key", "seconds", "finished", "git", "machine", "config", "scores", "elbo"}  # of a result


def read_result(folder: Path, key: str) -> dict[str, Any] | None:
    """What the run with this key gave; None before it is done, DataFileError for something else."""
    path = folder / RESULT
    if not path.exists():
        return None
    try:
        return _of_run(read_json(path), key)
    except ValueError as error:
        raise DataFileError(
            f"{path} is not the result of this run ({error}): remove {folder}, and run again"
        ) from error


def _of_run(result: dict[str, Any], key: str) -> dict[str, Any]:
    if missing := sorted(PARTS - result.keys()):
        raise ValueError(f"it lacks {', '.join(missing)}")
    if result["key"] != key:
        raise ValueError(f"it is that of {result['key']}")
    return result


def recorded(folder: Path) -> str:
    """The traceback of a run that failed."""
    try:
        return str(read_json(folder / FAILURE)["traceback"])
    except (OSError, ValueError, KeyError):
        return "its record cannot be read"
