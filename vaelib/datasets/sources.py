"""Where a user's own images come from: a file of arrays, or a folder of pictures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from vaelib.datasets.array_files import ArrayFile, is_zarr, open_arrays
from vaelib.datasets.columns import read_csv
from vaelib.datasets.official import natural
from vaelib.files import DataFileError, readable

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
TABLE = "factors.csv"  # in a folder of pictures
MOST_PIXELS = 64_000_000  # of a picture
HOW = (
    "np.savez(path, images=images, factors=factors, names=names) writes a file that fits; factors "
    "and names may be left out"
)


class Source(ABC):
    """Images and, if they are known, their factors."""

    def __init__(self, path: Path):
        self.path = path

    @abstractmethod
    def files(self) -> list[Path]:
        """All that is read."""

    @abstractmethod
    def count(self) -> int:
        """The number of images."""

    @abstractmethod
    def blocks(self) -> Iterator[np.ndarray]:
        """Images in order, (n, H, W), (n, H, W, C) or (n, C, H, W), as they are."""

    @abstractmethod
    def factors(self) -> tuple[np.ndarray, list[str]] | None:
        """Columns of values (N, K) and their names; None when no factor is known."""


def source_at(path: Path) -> Source:
    return Folder(path) if path.is_dir() and not is_zarr(path) else Arrays(path)


class Arrays(Source):
    """An npz, hdf5 or zarr file with `images` and, if known, `factors` and their `names`."""

    def files(self) -> list[Path]:
        if not self.path.is_dir():
            return [self.path]
        return sorted(p for p in self.path.rglob("*") if p.is_file())  # zarr: a file a chunk

    def count(self) -> int:
        with open_arrays(self.path) as file:
            return self._images(file)[0][0]

    def blocks(self) -> Iterator[np.ndarray]:
        with open_arrays(self.path) as file:
            self._images(file)
            yield from file.rows("images")

    def factors(self) -> tuple[np.ndarray, list[str]] | None:
        with open_arrays(self.path) as file:
            if "factors" not in file.names():
                if "labels" in file.names():
                    raise DataFileError(
                        f"the array of factors in {self.path} must be named 'factors', got 'labels'"
                    )
                return None
            columns = file.whole("factors")
            columns = columns[:, None] if columns.ndim == 1 else columns
            if columns.ndim != 2:
                raise DataFileError(f"factors in {self.path} must be (N, K), got {columns.shape}")
            with readable(self.path, "holds text that is not UTF-8"):
                return text_of(columns), _names(file, columns.shape[1])

    def _images(self, file: ArrayFile) -> tuple[tuple[int, ...], np.dtype]:
        try:
            shape, dtype = file.find("images")
        except DataFileError as error:
            raise DataFileError(f"{error}. {HOW}") from error
        if len(shape) not in (3, 4):
            raise DataFileError(
                f"images in {self.path} must be (N, H, W), (N, H, W, C) or (N, C, H, W), "
                f"got {shape}"
            )
        return shape, dtype


def _names(file: ArrayFile, count: int) -> list[str]:
    if "names" not in file.names():
        return ["factor"] if count == 1 else [f"factor_{k}" for k in range(count)]
    return [str(name) for name in text_of(file.whole("names")).ravel()]


def text_of(values: np.ndarray) -> np.ndarray:
    """Bytes, as hdf5 keeps text, as str; other values as they are."""
    if values.dtype.kind not in "SO":
        return values
    text = [v.decode("utf-8") if isinstance(v, bytes) else str(v) for v in values.ravel()]
    return np.array(text).reshape(values.shape)


class Folder(Source):
    """Pictures in a folder, sorted by name; `factors.csv` beside them tells their factors.

    The first column of factors.csv holds the names of the files, each other one a factor; pictures
    that it does not name are left out.
    """

    def files(self) -> list[Path]:
        table = [self.path / TABLE] if (self.path / TABLE).exists() else []
        return [*table, *self._pictures()]

    def count(self) -> int:
        return len(self._pictures())

    def blocks(self) -> Iterator[np.ndarray]:
        pictures = self._pictures()
        modes = set()
        for path in pictures:
            with _opened(path) as image:
                modes.add(image.mode)
        mode = "L" if modes <= {"L", "1"} else "RGB"
        for path in pictures:
            with _opened(path) as image, readable(path):
                pixels = np.asarray(_as_seen(image).convert(mode))[None]
            yield pixels

    def factors(self) -> tuple[np.ndarray, list[str]] | None:
        if not (self.path / TABLE).exists():
            return None
        columns, names, _ = read_csv(self.path / TABLE)
        return columns, names

    def _pictures(self) -> list[Path]:
        if (self.path / TABLE).exists():
            _, _, files = read_csv(self.path / TABLE)
            if away := [name for name in files if Path(name).is_absolute() or ".." in name]:
                raise DataFileError(f"{self.path / TABLE} names {away[0]}, outside of its folder")
            if missing := [name for name in files if not (self.path / name).is_file()]:
                raise DataFileError(f"{self.path / TABLE} names {missing[0]}, which is not there")
            return [self.path / name for name in files]
        names = [p.name for p in self.path.iterdir() if p.suffix.lower() in PICTURES]
        if not names:
            raise DataFileError(
                f"{self.path} itself holds no pictures ({', '.join(PICTURES)}), in folders below "
                "they are not looked for"
            )
        return [self.path / name for name in natural(names)]


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    from PIL import Image

    with readable(path, "is no picture"):
        image = Image.open(path)
    with image:
        size = image.width * image.height
        if size > MOST_PIXELS:
            raise DataFileError(f"{path} has {size:,} pixels, at most {MOST_PIXELS:,} are read")
        if image.mode[0] in "IF":  # Pillow would cut the values off at 255
            raise DataFileError(
                f"{path} has more than 8 bits a channel (mode {image.mode}): save it with 8, or "
                "give the images as an array"
            )
        yield image


def _as_seen(image: Any) -> Any:
    """Upright, as its EXIF data say, and white where it is transparent."""
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(image)
    if "A" not in image.getbands() and "transparency" not in image.info:
        return image
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
