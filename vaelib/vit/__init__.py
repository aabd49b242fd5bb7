"""Vision transformers with adapters, and their pre-training."""

from vaelib.vit.maps import attention_maps, drawing_maps
from vaelib.vit.masked import MaskedAutoencoding
from vaelib.vit.network import ViT
from vaelib.vit.pooling import ClassToken, LatentAttention, MeanPooling

__all__ = [
    "ClassToken",
    "LatentAttention",
    "MaskedAutoencoding",
    "MeanPooling",
    "ViT",
    "attention_maps",
    "drawing_maps",
]
