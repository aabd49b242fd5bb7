"""The fast mode of tests: VAELIB_FAST=1 cuts every training to a few steps.

>>> is_fast(), budget(1000)
(False, 1000)
"""

from __future__ import annotations

import os


def is_fast() -> bool:
    """Whether the environment variable VAELIB_FAST asks for the fast mode ("" and "0" do not)."""
    return os.environ.get("VAELIB_FAST", "") not in ("", "0")


def budget(steps: int, smoke: int = 20) -> int:
    """`steps`; in the fast mode at most `smoke`, and a line says that the numbers mean nothing.

    Works for any amount: steps of training, images to score, seeds. ValueError if one is below 1.
    """
    if steps < 1 or smoke < 1:
        raise ValueError(f"steps and smoke must be at least 1, got {steps} and {smoke}")
    if not is_fast() or steps <= smoke:
        return steps
    print(f"VAELIB_FAST: {smoke} instead of {steps:,}. This only tests: the numbers mean nothing.")
    return smoke
