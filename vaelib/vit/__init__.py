"""Vision transformers with adapters, and their pre-training."""

from vaelib.vit.masked import MaskedAutoencoding
from vaelib.vit.network import ViT
from vaelib.vit.pooling import ClassToken, LatentAttention, MeanPooling

__all__ = ["ClassToken", "LatentAttention", "MaskedAutoencoding", "MeanPooling", "ViT"]
