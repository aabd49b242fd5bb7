"""Studies. One file, one question put to many runs; a new file is found without an edit here.

>>> "correlated" in found()
True
>>> named("burgess").__name__
'BurgessStudy'
"""

from __future__ import annotations

import sys

from vaelib.studies.base import Planned, Study

__all__ = ["Planned", "Study", "found", "named"]


def found() -> dict[str, type[Study]]:
    """The studies that there are, by the names of their files."""
    from vaelib.own import classes, modules
    from vaelib.spec import discover

    ours, own = discover(sys.modules[__name__], Study), classes(Study, modules())
    return {cls.name(): cls for cls in [*ours.values(), *own.values()]}


def named(name: str) -> type[Study]:
    """The study in the file of this name; ValueError lists what there is."""
    studies = found()
    if name not in studies:
        raise ValueError(f"the studies are {', '.join(studies)}, got {name!r}")
    return studies[name]
