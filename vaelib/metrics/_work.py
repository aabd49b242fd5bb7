"""Independent pieces of work: done on all cores, and remembered by the content of their arrays."""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")

KEPT = 256  # results, the oldest are dropped first
LARGE = 2_000_000  # bytes of arguments from which other processes are worth starting

_results: OrderedDict[tuple, Any] = OrderedDict()


def each(function: Callable[..., T], calls: Sequence[tuple]) -> list[T]:
    """`function(*call)` for every call, in order. The function must be pure.

    Several metrics ask for the same trees, and scores without one factor repeat most of those
    with it: results are kept, so that they cost nothing the second time.
    """
    return _recall(function, calls, _one_by_one)


def spread(function: Callable[..., T], calls: Sequence[tuple]) -> list[T]:
    """:func:`each` on all cores, for work of seconds. The function must be importable.

    Processes, by joblib: threads would wait for each other on a busy machine. They take a second
    to start when scikit-learn is needed in each.
    """
    return _recall(function, calls, _in_processes)


def _recall(
    function: Callable[..., T],
    calls: Sequence[tuple],
    run: Callable[[Callable[..., T], list[tuple]], list[T]],
) -> list[T]:
    keys = [(function.__module__, function.__name__, *map(_content, call)) for call in calls]
    missing = {k: call for k, call in zip(keys, calls, strict=True) if k not in _results}
    _results.update(zip(missing, run(function, list(missing.values())), strict=True))
    results = [_results[key] for key in keys]
    while len(_results) > KEPT:
        _results.popitem(last=False)
    return results


def forget() -> None:
    """Drop all results, so that a benchmark measures the work."""
    _results.clear()


def _one_by_one(function: Callable[..., T], calls: list[tuple]) -> list[T]:
    return [function(*call) for call in calls]


def _in_processes(function: Callable[..., T], calls: list[tuple]) -> list[T]:
    size = sum(part.nbytes for call in calls for part in call if isinstance(part, np.ndarray))
    workers = min(len(calls), os.cpu_count() or 1)
    if workers < 2 or size < LARGE:
        return _one_by_one(function, calls)
    from joblib import Parallel, delayed

    pool = Parallel(n_jobs=workers, max_nbytes=None)  # arguments are small: no files for them
    return pool(delayed(function)(*call) for call in calls)


def _content(argument: Any) -> Any:
    if not isinstance(argument, np.ndarray):
        return argument
    digest = hashlib.blake2b(np.ascontiguousarray(argument)).digest()
    return argument.shape, argument.dtype.str, digest
