"""dSprites in colour and on noise: what a model does about pixels that no factor explains.

>>> rng = np.random.default_rng(0)
>>> [data.sample(4, rng).images.shape for data in (ColorDSprites(), NoisyDSprites())]
[(4, 3, 64, 64), (4, 3, 64, 64)]
>>> mixed(np.array([1, 2], np.uint64))
array([ 6238072747940578789, 15839785061582574730], dtype=uint64)
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from vaelib.datasets.base import FactorData
from vaelib.datasets.dsprites import SIZE, DSprites

SPRITES = DSprites()
STEP, MIX_1, MIX_2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


@dataclass(frozen=True)
class _Painted(FactorData):
    """Base: dSprites in three channels, with something random about each image.

    What is random belongs to the image for good, as if it had been drawn once for the whole data
    set; another `seed` draws another one. (disentanglement_lib draws it anew each time that an
    image is asked for. With 737,280 images a training sees hardly a difference.)
    """

    seed: int = 0  # of what is random about the images

    factor_names = DSprites.factor_names
    factor_sizes = DSprites.factor_sizes
    image_shape = (3, SIZE, SIZE)
    max_value = 255

    def render(self, factors: np.ndarray) -> np.ndarray:
        """Images of these factor vectors: (N, 5) int → (N, 3, 64, 64) uint8."""
        return self.paint(SPRITES.render(factors), self.index(factors).astype(np.uint64))

    @abstractmethod
    def paint(self, sprites: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Sprites (N, 1, 64, 64) in {0, 1} of these places in the grid (N,) → (N, 3, 64, 64)."""

    def random_bytes(self, places: np.ndarray, count: int) -> np.ndarray:
        """Random bytes that belong to these places of the grid: (N,) uint64 → (N, count) uint8."""
        words = -(-count // 8)
        with np.errstate(over="ignore"):  # arithmetic is modulo 2^64
            start = mixed(places + np.uint64(STEP) * np.uint64(self.seed % 2**63 + 1))
            state = start[:, None] + np.uint64(STEP) * np.arange(1, words + 1, dtype=np.uint64)
        return mixed(state).astype("<u8").view(np.uint8)[:, :count]


@dataclass(frozen=True)
class ColorDSprites(_Painted):
    """dSprites, each sprite in a random light colour on black: 737,280 images of 3×64×64 pixels.

    Each channel of the colour is uniform in [0.5, 1], as in Locatello et al. 2019
    (arXiv 1811.12359). The colour is no factor: it is not scored.
    """

    def paint(self, sprites: np.ndarray, places: np.ndarray) -> np.ndarray:
        colour = 128 + self.random_bytes(places, 3) // 2
        return sprites * colour[:, :, None, None]


@dataclass(frozen=True)
class NoisyDSprites(_Painted):
    """dSprites, white sprites on coloured noise: 737,280 images of 3×64×64 pixels.

    Each channel of each background pixel is uniform in [0, 1], as in Locatello et al. 2019
    (arXiv 1811.12359).
    """

    def paint(self, sprites: np.ndarray, places: np.ndarray) -> np.ndarray:
        noise = self.random_bytes(places, 3 * SIZE * SIZE).reshape(-1, 3, SIZE, SIZE)
        return noise | (sprites * np.uint8(255))


def mixed(words: np.ndarray) -> np.ndarray:
    """SplitMix64's finaliser (Steele, Lea & Flood 2014): uint64 → uint64, neighbours far apart."""
    with np.errstate(over="ignore"):
        words = (words ^ (words >> np.uint64(30))) * np.uint64(MIX_1)
        words = (words ^ (words >> np.uint64(27))) * np.uint64(MIX_2)
        return words ^ (words >> np.uint64(31))
