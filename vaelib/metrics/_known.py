"""What latents know about factors, as parts of the factors' entropies."""

from __future__ import annotations

import numpy as np

from vaelib import information


def known(means: np.ndarray, values: np.ndarray) -> np.ndarray:
    """I(z_j; v_k) / H(v_k) with means cut into 20 bins: (N, D), (N, K) labels → (D, K)."""
    binned = information.bins(means)
    return information.mutual_information(binned, values) / information.entropy(values)


def pair_gap(table: np.ndarray) -> float:
    """Do two factors have a latent each? (D, 2) parts of their entropies → a number in [0, 1].

    The mean over the two of: what its best latent knows about it, minus what the other one's best
    latent knows about it.
    """
    best = table.argmax(axis=0)
    return float(np.mean(table[best, [0, 1]] - table[best[::-1], [0, 1]]))
