"""Transformers of vaelib.vit for a web page: what page/transformer.js computes."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from torch import nn

from vaelib.explorer.packing import Pack
from vaelib.vit.blocks import Block
from vaelib.vit.network import ViTDecoder, ViTEncoder
from vaelib.vit.pooling import AttentionPool, ClassTokenPool, MeanPool

Parts = dict[str, Any]  # weights as places in the pack, at any depth


def encoder(module: ViTEncoder, pack: Pack) -> list[Parts]:
    """Cut into patches, then all up to means and log-variances."""
    parts = {
        "patches": _layer(module.patches, pack),
        "positions": _rows(module.positions, pack),
        "pool": _pool(module.pool, pack),
        "blocks": [_block(block, pack) for block in module.blocks],
        "norm": _layer(module.norm, pack),
        "latents": {
            "weight": _rows(module.heads.weight, pack),
            "bias": _floats(module.heads.bias, pack),
        },
    }
    heads = module.blocks[0].attention.heads
    return [
        {"type": "unshuffle", "cell": module.patch},
        {"type": "vit_encoder", "heads": heads, "parts": parts},
    ]


def decoder(module: ViTDecoder, pack: Pack) -> list[Parts]:
    """All up to the pixels of each patch, then put together."""
    latents = module.latents
    parts = {
        "latents": {
            "slope": _rows(latents.slope, pack),
            "offset": _rows(latents.offset, pack),
            "mix": _layer(latents.mix, pack),
            "name": _rows(latents.name, pack),
        },
        "memory_norm": _layer(module.memory_norm, pack),
        "positions": _rows(module.positions, pack),
        "blocks": [_block(block, pack) for block in module.blocks],
        "norm": _layer(module.norm, pack),
        "pixels": _layer(module.pixels, pack),
    }
    heads = module.blocks[0].attention.heads
    shape = [module.pixels.out_features, module.cells, module.cells]
    return [
        {"type": "vit_decoder", "heads": heads, "parts": parts, "shape": shape},
        {"type": "shuffle", "cell": module.patch},
    ]


def _block(block: Block, pack: Pack) -> Parts:
    attention, adapter = block.attention, block.adapter
    parts = {name: getattr(block, name) for name in ("before_attention", "before_feed")}
    parts |= {name: getattr(attention, name) for name in ("query", "key_value", "out")}
    found: Parts = {name: _layer(part, pack) for name, part in parts.items()}
    found["feed"] = [_layer(block.feed[0], pack), _layer(block.feed[2], pack)]
    if adapter is not None:
        found["adapter"] = [_layer(adapter.down, pack), _layer(adapter.up, pack)]
    return found


@singledispatch
def _pool(pool: nn.Module, pack: Pack) -> Parts:
    raise ValueError(f"the explorer knows the pools of vaelib.vit, got a {type(pool).__name__}")


@_pool.register
def _(pool: AttentionPool, pack: Pack) -> Parts:
    queries, key = _rows(pool.queries, pack), _layer(pool.key, pack)
    return {"type": "attention", "queries": queries, "key": key}


@_pool.register
def _(pool: MeanPool, pack: Pack) -> Parts:
    return {"type": "mean"}


@_pool.register
def _(pool: ClassTokenPool, pack: Pack) -> Parts:
    return {"type": "first", "token": _rows(pool.token, pack)}


def _layer(module: nn.Linear | nn.LayerNorm, pack: Pack) -> Parts:
    weight = module.weight
    return {
        "weight": _rows(weight, pack) if weight.ndim > 1 else _floats(weight, pack),
        "bias": _floats(module.bias, pack),
    }


def _rows(weight: nn.Parameter, pack: Pack) -> list[int]:
    return pack.weights(weight.detach().cpu().numpy())


def _floats(weight: nn.Parameter, pack: Pack) -> list[int]:
    return pack.floats(weight.detach().cpu().numpy().reshape(-1))
