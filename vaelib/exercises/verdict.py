"""What a check says, and how checks are written."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

EMPTY = "Not answered yet: put your answer in the place of the ... and run the cell again."
NOTHING = "It returns nothing (None): is a `return` missing?"


@dataclass(frozen=True)
class Verdict:
    """The result of a check, which a notebook shows as one line."""

    passed: bool
    advice: str

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        return f"{'✓' if self.passed else '✗'} {self.advice}"


def exercise(praise: str) -> Callable[[Callable[..., Iterator[str]]], Callable[..., Verdict]]:
    """Make a check of a generator that yields advice, one text for each rule that is broken.

    The first text is the verdict; a generator that yields none passes the answer, with `praise`.
    An error that the answer raises becomes advice, and so does an answer, or what an answer that is
    a function returns, that is still the `...` of the exercise or None.
    """

    def made(check: Callable[..., Iterator[str]]) -> Callable[..., Verdict]:
        @functools.wraps(check)
        def run(*answers: Any) -> Verdict:
            try:
                advice = next(check(*map(_given, answers)), None)
            except _Advice as found:
                advice = str(found)
            except Exception as error:  # whatever the reader's code raises
                advice = f"It stops with {type(error).__name__}: {error}"
            return Verdict(advice is None, advice or praise)

        return run

    return made


class _Advice(Exception):
    """What ends a check at once, from wherever it is."""


def _given(answer: Any) -> Any:
    """`answer`, where it is a function with results that are given too; else _Advice."""
    if answer is ... or answer is None:
        raise _Advice(EMPTY)
    if callable(answer):
        return lambda *arguments: _returned(answer(*arguments))
    return answer


def _returned(result: Any) -> Any:
    if result is None:
        raise _Advice(NOTHING)
    return _given(result)


def number(got: Any) -> float:
    """The one number that an answer is or returns; advice where it is anything else."""
    if np.ndim(got):
        raise _Advice(f"It returns {math.prod(np.shape(got))} numbers; it must return one.")
    return float(got)


def compare(
    got: Any, right: float, known: Mapping[float, str], rest: str, **tolerance: float
) -> Iterator[str]:
    """Advice unless the number `got` is `right`: on a `known` slip, {wrong: advice}, or `rest`."""
    if np.isclose(got, right, **tolerance):
        return
    for wrong, advice in known.items():
        if np.isclose(got, wrong, **tolerance):
            yield advice
    yield rest


def expect(got: Any, shape: tuple[int, ...], meaning: str) -> Iterator[str]:
    """Advice unless `got` is an array or tensor of this shape; `meaning` says it in words."""
    if not hasattr(got, "shape"):
        yield f"It returns a {type(got).__name__}; it must return {meaning}."
    elif tuple(got.shape) != shape:
        yield f"It returns the shape {tuple(got.shape)}; it must return {meaning}, here {shape}."
