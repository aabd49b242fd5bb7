"""Where a transformer looks for each latent, and where each latent is used in drawing.

>>> from vaelib.vit.network import ViT
>>> vae, images = VAE(ViT(16, 1, 1, 2), (1, 32, 32), 3), np.zeros((2, 1, 32, 32))
>>> attention_maps(vae, images).shape, drawing_maps(vae, images).shape
((2, 3, 4, 4), (2, 3, 4, 4))
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vaelib.runs import Run
from vaelib.traversal import model_of
from vaelib.vae import VAE
from vaelib.vit.network import ViTDecoder, ViTEncoder
from vaelib.vit.pooling import AttentionPool


@torch.no_grad()
def attention_maps(run: Run | VAE, images: Tensor | np.ndarray) -> np.ndarray:
    """Where the encoder looks for each latent: (N, D, cells, cells), each map adds up to 1.

    The weights with which Latent Attention reads the patches of `images` (N, C, H, W) in [0, 1].
    ValueError: a model without Latent Attention.
    """
    vae = model_of(run)
    encoder = vae.encoder
    if not (isinstance(encoder, ViTEncoder) and isinstance(encoder.pool, AttentionPool)):
        raise ValueError(
            "attention maps need a ViT with LatentAttention() as its pooling, "
            f"got {type(getattr(encoder, 'pool', encoder)).__name__}"
        )
    tokens = encoder.encoded(encoder.embed(_beside(vae, images)))
    return _as_maps(encoder.pool.weights(tokens), encoder.cells)


@torch.no_grad()
def drawing_maps(run: Run | VAE, images: Tensor | np.ndarray) -> np.ndarray:
    """Where each latent is used in drawing: (N, D, cells, cells), in 0..1.

    How much the place of a patch attends to a latent in place of the other places, the mean over
    blocks and heads, when the means of `images` are decoded. ValueError: a decoder that is no ViT.
    """
    vae = model_of(run)
    decoder = vae.decoder
    if not isinstance(decoder, ViTDecoder):
        raise ValueError(f"drawing maps need the decoder of a ViT, got {type(decoder).__name__}")
    z = vae.encode(_beside(vae, images)).mean
    return _as_maps(torch.stack(decoder.attention(z)).mean((0, 2)).transpose(1, 2), decoder.cells)


def _beside(vae: VAE, images: Tensor | np.ndarray) -> Tensor:
    return torch.as_tensor(images, dtype=torch.float32).to(next(vae.parameters()).device)


def _as_maps(weights: Tensor, cells: int) -> np.ndarray:
    """(N, D, cells²) → (N, D, cells, cells)."""
    return weights.unflatten(2, (cells, cells)).cpu().numpy()
