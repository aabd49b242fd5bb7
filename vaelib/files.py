"""Files that are either whole or absent."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file beside `path`, then rename it: no one sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # the ending stays, because writers of pictures choose the format by it
    temporary = path.with_name(f".{uuid.uuid4().hex[:8]}.{path.name}")
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    write_whole(path, lambda file: file.write_text(text, encoding="utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Strict JSON: NaN and infinity raise ValueError, because other readers refuse them."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")
