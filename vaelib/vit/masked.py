"""MaskedAutoencoding: learn to see by drawing images of which some patches are hidden.

>>> from vaelib.vit.network import ViT
>>> vae, objective = VAE(ViT(16, 1, 1, 2), (1, 32, 32), 3), MaskedAutoencoding(hidden=0.5)
>>> out = objective.encode_decode(vae, torch.zeros(2, 1, 32, 32), torch.Generator())
>>> isinstance(out, MaskedOutput), out.logits.shape, float(out.posterior.kl().sum())
(True, torch.Size([2, 1, 32, 32]), 0.0)
>>> rows(torch.zeros(2, 16, 8), torch.zeros(2, 4, dtype=torch.int64)).shape
torch.Size([2, 4, 8])
>>> as_pixels(torch.zeros(2, 16), out.logits).shape
torch.Size([2, 1, 32, 32])
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from vaelib.objectives import Objective
from vaelib.types import Batch, Posterior, VAEOutput
from vaelib.vae import VAE
from vaelib.vit.network import ViTDecoder, ViTEncoder


@dataclass(frozen=True)
class MaskedOutput(VAEOutput):
    """A drawing of a whole image from some of its patches. There is no posterior: its KL is 0."""

    counts: Tensor  # (B, 1, H, W), how much each pixel counts in the loss


@dataclass(eq=False)
class MaskedAutoencoding(Objective):
    """Masked autoencoding (He et al. 2021, arXiv 2111.06377): pre-training of a :class:`ViT`.

    The encoder sees a random part of the patches, the decoder draws the image. Departures: the
    decoder is told of the patches by the D pooled tokens alone, as later by D latents, and not by
    all that the encoder saw; so the patches that were seen count too, with the weight
    `seen_weight`; and patches are few, so a smaller part is `hidden` than their 75 %. Pixels are
    Bernoulli. There is no posterior: the logged KL is 0.

    ValueError: another network than a ViT; `hidden` not in 0..1, or so that nothing is seen.
    """

    hidden: float = 0.25  # share of the patches
    seen_weight: float = 1.0  # of the pixels that the encoder saw; 0: those hidden alone

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (0 <= self.hidden < 1 and self.seen_weight >= 0):
            raise ValueError(
                "hidden must be at least 0 and below 1 and seen_weight at least 0, got "
                f"{self.hidden} and {self.seen_weight}"
            )

    def prepare(self, vae: VAE, data_size: int, rng: torch.Generator) -> None:
        for part, kind in ((vae.encoder, ViTEncoder), (vae.decoder, ViTDecoder)):
            if not isinstance(part, kind):
                raise ValueError(f"masked autoencoding needs a ViT, got a {type(part).__name__}")

    def encode_decode(self, vae: VAE, images: Tensor, rng: torch.Generator) -> VAEOutput:
        tokens = vae.encoder.embed(images)
        seen = self.draw_seen(tokens, rng)
        pooled = vae.encoder.pooled(rows(tokens, seen))
        logits = vae.decoder.draw(pooled).to(images.dtype)
        none = images.new_zeros(len(images), vae.latent_dim)
        counts = torch.ones_like(tokens[:, :, 0]).scatter(1, seen, self.seen_weight)
        return MaskedOutput(Posterior(none, none), none, logits, as_pixels(counts, logits))

    def draw_seen(self, tokens: Tensor, rng: torch.Generator) -> Tensor:
        """Which patches are seen, (B, n): as many of each image, different ones."""
        b, n, _ = tokens.shape
        chances = torch.empty(b, n, device=tokens.device).uniform_(generator=rng)
        return chances.argsort(1)[:, : max(1, round(n * (1 - self.hidden)))]

    def reconstruction(self, batch: Batch, out: VAEOutput) -> Tensor:
        """Cross-entropy (), summed over pixels with their counts, averaged over the batch."""
        nats = F.binary_cross_entropy_with_logits(out.logits, batch.images, reduction="none")
        return (out.counts * nats).sum() / len(batch)

    def penalty(self, batch: Batch, out: VAEOutput, step: int) -> dict[str, Tensor]:
        return {}


def rows(tokens: Tensor, index: Tensor) -> Tensor:
    """These tokens of each image: (B, N, W), (B, n) → (B, n, W)."""
    return tokens.gather(1, index[:, :, None].expand(-1, -1, tokens.shape[2]))


def as_pixels(values: Tensor, images: Tensor) -> Tensor:
    """A number for each patch (B, N) as one for each pixel of square images: (B, 1, H, W)."""
    cells = round(values.shape[1] ** 0.5)
    grid = values.unflatten(1, (1, cells, cells))
    return F.interpolate(grid, size=images.shape[2:], mode="nearest")
