"""One notebook in a process of its own, with limits on each cell and on the whole."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from vaelib.paths import in_clone

# Figures become outputs of their cells even where MPLBACKEND asks for windows or for none.
_FIGURES = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
# OpenMP's threads wait by spinning. Where something else has the other core, they spin for a thread
# that is not running: small tensors then take five times as long, steps of Fast three times. To
# spin briefly costs a tenth where nothing else runs. (Two cores; GNU OpenMP, which torch has on
# Linux; others ignore it.)
_BESIDE_OTHERS = {"GOMP_SPINCOUNT": "1000"}


@dataclass(frozen=True)
class Outcome:
    """How an execution ended. `error` is one line, empty when all cells ran."""

    seconds: float
    error: str = ""


def execute(
    source: Path,
    target: Path,
    parameters: dict[str, Any],
    environment: dict[str, str],
    cell_timeout: float,
    timeout: float,
    on_cell: Callable[[int, int], None] = lambda done, total: None,
    lock: int | None = None,
) -> Outcome:
    """Execute `source` into `target`; what ran is in `target` even when a cell fails.

    `environment` is added to the kernel's. `cell_timeout` and `timeout` are seconds for one cell
    and for the notebook. `on_cell` hears of each cell: how many are done, of how many. `lock` is a
    file descriptor that the process inherits, so that a lock on it holds as long as it lives.
    """
    start = time.monotonic()
    request = {
        "source": os.path.relpath(source),  # papermill stores the path in the page: no home folder
        "target": os.path.relpath(target),
        "cwd": str(source.parent),
        "parameters": parameters,
        "cell_timeout": cell_timeout,
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target.with_suffix(".log"), "w", encoding="utf-8") as log:
        process = _start(request, environment, log, lock)
        try:
            error = _follow(process, start + timeout, on_cell)
        except TimeoutError:
            error = f"Timeout: the notebook took longer than {timeout:g} s"
        finally:
            _end(process)
    return Outcome(time.monotonic() - start, error)


def _start(
    request: dict[str, Any], environment: dict[str, str], log: IO[str], lock: int | None
) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "vaelib.report.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        encoding="utf-8",
        errors="replace",
        env={**_BESIDE_OTHERS, **os.environ, **_FIGURES, **_import_path(), **environment},
        pass_fds=[] if lock is None else [lock],
        start_new_session=True,  # Ctrl-C reaches the parent alone, which then ends this process
    )
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()
    return process


def _import_path() -> dict[str, str]:
    """In a clone, vaelib is found by the kernel whether or not it was installed."""
    if not in_clone():
        return {}
    root = str(Path(__file__).resolve().parents[2])
    return {"PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))}


def _follow(
    process: subprocess.Popen[str], deadline: float, on_cell: Callable[[int, int], None]
) -> str:
    """Pass on the cells until the end; the error, or "". TimeoutError at the deadline."""
    done = total = 0
    for message in _messages(process, deadline):
        if "error" in message:
            return message["error"]
        if "finished" in message:
            return ""
        done, total = done + message.get("done", 0), message.get("cells", total)
        on_cell(done, total)
    return f"the process that ran the notebook ended with code {process.wait()}"


def _messages(process: subprocess.Popen[str], deadline: float) -> Iterator[dict[str, Any]]:
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_read, args=(process.stdout, lines), daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise TimeoutError from None
        if line is None:
            return
        yield json.loads(line)


def _read(stream: IO[str], lines: queue.Queue[str | None]) -> None:
    with stream:
        for line in stream:
            lines.put(line)
    lines.put(None)


def _end(process: subprocess.Popen[str]) -> None:
    """Close the lifeline: the process ends its kernel and itself, or is killed when it does not."""
    try:
        process.stdin.close()
    except BrokenPipeError:
        pass  # it has ended by itself
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
