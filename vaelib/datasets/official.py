"""OfficialFile: the base of the data sets that come as files, and finding these files."""

from __future__ import annotations

import os
import re
import warnings
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from vaelib.datasets.base import FactorData
from vaelib.datasets.packed import digest_of
from vaelib.datasets.row_file import RowFile, fingerprint, stored
from vaelib.paths import data_dir


@dataclass(frozen=True)
class OfficialFile(FactorData):
    """Base of data sets in files: read once into a table in the data folder, a row an image.

    After that a batch reads its own rows, so that a training needs little memory whatever the size
    of the data set. A path that does not exist from here is looked for in the data folder too.
    DataFileError: the file is damaged, or has another layout. A file of this layout with another
    hash than the official one's is read, with a warning.
    """

    path: str  # of the file, or of the folder with the files

    name = ""  # of the table, and for `vaelib data fetch`
    digests = {}  # file name → `algorithm:hex` of the official file
    max_value = 255

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", os.fspath(self.path))

    @abstractmethod
    def blocks(self) -> Iterator[np.ndarray]:
        """All images in the order of the grid: (n, C, H, W) uint8 at a time."""

    def sources(self) -> list[Path]:
        """The files that are read."""
        return [find(self.path, self.name)]

    def render(self, factors: np.ndarray) -> np.ndarray:
        """Images of these factor vectors: (N, K) int → (N, C, H, W) uint8."""
        return self._rows[self.index(factors)].reshape(-1, *self.image_shape)

    def verdict(self) -> str:
        """Reads the files as a training would, and compares their hashes with the official ones."""
        _ = self._rows
        other = [path.name for path in self.sources() if not self._is_official(path)]
        if not other:
            return "the official files, by their hashes"
        return f"of the official layout; the hash is another, or none is known, of {other}"

    def _is_official(self, path: Path) -> bool:
        if path.name not in self.digests:
            return False
        algorithm, digest = self.digests[path.name].split(":")
        return digest_of(path, algorithm) == digest

    @cached_property
    def _rows(self) -> RowFile:
        shape = (len(self), int(np.prod(self.image_shape)))
        return stored(self.name, fingerprint(self.sources()), shape, self._checked_blocks)

    def _checked_blocks(self) -> Iterator[np.ndarray]:
        yield from self.blocks()
        for path in self.sources():
            if path.name in self.digests and not self._is_official(path):
                warnings.warn(
                    f"{path} is not the official file, by its hash; its layout fits", stacklevel=2
                )

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path}  # a copy in another process opens the table itself


def find(path: str, name: str = "") -> Path:
    """`path` from here, else from the data folder. FileNotFoundError says how to get it.

    `name` is that of an official data set, which can be fetched; without one the file is the
    user's own.
    """
    for place in (Path(path).expanduser(), data_dir() / path):
        if place.exists():
            return place
    own = "own images are looked for by the path that was given: go to where it is right"
    get = f"`vaelib data fetch {name}` downloads the official one" if name else own
    raise FileNotFoundError(f"no file {path!r}, neither in {Path.cwd()} nor in {data_dir()}; {get}")


def in_grid_order(columns: np.ndarray, data: FactorData) -> np.ndarray:
    """The rows of a file in the order of the grid: columns (N, K) int → (N,), a permutation.

    ValueError unless each factor vector of the grid occurs exactly once.
    """
    places = data.index(columns)
    order = np.argsort(places, kind="stable")
    if len(places) != len(data) or (places[order] != np.arange(len(data))).any():
        raise ValueError(
            f"each of the {len(data):,} combinations of {data.factor_names} must occur once, got "
            f"{len(np.unique(places)):,} of them in {len(places):,} rows"
        )
    return order


def rows_of(images: np.ndarray, size: int = 4096) -> Iterator[np.ndarray]:
    """An array in blocks of rows."""
    for start in range(0, len(images), size):
        yield images[start : start + size]


def natural(names: Sequence[str]) -> list[str]:
    """Sorted as people do: car_2 before car_10."""
    parts = {name: re.split(r"(\d+)", name) for name in names}  # text and numbers in turn
    return sorted(names, key=lambda n: [int(p) if p.isdigit() else p for p in parts[n]])
