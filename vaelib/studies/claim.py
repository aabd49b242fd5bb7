"""Claim: the right to work on one run, held by at most one process.

Work on the run NAME is done in `work/NAME.1`, and whoever makes this folder has the run. When the
holder dies, the next one renames the folder to `work/NAME.2` and goes on from its checkpoint; when
the work is whole, it is renamed to `NAME`. The file system lets only one process succeed in each of
these steps, and a holder that was only asleep finds its folder gone: it cannot write into the work
of its successor. A holder shows that it lives by the time stamp of a file. Works on one machine and
on shared file systems.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

EXPIRY = 300.0  # seconds without a sign of life after which a holder counts as dead
OWNER = "owner.json"


class ClaimLost(RuntimeError):
    """Another process took the run over, because this one gave no sign of life."""


class Claim:
    """A run that is ours: `with claim:` keeps it, and gives it back if it was not finished."""

    def __init__(self, folder: Path, final: Path, expiry: float):
        self.folder, self.final, self.expiry = folder, final, expiry
        self._done = threading.Event()

    @classmethod
    def take(cls, root: Path, name: str, expiry: float = EXPIRY) -> Claim | None:
        """The run `name` under `root`; None when it is finished or another process has it."""
        final, work = root / name, root / "work"
        work.mkdir(parents=True, exist_ok=True)
        before = latest(root, name)
        if final.exists() or (before and not is_abandoned(before, expiry)):
            return None
        try:
            folder = _take_over(before, expiry) if before else _begin(root, name)
            _sign(folder, expiry)
        except (FileNotFoundError, FileExistsError):  # another was faster
            return None
        except PermissionError:
            if os.name == "posix":  # there, the folder is another user's; Windows: it is in use
                raise
            return None
        return cls(folder, final, expiry)

    def check(self) -> None:
        """ClaimLost when another process has taken over."""
        if not (self.folder / OWNER).exists():
            raise ClaimLost(f"another process took over {self.final.name}")

    def finish(self) -> None:
        """The work is whole: from now on it is the run."""
        self._done.set()
        try:
            (self.folder / OWNER).unlink()
            os.rename(self.folder, self.final)
        except FileNotFoundError as error:
            raise ClaimLost(f"another process took over {self.final.name}") from error

    def __enter__(self) -> Claim:
        threading.Thread(target=self._live, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        with suppress(OSError):
            os.utime(self.folder / OWNER, (0, 0))  # free at once

    def _live(self) -> None:
        while not self._done.wait(self.expiry / 10):
            try:
                os.utime(self.folder / OWNER)
            except FileNotFoundError:
                return
            except OSError:  # a network that is away for a moment: the next sign may come through
                continue


def latest(root: Path, name: str) -> Path | None:
    """The folder in which the run is, or was, worked on."""
    found = [p for p in (root / "work").glob(f"{name}.*") if p.suffix[1:].isdigit()]
    return max(found, key=_number, default=None)


def live(root: Path, expiry: float = EXPIRY) -> int:
    """How many runs are being worked on, by whomever."""
    return sum(not is_abandoned(owner.parent, expiry) for owner in root.glob(f"work/*/{OWNER}"))


def is_abandoned(folder: Path, expiry: float = EXPIRY) -> bool:
    """Whether the holder gave the run back, is known to be dead, or has been silent for long."""
    try:
        owner = _owner((folder / OWNER).read_bytes())
        seen = (folder / OWNER).stat().st_mtime
    except FileNotFoundError:  # just begun, or just finished
        owner, seen = {}, _begun(folder)
    except OSError:  # a network that is away for a moment: no sign of death
        return False
    silent = abs(_now(folder.parent) - seen)  # a sign from the future: the clock was set back
    promised = owner.get("expiry")
    if isinstance(promised, int | float):  # its signs come ten times in this
        expiry = max(expiry, promised)
    return silent > expiry or (owner.get("host") == _host() and not _is_alive(owner["pid"]))


def _owner(text: bytes) -> dict[str, Any]:
    """Who holds a run; {} where a power cut left something else, which counts as silence."""
    try:
        owner = json.loads(text)
    except ValueError:
        return {}
    return owner if isinstance(owner, dict) and isinstance(owner.get("pid"), int) else {}


def _begun(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:  # finished in the meantime
        return _now(folder.parent)


def _begin(root: Path, name: str) -> Path:
    folder = root / "work" / f"{name}.1"
    folder.mkdir()
    if latest(root, name) != folder or (root / name).exists():  # begun, and more, in the meantime
        folder.rmdir()
        raise FileExistsError(folder)
    return folder


def _take_over(before: Path, expiry: float) -> Path:
    _sign(before, expiry)  # first a sign of life, so that the new folder never looks abandoned
    after = before.with_suffix(f".{_number(before) + 1}")
    os.rename(before, after)
    (after / ".lock").unlink(missing_ok=True)  # a holder that is only asleep has this one still
    return after


def _sign(folder: Path, expiry: float) -> None:
    part = folder / f".{uuid.uuid4().hex[:8]}.{OWNER}"
    part.write_text(json.dumps({"host": _host(), "pid": os.getpid(), "expiry": expiry}), "utf-8")
    os.replace(part, folder / OWNER)


def _number(folder: Path) -> int:
    return int(folder.suffix[1:])


def _now(folder: Path) -> float:
    """The time of the file system, whose clock may differ from ours."""
    with suppress(OSError):
        (folder / ".clock").touch()
        return (folder / ".clock").stat().st_mtime
    return time.time()


def _host() -> str:
    """This machine, or this container of it: where a process number means something."""
    space, boot = Path("/proc/self/ns/pid"), Path("/proc/sys/kernel/random/boot_id")
    parts = [socket.gethostname(), os.readlink(space) if space.exists() else ""]
    return " ".join([*parts, boot.read_text().strip() if boot.exists() else ""])


def _is_alive(pid: int) -> bool:
    if os.name != "posix":  # there, os.kill would end it
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # there is one, of another user
        return True
    return True


def sweep(root: Path, name: str) -> None:
    """Remove what work on a finished run may have left: the folder of a process that was asleep."""
    if (root / name).exists():
        for folder in (root / "work").glob(f"{name}.*"):
            shutil.rmtree(folder, ignore_errors=True)
