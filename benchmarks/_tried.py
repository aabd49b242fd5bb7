"""The changes of the fast recipe that benchmarks.recipes tries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim import Adam, NAdam, Optimizer

from vaelib.layers import dense
from vaelib.networks import Fast, HeInit, Network, Shape
from vaelib.schedules import Constant, Cosine, Schedule
from vaelib.vae import VAE

Optimizers = dict[Optimizer, float]  # with the rate of each


@dataclass(frozen=True)
class Recipe:
    """A change of the fast recipe."""

    why: str
    changes: dict[str, Any] = field(default_factory=dict)  # of FAST
    batch_size: Callable[[float], int] | None = None  # images, by the part of the training done
    optimizers: Callable[[VAE, float], Optimizers] | None = None  # of a model and a rate
    initialise: Callable[[VAE], None] | None = None
    average: float = 0.0  # of the old weights in a running average, which is what is tested
    longer: float = 1.0  # time, of that of the others


def muon(vae: VAE, rate: float) -> Optimizers:
    """Muon (Jordan 2024) for the large matrices, which is what it is for; Adam for the rest."""
    matrices = [p for p in vae.parameters() if p.ndim == 2 and min(p.shape) > 64]
    rest = [p for p in vae.parameters() if p.ndim != 2 or min(p.shape) <= 64]
    hidden = torch.optim.Muon(matrices, weight_decay=0, adjust_lr_fn="match_rms_adamw")
    return {hidden: rate, Adam(rest, fused=True): rate}


def schedule_free(vae: VAE, rate: float) -> Optimizers:
    """Defazio et al. 2024 (arXiv 2405.15682); its package is not among those of vaelib."""
    from schedulefree import AdamWScheduleFree

    optimizer = AdamWScheduleFree(vae.parameters(), warmup_steps=200)
    optimizer.train()
    return {optimizer: rate}


def dark(vae: VAE) -> None:
    """The decoder begins with the mean pixel, which is nearly black."""
    last = [m for m in vae.decoder.modules() if isinstance(m, nn.Conv2d)][-1]
    nn.init.constant_(last.bias, float(np.log(0.043 / 0.957)))


@dataclass(frozen=True)
class Linear(Schedule):
    """A short rise, then a straight fall to 0."""

    warmup: int = 200

    def factor(self, step: int, steps: int) -> float:
        fall = (step - self.warmup) / max(1, steps - self.warmup)
        return max(0.0, min((step + 1) / self.warmup, 1 - fall))


@dataclass(frozen=True)
class Flat(Network):
    """No convolution at all: the image in 8×8 cells of 64 pixels, two dense layers each way."""

    hidden: int = 256

    def encoder(self, image_shape: Shape, outputs: int) -> nn.Module:
        cells = [nn.PixelUnshuffle(8), nn.Conv2d(64, 32, 1), nn.ReLU(), nn.Flatten()]
        layers = dense([2048, self.hidden, self.hidden], nn.ReLU)
        return nn.Sequential(*cells, *layers, nn.Linear(self.hidden, outputs))

    def decoder(self, image_shape: Shape, latent_dim: int) -> nn.Module:
        layers = dense([latent_dim, self.hidden, self.hidden, 2048], nn.ReLU)
        cells = [nn.Unflatten(1, (32, 8, 8)), nn.Conv2d(32, 64, 1), nn.PixelShuffle(8)]
        return nn.Sequential(*layers, *cells)


def one(optimizer: Callable[..., Optimizer], **options: Any) -> Callable[[VAE, float], Optimizers]:
    """The same optimiser for all parameters."""
    return lambda vae, rate: {optimizer(vae.parameters(), **options): rate}


RECIPES = {
    "fast": Recipe("the recipe as it is"),
    "fast, 10 % longer": Recipe("what a gain of 10 % looks like", longer=1.1),
    "batch 32": Recipe("more, cheaper steps", {"batch_size": 32}),
    "batch 128": Recipe("fewer, better steps", {"batch_size": 128}),
    "batch ramp": Recipe("32, then 96 images", batch_size=lambda done: (32, 96)[done > 0.5]),
    "rate 1e-3": Recipe("half the rate", {"learning_rate": 1e-3}),
    "rate 4e-3": Recipe("twice the rate", {"learning_rate": 4e-3}),
    "warm-up 50": Recipe("a short rise", {"schedule": Cosine(warmup=50)}),
    "linear fall": Recipe("a straight line for the cosine", {"schedule": Linear()}),
    "averaged weights": Recipe("an average over some 200 steps is tested", average=0.995),
    "β₂ 0.95": Recipe("Adam forgets sooner", {"beta2": 0.95}),
    "NAdam": Recipe("Nesterov's momentum", optimizers=one(NAdam)),
    "Muon": Recipe("orthogonal steps for the dense layers", optimizers=muon),
    "schedule-free": Recipe(
        "averages in place of a schedule", {"schedule": Constant()}, optimizers=schedule_free
    ),
    "He": Recipe("a wider initialisation", {"network": HeInit()}),
    "He, β₂ 0.95": Recipe("both", {"network": HeInit(), "beta2": 0.95}),
    "dark start": Recipe("the decoder begins with the mean pixel", initialise=dark),
    "half the channels": Recipe("a leaner network", {"network": Fast(channels=32)}),
    "96 channels": Recipe("a wider network", {"network": Fast(channels=96)}),
    "hidden 128": Recipe("leaner dense layers", {"network": Fast(hidden=128)}),
    "hidden 512": Recipe("wider dense layers", {"network": Fast(hidden=512)}),
    "no convolutions": Recipe("dense layers on 8×8 cells", {"network": Flat()}),
}
