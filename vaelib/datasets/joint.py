"""Exact distributions over factors that are tied by weights on pairs (a Markov random field).

p(c) ∝ Π w_ij(c_i, c_j) over the given pairs. Variable elimination turns it into a chain of
conditionals p(c_v | a few others), from which drawing is exact. A tree of pairs (chains, one factor
with all others) needs tables of two factors only; cycles need larger ones.

A table of log weights has an axis for each factor, of length 1 where it does not depend on the
factor: broadcasting multiplies tables.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

MAX_CELLS = 4_000_000  # of one table, 32 MB

Ties = Mapping[tuple[int, int], np.ndarray]  # two factors a < b → their log weights, (V_a, V_b)


@dataclass(frozen=True)
class Conditional:
    """p(factor | given), as cumulative sums along the last axis; the other axes are `given`."""

    factor: int
    given: tuple[int, ...]
    cumulative: np.ndarray

    def sample(self, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One value for each row of `values` (n, K), whose `given` columns are known: (n,)."""
        rows = self.cumulative[tuple(values[:, g] for g in self.given)]
        return (rows <= rng.random((len(values), 1))).sum(axis=1)


def tied(ties: Iterable[tuple[int, int]]) -> list[int]:
    """The factors that are in a pair."""
    return sorted({factor for pair in ties for factor in pair})


def conditionals(ties: Ties, sizes: tuple[int, ...]) -> list[Conditional]:
    """The conditionals of the tied factors in the order of drawing: each is given earlier ones.

    `sizes` are the numbers of values of all factors, tied or not. ValueError when no values have a
    weight above zero, or when a table passes `MAX_CELLS`.
    """
    chain, rest = _eliminate(ties, sizes, tied(ties))
    if any(np.isneginf(table).all() for table in rest):
        raise ValueError("the pairs contradict each other: no combination of values is possible")
    return chain[::-1]


def marginal(ties: Ties, sizes: tuple[int, ...], keep: tuple[int, ...]) -> np.ndarray:
    """Joint probabilities of the factors `keep`, one axis each, in this order."""
    _, rest = _eliminate(ties, sizes, [v for v in tied(ties) if v not in keep])
    log = sum(rest, np.zeros([size if v in keep else 1 for v, size in enumerate(sizes)]))
    weights = np.exp(log - log.max())
    kept = weights.reshape([sizes[v] for v in sorted(keep)])
    return kept.transpose(np.argsort(np.argsort(keep))) / weights.sum()


def _eliminate(
    ties: Ties, sizes: tuple[int, ...], factors: list[int]
) -> tuple[list[Conditional], list[np.ndarray]]:
    """Sum these factors out, the cheapest first: what each leaves behind, and the tables left."""
    tables = [
        log.reshape([size if v in pair else 1 for v, size in enumerate(sizes)])
        for pair, log in ties.items()
    ]
    chain, left = [], set(factors)
    while left:
        factor = min(left, key=lambda v: (_cells(_touching(tables, v)), v))
        touching = _touching(tables, factor)
        if (cells := _cells(touching)) > MAX_CELLS:
            raise ValueError(
                f"these pairs form cycles that need a joint table of {cells:,} cells, at most "
                f"{MAX_CELLS:,} are allowed: leave out a pair of the cycle"
            )
        conditional, message = _sum_out(sum(touching, np.zeros([1] * len(sizes))), factor)
        chain.append(conditional)
        tables = [table for table in tables if table.shape[factor] == 1] + [message]
        left.remove(factor)
    return chain, tables


def _touching(tables: list[np.ndarray], factor: int) -> list[np.ndarray]:
    return [table for table in tables if table.shape[factor] > 1]


def _cells(tables: list[np.ndarray]) -> int:
    """Of their product."""
    return math.prod(max(lengths) for lengths in zip(*(t.shape for t in tables), strict=True))


def _sum_out(log: np.ndarray, factor: int) -> tuple[Conditional, np.ndarray]:
    """p(factor | the others that the table depends on), and the table without the factor."""
    top = log.max(axis=factor, keepdims=True)
    weights = np.exp(log - np.where(np.isneginf(top), 0, top))
    cumulative = weights.cumsum(axis=factor)
    total = cumulative.take([-1], axis=factor)
    with np.errstate(divide="ignore"):  # log 0 = -inf: values that never occur
        message = top + np.log(total)
    given = tuple(v for v, size in enumerate(log.shape) if size > 1 and v != factor)
    chances = np.moveaxis(cumulative / np.where(total > 0, total, 1), factor, -1)
    chances = chances.reshape([log.shape[v] for v in (*given, factor)])
    return Conditional(factor, given, chances), message
