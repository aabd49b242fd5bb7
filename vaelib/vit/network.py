"""ViT: a VAE's encoder and decoder as transformers over the patches of an image.

>>> network = ViT(width=16, encoder_blocks=1, decoder_blocks=1, heads=2)
>>> encoder, decoder = ViTEncoder(network, (1, 32, 32), 3), ViTDecoder(network, (1, 32, 32), 3)
>>> encoder(torch.zeros(2, 1, 32, 32)).shape, decoder(torch.zeros(2, 3)).shape
(torch.Size([2, 6]), torch.Size([2, 1, 32, 32]))
>>> LatentTokens(16, 3)(torch.zeros(2, 3)).shape, Heads(16, 3)(torch.zeros(2, 3, 16)).shape
(torch.Size([2, 3, 16]), torch.Size([2, 6]))
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vaelib.networks import Network, Shape
from vaelib.vit.blocks import Block, positions
from vaelib.vit.pooling import LatentAttention, Pooling


@dataclass(frozen=True)
class ViT(Network):
    """A vision transformer (Dosovitskiy et al. 2020, arXiv 2010.11929) as a VAE.

    The encoder's tokens are patches of the image; `pooling` makes of them what the latents' means
    and variances are read from. The decoder's tokens are the places of the patches; the latents
    are further keys and values in each block, as GPT-2 is told of the code in AdaVAE (Tu et al.
    2022, arXiv 2205.05862). `adapters` is the bottleneck of a small layer beside each feed-forward
    part, trained where the rest is frozen (:class:`~vaelib.pretrained.Pretrained`); 0: none.

    ValueError: images that are not square or do not divide into patches; a width that the heads or
    the positions (by 4) do not divide; sizes below 1.
    """

    width: int = 64  # numbers a token
    encoder_blocks: int = 3
    decoder_blocks: int = 3
    heads: int = 4
    patch: int = 8  # pixels of a patch, each way
    adapters: int = 0  # width of the bottlenecks
    pooling: Pooling = LatentAttention()

    def __post_init__(self) -> None:
        for name in ("width", "encoder_blocks", "decoder_blocks", "heads", "patch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.width % self.heads or self.width % 4:
            raise ValueError(f"width must divide by 4 and by heads={self.heads}, got {self.width}")
        if self.adapters < 0:
            raise ValueError(f"adapters must be at least 0, got {self.adapters}")

    def encoder(self, image_shape: Shape, outputs: int) -> ViTEncoder:
        return ViTEncoder(self, image_shape, outputs // 2)

    def decoder(self, image_shape: Shape, latent_dim: int) -> ViTDecoder:
        return ViTDecoder(self, image_shape, latent_dim)

    def blocks(self, count: int) -> nn.ModuleList:
        return nn.ModuleList(Block(self.width, self.heads, self.adapters) for _ in range(count))

    def cells(self, image_shape: Shape) -> int:
        """Patches along a side."""
        _, height, width = image_shape
        if height != width or height % self.patch:
            raise ValueError(
                f"images must be square and divide into patches of {self.patch}×{self.patch} "
                f"pixels, got {height}×{width}"
            )
        return height // self.patch


class ViTEncoder(nn.Module):
    """Images (B, C, H, W) → (B, 2·D): the means, then the log-variances."""

    def __init__(self, network: ViT, image_shape: Shape, latent_dim: int):
        super().__init__()
        cells, width = network.cells(image_shape), network.width
        self.cells, self.patch = cells, network.patch
        self.patches = nn.Linear(image_shape[0] * network.patch**2, width)
        self.positions = nn.Parameter(positions(cells, width))
        self.pool = network.pooling.pool(width, latent_dim)
        self.blocks = network.blocks(network.encoder_blocks)
        self.norm = nn.LayerNorm(width)
        self.heads = Heads(width, latent_dim)

    def forward(self, images: Tensor) -> Tensor:
        return self.heads(self.pooled(self.embed(images)))

    def embed(self, images: Tensor) -> Tensor:
        """One token a patch, row by row: (B, N, W)."""
        patches = F.pixel_unshuffle(images, self.patch).flatten(2).transpose(1, 2)
        return self.patches(patches) + self.positions

    def pooled(self, tokens: Tensor) -> Tensor:
        """What the latents are read from, of these patches: (B, N, W) → (B, M, W)."""
        return self.pool(self.encoded(tokens))

    def encoded(self, tokens: Tensor) -> Tensor:
        """The tokens after all blocks, (B, N, W), or one more where the pool puts one before."""
        tokens = self.pool.prepend(tokens)
        for block in self.blocks:
            tokens = block(tokens)
        return self.norm(tokens)


class Heads(nn.Module):
    """Mean and log-variance of each latent from its pooled token, or from the one for all:
    (B, M, W) → (B, 2·D)."""

    def __init__(self, width: int, latent_dim: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(2, latent_dim, width) / width**0.5 / 3)
        self.bias = nn.Parameter(torch.zeros(2, latent_dim))

    def forward(self, pooled: Tensor) -> Tensor:
        return ((pooled[:, None] * self.weight).sum(-1) + self.bias).flatten(1)


class ViTDecoder(nn.Module):
    """Latents (B, D) → logits (B, C, H, W)."""

    def __init__(self, network: ViT, image_shape: Shape, latent_dim: int):
        super().__init__()
        cells, width = network.cells(image_shape), network.width
        self.cells = cells
        self.latents = LatentTokens(width, latent_dim)
        self.memory_norm = nn.LayerNorm(width)
        self.positions = nn.Parameter(positions(cells, width))
        self.blocks = network.blocks(network.decoder_blocks)
        self.norm = nn.LayerNorm(width)
        self.pixels = nn.Linear(width, image_shape[0] * network.patch**2)
        self.patch = network.patch

    def forward(self, z: Tensor) -> Tensor:
        return self.draw(self.latents(z))

    def draw(self, memory: Tensor) -> Tensor:
        """The image (B, C, H, W), as logits, that is told of by M tokens (B, M, W)."""
        memory = self.memory_norm(memory)
        tokens = self.positions.expand(len(memory), -1, -1)
        for block in self.blocks:
            tokens = block(tokens, memory)
        return self.image(self.norm(tokens))

    def attention(self, z: Tensor) -> list[Tensor]:
        """How much each place attends to each latent in each block: (B, heads, N, D) each."""
        memory = self.memory_norm(self.latents(z))
        tokens = self.positions.expand(len(memory), -1, -1)
        found = []
        for block in self.blocks:
            weights = block.attention.weights(block.before_attention(tokens), memory)
            found.append(weights[..., len(self.positions) :])
            tokens = block(tokens, memory)
        return found

    def image(self, tokens: Tensor) -> Tensor:
        """The patches that tokens (B, N, W) stand for, put together: (B, C, H, W)."""
        pixels = self.pixels(tokens).transpose(1, 2)
        return F.pixel_shuffle(pixels.unflatten(2, (self.cells, self.cells)), self.patch)


class LatentTokens(nn.Module):
    """A token for each latent, by a small perceptron of its value: (B, D) → (B, D, W)."""

    def __init__(self, width: int, latent_dim: int):
        super().__init__()
        self.slope = nn.Parameter(torch.randn(latent_dim, width))
        self.offset = nn.Parameter(torch.randn(latent_dim, width))
        self.mix = nn.Linear(width, width)
        self.name = nn.Parameter(torch.randn(latent_dim, width))

    def forward(self, z: Tensor) -> Tensor:
        return self.mix(F.gelu(z[:, :, None] * self.slope + self.offset)) + self.name
