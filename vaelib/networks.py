"""Encoders and decoders of the papers, for square images of 32, 64 or 128 pixels and any channels.

A network is a dataclass that builds its two halves: the encoder maps images (B, C, H, W) to
(B, outputs), the decoder maps latents (B, D) to Bernoulli logits (B, C, H, W).

>>> import torch
>>> networks: list[Network] = [Fast(), Burgess(), Broadcast(), Locatello(), MLP()]
>>> [network.encoder((1, 64, 64), 20)(torch.zeros(2, 1, 64, 64)).shape[1] for network in networks]
[20, 20, 20, 20, 20]
>>> both = Halves(Burgess(), Fast(32, 128))
>>> both.decoder((1, 64, 64), 10)(torch.zeros(2, 10)).shape
torch.Size([2, 1, 64, 64])
>>> HeInit(Fast()).encoder((1, 64, 64), 20)(torch.zeros(2, 1, 64, 64)).shape
torch.Size([2, 20])
>>> halvings((1, 64, 64))
4
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import nn

from vaelib.layers import Places, dense, downsample, inputs_of, upsample

if TYPE_CHECKING:
    from vaelib.vae import VAE

Shape = tuple[int, int, int]  # (C, H, W)


class Network(ABC):
    """Builds the encoder and the decoder of a VAE. Implementations are dataclasses."""

    @abstractmethod
    def encoder(self, image_shape: Shape, outputs: int) -> nn.Module:
        """A module (B, C, H, W) → (B, outputs)."""

    @abstractmethod
    def decoder(self, image_shape: Shape, latent_dim: int) -> nn.Module:
        """A module (B, latent_dim) → (B, C, H, W) logits."""

    def begin(self, vae: VAE, progress: bool = False) -> None:  # noqa: B027  by default nothing
        """Load earlier weights into a new model, and take `requires_grad` from what shall stay."""


@dataclass(frozen=True)
class Burgess(Network):
    """The convolutional network of Burgess et al. 2018 (arXiv 1804.03599, appendix).

    At 64×64: four 4×4 convolutions of stride 2, two hidden layers, and their mirror image. One
    convolution is left out at 32×32 and one is added at 128×128, so that 4×4 cells remain.
    """

    channels: int = 32
    hidden: int = 256

    def encoder(self, image_shape: Shape, outputs: int) -> nn.Module:
        widths = [self.channels] * halvings(image_shape)
        return nn.Sequential(
            *downsample(image_shape[0], widths),
            nn.Flatten(),
            *dense([16 * self.channels, self.hidden, self.hidden], nn.ReLU),
            nn.Linear(self.hidden, outputs),
        )

    def decoder(self, image_shape: Shape, latent_dim: int) -> nn.Module:
        widths = [self.channels] * halvings(image_shape)
        return nn.Sequential(
            *dense([latent_dim, self.hidden, self.hidden, 16 * self.channels], nn.ReLU),
            nn.Unflatten(1, (self.channels, 4, 4)),
            *upsample(widths, image_shape[0]),
        )


@dataclass(frozen=True)
class Fast(Network):
    """Ours: as small a computation as keeps the quality; the default.

    Full-resolution convolutions cost most of a training step and see little. So the image is folded
    into 16×16 cells first (space-to-depth; Shi et al. 2016, arXiv 1609.05158, for the way back),
    and no convolution runs at a higher resolution. A step costs about half of Burgess's, and the
    loss falls faster in steps too; `python -m benchmarks.network_quality` measures both.
    """

    channels: int = 64
    hidden: int = 256

    def encoder(self, image_shape: Shape, outputs: int) -> nn.Module:
        cell = 2 ** (halvings(image_shape) - 2)  # pixels along one of the 16 cells
        width = self.channels
        return nn.Sequential(
            nn.PixelUnshuffle(cell),
            *downsample(image_shape[0] * cell**2, [width, width]),
            nn.Flatten(),
            *dense([16 * width, self.hidden], nn.ReLU),
            nn.Linear(self.hidden, outputs),
        )

    def decoder(self, image_shape: Shape, latent_dim: int) -> nn.Module:
        cell = 2 ** (halvings(image_shape) - 2)
        width, last = self.channels, self.channels // 2
        return nn.Sequential(
            *dense([latent_dim, self.hidden, 16 * width], nn.ReLU),
            nn.Unflatten(1, (width, 4, 4)),
            *upsample([width, width], last),
            nn.ReLU(),
            nn.Conv2d(last, image_shape[0] * cell**2, 3, padding=1),
            nn.PixelShuffle(cell),
        )


@dataclass(frozen=True)
class Broadcast(Fast):
    """The encoder of `Fast`, and a decoder that knows where it draws.

    The idea of the spatial broadcast decoder (Watters et al. 2019, arXiv 1901.07017): every place
    gets the whole code and its own coordinates, so that to move what is drawn is a simple
    function of two latents, and positions do not spread over many. Here the places are 8×8 cells,
    each drawn at once (pixel shuffle), so that a step costs no more than with `Fast`.
    """

    cells: int = 8  # along each side

    def decoder(self, image_shape: Shape, latent_dim: int) -> nn.Module:
        halvings(image_shape)
        if self.cells < 1 or image_shape[1] % self.cells:
            raise ValueError(
                f"cells must divide the {image_shape[1]} pixels of a side, got {self.cells}"
            )
        cell = image_shape[1] // self.cells
        width = 2 * self.channels
        return nn.Sequential(
            nn.Linear(latent_dim, width),
            Places(self.cells, width),
            nn.ReLU(),
            nn.Conv2d(width, width, 1),
            nn.ReLU(),
            nn.Conv2d(width, width, 1),
            nn.ReLU(),
            nn.Conv2d(width, image_shape[0] * cell**2, 3, padding=1),
            nn.PixelShuffle(cell),
        )


@dataclass(frozen=True)
class Halves(Network):
    """The encoder of one network and the decoder of another: a ViT that draws by convolutions."""

    encoder_of: Network
    decoder_of: Network

    def encoder(self, image_shape: Shape, outputs: int) -> nn.Module:
        return self.encoder_of.encoder(image_shape, outputs)

    def decoder(self, image_shape: Shape, latent_dim: int) -> nn.Module:
        return self.decoder_of.decoder(image_shape, latent_dim)


@dataclass(frozen=True)
class HeInit(Network):
    """Another network that begins with the weights of He et al. 2015 (arXiv 1502.01852, eq. 10).

    Weights are normal with variance 2 / n, n the inputs that a unit sees, and biases 0. torch's own
    have a sixth of that variance; a VAE then spends its first hundreds of steps on the mean image.
    """

    network: Network = Fast()

    def encoder(self, image_shape: Shape, outputs: int) -> nn.Module:
        return self.network.encoder(image_shape, outputs)

    def decoder(self, image_shape: Shape, latent_dim: int) -> nn.Module:
        return self.network.decoder(image_shape, latent_dim)

    def begin(self, vae: VAE, progress: bool = False) -> None:
        for layer in vae.modules():
            if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                nn.init.normal_(layer.weight, std=(2 / inputs_of(layer)) ** 0.5)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        self.network.begin(vae, progress)  # may load other weights


@dataclass(frozen=True)
class Locatello(Network):
    """The network of the disentanglement studies: Locatello et al. 2019 (arXiv 1811.12359),
    table 1, after Higgins et al. 2017, table 1, row 3.

    `deep_kernel` is the kernel of the 64-channel convolutions: 4 as printed; the released
    disentanglement_lib uses 2.
    """

    deep_kernel: int = 4

    def encoder(self, image_shape: Shape, outputs: int) -> nn.Module:
        shallow, deep = self.widths(image_shape)[:-2], self.widths(image_shape)[-2:]
        return nn.Sequential(
            *downsample(image_shape[0], shallow),
            *downsample(shallow[-1], deep, self.deep_kernel),
            nn.Flatten(),
            *dense([16 * 64, 256], nn.ReLU),
            nn.Linear(256, outputs),
        )

    def decoder(self, image_shape: Shape, latent_dim: int) -> nn.Module:
        return nn.Sequential(
            *dense([latent_dim, 256, 16 * 64], nn.ReLU),
            nn.Unflatten(1, (64, 4, 4)),
            *upsample(self.widths(image_shape)[::-1], image_shape[0]),
        )

    @staticmethod
    def widths(image_shape: Shape) -> list[int]:
        return [32] * (halvings(image_shape) - 2) + [64, 64]


@dataclass(frozen=True)
class MLP(Network):
    """The fully connected network of β-VAE on dSprites: Higgins et al. 2017, table 1, row 1."""

    hidden: int = 1200

    def encoder(self, image_shape: Shape, outputs: int) -> nn.Module:
        halvings(image_shape)
        return nn.Sequential(
            nn.Flatten(),
            *dense([math.prod(image_shape), self.hidden, self.hidden], nn.ReLU),
            nn.Linear(self.hidden, outputs),
        )

    def decoder(self, image_shape: Shape, latent_dim: int) -> nn.Module:
        halvings(image_shape)
        return nn.Sequential(
            *dense([latent_dim, self.hidden, self.hidden, self.hidden], nn.Tanh),
            nn.Linear(self.hidden, math.prod(image_shape)),
            nn.Unflatten(1, image_shape),
        )


def halvings(image_shape: Shape) -> int:
    """How often the image is halved until 4×4 pixels remain."""
    _, height, width = image_shape
    if height != width or height not in (32, 64, 128):
        raise ValueError(f"images must be 32×32, 64×64 or 128×128 pixels, got {height}×{width}")
    return int(math.log2(height)) - 2
