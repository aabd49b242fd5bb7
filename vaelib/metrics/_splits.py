"""Depth-3 regression trees on the residuals of one class: where they may split, and where they do.

A split works on ranks: a latent's distinct training values are numbered 0, 1, … from the lowest,
and "after rank u" is half-way between the values numbered u and u + 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

DEPTH = 3
QUANTILES = 64  # splits that every class may use, besides those next to its members
MARK = 2.0**16  # added to each residual, so that one sum holds both MARK × count and the residuals'


class Ranks:
    """Training and test codes, (N, D) and (N_test, D), as ranks."""

    def __init__(self, means: np.ndarray, test: np.ndarray):
        found = [np.unique(z, return_inverse=True, return_counts=True) for z in means.T]
        self.train = np.stack([rank for _, rank, _ in found]).astype(np.int32)  # (D, N)
        middles = [(values[1:] + values[:-1]) / 2 for values, _, _ in found]
        asked = [np.searchsorted(m, z) for m, z in zip(middles, test.T, strict=True)]
        self.test = np.stack(asked).astype(np.int32)  # (D, N_test)
        self.order = np.argsort(self.train, axis=1, kind="stable").astype(np.int32)  # (D, N)
        self.starts = [np.append(0, np.cumsum(counts)) for _, _, counts in found]  # D of (U + 1,)
        self.ones = np.ones(self.order.size)


@dataclass(frozen=True)
class Tree:
    """Nodes in heap order: the root, its two children, theirs."""

    latent: np.ndarray  # (7,) int
    rank: np.ndarray  # (7,) int; a code of higher rank goes right

    def leaf(self, ranks: np.ndarray) -> np.ndarray:
        """The leaf, 0 … 7, of each code: (D, N) → (N,) int."""
        place = np.zeros(ranks.shape[1], np.uint8)
        for depth in range(DEPTH):
            level = slice(2**depth - 1, 2 ** (depth + 1) - 1)
            place = descend(ranks, place, self.latent[level], self.rank[level])
        return place


def descend(
    ranks: np.ndarray, place: np.ndarray, latent: np.ndarray, rank: np.ndarray
) -> np.ndarray:
    """One level down, from node `place` (N,) of this level to its child in the next."""
    here = place == np.arange(len(latent), dtype=place.dtype)[:, None]  # (nodes, N)
    return 2 * place + (here & (ranks[latent] > rank[:, None])).any(axis=0)


class Cuts:
    """Each latent cut where a tree of one class may split it; the pieces are called cells."""

    def __init__(self, ranks: Ranks, member: np.ndarray):
        rows = [
            _allowed(rank[member], len(starts) - 1)
            for rank, starts in zip(ranks.train, ranks.starts, strict=True)
        ]
        d, n = ranks.train.shape
        self.after = np.zeros((d, 1 + max(map(len, rows))), np.int32)  # (D, W) rank at cell's end
        ends = np.full(self.after.shape, n)  # (D, W); cells that a latent does not need are empty
        for j, row in enumerate(rows):
            self.after[j, : len(row)] = row
            ends[j, : len(row)] = ranks.starts[j][row + 1]
        borders = np.append(0, ends + n * np.arange(d)[:, None]).astype(np.int32)
        shape = (self.after.size, n)
        self.cells = csr_matrix((ranks.ones, ranks.order.ravel(), borders), shape=shape)

    def totals(self, columns: list[np.ndarray]) -> np.ndarray:
        """P marked columns (N,) → (P, D, W): each summed over the samples of each cell."""
        return np.stack([self.cells @ column for column in columns]).reshape(-1, *self.after.shape)

    def best(self, totals: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Latent and rank of the best split of each node: (P, D, W) → two (P,).

        The best has the largest (mean_left - mean_right)² n_left n_right / n, by which the sum of
        squares drops. Equals are decided at random, as in scikit-learn, or a duplicated latent
        would get nothing.
        """
        left = np.cumsum(totals, axis=2)
        n_left = np.rint(left / MARK)
        left -= MARK * n_left
        n = n_left[:, :1, -1:]
        left -= n_left * (left[:, :1, -1:] / np.maximum(n, 1))
        product = n_left * (n - n_left)
        product[product == 0] = np.inf  # one side is empty
        gain = np.square(left, out=left)
        gain /= product
        best = gain.max(axis=2) * (1 + 1e-5 * rng.random(gain.shape[:2]))  # (P, D)
        latent, node = best.argmax(axis=1), np.arange(len(gain))
        return latent, self.after[latent, gain[node, latent].argmax(axis=1)]


def _allowed(members: np.ndarray, distinct: int) -> np.ndarray:
    """The ranks after which a split may lie: next to a member of the class, or at a quantile.

    The best split of a class with few members always has one beside it, where residuals change
    sign; quantiles are for the smooth rest.
    """
    allowed = np.zeros(distinct, bool)
    allowed[members] = True
    allowed[np.maximum(members - 1, 0)] = True
    allowed[np.linspace(0, distinct - 1, QUANTILES + 2)[1:-1].astype(int)] = True
    return np.flatnonzero(allowed[:-1])  # after the last there is nothing


def grow(
    ranks: Ranks, cuts: Cuts, residual: np.ndarray, rng: np.random.Generator
) -> tuple[Tree, np.ndarray]:
    """The tree that fits `residual` (N,), and the leaf of every training sample (N,)."""
    place, marked = np.zeros(len(residual), np.uint8), residual.astype(float) + MARK
    totals, levels = cuts.totals([marked]), []
    for depth in range(DEPTH):
        levels.append(cuts.best(totals, rng))
        place = descend(ranks.train, place, *levels[-1])
        if depth < DEPTH - 1:  # left children are added up, right ones are the rest
            left = cuts.totals([marked * (place == 2 * node) for node in range(len(totals))])
            totals = np.stack([left, totals - left], axis=1).reshape(-1, *left.shape[1:])
    return Tree(*(np.concatenate(part) for part in zip(*levels, strict=True))), place
