"""Exact distributions over factors that are tied by weights on pairs (a Markov random field).

p(c) ∝ Π w_ij(c_i, c_j) over the given pairs. Variable elimination turns it into a chain of
conditionals p(c_v | a few others), from which drawing is exact. A tree of pairs (chains, one factor
with all others) needs tables of two factors only; cycles need larger ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

import numpy as np

MAX_CELLS = 4_000_000  # of one table, 32 MB


@dataclass(frozen=True)
class Table:
    """Log weights over some variables, one axis each; `scope` is sorted."""

    scope: tuple[int, ...]
    log: np.ndarray


@dataclass(frozen=True)
class Conditional:
    """p(variable | given), as cumulative sums along the last axis; the other axes are `given`."""

    variable: int
    given: tuple[int, ...]
    cumulative: np.ndarray

    def sample(self, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One value for each row of `values` (n, K), whose `given` columns are known: (n,)."""
        known = tuple(values[:, g] for g in self.given)
        rows = self.cumulative[known] if known else self.cumulative[None]
        return (rows <= rng.random((len(values), 1))).sum(axis=1)


def conditionals(tables: Iterable[Table], variables: Iterable[int]) -> list[Conditional]:
    """The conditionals of these variables in the order of drawing: each is given earlier ones.

    ValueError when no values have a weight above zero, or when a table passes `MAX_CELLS`.
    """
    chain, rest = _eliminate(list(tables), list(variables))
    if any(np.isneginf(table.log).all() for table in rest):
        raise ValueError("the pairs contradict each other: no combination of values is possible")
    return chain[::-1]


def marginal(
    tables: Iterable[Table], variables: Iterable[int], keep: tuple[int, ...]
) -> np.ndarray:
    """Joint probabilities of the variables `keep`, one axis each, in this order."""
    _, rest = _eliminate(list(tables), [v for v in variables if v not in keep])
    log = _product(rest).log
    weights = np.exp(log - log.max())
    return weights.transpose(np.argsort(np.argsort(keep))) / weights.sum()


def _eliminate(tables: list[Table], variables: list[int]) -> tuple[list[Conditional], list[Table]]:
    """Sum these variables out, the cheapest first; also the conditional that each leaves behind."""
    chain, left = [], set(variables)
    while left:
        variable = min(left, key=lambda v: (_cells(_touching(tables, v)), v))
        touching = _touching(tables, variable)
        if (cells := _cells(touching)) > MAX_CELLS:
            raise ValueError(
                f"these pairs form cycles that need a joint table of {cells:,} cells, at most "
                f"{MAX_CELLS:,} are allowed: leave out a pair of the cycle"
            )
        conditional, message = _sum_out(_product(touching), variable)
        chain.append(conditional)
        tables = [t for t in tables if variable not in t.scope] + [message]
        left.remove(variable)
    return chain, tables


def _touching(tables: list[Table], variable: int) -> list[Table]:
    return [t for t in tables if variable in t.scope]


def _cells(tables: list[Table]) -> int:
    sizes = {v: size for t in tables for v, size in zip(t.scope, t.log.shape, strict=True)}
    return reduce(int.__mul__, sizes.values(), 1)


def _product(tables: list[Table]) -> Table:
    scope = tuple(sorted({v for t in tables for v in t.scope}))
    total = np.zeros(())
    for table in tables:
        sizes = dict(zip(table.scope, table.log.shape, strict=True))
        total = total + table.log.reshape([sizes.get(v, 1) for v in scope])
    return Table(scope, total)


def _sum_out(table: Table, variable: int) -> tuple[Conditional, Table]:
    """p(variable | the rest of the scope), and the table of the rest without the variable."""
    log = np.moveaxis(table.log, table.scope.index(variable), -1)
    rest = tuple(v for v in table.scope if v != variable)
    top = log.max(axis=-1, keepdims=True)
    weights = np.exp(log - np.where(np.isneginf(top), 0, top))
    cumulative = weights.cumsum(axis=-1)
    total = cumulative[..., -1:]
    with np.errstate(divide="ignore"):  # log 0 = -inf: values that never occur
        message = Table(rest, (top + np.log(total))[..., 0])
    return Conditional(variable, rest, cumulative / np.where(total > 0, total, 1)), message
