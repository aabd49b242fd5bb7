"""One task per factor, on all cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def per_factor(task: Callable[[int], T], factors: Iterable[int]) -> list[T]:
    """`task(k)` of every factor, in order. Threads: the work is in NumPy and scikit-learn."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(task, factors))
