"""Cars3D, from the official archive."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vaelib.datasets.official import OfficialFile, find, natural, rows_of
from vaelib.datasets.resize import to_square
from vaelib.files import DataFileError, readable

FOLDER = "cars/"  # in the archive


@dataclass(frozen=True)
class Cars3D(OfficialFile):
    """Cars3D (Reed et al. 2015): 17,568 pictures of cars, 3×64×64 pixels.

    `path` is the official archive, or a folder with its .mat files, one a car. Their 128×128 pixels
    are averaged to 64×64. The factors, in the order of disentanglement_lib: elevation (4), azimuth
    (24), object (183 cars, by the names of their files). No licence is known.

    >>> Cars3D("cars").factor_names
    ('elevation', 'azimuth', 'object')
    """

    path: str = "nips2015-analogy-data.tar.gz"  # or the folder with car_001_mesh.mat …

    name = "cars3d"
    digests = {"nips2015-analogy-data.tar.gz": "md5:4e866a7919c1beedf53964e6f7a23686"}
    factor_names = ("elevation", "azimuth", "object")
    factor_sizes = (4, 24, 183)
    image_shape = (3, 64, 64)

    def sources(self) -> list[Path]:
        path = find(self.path, self.name)
        if not path.is_dir():
            return [path]
        return [path / name for name in natural([p.name for p in path.glob("*.mat")])]

    def blocks(self) -> Iterator[np.ndarray]:
        images = np.empty((*self.factor_sizes, *self.image_shape), np.uint8)  # 216 MB
        count, wanted = 0, self.factor_sizes[-1]
        for place, name, content in self._cars():
            count += 1
            if place < wanted:
                images[:, :, place] = _car(name, content)
        if count != wanted:
            raise DataFileError(f"{self.path} must hold {wanted} cars as .mat files, got {count}")
        yield from rows_of(images.reshape(-1, *self.image_shape))

    def _cars(self) -> Iterator[tuple[int, str, bytes]]:
        """Each car's place among the names, the name of its file, and what is in it."""
        paths = self.sources()
        if not paths or paths[0].suffix == ".mat":
            yield from ((i, str(path), path.read_bytes()) for i, path in enumerate(paths))
            return
        with readable(paths[0]):
            yield from _members(paths[0])


def _members(archive: Path) -> Iterator[tuple[int, str, bytes]]:
    """The cars of an archive in its own order: going back in it would unpack it anew."""
    try:
        with tarfile.open(archive) as tar:  # read, never unpacked to the disk
            members = [m for m in tar if m.isfile() and m.name.endswith(".mat")]
            cars = [m for m in members if FOLDER in m.name]
            places = {name: i for i, name in enumerate(natural([m.name for m in cars]))}
            for member in cars:
                content = tar.extractfile(member).read()
                yield places[member.name], f"{archive}: {member.name}", content
    except tarfile.TarError as error:
        raise OSError(str(error)) from error


def _car(name: str, content: bytes) -> np.ndarray:
    """The pictures of one car, (4, 24, 3, 64, 64) uint8 by elevation and azimuth."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        found = loadmat(io.BytesIO(content), variable_names=["im"]).get("im")
    except (MatReadError, ValueError, TypeError, OSError, NotImplementedError) as error:
        raise DataFileError(f"{name} is damaged, or no MATLAB file: {error}") from error
    if found is None or found.shape != (128, 128, 3, 24, 4) or found.dtype != np.uint8:
        what = "no array 'im'" if found is None else f"{found.shape} {found.dtype}"
        raise DataFileError(f"{name} must hold 'im', (128, 128, 3, 24, 4) uint8, got {what}")
    pictures = found.transpose(4, 3, 2, 0, 1)  # elevation, azimuth, channel, row, column
    return to_square(pictures.reshape(-1, 3, 128, 128), 64).reshape(4, 24, 3, 64, 64)
