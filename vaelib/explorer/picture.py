"""The explorer as a still picture, for viewers without scripts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vaelib.explorer.contents import Subject
from vaelib.pixels import caption, enlarge, mosaic, png
from vaelib.traversal import traverse

STEPS = (11, 7, 5)  # pictures in a row, when there are one, two or three models
GAP = 16  # pixels between models


def picture(subjects: Sequence[Subject], names: Sequence[str]) -> bytes:
    """A PNG file: for each model what its active latents draw, by falling KL."""
    steps = STEPS[len(subjects) - 1]
    grids = [_traversal(subject, steps) for subject in subjects]
    tallest = max(len(grid) for grid in grids)
    columns = [
        caption(_white(grid, tallest - len(grid), 0), name)
        for grid, name in zip(grids, names, strict=True)
    ]
    apart = [_white(column, 0, GAP) for column in columns[:-1]]
    note = "A still picture of the latent explorer: run the cell to move its sliders"
    return png(caption(np.concatenate([*apart, columns[-1]], axis=1), note, 14))


def _traversal(subject: Subject, steps: int) -> np.ndarray:
    found = traverse(subject.vae, subject.sample, steps=steps)
    rows = found.images[found.active] if found.active.any() else found.images[:1]
    return enlarge(mosaic(rows), max(1, 64 // rows.shape[-1]))


def _white(grid: np.ndarray, below: int, right: int) -> np.ndarray:
    return np.pad(grid, ((0, below), (0, right), (0, 0)), constant_values=1)
