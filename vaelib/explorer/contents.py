"""What a page holds of its models: networks, the codes of their data, and the data's world."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from vaelib.datasets import DSprites, FactorData
from vaelib.explorer.layers import describe
from vaelib.explorer.packing import Pack, rounded
from vaelib.pixels import unit
from vaelib.runs import Run
from vaelib.traversal import AggregatePosterior, aggregate_posterior, model_of
from vaelib.types import Batch
from vaelib.vae import VAE

STRIP = 24  # images to start from
TABLE_BYTES = 8_000_000  # of the images of a world that the page cannot draw itself


@dataclass(frozen=True)
class Subject:
    """A model to be explored, with a sample of the data it was trained on and their codes."""

    names: tuple[str, ...]  # from short to long, "" where there is none; the last one says all
    vae: VAE
    data: FactorData
    sample: Batch  # N images
    posterior: AggregatePosterior
    beta: float | None  # None: the objective has no single one

    @classmethod
    def of(cls, model: Run | VAE, data: FactorData | None, samples: int, seed: int) -> Subject:
        """ValueError when a bare VAE comes without its data, or images do not fit the model."""
        config = getattr(model, "config", None)
        if data is None and config is None:
            raise ValueError("a bare VAE does not know its data: pass data")
        data = data or config.data
        vae = copy.deepcopy(model_of(model)).cpu().eval()
        sample = data.sample(samples, np.random.default_rng(seed))
        beta = getattr(getattr(config, "objective", None), "beta", None)
        beta = float(beta) if isinstance(beta, int | float) else None
        names = _names(model, beta) if config is not None else ("",) * 4 + (f"VAE on {data}",)
        return cls(names, vae, data, sample, aggregate_posterior(vae, sample), beta)

    @property
    def label(self) -> str:
        return self.names[-1]

    @cached_property
    def ranges(self) -> tuple[np.ndarray, np.ndarray]:
        """From where to where each slider goes, (D,) each: what 99 % of the data take.

        Wider where an image to start from has a code beyond: a slider must never clip it.
        """
        low, high = self.posterior.quantiles([0.005, 0.995])
        strip = self.posterior.mean[:STRIP]
        return np.minimum(low, strip.min(axis=0)), np.maximum(high, strip.max(axis=0))


def contents(subjects: Sequence[Subject], names: Sequence[str], pack: Pack) -> dict[str, Any]:
    """All of a page but its bytes, as page/model.js reads it; `names` are the subjects'."""
    first = subjects[0]
    return {
        "shape": list(first.vae.image_shape),
        "images": pack.bytes(_bytes(unit(first.sample)[:STRIP])),
        "world": _world(first.data.uncorrelated(), pack),
        "models": [
            {"name": name, **_model(subject, pack)}
            for name, subject in zip(names, subjects, strict=True)
        ],
    }


def _names(run: Run, beta: float | None) -> tuple[str, ...]:
    c = run.config
    short = "" if beta is None else f"β = {beta:g}"
    kind = type(c.objective).__name__
    return short, kind, repr(c.objective), f"{c.objective} on {c.data}", run.label


def short_names(subjects: Sequence[Subject]) -> list[str]:
    """A name for each, as short as tells them apart."""
    for names in zip(*(subject.names for subject in subjects), strict=True):
        if all(names) and len(set(names)) == len(names):
            return list(names)
    return [f"{i}: {subject.label}" for i, subject in enumerate(subjects, 1)]


def error_of(subject: Subject, bits: int) -> float:
    """The largest error of a pixel, in 0..1, that rounding the weights makes on the strip."""
    coarse = copy.deepcopy(subject.vae)
    with torch.no_grad():
        for weight in coarse.parameters():
            values = np.atleast_2d(weight.numpy())
            few = weight.ndim == 1
            new = rounded(values, 16 if few else bits).reshape(weight.shape)
            weight.copy_(torch.from_numpy(new))
        images = torch.from_numpy(unit(subject.sample)[:STRIP])
        gap = coarse.reconstruct(images) - subject.vae.reconstruct(images)
    return float(gap.abs().max())


def _model(subject: Subject, pack: Pack) -> dict[str, Any]:
    posterior, (low, high) = subject.posterior, subject.ranges
    factors = np.asarray(subject.sample.factors).T
    return {
        "label": subject.label,
        "beta": subject.beta,
        "kl": _plain(posterior.kl),
        "active": posterior.active.tolist(),
        "low": _plain(low),
        "high": _plain(high),
        "means": pack.floats(posterior.mean.T),
        "factors": (pack.bytes if factors.max() < 256 else pack.floats)(factors),
        "encoder": describe(subject.vae.encoder, pack),
        "decoder": describe(subject.vae.decoder, pack),
    }


def _plain(values: np.ndarray) -> list[float]:
    return [float(f"{v:.5g}") for v in values]


def _bytes(images: np.ndarray) -> np.ndarray:
    """Images in [0, 1], (N, …), as 0..255, (N, pixels)."""
    return np.rint(images.reshape(len(images), -1) * 255)


def _world(data: FactorData, pack: Pack) -> dict[str, Any] | None:
    """The factors' names and numbers of values; images of a coarse grid unless it is dSprites.

    None where no factor is known: what only tells images apart is nothing to move.
    """
    if not data.scored:
        return None
    world: dict[str, Any] = {"names": list(data.factor_names), "sizes": list(data.factor_sizes)}
    if isinstance(data, DSprites):
        return world
    values = coarse_grid(data.factor_sizes, TABLE_BYTES // math.prod(data.image_shape))
    factors = np.stack(np.meshgrid(*values, indexing="ij"), axis=-1).reshape(-1, len(values))
    images = unit(Batch(data.render(data.nearest(factors)), factors, data.max_value))
    world |= {"values": [v.tolist() for v in values], "images": pack.bytes(_bytes(images))}
    return world


def coarse_grid(sizes: Sequence[int], most: int) -> list[np.ndarray]:
    """For each factor some of its values, evenly spaced, so that the grid has `most` cells."""
    levels = list(sizes)
    while math.prod(levels) > most and max(levels) > 1:
        levels[int(np.argmax(levels))] -= 1
    pairs = zip(levels, sizes, strict=True)
    return [np.unique(np.linspace(0, n - 1, level).round().astype(int)) for level, n in pairs]
