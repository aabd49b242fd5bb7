"""A network as a list that a browser can compute: read from the modules themselves.

The encoder and the decoder are `nn.Sequential`s, so that nothing has to be known about the network
that made them, or the two halves of a transformer of :mod:`vaelib.vit`. `engine.js` and
`transformer.js` have one function for each kind of layer here.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from vaelib.explorer.packing import Pack
from vaelib.layers import Places
from vaelib.vit.network import ViTDecoder, ViTEncoder
from vaelib.vit.pooling import AttentionPool, ClassTokenPool, MeanPool

KNOWN = (
    "Linear and convolutions with a bias, ReLU, Tanh, Flatten of whole images, Unflatten to "
    "(C, H, W), Places, PixelShuffle, PixelUnshuffle, one after the other"
)
POOLS = {AttentionPool: "attention", MeanPool: "mean", ClassTokenPool: "first"}
Layer = dict[str, Any]  # {"type": …} and numbers; weights are places in the pack


def describe(module: nn.Module, pack: Pack) -> list[Layer]:
    """The layers of a module in order, their weights put into `pack`.

    Raises ValueError for a layer, or a setting of one, that the browser cannot compute.
    """
    match module:
        case nn.Sequential():
            return [layer for child in module for layer in describe(child, pack)]
        case ViTEncoder() if type(module.pool) in POOLS:
            layer = {"type": "vit_encoder", "pooling": POOLS[type(module.pool)]}
            return [{"type": "unshuffle", "cell": module.patch}, layer | _whole(module, pack)]
        case ViTDecoder():
            shape = [module.pixels.out_features, module.cells, module.cells]
            layer = {"type": "vit_decoder", "shape": shape} | _whole(module, pack)
            return [layer, {"type": "shuffle", "cell": module.patch}]
    return [_layer(module, pack)]


def _layer(module: nn.Module, pack: Pack) -> Layer:
    match module:
        case nn.Linear(out_features=outputs) if module.bias is not None:
            return {"type": "linear", "outputs": outputs, **parts(module, pack)}
        case nn.Conv2d() if module.bias is not None:
            return {"type": "conv", **_window(module), **parts(module, pack)}
        case nn.ConvTranspose2d(output_padding=(0, 0)) if module.bias is not None:
            return {"type": "transposed", **_window(module), **parts(module, pack)}
        case nn.ReLU():
            return {"type": "relu"}
        case nn.Tanh():
            return {"type": "tanh"}
        case nn.Flatten(start_dim=1, end_dim=-1):
            return {"type": "flatten"}
        case nn.Unflatten(dim=1, unflattened_size=(_, _, _) as shape):
            return {"type": "unflatten", "shape": list(shape)}
        case Places(cells=cells):
            added = module.where().detach().flatten(1).cpu().numpy()  # (W, cells²)
            return {"type": "places", "cells": cells, "added": pack.floats(added)}
        case nn.PixelShuffle(upscale_factor=cell):
            return {"type": "shuffle", "cell": cell}
        case nn.PixelUnshuffle(downscale_factor=cell):
            return {"type": "unshuffle", "cell": cell}
    raise ValueError(f"the explorer computes a ViT of vaelib, and {KNOWN}; got a {module}")


def _window(module: nn.Conv2d | nn.ConvTranspose2d) -> Layer:
    """Kernel, stride and padding in pixels; ValueError unless they are square and plain."""
    sizes = [module.kernel_size, module.stride, module.padding]
    plain = module.groups == 1 and set(module.dilation) == {1} and module.padding_mode == "zeros"
    if not plain or any(len(set(size)) > 1 for size in sizes):
        raise ValueError(
            "the explorer computes square convolutions without groups and dilation, padded with "
            f"zeros; got {module}"
        )
    kernel, stride, padding = (size[0] for size in sizes)
    channels = module.out_channels
    return {"outputs": channels, "kernel": kernel, "stride": stride, "padding": padding}


def _whole(module: ViTEncoder | ViTDecoder, pack: Pack) -> Layer:
    return {"count": module.blocks[0].attention.heads, "parts": parts(module, pack)}


def parts(module: nn.Module, pack: Pack) -> Any:
    """The weights of a module and of those in it, by their names; lists of modules as lists."""
    found: Layer = {}
    for name, weight in module.named_parameters(recurse=False):
        put = pack.weights if weight.ndim > 1 and name != "bias" else pack.floats
        found[name] = put(weight.detach().cpu().numpy())
    children = {name: parts(child, pack) for name, child in module.named_children()}
    if isinstance(module, nn.ModuleList | nn.Sequential):
        return list(children.values())
    return found | children
