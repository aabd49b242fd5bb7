"""MPI3D, from the official files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vaelib.datasets.array_files import open_arrays
from vaelib.datasets.official import OfficialFile
from vaelib.files import DataFileError

# images → sizes of the factors; the smaller is mpi3d_real_complex, and an older mpi3d_toy
SIZES = {1_036_800: (6, 6, 2, 3, 3, 40, 40), 460_800: (4, 4, 2, 3, 3, 40, 40)}


@dataclass(frozen=True)
class MPI3D(OfficialFile):
    """MPI3D (Gondal et al. 2019, arXiv 1906.03292): a robot arm, real or rendered, in 3×64×64.

    One of mpi3d_toy.npz, mpi3d_realistic.npz and mpi3d_real.npz with 1,036,800 images, or
    mpi3d_real_complex.npz with 460,800. The factors in the official order: object_color (6; 4),
    object_shape (6; 4), object_size (2), camera_height (3), background_color (3), horizontal_axis
    (40), vertical_axis (40). The table on the disk takes 12.7 GB; memory stays below 2 GB.

    >>> MPI3D("mpi3d_real.npz").factor_names[:3]
    ('object_color', 'object_shape', 'object_size')
    """

    path: str = "mpi3d_real.npz"  # images (1036800, 64, 64, 3) or (460800, 64, 64, 3) uint8

    name = "mpi3d"
    digests = {
        "mpi3d_toy.npz": "md5:55889cb7c7dfc655d6e0277beee88868",
        "mpi3d_realistic.npz": "md5:59a6225b88b635365f70c91b3e52f70f",
        "mpi3d_real.npz": "md5:0f33f609918fb5c97996692f91129802",
    }
    factor_names = (
        "object_color",
        "object_shape",
        "object_size",
        "camera_height",
        "background_color",
        "horizontal_axis",
        "vertical_axis",
    )
    image_shape = (3, 64, 64)

    @cached_property
    def factor_sizes(self) -> tuple[int, ...]:
        """Read from the file: there are two releases."""
        (path,) = self.sources()
        with open_arrays(path) as file:
            (count, *_), _ = file.find("images")
        if count not in SIZES:
            raise DataFileError(f"'images' in {path} must be one of {list(SIZES)}, got {count}")
        return SIZES[count]

    def blocks(self) -> Iterator[np.ndarray]:
        (path,) = self.sources()
        with open_arrays(path) as file:
            file.require("images", (len(self), 64, 64, 3), "u")
            for block in file.rows("images"):
                yield block.transpose(0, 3, 1, 2)
