"""Where files live: the repository's data/ and runs/ in a clone, the user's cache elsewhere.

>>> sorted(path.name for path in shipped_dir().glob("dsprites_beta_*"))
['dsprites_beta_1', 'dsprites_beta_4', 'dsprites_beta_8']
>>> [place().is_absolute() for place in (data_dir, runs_dir, notebooks_dir)], in_clone()
([True, True, True], True)
>>> shipped_dir() in found_dirs()
True
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
_ROOT = PACKAGE.parent


def in_clone() -> bool:
    """Whether vaelib runs from a clone of its repository (and not from site-packages)."""
    return (_ROOT / "pyproject.toml").is_file() and (_ROOT / "notebooks").is_dir()


def data_dir() -> Path:
    """Downloads and caches: $VAELIB_DATA, else data/ of the clone, else the user's cache folder."""
    if override := os.environ.get("VAELIB_DATA"):
        return Path(override).expanduser()
    return _ROOT / "data" if in_clone() else _user_cache()


def runs_dir() -> Path:
    """New runs: $VAELIB_RUNS, else runs/ of the clone, else ./runs."""
    if override := os.environ.get("VAELIB_RUNS"):
        return Path(override).expanduser()
    return _ROOT / "runs" if in_clone() else Path("runs")


def found_dirs() -> list[Path]:
    """Where finished runs are looked for: runs_dir(), the folders of $VAELIB_FOUND (separated as
    in PATH), the shipped checkpoints."""
    more = os.environ.get("VAELIB_FOUND", "").split(os.pathsep)
    return [runs_dir(), *(Path(path).expanduser() for path in more if path), shipped_dir()]


def shipped_dir() -> Path:
    """The shipped checkpoints: data/checkpoints of the clone, or their copy inside the package."""
    return _ROOT / "data" / "checkpoints" if in_clone() else PACKAGE / "checkpoints"


def notebooks_dir() -> Path:
    """The chapters: notebooks/ of the clone, or their copy inside the package."""
    return _ROOT / "notebooks" if in_clone() else PACKAGE / "notebooks"


def _user_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or _home() / ".cache"
    return Path(base) / "vaelib"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # a user without one, as some containers have
        return Path(tempfile.gettempdir())
