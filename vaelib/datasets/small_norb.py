"""SmallNORB, from the official files."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from vaelib.datasets.official import OfficialFile, find, in_grid_order, rows_of
from vaelib.datasets.resize import to_square
from vaelib.files import DataFileError, readable

PARTS = ("5x46789x9x18x6x2x96x96-training", "5x01235x9x18x6x2x96x96-testing")
KINDS = ("dat", "cat", "info")
FILES = tuple(f"smallnorb-{part}-{kind}.mat" for part in PARTS for kind in KINDS)  # or with .gz
DIGESTS = (  # SHA-256 of the gzipped files
    "5ffd6272a07d32695ee1082a26a41a93a37aab8c28da047f8c34ed348d214873",
    "2784e542c1922060691090952b6cd6278879a216c90f81476f0f00256d42cdaa",
    "de7eb932ebe7a4ee16217fead60660d0eb3d23632c2f4d1c51f88c501c17bf32",
    "cf7104eed3e51174d2f65b66d1e5878b9da233b886f161b0d88f4510ba2c7474",
    "ecaf6d5bb8c3bc5eab9cf0258f6d2198dd474e016e374836fc097f2e5ff509ff",
    "16adf314226327ee006d1a44db8cfef52773c06c829951d5653a9f6f310248a2",
)
TYPES = {0x1E3D4C55: np.dtype("u1"), 0x1E3D4C54: np.dtype("<i4")}  # first word of a file
STEP = 512  # stereo pairs read at a time, 9 MB


@dataclass(frozen=True)
class SmallNORB(OfficialFile):
    """SmallNORB (LeCun, Huang & Bottou 2004): 48,600 photographs of toys, grey, 64×64 pixels.

    `path` is a folder with the six official matrices, gzipped or not; training and test files
    together make the whole grid. Of each stereo pair the left image is taken, its 96×96 pixels
    averaged to 64×64. The factors: category (5), instance (10 toys of each), elevation (9), azimuth
    (18), lighting (6). As in disentanglement_lib the instance is drawn like the others but not
    scored. For research only, says its page.

    >>> SmallNORB("smallnorb").scored
    ('category', 'elevation', 'azimuth', 'lighting')
    """

    path: str = "smallnorb"  # the folder

    name = "smallnorb"
    digests = {f"{file}.gz": f"sha256:{hex}" for file, hex in zip(FILES, DIGESTS, strict=True)}
    factor_names = ("category", "instance", "elevation", "azimuth", "lighting")
    factor_sizes = (5, 10, 9, 18, 6)
    unscored = ("instance",)
    image_shape = (1, 64, 64)

    def sources(self) -> list[Path]:
        folder = find(self.path, self.name)
        return [_find(folder, name) for name in FILES]

    def blocks(self) -> Iterator[np.ndarray]:
        paths = self.sources()
        parts = [paths[:3], paths[3:]]
        factors = np.concatenate([_factors(cat, info) for _, cat, info in parts])
        try:
            order = in_grid_order(factors, self)
        except ValueError as error:
            raise DataFileError(f"{self.path}: {error}") from error
        images = np.concatenate([_left_images(dat) for dat, _, _ in parts])  # 200 MB
        if len(images) != len(factors):
            raise DataFileError(f"{self.path} has {len(images)} images, {len(factors)} labels")
        yield from (images[rows] for rows in rows_of(order))


def _find(folder: Path, name: str) -> Path:
    for path in (folder / f"{name}.gz", folder / name):
        if path.is_file():
            return path
    raise FileNotFoundError(f"{folder} must hold {name}.gz; `vaelib data fetch smallnorb`")


def _factors(cat: Path, info: Path) -> np.ndarray:
    """category, instance, elevation, azimuth, lighting of each pair, (N, 5) int64."""
    category = np.concatenate(list(read_matrix(cat)))
    rest = np.concatenate(list(read_matrix(info)))
    if category.ndim != 1 or rest.shape != (len(category), 4):
        raise DataFileError(
            f"{cat} and {info} must be matrices (N,) and (N, 4), got {category.shape}, {rest.shape}"
        )
    factors = np.column_stack([category, rest]).astype(np.int64)
    factors[:, 3] //= 2  # azimuths are 0, 2 … 34, in tens of degrees
    return factors


def _left_images(dat: Path) -> np.ndarray:
    """The left image of each pair, (N, 1, 64, 64) uint8."""
    found = []
    for block in read_matrix(dat):
        if block.shape[1:] != (2, 96, 96) or block.dtype != np.uint8:
            raise DataFileError(f"{dat} must hold bytes (N, 2, 96, 96), got {block.shape}")
        found.append(to_square(block[:, :1], 64))
    return np.concatenate(found)


def read_matrix(path: Path) -> Iterator[np.ndarray]:
    """The rows of a matrix in NORB's binary format, some hundred at a time.

    The header: a word that says the type, the number of dimensions, then at least three sizes.

    >>> header = np.array([0x1E3D4C55, 2, 2, 3, 1], "<i4")  # bytes, 2 dimensions: 2 × 3
    >>> Path("small.mat").write_bytes(header.tobytes() + bytes([1, 2, 3, 4, 5, 6]))
    26
    >>> list(read_matrix(Path("small.mat")))[0].tolist()
    [[1, 2, 3], [4, 5, 6]]
    """
    with readable(path), _open(path) as file:
        magic, ndim = _words(file, 2)
        if magic not in TYPES or not 1 <= ndim <= 4:
            raise DataFileError(f"{path} is no matrix of NORB: it starts with {magic:#x}")
        (count, *cell), dtype = _words(file, max(3, ndim))[:ndim], TYPES[magic]
        bytes_of_a_row = int(np.prod(cell)) * dtype.itemsize
        for start in range(0, count, STEP):
            rows = min(STEP, count - start)
            data = file.read(rows * bytes_of_a_row)
            if len(data) != rows * bytes_of_a_row:
                raise EOFError(f"it ends after {start} of {count} rows")
            yield np.frombuffer(data, dtype).reshape(rows, *cell)


def _open(path: Path) -> BinaryIO:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")


def _words(file: BinaryIO, count: int) -> list[int]:
    data = file.read(4 * count)
    if len(data) != 4 * count:
        raise EOFError("it ends in its header")
    return np.frombuffer(data, "<i4").tolist()
