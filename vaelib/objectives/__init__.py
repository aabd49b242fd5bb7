"""Objectives. One file, one paper, one class; a new file is found without an edit here."""

import sys

from vaelib.objectives.base import Objective
from vaelib.spec import discover

FOUND = discover(sys.modules[__name__], Objective)  # class name → class
globals().update(FOUND)
__all__ = ["Objective", *FOUND]
