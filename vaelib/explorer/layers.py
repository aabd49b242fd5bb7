"""A network as a list that a browser can compute: read from the modules themselves.

The encoder and the decoder are `nn.Sequential`s, so that nothing has to be known about the network
that made them, or the two halves of a transformer (:mod:`vaelib.explorer.transformers`).
`engine.js` has one function for each kind of layer here.
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from torch import nn

from vaelib.explorer import transformers
from vaelib.explorer.packing import Pack
from vaelib.layers import Places
from vaelib.vit.network import ViTDecoder, ViTEncoder

KNOWN = (
    "Linear, Conv2d, ConvTranspose2d, ReLU, Tanh, Flatten, Unflatten, Places, PixelShuffle, "
    "PixelUnshuffle"
)
Layer = dict[str, Any]  # {"type": …} and numbers; weights are places in the pack


def describe(module: nn.Module, pack: Pack) -> list[Layer]:
    """The layers of a module in order, their weights put into `pack`.

    Raises ValueError for a layer, or a setting of one, that the browser cannot compute.
    """
    if isinstance(module, nn.Sequential):
        return [layer for child in module for layer in describe(child, pack)]
    if isinstance(module, ViTEncoder):
        return transformers.encoder(module, pack)
    if isinstance(module, ViTDecoder):
        return transformers.decoder(module, pack)
    return [_layer(module, pack)]


@singledispatch
def _layer(module: nn.Module, pack: Pack) -> Layer:
    raise ValueError(
        f"the explorer computes a ViT, and networks made of {KNOWN}, one after the other; "
        f"got a {type(module).__name__}"
    )


@_layer.register
def _(module: nn.Linear, pack: Pack) -> Layer:
    return {"type": "linear", "outputs": module.out_features, **_weights(module, pack)}


@_layer.register
def _(module: nn.Conv2d, pack: Pack) -> Layer:
    return {"type": "conv", **_window(module), **_weights(module, pack)}


@_layer.register
def _(module: nn.ConvTranspose2d, pack: Pack) -> Layer:
    if tuple(module.output_padding) != (0, 0):
        raise ValueError(f"the explorer computes no output_padding, got {module}")
    return {"type": "transposed", **_window(module), **_weights(module, pack)}


@_layer.register
def _(module: nn.ReLU, pack: Pack) -> Layer:
    return {"type": "relu"}


@_layer.register
def _(module: nn.Tanh, pack: Pack) -> Layer:
    return {"type": "tanh"}


@_layer.register
def _(module: nn.Flatten, pack: Pack) -> Layer:
    if (module.start_dim, module.end_dim) != (1, -1):
        raise ValueError(f"the explorer flattens whole images, got {module}")
    return {"type": "flatten"}


@_layer.register
def _(module: nn.Unflatten, pack: Pack) -> Layer:
    if module.dim != 1 or len(module.unflattened_size) != 3:
        raise ValueError(f"the explorer unflattens to (C, H, W), got {module}")
    return {"type": "unflatten", "shape": list(module.unflattened_size)}


@_layer.register
def _(module: Places, pack: Pack) -> Layer:
    added = module.where().detach().flatten(1).cpu().numpy()  # (W, cells²)
    return {"type": "places", "cells": module.cells, "added": pack.floats(added)}


@_layer.register
def _(module: nn.PixelShuffle, pack: Pack) -> Layer:
    return {"type": "shuffle", "cell": module.upscale_factor}


@_layer.register
def _(module: nn.PixelUnshuffle, pack: Pack) -> Layer:
    return {"type": "unshuffle", "cell": module.downscale_factor}


def _window(module: nn.Conv2d | nn.ConvTranspose2d) -> Layer:
    """Kernel, stride and padding in pixels; ValueError unless they are square and plain."""
    sizes = [set(s) for s in (module.kernel_size, module.stride, _pair(module.padding))]
    plain = module.groups == 1 and set(module.dilation) == {1} and module.padding_mode == "zeros"
    if not plain or any(len(size) > 1 for size in sizes):
        raise ValueError(
            "the explorer computes square convolutions without groups and dilation, padded with "
            f"zeros; got {module}"
        )
    kernel, stride, padding = (size.pop() for size in sizes)
    channels = module.out_channels
    return {"outputs": channels, "kernel": kernel, "stride": stride, "padding": padding}


def _pair(padding: str | tuple[int, ...]) -> tuple[Any, ...]:
    return (padding, "") if isinstance(padding, str) else padding  # "same" is not plain


def _weights(module: nn.Module, pack: Pack) -> Layer:
    if module.bias is None:
        raise ValueError(f"the explorer computes layers with a bias, got {module}")
    return {
        "weight": pack.weights(module.weight.detach().cpu().numpy()),
        "bias": pack.floats(module.bias.detach().cpu().numpy()),
    }
