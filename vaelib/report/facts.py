"""How a report was made: machine, versions, the state of the repository."""

from __future__ import annotations

import subprocess
from importlib.metadata import PackageNotFoundError, version

from vaelib.paths import PACKAGE, in_clone


def facts() -> dict[str, str]:
    """What describes this machine and this code, as label → text."""
    from vaelib.machine import describe

    found = describe()
    versions = {name: _version(name) for name in ("numpy", "scikit-learn", "papermill")}
    return found | versions | ({"git": git} if (git := git_state()) else {})


def git_state() -> str:
    """The commit, and whether files were changed after it; "" outside a clone or without git."""
    if not in_clone():
        return ""
    commit = _git("rev-parse", "--short=12", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no")
    return commit + (" with changes that were not committed" if commit and changed else "")


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(PACKAGE.parent), *arguments],
            capture_output=True, text=True, timeout=20, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
