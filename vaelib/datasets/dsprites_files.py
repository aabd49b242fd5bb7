"""The official dSprites files: which are accepted, and how they are read.

Accepted are

- the official npz and hdf5, known by their hash;
- any other npz or hdf5 of that layout (`imgs`, and `latents_classes` or `latents/classes`, in the
  official order) whose images are dSprites: each is compared with the drawn one, at least 99.9 %
  must be identical and none may differ in more than 4 pixels. The official images pass this: 9 of
  65,013 that were compared differ, by one pixel each.

Everything else is refused with a :class:`DataFileError`. A file is read once, in blocks, into a
table of bits in the data folder (377 MB, some ten seconds); after that only its hash is checked.
The pickled `metadata` of the npz is never read. Memory stays below 700 MB.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vaelib.datasets.array_files import ArrayFile, NpzFile, open_arrays
from vaelib.datasets.dsprites import DSprites
from vaelib.datasets.official import find
from vaelib.datasets.packed import digest_of, fill_table, open_table
from vaelib.files import DataFileError
from vaelib.paths import data_dir

NAME = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64"
LEAST_IDENTICAL = 0.999  # share of all images
MOST_WRONG = 4  # pixels of an image
IMAGES = "imgs"  # their array, in both kinds of files


@dataclass(frozen=True)
class Layout:
    """How a kind of file names its array of factors, and the hash of the official one."""

    classes: str
    algorithm: str
    official: str


NPZ = Layout("latents_classes", "md5", "7da33b31b13a06f4b04a70402ce90c2e")
HDF5 = Layout(
    "latents/classes",
    "sha256",
    "729fa22e884c9c500e1f17415d580746b4c5894fbbb780a1319bbcfa39a745bb",
)


def open_file(path: str, world: DSprites) -> np.ndarray:
    """The images of the file at `path` as bits, (737280, 512) uint8, memory-mapped.

    Filled on first use, with a progress bar. `world` draws what the file must hold: DSprites().
    """
    found = find(path, "dsprites")
    with open_arrays(found) as file:
        layout = NPZ if isinstance(file, NpzFile) else HDF5
        file.require(IMAGES, (len(world), *world.image_shape[1:]), "u")
        digest = digest_of(found, layout.algorithm)
        shape = (len(world), int(np.prod(world.image_shape)) // 8)
        table = data_dir() / f"dsprites-{digest[:16]}.npy"
        if (ready := open_table(table, shape)) is not None:
            return ready
        blocks = read(file)
        if digest != layout.official:
            check_order(file, layout, world)
            blocks = compare(blocks, world, found)
        return fill_table(table, shape, blocks, f"reading {found.name}")


def read(file: ArrayFile) -> Iterator[np.ndarray]:
    """The images as bits, (n, 512) at a time."""
    for block in file.rows(IMAGES):
        if block.max() > 1:
            raise DataFileError(f"images in {file.path} must be 0 or 1, got {block.max()}")
        yield np.packbits(block.reshape(len(block), -1), axis=1)


def check_order(file: ArrayFile, layout: Layout, world: DSprites) -> None:
    """DataFileError unless the factors of the images, (N, 6) with the colour, are in order."""
    file.require(layout.classes, (len(world), 1 + len(world.factor_sizes)), "iuf")
    start = 0
    for block in file.rows(layout.classes):
        expected = world.factors(np.arange(start, start + len(block)))
        wrong = (block[:, 0] != 0) | (block[:, 1:] != expected).any(axis=1)  # column 0: the colour
        if wrong.any():
            row = int(np.argmax(wrong))
            raise DataFileError(
                f"{layout.classes!r} in {file.path} is not in the official order: row "
                f"{start + row} must be {[0, *expected[row].tolist()]}, got {block[row].tolist()}"
            )
        start += len(block)


def compare(blocks: Iterator[np.ndarray], world: DSprites, path: Path) -> Iterator[np.ndarray]:
    """Hands the blocks on while they agree with the drawn images. DataFileError as said above."""
    start = different = 0
    for block in blocks:
        wrong = _wrong_pixels(block, world.packed(world.factors(start + np.arange(len(block)))))
        start += len(block)
        different += np.count_nonzero(wrong)
        worst = int(wrong.max())
        if worst > MOST_WRONG or different > (1 - LEAST_IDENTICAL) * len(world):
            raise DataFileError(
                f"{path} is not the official file (by its hash) and its images are not those of "
                f"dSprites: {different} of the first {start} differ, by up to {worst} pixels"
            )
        yield block


def _wrong_pixels(packed: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """The number of pixels that differ, (n,)."""
    wrong = np.zeros(len(packed), dtype=np.int64)
    rows = np.flatnonzero((packed != drawn).any(axis=1))
    wrong[rows] = np.unpackbits(packed[rows] ^ drawn[rows], axis=1).sum(axis=1)
    return wrong
