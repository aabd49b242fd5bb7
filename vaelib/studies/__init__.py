"""Studies. One file, one question put to many runs; a new file is found without an edit here."""

from __future__ import annotations

import sys

from vaelib.studies.base import Planned, Study

__all__ = ["Planned", "Study", "found", "named"]


def found() -> dict[str, type[Study]]:
    """The studies that there are, by the names of their files."""
    from vaelib.spec import discover

    classes = discover(sys.modules[__name__], Study).values()
    return {cls.name(): cls for cls in classes}


def named(name: str) -> type[Study]:
    """The study in the file of this name; ValueError lists what there is."""
    studies = found()
    if name not in studies:
        raise ValueError(f"the studies are {', '.join(studies)}, got {name!r}")
    return studies[name]
