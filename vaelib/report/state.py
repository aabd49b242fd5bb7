"""What a report has already done, so that the same command goes on after a kill."""

from __future__ import annotations

import hashlib
import json
import math
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from vaelib import __version__
from vaelib.files import DataFileError, read_json, write_json
from vaelib.paths import PACKAGE
from vaelib.report.scrub import scrub

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

CODE = {".py", ".js", ".css", ".jinja", ".template", ".mplstyle"}  # files that make what is shown


def write_plain_json(path: Path, value: Any) -> None:
    """A file of the report that is `path`'s folder; no folder of the machine shows in it."""
    write_json(path, _plain(value, path.parent))


def _plain(value: Any, report: Path) -> Any:
    """JSON has no infinity and no NaN: "inf", as in a run's config.json, and null."""
    if isinstance(value, Mapping):
        return {key: _plain(item, report) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, report) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    return scrub(str(value), report)


def notebook_key(source: Path, parameters: dict[str, Any], mode: dict[str, Any]) -> str:
    """A hash of all that decides what a notebook shows: its cells, its values, the mode, vaelib.

    Stored outputs and metadata do not count, so that opening and saving a notebook changes nothing.
    """
    cells = json.loads(source.read_text("utf-8"))["cells"]
    sources = [[c["cell_type"], "".join(c["source"])] for c in cells]
    parts = [sources, parameters, mode, package_key()]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def package_key() -> str:
    """A hash of vaelib's own code, that of its pages too: a report by other code is made again."""
    digest = hashlib.sha256(__version__.encode())
    for path in sorted(p for p in PACKAGE.rglob("*") if p.suffix in CODE):
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def file_name(name: str) -> str:
    """The name of a notebook or report, as a file or folder may have it."""
    return re.sub(r"[^\w.-]+", "-", name)


class State:
    """`state.json`: for each notebook its key and how it ended. Written whole after each one."""

    def __init__(self, path: Path):
        self.path = path
        try:
            self.notebooks: dict[str, dict[str, Any]] = read_json(path)
        except (FileNotFoundError, DataFileError):  # damaged: all is made again
            self.notebooks = {}

    def finished(self, name: str, key: str) -> bool:
        """Whether a notebook ran through with this key."""
        record = self.notebooks.get(name, {})
        return record.get("key") == key and not record.get("error")

    def record(self, name: str, record: dict[str, Any]) -> None:
        self.notebooks[name] = record
        write_plain_json(self.path, self.notebooks)


@contextmanager
def hold(folder: Path, patience: float = 10.0) -> Iterator[int | None]:
    """Hold the report's folder; ValueError when another report is being written there.

    The file descriptor given is inherited by the processes of notebooks, so that the folder stays
    held until the last of them has ended. Without file locks (Windows) nothing is held.
    """
    if fcntl is None:
        yield None
        return
    folder.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + patience  # a report that was just killed needs a moment to end
    with open(folder / ".lock", "a") as file:
        while not _locked(file):
            if time.monotonic() > end:
                raise ValueError(
                    f"another report is being written to {folder}; wait for it, "
                    "or choose another --name"
                )
            time.sleep(0.2)
        yield file.fileno()


def _locked(file: IO[str]) -> bool:
    """Lock a file; False where another process has locked it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
