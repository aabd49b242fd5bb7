"""What the networks are built of: lists of layers for `nn.Sequential`, and the map of places.

>>> cells = nn.Sequential(*downsample(1, [32, 32]))(torch.zeros(2, 1, 64, 64))
>>> cells.shape, nn.Sequential(*upsample([32, 32], 1))(cells).shape
(torch.Size([2, 32, 16, 16]), torch.Size([2, 1, 64, 64]))
>>> len(dense([10, 256, 256], nn.ReLU)), Places(8, 64)(torch.zeros(2, 64)).shape
(4, torch.Size([2, 64, 8, 8]))
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn


def downsample(channels: int, widths: list[int], kernel: int = 4) -> list[nn.Module]:
    """Convolutions that halve the image, one a width, each followed by a ReLU.

    ValueError: a kernel that is odd, after which no pixel count would be halved.
    """
    if kernel % 2 or kernel < 2:
        raise ValueError(f"the kernel must be 2, 4 or another even number, got {kernel}")
    _check(widths)
    layers: list[nn.Module] = []
    for width in widths:
        layers += [nn.Conv2d(channels, width, kernel, 2, (kernel - 2) // 2), nn.ReLU()]
        channels = width
    return layers


def upsample(widths: list[int], channels: int) -> list[nn.Module]:
    """Transposed 4×4 convolutions that double the image; no ReLU after the last."""
    _check(widths)
    layers: list[nn.Module] = []
    for width, following in zip(widths, [*widths[1:], channels], strict=True):
        layers += [nn.ConvTranspose2d(width, following, 4, 2, 1), nn.ReLU()]
    return layers[:-1]


def dense(sizes: list[int], activation: Callable[[], nn.Module]) -> list[nn.Module]:
    """Linear layers between these sizes, each followed by the activation."""
    _check(sizes)
    layers: list[nn.Module] = []
    for inputs, outputs in zip(sizes[:-1], sizes[1:], strict=True):
        layers += [nn.Linear(inputs, outputs), activation()]
    return layers


def _check(widths: list[int]) -> None:
    """Torch builds empty layers, and complains of them when they are used."""
    if min(widths) < 1:
        raise ValueError(f"layers must have one unit or more, got the widths {widths}")


def inputs_of(layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d) -> float:
    """Inputs that one unit of the layer sees, on average.

    >>> inputs_of(nn.ConvTranspose2d(32, 1, kernel_size=4, stride=2))  # 2×2 of the 4×4 weights
    128.0
    """
    if isinstance(layer, nn.ConvTranspose2d):
        return len(layer.weight) * layer.weight[0, 0].numel() / math.prod(layer.stride)
    return layer.weight[0].numel()


class Places(nn.Module):
    """(B, W) → (B, W, cells, cells): the same everywhere, plus a learned map of the coordinates."""

    def __init__(self, cells: int, width: int):
        super().__init__()
        line = torch.linspace(-1, 1, cells)
        self.register_buffer("xy", torch.cartesian_prod(line, line).flip(1), persistent=False)
        self.place = nn.Linear(2, width, bias=False)
        self.cells = cells

    def where(self) -> Tensor:
        """What the coordinates add: (W, cells, cells)."""
        return self.place(self.xy).T.unflatten(1, (self.cells, self.cells))

    def forward(self, code: Tensor) -> Tensor:
        return code[:, :, None, None] + self.where()
