"""3D Shapes, from the official file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from vaelib.datasets.array_files import ArrayFile, open_arrays
from vaelib.datasets.official import OfficialFile
from vaelib.files import DataFileError


@dataclass(frozen=True)
class Shapes3D(OfficialFile):
    """3D Shapes (Burgess & Kim 2018): 480,000 images of 3×64×64 pixels, read from 3dshapes.h5.

    The factors in the official order: floor_hue, wall_hue, object_hue (10 values each), scale (8),
    shape (4: cube, cylinder, sphere, capsule), orientation (15). The table on the disk takes
    5.9 GB. Without the file there is :class:`Shapes3DLike`.

    >>> Shapes3D("3dshapes.h5").factor_sizes  # the file is read at the first image
    (10, 10, 10, 8, 4, 15)
    """

    path: str = "3dshapes.h5"  # images (480000, 64, 64, 3) uint8 and labels (480000, 6)

    name = "shapes3d"
    digests = {
        "3dshapes.h5": "sha256:0a0f6ed98baff276a50f3a081a7434d788da63cb135a98189b2a5b5769be1785"
    }
    factor_names = ("floor_hue", "wall_hue", "object_hue", "scale", "shape", "orientation")
    factor_sizes = (10, 10, 10, 8, 4, 15)
    image_shape = (3, 64, 64)

    def blocks(self) -> Iterator[np.ndarray]:
        (path,) = self.sources()
        with open_arrays(path) as file:
            file.require("images", (len(self), 64, 64, 3), "u")
            file.require("labels", (len(self), len(self.factor_sizes)), "f")
            self._check_order(file)
            for block in file.rows("images"):
                yield block.transpose(0, 3, 1, 2)

    def _check_order(self, file: ArrayFile) -> None:
        """DataFileError unless the labels, as ranks of their values, run through the grid."""
        labels = np.concatenate(list(file.rows("labels")))  # (N, 6), 23 MB
        expected = self.factors(np.arange(len(self)))
        for name, column, wanted in zip(self.factor_names, labels.T, expected.T, strict=True):
            _, ranks = np.unique(column, return_inverse=True)
            if (ranks != wanted).any():
                row = int(np.argmax(ranks != wanted))
                raise DataFileError(
                    f"'labels' in {file.path} are not in the official order: {name} of row {row} "
                    f"must be value number {wanted[row]}, got number {ranks[row]} ({column[row]})"
                )
