"""Codes as a file: how models of other code bases come to be scored."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from vaelib.files import write_whole
from vaelib.types import Codes


def read_codes(path: str | Path) -> Codes:
    """The codes in an .npz file with the arrays `means` (N, D), `factors` (N, K) and, if wanted,
    `names` (K,) of strings. Samples come first, in random order.

    Nothing in the file is executed. ValueError says what is missing or wrong.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"no file {path}")
    arrays = _read(path)
    missing = [name for name in ("means", "factors") if name not in arrays]
    if missing:
        raise ValueError(
            f"{path} must hold the arrays 'means' (N, D) and 'factors' (N, K), "
            f"it lacks {missing} and holds {sorted(arrays)}"
        )
    names = arrays.get("names", np.array([]))
    if names.ndim != 1 or (names.size and names.dtype.kind != "U"):
        raise ValueError(f"{path}: names must be an array of K strings, got {names.dtype}")
    try:
        return Codes(arrays["means"], arrays["factors"], tuple(names.tolist()))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def write_codes(path: str | Path, codes: Codes) -> None:
    """Write `codes` so that :func:`read_codes` gives them back; the file appears whole or not."""

    def write(temporary: Path) -> None:
        with open(temporary, "wb") as file:
            np.savez_compressed(
                file, means=codes.means, factors=codes.factors, names=np.array(codes.names)
            )

    write_whole(Path(path), write)


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        # opened here, because np.load leaves a damaged file open
        with open(path, "rb") as stream:
            file = np.load(stream, allow_pickle=False)
            if isinstance(file, np.ndarray):
                raise ValueError("it holds a single array without a name")
            with file:
                return {name: file[name] for name in file.files}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} is not an .npz file of plain arrays: {error}") from error
