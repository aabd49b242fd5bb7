"""Codes whose scores are known beforehand, to print beside a model's.

>>> from vaelib.metrics import mig
>>> [round(mig(codes())["mig"], 1) for codes in (identity, constant, doubled)]
[1.0, 0.0, 0.0]
>>> rivals = {"perfect": perfect, "rotated": rotated, "random": random}
>>> {name: round(mig(code(identity()))["mig"], 1) for name, code in rivals.items()}
{'perfect': 1.0, 'rotated': 0.3, 'random': 0.0}
>>> images = identity().factors[:, :, None, None] / 4  # that a linear method can read
>>> pca(images, identity()).means.shape, list(rows(identity(), images))
((600, 3), ['perfect', 'pair rotated by 45°', 'random', 'PCA'])
"""

from __future__ import annotations

import numpy as np

from vaelib.information import standardised
from vaelib.types import Codes

NOISE = 0.1  # of each latent, in its standard deviations: posterior means are never exact
FITTED = 5_000  # images from which principal components are learned, and that are held as floats


def identity() -> Codes:
    """A small world, 3 × 4 × 5 values, all 60 combinations ten times; a latent is a factor."""
    grid = np.stack(np.unravel_index(np.arange(600) % 60, (3, 4, 5)), axis=1)
    factors = np.random.default_rng(0).permutation(grid)
    return Codes(factors.astype(float), factors, ("a", "b", "c"))


def constant() -> Codes:
    """The same world, of which three latents know nothing because they never move."""
    return _with(identity(), np.ones((600, 3)))


def doubled() -> Codes:
    """The same world with two equal latents for each factor."""
    codes = identity()
    return _with(codes, np.tile(codes.means, 2))


def perfect(codes: Codes, seed: int = 0) -> Codes:
    """One latent per factor, and the other latents idle: what a model should reach.

    Has the samples, and where they suffice the number of latents, of `codes`. Latents follow the
    standardised values of the factors with noise 0.1; idle ones have noise alone.
    """
    rng = np.random.default_rng(seed)
    n, k = codes.factors.shape
    idle = max(0, codes.means.shape[1] - k)
    means = np.column_stack([standardised(codes.factors), np.zeros((n, idle))])
    return _with(codes, means + NOISE * rng.standard_normal(means.shape))


def rotated(codes: Codes, pair: tuple[str, str] | None = None, seed: int = 0) -> Codes:
    """The perfect code with the latents of two factors turned by 45° in their plane.

    `pair` names them; by default the last two. ValueError when there are no two such factors.
    """
    pair = codes.names[-2:] if pair is None else tuple(pair)
    if len(pair) != 2 or pair[0] == pair[1] or not set(pair) <= set(codes.names):
        raise ValueError(f"a pair must name two of {codes.names}, got {pair}")
    means = perfect(codes, seed).means.copy()
    a, b = (codes.names.index(name) for name in pair)
    left, right = means[:, a].copy(), means[:, b].copy()
    means[:, a], means[:, b] = (left - right) / np.sqrt(2), (left + right) / np.sqrt(2)
    return _with(codes, means)


def random(codes: Codes, seed: int = 0) -> Codes:
    """Standard normal noise that knows nothing: what each score gives away for free."""
    return _with(codes, np.random.default_rng(seed).standard_normal(codes.means.shape))


def pca(images: np.ndarray, codes: Codes) -> Codes:
    """The first principal components of the images (N, …) of `codes`, as many as it has latents.

    What a linear method finds. ValueError when there are not as many images as codes.
    """
    from sklearn.decomposition import PCA

    if len(images) != len(codes):
        raise ValueError(f"pca needs the image of each code, got {len(images)} for {len(codes)}")
    pixels = np.asarray(images).reshape(len(images), -1)
    learn = pixels[:FITTED].astype(np.float32)
    model = PCA(min(codes.means.shape[1], *learn.shape), svd_solver="randomized", random_state=0)
    model.fit(learn)
    parts = np.array_split(pixels, -(-len(pixels) // FITTED))
    means = np.concatenate([model.transform(part.astype(np.float32)) for part in parts])
    return _with(codes, means / means[:, 0].std())  # as large as latents, for metrics that care


def rows(codes: Codes, images: np.ndarray | None = None, seed: int = 0) -> dict[str, Codes]:
    """All of them by name, on the samples of `codes`; PCA where the images are given."""
    found = {"perfect": perfect(codes, seed)}
    if len(codes.names) > 1:
        found["pair rotated by 45°"] = rotated(codes, seed=seed)
    found["random"] = random(codes, seed)
    return found if images is None else {**found, "PCA": pca(images, codes)}


def _with(codes: Codes, means: np.ndarray) -> Codes:
    return Codes(means, codes.factors, codes.names)
