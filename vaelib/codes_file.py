"""Codes as a file: how models of other code bases come to be scored.

>>> from vaelib.sanity import identity
>>> write_codes("codes.npz", identity())
>>> read_codes("codes.npz").names
('a', 'b', 'c')
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vaelib.datasets.array_files import NpzFile
from vaelib.files import DataFileError, readable, write_whole
from vaelib.types import Codes


def read_codes(path: str | Path) -> Codes:
    """The codes in an .npz file with the arrays `means` (N, D), `factors` (N, K) and, if wanted,
    `names` (K,) of strings. Samples come first, in random order.

    Nothing in the file is executed. ValueError says what is missing or wrong.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"no file {path}")
    with readable(path, "is not an .npz file of plain arrays"), NpzFile(path) as file:
        missing = [name for name in ("means", "factors") if name not in file.names()]
        if missing:
            raise DataFileError(
                f"{path} must hold the arrays 'means' (N, D) and 'factors' (N, K), "
                f"it lacks {missing} and holds {sorted(file.names())}"
            )
        wanted = {"means", "factors", "names"} & set(file.names())
        arrays = {name: file.whole(name) for name in wanted}
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
