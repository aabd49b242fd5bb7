"""Independent pieces of work: done on all cores, and remembered by the content of their arrays."""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from vaelib.types import Codes

T = TypeVar("T")

KEPT = 512  # results, the oldest are dropped first

_results: OrderedDict[tuple, Any] = OrderedDict()


def spread(function: Callable[..., T], calls: Sequence[tuple]) -> list[T]:
    """`function(*call)` for every call, in order, on all cores. The function must be pure.

    Several metrics ask for the same trees, and scores without one factor repeat most of those
    with it: results are kept, so that they cost nothing the second time. Threads, because what
    takes long lets others run; inside a call linear algebra has one thread, or the threads of
    several calls would wait for each other.
    """
    keys = [(function.__module__, function.__name__, *map(_content, call)) for call in calls]
    missing = {k: call for k, call in zip(keys, calls, strict=True) if k not in _results}
    workers = max(1, min(len(missing), os.cpu_count() or 1))
    with threadpool_limits(limits=1), ThreadPoolExecutor(workers) as pool:
        fresh = pool.map(lambda call: function(*call), missing.values())
        fresh = dict(zip(missing, fresh, strict=True))
    _results.update(fresh)
    results = [fresh[key] if key in fresh else _results[key] for key in keys]
    while len(_results) > KEPT:
        _results.popitem(last=False)
    return results


def each_factor(function: Callable[..., T], train: Codes, test: Codes, *more: Any) -> list[T]:
    """`function(means, values, test means, test values, *more)` for each factor, as by `spread`.

    The factors with most values take longest, so they start first.
    """
    longest = np.argsort([-len(np.unique(column)) for column in train.factors.T], kind="stable")
    calls = [
        (train.means, train.factors[:, k], test.means, test.factors[:, k], *more) for k in longest
    ]
    found = dict(zip(longest, spread(function, calls), strict=True))
    return [found[k] for k in range(len(longest))]


def forget() -> None:
    """Drop all results, so that a benchmark measures the work."""
    _results.clear()


def _content(argument: Any) -> Any:
    if not isinstance(argument, np.ndarray):
        return argument
    digest = hashlib.blake2b(np.ascontiguousarray(argument)).digest()
    return argument.shape, argument.dtype.str, digest
