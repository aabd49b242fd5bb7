"""Pretrained: a network that begins with the weights of an earlier run, and may freeze most.

>>> from vaelib.paths import shipped_dir
>>> source = Run(shipped_dir() / "vit_masked")
>>> network = Pretrained(source.config.network, source.config, Everything())
>>> vae = VAE(network, (1, 64, 64), 10)
>>> load_weights(vae, source)  # what begin() does; then it freezes
>>> trained: Trained = Adapters()
>>> network = Run(shipped_dir() / "dsprites_vit_beta_1").config.network
>>> vae = VAE(network, (1, 64, 64), 10)
>>> trained.freeze(vae)
>>> print(f"{trained_fraction(vae):.1%}")
13.3%
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import nn

from vaelib.checkpoint import load_tensors
from vaelib.networks import Network, Shape
from vaelib.runs import Run
from vaelib.vae import VAE
from vaelib.vit.blocks import Adapter
from vaelib.vit.network import Heads, LatentTokens
from vaelib.vit.pooling import Pool

if TYPE_CHECKING:
    from vaelib.train import TrainConfig


class Trained(ABC):
    """Which weights are trained. Implementations are dataclasses."""

    @abstractmethod
    def freeze(self, vae: VAE) -> None:
        """Ask no gradient of the others."""


@dataclass(frozen=True)
class Everything(Trained):
    """All weights: full fine-tuning."""

    def freeze(self, vae: VAE) -> None:
        pass


@dataclass(frozen=True)
class Adapters(Trained):
    """Adapters, LayerNorms, and what ties the latents to a transformer: its pool, its heads and
    its decoder's latent tokens. As in AdaVAE (Tu et al. 2022, arXiv 2205.05862).

    ValueError: a network without adapters.
    """

    def freeze(self, vae: VAE) -> None:
        if not any(isinstance(module, Adapter) for module in vae.modules()):
            raise ValueError("only a ViT with adapters ≥ 1 can be trained by its adapters")
        vae.requires_grad_(False)
        for module in vae.modules():
            if isinstance(module, Adapter | nn.LayerNorm | Pool | Heads | LatentTokens):
                module.requires_grad_(True)


@dataclass(frozen=True)
class Pretrained(Network):
    """`network` that begins with the weights of the run of `source`.

    The configuration says exactly which run that is. It is taken where it is found (runs/, the
    shipped checkpoints), else trained first, as :func:`~vaelib.train.load_or_train` does. Once
    trained, this run's own file holds all weights, and the source is not needed any more.

    ValueError: weights of the source that do not fit, other than adapters that it lacks.
    """

    network: Network
    source: TrainConfig
    trained: Trained = Adapters()

    def __post_init__(self) -> None:
        from vaelib.train import TrainConfig

        if not isinstance(self.source, TrainConfig):
            raise ValueError(f"source must be a TrainConfig, got {self.source!r}")

    def encoder(self, image_shape: Shape, outputs: int) -> nn.Module:
        return self.network.encoder(image_shape, outputs)

    def decoder(self, image_shape: Shape, latent_dim: int) -> nn.Module:
        return self.network.decoder(image_shape, latent_dim)

    def begin(self, vae: VAE, progress: bool = False) -> None:
        from vaelib.train import load_or_train

        load_weights(vae, load_or_train(self.source, progress=progress))
        self.trained.freeze(vae)
        if progress:
            total = sum(weight.numel() for weight in vae.parameters())
            print(f"{trained_fraction(vae):.1%} of {total:,} parameters are trained.")


def load_weights(vae: VAE, run: Run) -> None:
    """Fill `vae` with the weights of a finished run; adapters that the run lacks stay new."""
    tensors, _ = load_tensors(run.folder / "model.safetensors")
    own = vae.state_dict()
    new = {name for name in own if ".adapter." in name}
    if set(own) - new - set(tensors) or set(tensors) - set(own):
        raise ValueError(
            f"the weights of {run.folder} belong to another network, {run.config.network}"
        )
    for name, tensor in tensors.items():
        if tensor.shape != own[name].shape:
            raise ValueError(
                f"the weights of {run.folder} do not fit: {name} is {tuple(tensor.shape)} there "
                f"and {tuple(own[name].shape)} here (other images, latents or widths?)"
            )
    vae.load_state_dict(tensors, strict=False)


def trained_fraction(vae: VAE) -> float:
    """The share of its parameters that training changes, in 0..1."""
    counts = [(p.numel(), p.requires_grad) for p in vae.parameters()]
    return sum(n for n, trained in counts if trained) / sum(n for n, _ in counts)
