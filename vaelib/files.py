"""Files that are either whole or absent, and foreign files that are either read or refused."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

MOST_TEXT = 64 << 20  # bytes of a JSON file or a log; what is larger is none


class DataFileError(ValueError):
    """A file is not what it must be: another kind, damaged, cut short or no data at all."""


@contextmanager
def readable(path: Path, rule: str = "is damaged or cut short, get it again") -> Iterator[None]:
    """Whatever a parser raises on foreign bytes, as DataFileError: `path`, the rule and the cause.

    A file that is not there or may not be read is told as such.
    """
    try:
        yield
    except (DataFileError, FileNotFoundError, PermissionError):
        raise
    except Exception as error:
        raise DataFileError(f"{path} {rule} ({str(error) or type(error).__name__})") from error


def what_begins(start: bytes) -> str:
    """What a file is, by its first bytes, that is not the data it should be.

    >>> what_begins(b"<!doctype html>")
    'it is a web page, save the file itself'
    """
    if not start:
        return "it is empty"
    if start.lstrip()[:1] == b"<":
        return "it is a web page, save the file itself"
    if start.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer, get the file itself"
    return f"it starts with {start[:8]!r}"


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file. DataFileError when it holds none, or NaN or infinity."""
    with readable(path, "is not a JSON object"):
        if (size := path.stat().st_size) > MOST_TEXT:
            raise ValueError(f"{size:,} bytes, at most {MOST_TEXT:,} are read")
        value = json.loads(path.read_text("utf-8"), parse_constant=_no_number)
        if not isinstance(value, dict):
            raise ValueError(f"it holds a {type(value).__name__}")
    return value


@contextmanager
def only_one(path: Path, what: str) -> Iterator[None]:
    """Hold the lock `path` for this process. ValueError when another one has it.

    Without locks (Windows, some networks) nothing is held.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    with open(path, "a") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            raise ValueError(
                f"another process is {what} {path.parent}: wait for it, or choose another folder"
            ) from error
        except OSError:  # no locks here
            pass
        yield


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number of JSON")


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file beside `path`, then rename it: no one sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # the ending stays, because writers of pictures choose the format by it
    temporary = path.with_name(f".{uuid.uuid4().hex[:8]}.{path.name}")
    try:
        write(temporary)
        os.replace(temporary, path)
    except OSError as error:
        if error.filename == str(temporary):  # a name that the reader has never heard of
            error.filename = str(path)
        raise
    finally:
        with suppress(OSError):  # of a read-only file system, whose own error is told
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    write_whole(path, lambda file: file.write_text(text, encoding="utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Strict JSON: NaN and infinity raise ValueError, because other readers refuse them."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")
