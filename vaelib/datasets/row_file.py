"""RowFile: images on disk, of which each batch reads its own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vaelib.datasets.packed import fill_table, open_table
from vaelib.paths import data_dir


@dataclass(frozen=True)
class RowFile:
    """The rows of a table, (N, bytes) uint8, each read from the disk when it is asked for.

    Not mapped into memory: the pages of a map that were touched count as the process's memory, and
    those of MPI3D would become 12.7 GB in a long training.
    """

    path: Path
    shape: tuple[int, int]
    start: int  # bytes before the first row

    def __getitem__(self, index: np.ndarray) -> np.ndarray:
        """These rows: (n,) int → (n, bytes) uint8."""
        rows = np.empty((len(index), self.shape[1]), np.uint8)
        with self.path.open("rb", buffering=0) as file:
            for place, row in zip(index.tolist(), rows, strict=True):
                file.seek(self.start + place * self.shape[1])
                if file.readinto(memoryview(row)) != self.shape[1]:
                    raise OSError(f"{self.path} ends before row {place}: delete it")
        return rows


def stored(
    name: str, key: str, shape: tuple[int, int], blocks: Callable[[], Iterable[np.ndarray]]
) -> RowFile:
    """The table `name`-`key` in the data folder, filled from `blocks` unless it is there.

    `blocks()` gives images (n, …) uint8 in order; a progress bar shows how far it is.
    """
    path = data_dir() / f"{name}-{key}.npy"
    table = open_table(path, shape)
    if table is None:
        rows = (block.reshape(len(block), -1) for block in blocks())
        table = fill_table(path, shape, rows, f"reading {name}")
    return RowFile(path, shape, table.offset)


def fingerprint(paths: Sequence[Path]) -> str:
    """16 hex digits that change when a file's content does, quick for files of any size.

    Of each file the name, the length, and 64 pieces of 64 kB spread evenly over it.
    """
    state = hashlib.sha256()
    for path in paths:
        size = path.stat().st_size
        state.update(f"{path.name} {size} ".encode())
        with path.open("rb") as file:
            for place in sorted({int(p) for p in np.linspace(0, max(0, size - (1 << 16)), 64)}):
                file.seek(place)
                state.update(file.read(1 << 16))
    return state.hexdigest()[:16]
