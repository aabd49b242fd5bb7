"""The transformer block of both halves: attention, a feed-forward part, an adapter beside it.

>>> block, tokens, memory = Block(16, 2, 4), torch.zeros(2, 5, 16), torch.zeros(2, 3, 16)
>>> block(tokens, memory).shape, Attention(16, heads=2).weights(tokens, memory).shape
(torch.Size([2, 5, 16]), torch.Size([2, 2, 5, 8]))
>>> bool(Adapter(16, 4)(torch.rand(2, 5, 16)).any())  # adds nothing before it has learned
False
>>> positions(8, 16).shape
torch.Size([64, 16])
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Attention(nn.Module):
    """Each token (B, N, W) attends to all of them, and to M further ones (B, M, W) if given."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, tokens: Tensor, memory: Tensor | None = None) -> Tensor:
        mixed = F.scaled_dot_product_attention(*self._parts(tokens, memory))
        return self.out(mixed.transpose(1, 2).flatten(2))

    def weights(self, tokens: Tensor, memory: Tensor | None = None) -> Tensor:
        """How much each token takes from which: (B, heads, N, N + M), rows that add up to 1."""
        query, key, _ = self._parts(tokens, memory)
        return (query @ key.transpose(2, 3) / query.shape[-1] ** 0.5).softmax(-1)

    def _parts(self, tokens: Tensor, memory: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        seen = tokens if memory is None else torch.cat([tokens, memory], dim=1)
        key, value = self.key_value(seen).chunk(2, dim=2)
        return self._split(self.query(tokens)), self._split(key), self._split(value)

    def _split(self, tokens: Tensor) -> Tensor:
        """(B, N, W) → (B, heads, N, W/heads)."""
        return tokens.unflatten(2, (self.heads, -1)).transpose(1, 2)


class Adapter(nn.Module):
    """A bottleneck beside a frozen layer (Houlsby et al. 2019, arXiv 1902.00751; parallel as in
    He et al. 2022, arXiv 2110.04366). It adds nothing until it has learned something."""

    def __init__(self, width: int, bottleneck: int):
        super().__init__()
        self.down = nn.Linear(width, bottleneck)
        self.up = nn.Linear(bottleneck, width)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.up(F.gelu(self.down(tokens)))


class Block(nn.Module):
    """Attention, then a feed-forward part, each behind a LayerNorm and added to its input.

    `bottleneck` 0: no adapter.
    """

    def __init__(self, width: int, heads: int, bottleneck: int):
        super().__init__()
        self.before_attention, self.before_feed = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.feed = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )
        self.adapter = Adapter(width, bottleneck) if bottleneck else None

    def forward(self, tokens: Tensor, memory: Tensor | None = None) -> Tensor:
        tokens = tokens + self.attention(self.before_attention(tokens), memory)
        inputs = self.before_feed(tokens)
        added = self.feed(inputs)
        return tokens + (added if self.adapter is None else added + self.adapter(inputs))


def positions(cells: int, width: int) -> Tensor:
    """One vector for each of cells×cells places, (cells², width): sines and cosines of row and
    column at several frequencies (Vaswani et al. 2017, arXiv 1706.03762). What is learned starts
    from them.
    """
    frequencies = torch.pi * torch.logspace(-1, 0, width // 4, base=cells)
    angles = torch.arange(cells)[:, None] * frequencies  # (cells, width/4)
    waves = torch.cat([angles.sin(), angles.cos()], dim=1)  # (cells, width/2)
    rows, columns = waves.repeat_interleave(cells, 0), waves.repeat(cells, 1)
    return torch.cat([rows, columns], dim=1)
