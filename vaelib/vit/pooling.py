"""From the tokens of an image to what its latents are read from.

>>> pools: list[Pool] = [p.pool(16, 3) for p in (LatentAttention(), MeanPooling(), ClassToken())]
>>> [pool(torch.zeros(2, 5, 16)).shape[1] for pool in pools]
[3, 1, 1]
>>> [type(pool) for pool in pools] == [AttentionPool, MeanPool, ClassTokenPool]
True
>>> isinstance(LatentAttention(), Pooling)
True
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn


class Pool(nn.Module, ABC):
    """Tokens (B, N, W) → (B, M, W), one for each latent (M = D) or one for all (M = 1)."""

    def prepend(self, tokens: Tensor) -> Tensor:
        """The tokens that go through the encoder: those of the patches, and maybe one more."""
        return tokens

    @abstractmethod
    def forward(self, tokens: Tensor) -> Tensor:
        """What is kept of the tokens that came out of the encoder."""


class Pooling(ABC):
    """A choice of pool. Implementations are dataclasses."""

    @abstractmethod
    def pool(self, width: int, latent_dim: int) -> Pool:
        """The module."""


@dataclass(frozen=True)
class LatentAttention(Pooling):
    r"""One learned query a latent, so that each latent has an attention map of its own:

    $$\text{pooled}_j = \sum_t a_{jt}\, h_t, \qquad
      a_j = \mathrm{softmax}_t(q_j \cdot f(h_t) / \sqrt{W})$$

    After the Latent Attention of AdaVAE (Tu et al. 2022, arXiv 2205.05862), which has one query for
    the whole code. As there, the values are the tokens h themselves and the keys a linear map f.
    """

    def pool(self, width: int, latent_dim: int) -> Pool:
        return AttentionPool(width, latent_dim)


@dataclass(frozen=True)
class MeanPooling(Pooling):
    """The mean of all tokens, for all latents."""

    def pool(self, width: int, latent_dim: int) -> Pool:
        return MeanPool()


@dataclass(frozen=True)
class ClassToken(Pooling):
    """One more token, without a patch (Dosovitskiy et al. 2020, arXiv 2010.11929)."""

    def pool(self, width: int, latent_dim: int) -> Pool:
        return ClassTokenPool(width)


class AttentionPool(Pool):
    def __init__(self, width: int, latent_dim: int):
        super().__init__()
        self.queries = nn.Parameter(torch.randn(latent_dim, width))
        self.key = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.weights(tokens) @ tokens

    def weights(self, tokens: Tensor) -> Tensor:
        """The maps a, (B, D, N); each adds up to 1."""
        logits = self.queries @ self.key(tokens).transpose(1, 2)
        return (logits / tokens.shape[2] ** 0.5).softmax(-1)


class MeanPool(Pool):
    def forward(self, tokens: Tensor) -> Tensor:
        return tokens.mean(1, keepdim=True)


class ClassTokenPool(Pool):
    def __init__(self, width: int):
        super().__init__()
        self.token = nn.Parameter(0.02 * torch.randn(1, width))

    def prepend(self, tokens: Tensor) -> Tensor:
        return torch.cat([self.token.expand(len(tokens), 1, -1), tokens], dim=1)

    def forward(self, tokens: Tensor) -> Tensor:
        return tokens[:, :1]
