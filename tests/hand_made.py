"""Codes made by hand, for tests of metrics."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from vaelib.types import Codes

DATA = Path(__file__).parent / "data"
NAMES = ("shape", "scale", "orientation", "pos_x", "pos_y")
ROTATION = np.array([[1, -1], [1, 1]]) / np.sqrt(2)


def reference(name: str) -> tuple[Codes, dict[str, float]]:
    """15,000 codes of dSprites' factors, `perfect` or `rotated`, and disentanglement_lib's scores.

    The first 10,000 were its training samples, the others its test samples.
    """
    with np.load(DATA / "metrics_reference.npz") as file:
        perfect, factors = file["perfect"], file["factors"]
        rotated = np.concatenate([file["rotated"], perfect[:, 5:]], axis=1)
    scores = json.loads((DATA / "metrics_reference.json").read_text("utf-8"))[name]
    return Codes(perfect if name == "perfect" else rotated, factors, NAMES), scores


def world(n: int = 1200, sizes: tuple[int, ...] = (3, 4, 8), seed: int = 0) -> np.ndarray:
    """Independent uniform factors (n, K)."""
    return np.random.default_rng(seed).integers(0, sizes, size=(n, len(sizes)))


def noisy(n: int = 1200, idle: int = 2, noise: float = 0.1, seed: int = 0) -> Codes:
    """One latent per factor of `world`, `idle` more that know nothing, all a little noisy."""
    factors, rng = world(n, seed=seed), np.random.default_rng(seed + 1)
    scaled = factors / factors.max(axis=0)
    means = np.concatenate([scaled, np.zeros((n, idle))], axis=1)
    return Codes(means + noise * rng.standard_normal(means.shape), factors, ("a", "b", "c"))


def turned(codes: Codes, degrees: float, first: int = 1, second: int = 2) -> Codes:
    """Two latents turned in their plane."""
    angle, means = np.radians(degrees), codes.means.copy()
    c, s = np.cos(angle), np.sin(angle)
    means[:, [first, second]] = means[:, [first, second]] @ np.array([[c, s], [-s, c]])
    return Codes(means, codes.factors, codes.names)


def with_means(codes: Codes, means: np.ndarray) -> Codes:
    return Codes(means, codes.factors, codes.names)
