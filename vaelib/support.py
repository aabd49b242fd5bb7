"""The support of pairs of latents: does every value of one occur with every value of the other?"""

from __future__ import annotations

import torch
from torch import Tensor, nn

LEVELS = 16  # values of a latent that are combined when there is a bank


def hausdorff(points: Tensor, pairs: Tensor, bank: Tensor | None = None) -> Tensor:
    """Squared Hausdorff distance of each pair's support from the product of both supports, (P,).

    For latents i and j of `points` (B, D): the greatest, over all combinations (s_i, s_j) of values
    that occur, of the squared distance to the nearest (z_i, z_j) that occurs. `pairs` is
    (P, 2), int.

    A `bank` (M, D) of other points counts as if it were in the batch, but takes no gradient. Then
    only 16 values of each latent are combined, evenly spaced in rank from the smallest to the
    greatest: all of them would cost more than the rest of a training step.

    The search is exact and takes no gradient; only the distances it ends with are differentiated.
    """
    known = points if bank is None else torch.cat([points, bank.detach()])
    with torch.no_grad():
        rows = _every_row(known) if bank is None else _spaced_rows(known)
        a, b, z = _farthest(known, pairs, rows)
    i, j = pairs.T
    return (known[a, i] - known[z, i]).square() + (known[b, j] - known[z, j]).square()


def _every_row(points: Tensor) -> Tensor:
    return torch.arange(len(points), device=points.device).expand(points.shape[1], -1)


def _spaced_rows(points: Tensor) -> Tensor:
    """For each latent the rows of LEVELS values, evenly spaced in rank: (D, L)."""
    levels = min(LEVELS, len(points))
    ranks = torch.linspace(0, len(points) - 1, levels, device=points.device).round().long()
    return points.argsort(0)[ranks].T


def _farthest(points: Tensor, pairs: Tensor, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Rows a, b of each pair's farthest combination (a_i, b_j), and of what is nearest to it."""
    i, j = pairs.T
    values = points.gather(0, rows.T).T[:, :, None]  # (D, L, 1)
    squares = (values - points.T[:, None]).square()  # (D, L, N)
    # pair by pair: all at once would be (P, L, L, N)
    nearest = torch.stack([(squares[a][:, None] + squares[b]).amin(2) for a, b in pairs.tolist()])
    at = nearest.flatten(1).argmax(1)
    k, m = at // rows.shape[1], at % rows.shape[1]
    return rows[i, k], rows[j, m], (squares[i, k] + squares[j, m]).argmin(1)


class Bank(nn.Module):
    """The latest `size` points, as a ring of buffers; saved with the run."""

    def __init__(self, size: int, dim: int):
        super().__init__()
        self.register_buffer("points", torch.zeros(size, dim))
        self.register_buffer("added", torch.tensor(0))  # since the start

    def held(self) -> Tensor:
        """The points so far, (M, D) with M ≤ size."""
        return self.points[: int(self.added)]

    @torch.no_grad()
    def add(self, points: Tensor) -> None:
        """Put points (B, D) in the places of the oldest."""
        size = len(self.points)
        points = points[-size:] if size else points[:0]
        places = (self.added + torch.arange(len(points), device=points.device)) % max(size, 1)
        self.points[places] = points.to(self.points.dtype)
        self.added += len(points)

    def turn(self, matrix: Tensor) -> None:
        """Points z become matrix·z, (D, D)."""
        self.points.copy_(self.points @ matrix.T.to(self.points))


def all_pairs(dim: int, device: torch.device | str = "cpu") -> Tensor:
    """(0, 1), (0, 2) … of `dim` latents: (P, 2)."""
    return torch.triu_indices(dim, dim, 1, device=device).T
