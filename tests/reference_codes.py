"""Codes of several kinds with the DCI that scikit-learn's gradient boosting gives them.

    python tests/reference_codes.py            # which there are, and which have scores
    python tests/reference_codes.py mixed      # score one anew: about 5 minutes on one thread

Scores are those of disentanglement_lib's formulas, trained on the first two thirds of the samples.
They lie in data/dci_reference.json.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from vaelib import metrics
from vaelib.files import write_json
from vaelib.types import Codes

FILE = Path(__file__).parent / "data" / "dci_reference.json"
NAMES, SIZES = ("shape", "scale", "orientation", "pos_x", "pos_y"), (3, 6, 40, 32, 32)
COARSE = (1, 1, 3, 2, 2)  # small samples have fewer values: 3, 6, 14, 16, 16
TURN = np.array([[1, -1], [1, 1]]) / np.sqrt(2)
WIDTH = 3.36  # of a latent's range: a standard deviation of about 1


def pair45(u: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The positions turned by 45°, five idle latents."""
    latents = np.column_stack([u[:, :3], u[:, 3:] @ TURN])
    return np.column_stack([latents + _noise(u, rng, 5, 0.1), _noise(u, rng, 5, 0.05)])


def split(u: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Orientation as a circle in two latents, four idle ones."""
    angle = 2 * np.pi * np.round((u[:, 2] / WIDTH + 0.5) * 39) / 40
    latents = np.column_stack([u[:, [0, 1, 3, 4]], 1.4 * np.sin(angle), 1.4 * np.cos(angle)])
    return np.column_stack([latents + _noise(u, rng, 6, 0.1), _noise(u, rng, 4, 0.05)])


def mixed(u: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Every latent a random mixture of all factors."""
    return u @ rng.standard_normal((5, 10)) / 2 + _noise(u, rng, 10, 0.2)


def noisy(u: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One latent a factor with a noise of half its spread, five idle latents."""
    return np.column_stack([u + _noise(u, rng, 5, 0.5), _noise(u, rng, 5, 0.05)])


def clear(u: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One latent a factor with little noise, five idle latents."""
    return np.column_stack([u + _noise(u, rng, 5, 0.02), _noise(u, rng, 5, 0.05)])


def doubled(u: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Two latents a factor, each with noise of its own."""
    return np.column_stack([u + _noise(u, rng, 5, 0.1), u + _noise(u, rng, 5, 0.1)])


def curved(u: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Latents that bend, three that fold a factor in the middle, two idle ones."""
    latents = np.column_stack([1.5 * np.tanh(u), np.abs(u[:, 2:])])
    return np.column_stack([latents + _noise(u, rng, 8, 0.15), _noise(u, rng, 2, 0.05)])


def random(u: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Ten latents that know nothing."""
    return _noise(u, rng, 10, 1.0)


SEEDS: dict[Callable[..., np.ndarray], int] = {
    pair45: 1, split: 2, mixed: 3, noisy: 4, doubled: 5, curved: 10, random: 11, clear: 12,
}  # fmt: skip
KINDS = {function.__name__: function for function in SEEDS}


def make(name: str) -> Codes:
    """The codes called `mixed`, `mixed_1500` (so many, fewer values) or `mixed:shape,scale`."""
    name, _, chosen = name.partition(":")
    kind, _, count = name.partition("_")
    function, n = KINDS[kind], int(count or 15_000)
    rng = np.random.default_rng(SEEDS[function])
    factors = rng.integers(0, SIZES, size=(n, 5))
    means = function(
        (factors / (np.array(SIZES) - 1) - 0.5) * WIDTH,
        np.random.default_rng(SEEDS[function] + 100),
    ).astype(np.float32)
    codes = Codes(means, factors // COARSE if count else factors, NAMES)
    return codes.select(*chosen.split(",")) if chosen else codes


def known() -> dict[str, dict[str, float]]:
    """{name: {disentanglement, completeness, informativeness}} of those that were scored."""
    return json.loads(FILE.read_text("utf-8"))


def _noise(u: np.ndarray, rng: np.random.Generator, latents: int, size: float) -> np.ndarray:
    return size * rng.standard_normal((len(u), latents))


if __name__ == "__main__":
    for wanted in sys.argv[1:]:
        scores = metrics.dci(make(wanted), trees="gradient_boosting")
        write_json(FILE, {**known(), wanted: scores})
    for one in KINDS:
        print(one, {name: v for name, v in known().items() if name.startswith(one)})
