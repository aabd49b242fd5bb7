"""The explorer as a still picture, for viewers without scripts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vaelib.explorer.contents import Subject
from vaelib.pixels import caption, enlarge, mosaic, png
from vaelib.traversal import traverse

STEPS = 9
WIDTH = 900  # pixels, about


def picture(subjects: Sequence[Subject]) -> bytes:
    """A PNG file: for each model what its active latents draw, from the first image on."""
    return png(np.concatenate([_traversal(subject) for subject in subjects]))


def _traversal(subject: Subject) -> np.ndarray:
    found = traverse(subject.vae, subject.sample, steps=STEPS)
    rows = found.images[found.active] if found.active.any() else found.images[:1]
    grid = mosaic(rows)
    labels = ", ".join(found.labels[: len(rows)])
    return caption(enlarge(grid, max(1, WIDTH // grid.shape[1])), f"{subject.label}: {labels}", 14)
