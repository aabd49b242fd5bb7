"""ArrayData: a user's own images, with whatever is known about them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import InitVar, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from vaelib.datasets.base import FactorData
from vaelib.datasets.columns import count_equal, indexed, row_keys
from vaelib.datasets.intake import SIDES, channels_first, to_bytes, white_of
from vaelib.datasets.keep import keep
from vaelib.datasets.official import find
from vaelib.datasets.remarks import cropped, unreadable
from vaelib.datasets.row_file import RowFile, fingerprint, stored
from vaelib.datasets.sources import Source, source_at
from vaelib.paths import data_dir
from vaelib.types import Batch


@dataclass(frozen=True, repr=False)
class ArrayData(FactorData):
    """Your own images: `ArrayData("my.npz")`, or of arrays `ArrayData(images, factors, names)`.

    `images` is one of

    - the path of an npz, hdf5 or zarr file (`pip install zarr`) with the array `images` and, if
      they are known, `factors` and `names`;
    - the path of a folder with pictures and, if factors are known, a table `factors.csv`: a column
      of file names, then a column for each factor;
    - an array, or what can be sliced like one (zarr, h5py, a memory map);
    - a torch Dataset of images, or of pairs (image, factors).

    Arrays of images are (N, H, W), (N, H, W, C) or (N, C, H, W) with 1 or 3 channels: bytes, or
    floats in [0, 1]. Factors are (N,) or (N, K), numbers, or words in alphabetical order; beside an
    array also a pandas DataFrame or a dict, which tell the names. What is not a path is kept in a
    file in the data folder, so that a run can be resumed and scored later.

    Images are drawn as they come, each as likely as any other: the factors need not be
    independent, nor need all their combinations occur (`distribution` is "empirical" then). Images
    that share all factors are told apart by a further one, `copy`, which is not scored; images
    without factors by the one factor `image`.

    With a `size` images that are not square lose their sides: 48×80 pixels are cropped to 48×48. A
    factor whose values have less than 5 images each, such as a measured number, is beyond what
    scores can read: round it. `vaelib data check` tells both.

    ValueError (or DataFileError): what is no image or no factor, files that are damaged, a file
    that is not what it was when a run was trained on it.

    >>> ArrayData(np.tri(32, k=0) * np.ones((2, 1, 1)), [7, 3], names=("digit",)).values("digit")
    array([3, 7])
    """

    images: Any  # a path; or an array or torch Dataset, which becomes the path of a file
    factors: InitVar[Any] = None  # (N,) or (N, K), with an array of images
    names: InitVar[tuple[str, ...] | str] = ()  # of the K factors, with an array of images
    size: int | None = None  # pixels, 32, 64 or 128: crop to a square and resize; None: as they are
    fingerprint: str = ""  # of the file; filled in, so that a run knows its data again

    max_value = 255

    def __post_init__(self, factors: Any, names: tuple[str, ...]) -> None:
        # a method below has the name `factors` too, and so is what dataclasses take for its default
        factors = None if factors is ArrayData.factors else factors
        if self.size is not None and self.size not in SIDES:
            raise ValueError(f"size must be one of {SIDES} or None, got {self.size!r}")
        new = False
        if not isinstance(self.images, str | Path):
            names = [names] if isinstance(names, str) else list(names)
            path, new = keep(self.images, factors, names)
        elif factors is not None or names:
            raise ValueError("factors and names stand in the file, beside the images")
        else:
            path = str(self.images)
        object.__setattr__(self, "images", path)
        try:
            self._check()
        except ValueError:
            if new:  # nobody needs a file that is refused
                (data_dir() / path).unlink()
            raise

    def _check(self) -> None:
        """Unless it is known already: read all, before a training begins."""
        if not self.fingerprint:
            object.__setattr__(self, "fingerprint", fingerprint(self._source.files()))
            _ = self._rows

    def __repr__(self) -> str:
        size = "" if self.size is None else f", size={self.size}"
        return f"ArrayData({self.images!r}{size})"

    # The images

    def render(self, factors: np.ndarray) -> np.ndarray:
        """Images of these factor vectors: (N, K) int → (N, C, H, W) uint8.

        ValueError for a factor vector that no image has; :meth:`nearest` gives one that has.
        """
        return self._images(self.index(factors))

    def sample(self, n: int, rng: np.random.Generator) -> Batch:
        rows = rng.integers(0, len(self), size=n)
        return Batch(self._images(rows), self.combinations[rows], self.max_value)

    def _images(self, rows: np.ndarray) -> np.ndarray:
        return self._rows[rows].reshape(-1, *self.image_shape)

    @cached_property
    def _source(self) -> Source:
        return source_at(find(self.images))

    @cached_property
    def image_shape(self) -> tuple[int, int, int]:
        """That of the first image."""
        black = np.zeros((1, *self._first_shape), np.uint8)
        return next(to_bytes([black], 255, self.size)).shape[1:]

    @cached_property
    def _first_shape(self) -> tuple[int, ...]:
        """Channels, height and width of the first image, before it is resized."""
        return channels_first(next(self._source.blocks())[:1]).shape[1:]

    @cached_property
    def _rows(self) -> RowFile:
        if (now := fingerprint(self._source.files())) != self.fingerprint:
            raise ValueError(
                f"{self.images} has changed: its fingerprint was {self.fingerprint}, it is {now}"
            )
        count = len(self.combinations)  # checks the factors
        shape = (count, int(np.prod(self.image_shape)))
        key = f"{self.fingerprint}-{self.image_shape[-1]}"
        return stored("own", key, shape, self._blocks)

    def _blocks(self) -> Iterator[np.ndarray]:
        white = white_of(self._source.blocks())  # at once, before a table is begun
        return to_bytes(self._source.blocks(), white, self.size)

    def describe(self) -> str:
        """What there is, in a few lines, and what of it scores cannot read or `size` cuts off."""
        columns, _, names = self._columns
        told = [cropped(self._first_shape, self.size), *map(unreadable, names, columns.T)]
        return "\n  ".join([super().describe(), *filter(None, told)])

    # The factors

    @cached_property
    def _columns(self) -> tuple[np.ndarray, list[np.ndarray], list[str]]:
        """Indices of values (N, K), the values, and the names, all without `copy` and `image`."""
        count, found = self._source.count(), self._source.factors()
        if count < 2:
            raise ValueError(f"{self.images} must hold 2 images or more, got {count}")
        if found is None:
            return np.zeros((count, 0), np.int64), [], []
        columns, names = found
        if len(columns) != count:
            raise ValueError(
                f"{self.images} has {count} images and {len(columns)} rows of factors: one row "
                "belongs to each image"
            )
        return *indexed(columns, names), names

    @cached_property
    def combinations(self) -> np.ndarray:
        """The factor vector of each image, (N, K) int64; no two are the same."""
        columns, _, names = self._columns
        if not names:
            return np.arange(len(columns))[:, None]
        copies = count_equal(columns)
        return np.column_stack([columns, copies]) if copies.any() else columns

    @cached_property
    def factor_names(self) -> tuple[str, ...]:
        _, _, names = self._columns
        own = ("image",) if not names else ("copy",) * (self.combinations.shape[1] - len(names))
        return (*names, *own)

    @cached_property
    def factor_sizes(self) -> tuple[int, ...]:
        return tuple(int(v) + 1 for v in self.combinations.max(axis=0))

    @property
    def unscored(self) -> tuple[str, ...]:
        return tuple(name for name in self.factor_names if name in ("image", "copy"))

    def values(self, name: str) -> np.ndarray:
        """What the indices of a factor stand for: its values as they were given, in order."""
        _, values, names = self._columns
        return values[names.index(name)] if name in names else super().values(name)

    def __len__(self) -> int:
        """The number of images."""
        return len(self.combinations)

    def index(self, factors: np.ndarray) -> np.ndarray:
        """The image that each factor vector belongs to: (N, K) int → (N,) int64."""
        wanted, (order, keys) = self.check(factors), self._sorted
        rows = order[np.searchsorted(keys, row_keys(wanted)).clip(max=len(keys) - 1)]
        if (missing := (self.combinations[rows] != wanted).any(axis=1)).any():
            row = wanted[int(np.argmax(missing))].tolist()
            raise ValueError(
                f"no image has {dict(zip(self.factor_names, row, strict=True))}; `nearest` gives "
                "factors that an image has"
            )
        return rows

    def factors(self, index: np.ndarray) -> np.ndarray:  # noqa: F811
        """The factor vectors of these images: (N,) int → (N, K) int64."""
        return self.combinations[self.check_index(index)]

    def nearest(self, factors: np.ndarray) -> np.ndarray:
        """For each factor vector the nearest that has an image, each factor scaled to [0, 1]."""
        scale = np.maximum(np.array(self.factor_sizes) - 1, 1)
        there = self.combinations / scale
        gaps = (np.abs(there - row / scale).sum(axis=1) for row in self.check(factors))
        return self.combinations[[int(gap.argmin()) for gap in gaps]]

    def sample_factors(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """The factor vectors of n images, drawn with replacement: (n, K) int64."""
        return self.combinations[rng.integers(0, len(self), size=n)]

    def sample_distinct(self, n: int, rng: np.random.Generator) -> np.ndarray:
        return self.combinations[rng.permutation(len(self))[:n]]

    @cached_property
    def distribution(self) -> str:
        """`uncorrelated` where all combinations of the scored factors are equally frequent."""
        columns, values, _ = self._columns
        cells = int(np.prod([len(v) for v in values], dtype=object)) if values else 0
        if not cells or len(columns) % cells:
            return "empirical"
        counts = np.unique(columns, axis=0, return_counts=True)[1]
        even = len(counts) == cells and (counts == counts[0]).all()
        return "uncorrelated" if even else "empirical"

    @cached_property
    def _sorted(self) -> tuple[np.ndarray, np.ndarray]:
        """The images in the order of their places in the grid, and their keys."""
        keys = row_keys(self.combinations)
        order = np.argsort(keys)
        return order, keys[order]

    def __getstate__(self) -> dict[str, Any]:
        kept = ("images", "size", "fingerprint")  # a copy in another process reads the file itself
        return {name: self.__dict__[name] for name in kept}
