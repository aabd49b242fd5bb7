"""What metrics ask of their codes before they count, and how they share them out."""

from __future__ import annotations

import hashlib

import numpy as np

from vaelib.types import Codes

LARGEST = 1e30  # its square still adds up in floating point
FITTED = 30_000  # samples that classifiers and trees are fitted to and tested on, at most
APART = 0.6  # total variation; 150 random samples of 40 values are about 0.4 apart


class UnfitFactors(ValueError):
    """A metric compares factors: fewer vary than it needs, they depend on each other, or one has
    too many values for the samples."""


def enough(codes: Codes, metric: str, samples: int) -> None:
    """ValueError under `samples` samples, or for means too large to be squared and summed."""
    if len(codes) < samples:
        raise ValueError(f"{metric} needs at least {samples} samples, got {len(codes)}")
    if (largest := np.abs(codes.means).max()) > LARGEST:
        raise ValueError(f"{metric} needs means within ±{LARGEST:.0e}, got {largest:.0e}")


def varying(codes: Codes, metric: str, samples: int, factors: int = 1) -> Codes:
    """`codes` without the factors that never vary: they can be neither encoded nor missed.

    ValueError as in :func:`enough`, UnfitFactors when fewer than `factors` factors vary.
    """
    enough(codes, metric, samples)
    moves = (codes.factors != codes.factors[:1]).any(axis=0)
    if moves.sum() < factors:
        raise UnfitFactors(
            f"{metric} needs at least {factors} of the factors to take two or more values, got "
            f"{moves.sum()} such among {codes.names}"
        )
    return codes if moves.all() else codes.select(*np.array(codes.names)[moves])


def thinned(codes: Codes) -> Codes:
    """`codes`, or 30,000 of more, always the same: fitting takes long and gains little by more."""
    if len(codes) <= FITTED:
        return codes
    return codes[np.random.default_rng(0).permutation(len(codes))[:FITTED]]


def train_and_test(codes: Codes, metric: str) -> tuple[Codes, Codes]:
    """The first two thirds and the rest, as in disentanglement_lib (10,000 and 5,000 of 15,000).

    Of more than 30,000 samples, 30,000 drawn at random. ValueError when the two parts hardly
    share the values of a factor as the samples are sorted, UnfitFactors when it has too many.
    """
    train, test = thinned(codes).split()
    for name, seen, asked in zip(codes.names, train.factors.T, test.factors.T, strict=True):
        if _apart(seen, asked):
            mixed = np.random.default_rng(0).permutation(np.append(seen, asked))
            shuffled = _distance(*np.split(mixed, [len(seen)]))
            unfit = _distance(seen, asked) < shuffled + 0.1  # sorted samples are not the reason
            advice = "give more samples, or leave it out" if unfit else "shuffle the samples"
            raise (UnfitFactors if unfit else ValueError)(
                f"{metric} trains on the first two thirds of the samples and tests on the rest, "
                f"which hardly share the values of {name}: {advice}"
            )
    return train, test


def _apart(seen: np.ndarray, asked: np.ndarray) -> bool:
    """Whether a predictor of this factor cannot learn from `seen` what is `asked`."""
    return (seen == seen[0]).all() or _distance(seen, asked) > APART


def _distance(left: np.ndarray, right: np.ndarray) -> float:
    """Total variation distance between the values of two samples, from 0 to 1."""
    _, both = np.unique(np.concatenate([left, right]), return_inverse=True)
    counts = [np.bincount(part, minlength=both.max() + 1) for part in np.split(both, [len(left)])]
    return float(np.abs(counts[0] / len(left) - counts[1] / len(right)).sum() / 2)


def canonical(means: np.ndarray) -> np.ndarray:
    """The same latents, (N, D), in an order and with signs that depend on their values alone.

    Metrics that draw at random or stop an optimiser early use it, so that shuffled or flipped
    latents change nothing, not even in the last digit.
    """
    first = np.argmax(means != 0, axis=0)
    signs = np.sign(means[first, np.arange(means.shape[1])])
    flipped = means * np.where(signs == 0, 1, signs) + 0.0  # + 0.0 turns -0.0 into 0.0
    keys = [hashlib.blake2b(np.ascontiguousarray(column)).digest() for column in flipped.T]
    return flipped[:, sorted(range(len(keys)), key=keys.__getitem__)]


def pairs(names: tuple[str, ...]) -> list[tuple[int, int, str]]:
    """Each pair of factors: its two columns, and the name under which its score is returned.

    ValueError when two pairs would have one name.
    """
    k = len(names)
    found = [(i, j, f"{names[i]}+{names[j]}") for i in range(k) for j in range(i + 1, k)]
    if len({name for *_, name in found}) < len(found):
        raise ValueError(f"names of factors must tell their pairs a+b apart, got {names}")
    return found
