"""What does each latent draw? Move one at a time, from a real image's code, and decode.

A traversal that starts at z = 0 shows codes which no image may have. Ours starts at the code of a
real image and moves a latent over the values that it takes on data: the quantiles of its aggregate
posterior q(z_j) = mean over images of q(z_j | x).

>>> from vaelib.datasets import DSprites
>>> from vaelib.networks import Fast
>>> from vaelib.vae import VAE
>>> vae = model_of(VAE(Fast(), (1, 64, 64), latent_dim=10))
>>> images = DSprites().sample(100, np.random.default_rng(0))
>>> posterior: AggregatePosterior = aggregate_posterior(vae, images)
>>> posterior.quantiles([0.1, 0.9]).shape
(2, 10)
>>> found: Traversal = traverse(vae, images, latents=[2, 7], steps=5)
>>> codes = codes_along(posterior.mean[0], found.latents, found.values)
>>> found.images.shape, decode(vae, codes).shape
((2, 5, 1, 64, 64), (2, 5, 1, 64, 64))
>>> sample_prior(vae, 3, np.random.default_rng(0)).shape
(3, 1, 64, 64)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaelib.pixels import unit

# A latent whose KL is below this many nats is called inactive. Ours: the KL bounds from above
# what a latent tells about the image, and 0.05 nats is a twelfth of a yes-or-no answer's 0.69.
ACTIVE_NATS = 0.05


@dataclass(frozen=True)
class AggregatePosterior:
    """The posteriors of N images: where the codes of real data lie."""

    mean: np.ndarray  # (N, D)
    std: np.ndarray  # (N, D)
    kl: np.ndarray  # (D,) nats, mean over the images

    @cached_property
    def order(self) -> np.ndarray:
        """The latents, most informative first: (D,) int, by falling KL."""
        return np.argsort(-self.kl, kind="stable")

    @property
    def active(self) -> np.ndarray:
        """Whether each latent's KL reaches `ACTIVE_NATS`: (D,) bool."""
        return self.kl >= ACTIVE_NATS

    def quantiles(self, levels: Sequence[float] | np.ndarray) -> np.ndarray:
        """The quantiles of each latent's mixture of N Gaussians: levels (S,) in (0, 1) → (S, D).

        Solved by bisection, so that no random sample stands between the data and the picture.
        """
        mean, std = torch.as_tensor(self.mean), torch.as_tensor(self.std)
        wanted = torch.as_tensor(np.asarray(levels, float))[:, None]
        if not ((wanted > 0) & (wanted < 1)).all():  # NaN too
            raise ValueError(f"levels must be above 0 and below 1, got {list(levels)}")
        low = (mean - 9 * std).amin(0).expand(len(wanted), -1)  # (S, D)
        high = (mean + 9 * std).amax(0).expand(len(wanted), -1)
        for _ in range(40):
            middle = (low + high) / 2
            below = torch.special.ndtr((middle[:, None] - mean) / std).mean(1) < wanted
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        return ((low + high) / 2).numpy()


@dataclass(frozen=True)
class Traversal:
    """R latents (rows, by falling KL), each moved over S values (columns)."""

    images: np.ndarray  # (R, S, C, H, W) float32 in [0, 1], the decoder's probabilities
    values: np.ndarray  # (R, S), the value of the row's latent in each column
    levels: np.ndarray  # (S,), the quantile of the aggregate posterior in each column
    latents: np.ndarray  # (R,) int
    kl: np.ndarray  # (R,) nats
    active: np.ndarray  # (R,) bool
    anchor: np.ndarray  # (D,), the code that all other latents are held at
    original: np.ndarray  # (C, H, W) float32 in [0, 1], the image with that code

    @property
    def labels(self) -> list[str]:
        """One label a row: `z3 1.82 nats`."""
        return [f"z{j} {kl:.2f} nats" for j, kl in zip(self.latents, self.kl, strict=True)]

    @property
    def home(self) -> np.ndarray:
        """The column of each row that is nearest to the anchor's own value: (R,) int."""
        return np.abs(self.values - self.anchor[self.latents, None]).argmin(axis=1)


def aggregate_posterior(vae: Any, images: Any, block: int = 512) -> AggregatePosterior:
    """Encode images, (N, C, H, W) in [0, 1] or a Batch, with a VAE or a Run."""
    vae = model_of(vae)
    pixels = torch.from_numpy(unit(images))
    with torch.no_grad():
        parts = [vae.encode(part.to(_device(vae))) for part in pixels.split(block)]
        mean = torch.cat([part.mean for part in parts])
        std = torch.cat([part.std for part in parts])
        kl = torch.cat([part.kl() for part in parts]).double().mean(0)
    return AggregatePosterior(*(t.double().cpu().numpy() for t in (mean, std, kl)))


def traverse(
    vae: Any,
    images: Any,
    anchor: int = 0,
    steps: int = 11,
    latents: Sequence[int] | None = None,
    coverage: float = 0.96,
) -> Traversal:
    """Move each latent from the code of `images[anchor]`, all decoded in one forward pass.

    `vae` is a VAE or a Run; `images`, (N, C, H, W) in [0, 1] or a Batch, is a sample of the data
    that says which values each latent takes: some hundred images or more. The columns are equally
    spaced quantiles that cover the middle `coverage` of these values. `latents` picks some rows;
    None takes all. Raises ValueError for an anchor, a latent or a number that does not exist.
    """
    pixels = unit(images)
    _check(pixels, anchor, steps, coverage)
    posterior = aggregate_posterior(vae, pixels)
    rows = _rows(posterior, latents)
    levels = np.linspace((1 - coverage) / 2, (1 + coverage) / 2, steps)
    values = posterior.quantiles(levels).T[rows]  # (R, S)
    code = posterior.mean[anchor]
    return Traversal(
        images=decode(vae, codes_along(code, rows, values)),
        values=values,
        levels=levels,
        latents=rows,
        kl=posterior.kl[rows],
        active=posterior.active[rows],
        anchor=code,
        original=pixels[anchor],
    )


def codes_along(code: np.ndarray, latents: np.ndarray, values: np.ndarray) -> np.ndarray:
    """`code` (D,) with latent `latents[r]` set to `values[r, s]`: (R, S, D)."""
    codes = np.tile(code, (*values.shape, 1))
    codes[np.arange(len(latents)), :, latents] = values
    return codes


def decode(vae: Any, codes: np.ndarray | Tensor) -> np.ndarray:
    """The decoder's pixel probabilities for codes (..., D), in one pass: (..., C, H, W)."""
    vae = model_of(vae)
    codes = torch.as_tensor(codes, dtype=torch.float32, device=_device(vae))
    with torch.no_grad():
        images = torch.sigmoid(vae.decode(codes.flatten(0, -2)))
    return images.float().cpu().numpy().reshape(*codes.shape[:-1], *images.shape[1:])


def sample_prior(vae: Any, n: int, rng: np.random.Generator) -> np.ndarray:
    """Images of n codes drawn from the prior N(0, I): (n, C, H, W) in [0, 1]."""
    return decode(vae, rng.standard_normal((n, model_of(vae).latent_dim)))


def model_of(vae: Any) -> torch.nn.Module:
    """The VAE of a Run, or the VAE itself."""
    return getattr(vae, "vae", vae)


def _device(vae: torch.nn.Module) -> torch.device:
    return next((p.device for p in vae.parameters()), torch.device("cpu"))


def _rows(posterior: AggregatePosterior, latents: Sequence[int] | None) -> np.ndarray:
    known = posterior.order
    if latents is None:
        return known
    unknown = sorted(set(latents) - set(known.tolist()))
    if unknown or not len(latents):
        raise ValueError(f"latents must be among 0..{len(known) - 1}, got {list(latents)}")
    return known[np.isin(known, latents)]


def _check(pixels: np.ndarray, anchor: int, steps: int, coverage: float) -> None:
    if not 0 <= anchor < len(pixels):
        raise ValueError(f"anchor must be one of 0..{len(pixels) - 1}, got {anchor}")
    if steps < 2:
        raise ValueError(f"a traversal needs 2 steps or more, got {steps}")
    if not 0 < coverage < 1:
        raise ValueError(f"coverage must lie between 0 and 1, got {coverage}")
