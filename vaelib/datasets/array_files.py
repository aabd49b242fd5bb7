"""Arrays in npz, hdf5 and zarr files, read in blocks of rows and checked, never unpickled."""

from __future__ import annotations

import math
import warnings
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED

import numpy as np

from vaelib.datasets.sizes import MOST_OF_A_CHUNK, MOST_OF_A_ROW, MOST_WHOLE, SQUEEZED, check_size
from vaelib.files import DataFileError, readable, what_begins

BLOCK = 32 << 20  # bytes that are read at a time
ZARR_MARKS = ("zarr.json", ".zgroup")  # of a group in a folder: formats 3 and 2


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
        """The header of an array; DataFileError when it is absent, or its rows are too large."""
        with readable(self.path):
            try:
                shape, dtype = self.header(name)
            except KeyError:
                raise DataFileError(
                    f"{self.path} needs an array {name!r}, it has {self.names()}"
                ) from None
        if self.path.is_file():
            most = SQUEEZED * self.path.stat().st_size
            check_size(f"{name!r} in {self.path}", shape, dtype, most)
        check_size(f"a row of {name!r} in {self.path}", shape[1:], dtype, MOST_OF_A_ROW)
        return shape, dtype

    def whole(self, name: str) -> np.ndarray:
        """An array that is small, at once. DataFileError for one that is not."""
        shape, dtype = self.find(name)
        check_size(f"{name!r} in {self.path}", shape, dtype, MOST_WHOLE)
        return np.concatenate([np.empty((0, *shape[1:]), dtype), *self.rows(name)])

    def require(self, name: str, shape: tuple[int, ...], kind: str) -> None:
        """DataFileError unless the array is there, of this shape and dtype kind (`u`, `i` …)."""
        found, dtype = self.find(name)
        if found != shape or dtype.kind not in kind:
            raise DataFileError(
                f"{name!r} in {self.path} must have shape {shape} and dtype kind {kind!r}, "
                f"got {found} and {dtype}"
            )


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
    raise DataFileError(f"{path} is neither an npz nor an hdf5 file: {what_begins(start)}")


class NpzFile(ArrayFile):
    """A zip of `.npy` files. Object arrays (pickles) are refused, members not asked for unread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._zip = zipfile.ZipFile(path)
        if {m.compress_type for m in self._zip.infolist()} - {ZIP_STORED, ZIP_DEFLATED}:
            raise DataFileError(f"{path} is packed in another way than np.savez does")

    def __exit__(self, *exc: object) -> None:
        self._zip.close()

    def names(self) -> list[str]:
        return [name.removesuffix(".npy") for name in self._zip.namelist()]

    def header(self, name: str) -> tuple[tuple[int, ...], np.dtype]:
        with self._zip.open(f"{name}.npy") as member:
            return _npy_header(member, self.path)[::2]

    def whole(self, name: str) -> np.ndarray:
        check_size(f"{name!r} in {self.path}", *self.find(name), MOST_WHOLE)
        with readable(self.path), self._zip.open(f"{name}.npy") as member:
            return np.lib.format.read_array(member, allow_pickle=False)

    def rows(self, name: str) -> Iterator[np.ndarray]:
        (length, *cell), dtype = self.find(name)
        row_bytes = math.prod(cell) * dtype.itemsize
        step = max(1, BLOCK // max(1, row_bytes))
        with readable(self.path), self._zip.open(f"{name}.npy") as member:
            if _npy_header(member, self.path)[1] and cell:
                raise DataFileError(f"{self.path} holds {name!r} in Fortran order, not in C order")
            for start in range(0, length, step):
                count = min(step, length - start)
                data = member.read(count * row_bytes)
                if len(data) != count * row_bytes:
                    raise EOFError(f"{name} ends after {start} of {length} rows")
                yield np.frombuffer(data, dtype).reshape(count, *cell)
            if member.read(1):  # also has the zip's checksum verified
                raise EOFError(f"{name} is longer than its header says")


class ChunkedFile(ArrayFile):
    """Arrays in chunks, read in slabs of whole ones: each chunk is decompressed once."""

    @abstractmethod
    def _array(self, name: str) -> Any:
        """The array, which is read as it is sliced; KeyError when it is absent."""

    def header(self, name: str) -> tuple[tuple[int, ...], np.dtype]:
        array = self._array(name)
        return tuple(array.shape), array.dtype

    def rows(self, name: str) -> Iterator[np.ndarray]:
        shape, dtype = self.find(name)
        with readable(self.path):
            array = self._array(name)
            step = _step(self.path, shape, dtype, array.chunks)
            for start in range(0, shape[0], step):
                yield np.asarray(array[start : start + step])


class Hdf5File(ChunkedFile):
    """An hdf5 file."""

    def __init__(self, path: Path) -> None:
        import h5py

        self.path = path
        self._file = h5py.File(path, "r")

    def __exit__(self, *exc: object) -> None:
        self._file.close()

    def names(self) -> list[str]:
        with readable(self.path):
            return list(self._file)

    def _array(self, name: str) -> Any:
        import h5py

        found = self._file.get(name)
        if not isinstance(found, h5py.Dataset):
            raise KeyError(name)
        if found.dtype.hasobject:
            self._check_texts(found)
        return found

    def _check_texts(self, array: Any) -> None:
        """Texts lie in the file by their lengths, for each of which hdf5 makes room unasked."""
        start, size = array.id.get_offset(), array.id.get_storage_size()
        if start is None or not array.size:  # in chunks, or nothing
            return
        most, takes = self.path.stat().st_size, start + size
        if takes <= most:
            with self.path.open("rb") as file:
                file.seek(start)
                places = np.frombuffer(file.read(size), np.uint8).reshape(array.size, -1)
            takes = places[:, :4].copy().view("<u4").max()
        if takes > most:
            raise DataFileError(
                f"a text of {array.name!r} in {self.path} takes {takes:,} bytes by its header, the "
                f"file has {most:,}"
            )


class ZarrFolder(ChunkedFile):
    """A group of zarr arrays in a folder. Object arrays are refused unread."""

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

    def _array(self, name: str) -> Any:
        found = self._group[name]  # KeyError when it is absent
        if not hasattr(found, "chunks"):
            raise KeyError(name)
        if found.dtype.hasobject:
            raise DataFileError(f"{self.path} holds objects in {name!r} where numbers are needed")
        return found


def _step(path: Path, shape: tuple[int, ...], dtype: np.dtype, chunks: Any) -> int:
    """Rows to read at a time: whole chunks, each of which is unpacked once, as far as they fit.

    The official dSprites has chunks of 23,040 images × 2 × 4 pixels.
    """
    fit = max(1, 4 * BLOCK // max(1, math.prod(shape[1:]) * dtype.itemsize))
    if not chunks:
        return min(fit, 8192)
    check_size(f"a chunk in {path}", chunks, dtype, MOST_OF_A_CHUNK)
    return min(fit, chunks[0] * max(1, 8192 // chunks[0]))


def _npy_header(member: BinaryIO, path: Path) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether in Fortran order, and dtype."""
    version = np.lib.format.read_magic(member)
    form = np.lib.format
    readers = {(1, 0): form.read_array_header_1_0, (2, 0): form.read_array_header_2_0}
    if version not in readers:
        raise DataFileError(f"{path} has version {version} of the npy format, not 1.0 or 2.0")
    with warnings.catch_warnings():  # headers that Python 2 wrote, as in the official file
        warnings.simplefilter("ignore", UserWarning)
        shape, fortran, dtype = readers[version](member)
    if dtype.hasobject:
        raise DataFileError(f"{path} holds pickled objects: save words by .astype(str), no None")
    return shape, fortran, dtype
