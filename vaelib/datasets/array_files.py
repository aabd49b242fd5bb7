"""Arrays in npz, hdf5 and zarr files, read in blocks of rows and checked, never unpickled."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np


class DataFileError(ValueError):
    """A file is not what its data set needs: another, damaged, cut short or no data at all."""


class ArrayFile(AbstractContextManager, ABC):
    """An open file of named arrays. `rows` reads one without ever holding the whole of it."""

    path: Path

    @abstractmethod
    def names(self) -> list[str]:
        """The arrays (and groups) at the top of the file."""

    @abstractmethod
    def header(self, name: str) -> tuple[tuple[int, ...], np.dtype]:
        """Shape and dtype of an array, read without its values. KeyError when it is absent."""

    @abstractmethod
    def rows(self, name: str) -> Iterator[np.ndarray]:
        """Its values in order, some thousands of rows at a time."""

    def find(self, name: str) -> tuple[tuple[int, ...], np.dtype]:
        """The header of an array; DataFileError when it is absent."""
        with readable(self.path):
            try:
                return self.header(name)
            except KeyError:
                raise DataFileError(
                    f"{self.path} needs an array {name!r}, it has {self.names()}"
                ) from None

    def require(self, name: str, shape: tuple[int, ...], kind: str) -> None:
        """DataFileError unless the array is there, of this shape and dtype kind (`u`, `i` …)."""
        found, dtype = self.find(name)
        if found != shape or dtype.kind not in kind:
            raise DataFileError(
                f"{name!r} in {self.path} must have shape {shape} and dtype kind {kind!r}, "
                f"got {found} and {dtype}"
            )


ZARR_MARKS = ("zarr.json", ".zgroup")  # of a group in a folder: formats 3 and 2


def is_zarr(path: Path) -> bool:
    return any((path / mark).is_file() for mark in ZARR_MARKS)


def open_arrays(path: Path) -> ArrayFile:
    """The npz, hdf5 or zarr file at `path`, told apart by what is in it and not by its name."""
    if is_zarr(path):
        with readable(path):
            return ZarrFolder(path)
    with path.open("rb") as file:
        start = file.read(512)
    with readable(path):
        if start.startswith(b"PK\x03\x04"):
            return NpzFile(path)
        if start.startswith(b"\x89HDF\r\n\x1a\n"):
            return Hdf5File(path)
    raise DataFileError(f"{path} is neither an npz nor an hdf5 file: {_guess(start)}")


class NpzFile(ArrayFile):
    """A zip of `.npy` files. Object arrays (pickles) are refused, members not asked for unread."""

    block_bytes = 32 << 20

    def __init__(self, path: Path) -> None:
        self.path = path
        self._zip = zipfile.ZipFile(path)

    def __exit__(self, *exc: object) -> None:
        self._zip.close()

    def names(self) -> list[str]:
        return [name.removesuffix(".npy") for name in self._zip.namelist()]

    def header(self, name: str) -> tuple[tuple[int, ...], np.dtype]:
        with self._zip.open(f"{name}.npy") as member:
            return _npy_header(member, self.path)

    def rows(self, name: str) -> Iterator[np.ndarray]:
        with readable(self.path), self._zip.open(f"{name}.npy") as member:
            (length, *cell), dtype = _npy_header(member, self.path)
            row_bytes = int(np.prod(cell)) * dtype.itemsize
            step = max(1, self.block_bytes // max(1, row_bytes))
            for start in range(0, length, step):
                count = min(step, length - start)
                data = member.read(count * row_bytes)
                if len(data) != count * row_bytes:
                    raise EOFError(f"{name} ends after {start} of {length} rows")
                yield np.frombuffer(data, dtype).reshape(count, *cell)
            if member.read(1):  # also has the zip's checksum verified
                raise EOFError(f"{name} is longer than its header says")


class Hdf5File(ArrayFile):
    """An hdf5 file, read in slabs of whole chunks: each chunk is decompressed once."""

    most_rows = (
        32_768  # of a slab; the official dSprites has chunks of 23,040 images × 2 × 4 pixels
    )

    def __init__(self, path: Path) -> None:
        import h5py

        self.path = path
        self._file = h5py.File(path, "r")

    def __exit__(self, *exc: object) -> None:
        self._file.close()

    def names(self) -> list[str]:
        return list(self._file)

    def header(self, name: str) -> tuple[tuple[int, ...], np.dtype]:
        array = self._array(name)
        return array.shape, array.dtype

    def rows(self, name: str) -> Iterator[np.ndarray]:
        with readable(self.path):
            array = self._array(name)
            chunk = array.chunks[0] if array.chunks else 8192
            step = chunk * max(1, 8192 // chunk) if chunk <= self.most_rows else 8192
            for start in range(0, len(array), step):
                yield array[start : start + step]

    def _array(self, name: str) -> Any:
        import h5py

        found = self._file.get(name)
        if not isinstance(found, h5py.Dataset):
            raise KeyError(name)
        return found


class ZarrFolder(ArrayFile):
    """A group of zarr arrays in a folder, read chunk by chunk. Object arrays are refused unread."""

    def __init__(self, path: Path) -> None:
        try:
            import zarr
        except ImportError as error:
            raise DataFileError(f"{path} is a zarr folder: pip install zarr to read it") from error
        self.path = path
        self._group = zarr.open_group(str(path), mode="r")

    def __exit__(self, *exc: object) -> None:
        return

    def names(self) -> list[str]:
        return sorted(self._group.keys())

    def header(self, name: str) -> tuple[tuple[int, ...], np.dtype]:
        array = self._array(name)
        return tuple(array.shape), array.dtype

    def rows(self, name: str) -> Iterator[np.ndarray]:
        with readable(self.path):
            array = self._array(name)
            step = max(1, array.chunks[0])
            for start in range(0, array.shape[0], step):
                yield np.asarray(array[start : start + step])

    def _array(self, name: str) -> Any:
        found = self._group[name]  # KeyError when it is absent
        if not hasattr(found, "chunks"):
            raise KeyError(name)
        if found.dtype.hasobject:
            raise DataFileError(f"{self.path} holds objects in {name!r} where numbers are needed")
        return found


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Failures to read, as DataFileError."""
    try:
        yield
    except DataFileError:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        ValueError,
        RuntimeError,
        NotImplementedError,
    ) as error:
        raise DataFileError(
            f"{path} is damaged or cut short ({error or type(error).__name__}): get it again"
        ) from error


def _npy_header(member: BinaryIO, path: Path) -> tuple[tuple[int, ...], np.dtype]:
    version = np.lib.format.read_magic(member)
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:
        raise DataFileError(
            f"{path} uses version {version} of the npy format, 1.0 or 2.0 is needed"
        )
    with warnings.catch_warnings():  # headers that Python 2 wrote, as in the official file
        warnings.simplefilter("ignore", UserWarning)
        shape, fortran, dtype = readers[version](member)
    if dtype.hasobject:
        raise DataFileError(f"{path} holds pickled objects where numbers are needed")
    if fortran and len(shape) > 1:
        raise DataFileError(f"{path} holds an array in Fortran order, C order is needed")
    return shape, dtype


def _guess(start: bytes) -> str:
    if not start:
        return "it is empty"
    if start.lstrip()[:1] == b"<":
        return "it is a web page, save the file itself"
    if start.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer, get the file itself"
    return f"it starts with {start[:8]!r}"
