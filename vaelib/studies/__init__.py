"""Studies. One file, one question put to many runs; a new file is found without an edit here.

>>> "correlated" in found()
True
>>> named("burgess").__name__
'BurgessStudy'
"""

from __future__ import annotations

import sys

from vaelib.own import classes, modules
from vaelib.spec import discover
from vaelib.studies.base import Planned, Study

__all__ = ["Planned", "Study", "found", "named"]


def found() -> dict[str, type[Study]]:
    """The studies that there are, by the names of their files. ValueError for one that is none."""
    studies = {cls.name(): cls for cls in discover(sys.modules[__name__], Study).values()}
    for module in modules():
        for cls in classes(Study, [module]).values():
            _check_own(cls, studies)
            studies[cls.name()] = cls
    return studies


def _check_own(cls: type[Study], studies: dict[str, type[Study]]) -> None:
    name, wrong = cls.__name__, ""
    if cls.name() in studies:
        other = studies[cls.name()].__name__
        wrong = f"needs a file of another name, {cls.name()} is {other} already"
    elif "__dataclass_params__" not in vars(cls):
        wrong = "must be a dataclass: write @dataclass(frozen=True) above it"
    elif not isinstance(getattr(cls, "hypothesis", None), str):
        wrong = "needs a hypothesis: what is expected, in words"
    if wrong:
        raise ValueError(f"VAELIB_MODULES: the study {name} {wrong}")


def named(name: str) -> type[Study]:
    """The study in the file of this name; ValueError lists what there is."""
    studies = found()
    if name not in studies:
        raise ValueError(f"the studies are {', '.join(studies)}, got {name!r}")
    return studies[name]
