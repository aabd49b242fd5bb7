"""Columns of factors as a user has them: numbers or words, to the indices that factors are here."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from vaelib.files import DataFileError, readable

MOST_VALUES = 1000  # of one factor
MOST_LETTERS = 1000  # of a cell in a table
MISSING = (
    "",
    "na",
    "n/a",
    "<na>",
    "nat",
    "null",
    "missing",
    "-",
    "?",
    ".",
)  # what tables write for no number
OWN_NAMES = ("image", "copy")  # factors that ArrayData adds itself


def indexed(columns: np.ndarray, names: list[str]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Columns of values (N, K) → the index of each value (N, K) int64, and the values in order:
    numbers by size, words in alphabetical order.

    ValueError: names that are no names, or a column that is no factor: with one value only, with
    more than `MOST_VALUES`, with NaN, with numbers of which some are no numbers.
    """
    check_names(names, columns.shape[1])
    indices, values = [], []
    for name, column in zip(names, columns.T, strict=True):
        found, index = np.unique(_numbers(name, column), return_inverse=True)
        _check_values(name, found, len(column))
        values.append(found)
        indices.append(index)
    return np.stack(indices, axis=1).astype(np.int64), values


def check_names(names: list[str], count: int) -> None:
    if not count:
        raise ValueError("factors need a column or more: leave them out where none is known")
    if len(names) != count:
        raise ValueError(f"{count} factors need as many names, got {len(names)}: {names}")
    for name in names:
        if not re.fullmatch(r"[^\W\d][\w.-]*", name):
            better = re.sub(r"[^\w.-]+", "_", name).strip("_0123456789.-")
            raise ValueError(
                "the name of a factor must be made of letters, digits and _ . - and begin with a "
                f"letter, got {name!r}; {better or 'shape'!r} would do"
            )
        if name in OWN_NAMES or names.count(name) > 1:
            raise ValueError(f"a factor cannot be named {name!r}: that name is taken")


def _numbers(name: str, column: np.ndarray) -> np.ndarray:
    """Numbers that came as text, as numbers: "10" comes after "9"."""
    if column.dtype.kind != "U":
        return column
    try:
        return column.astype(np.float64)
    except ValueError:
        _check_words(name, column, lambda row: f"row {row + 1}")
        return column


def _check_words(name: str, column: np.ndarray, where: Callable[[int], str]) -> None:
    """ValueError where a number is missing: as words, "10" would come before "2"."""
    words = [row for row, text in enumerate(column.tolist()) if not _is_number(text)]
    gaps = [row for row in words if column[row].strip().lower() in MISSING]
    if gaps and len(gaps) == len(words) < len(column):
        raise ValueError(
            f"{where(gaps[0])}: the factor {name!r} must be a number as in other rows, got "
            f"{column[gaps[0]].item()!r}: leave the picture out, or make words of all"
        )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _check_values(name: str, values: np.ndarray, count: int) -> None:
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ValueError(f"factor {name!r} has values that are NaN or infinite")
    if len(values) == 1:
        raise ValueError(f"factor {name!r} has the one value {values[0]} only: leave it out")
    if len(values) > MOST_VALUES:
        raise ValueError(
            f"factor {name!r} has {len(values):,} different values in {count:,} images, at most "
            f"{MOST_VALUES:,} are allowed: put them in classes, or leave it out"
        )


def count_equal(rows: np.ndarray) -> np.ndarray:
    """For each row how many equal ones come before it: (N, K) → (N,)."""
    import pandas as pd

    frame = pd.DataFrame(rows)
    return frame.groupby(list(frame), sort=False).cumcount().to_numpy(np.int64)


def row_keys(rows: np.ndarray) -> np.ndarray:
    """Rows (N, K) as N keys of bytes, in the same order: places in a large grid fit no integer."""
    return np.ascontiguousarray(rows, ">i8").view(f"V{8 * rows.shape[1]}")[:, 0]


def read_csv(path: Path) -> tuple[np.ndarray, list[str], list[str]]:
    """A table with a header: the columns but the first (N, K) as text, their names, the first."""
    with (
        readable(path, "must be a CSV file with a header"),
        path.open(newline="", encoding="utf-8-sig") as file,
    ):
        reader = csv.reader(file)
        (_, header), *rows = [(reader.line_num, row) for row in reader if row]
        longest = max((len(cell) for _, row in rows for cell in row), default=0)
        if longest > MOST_LETTERS:
            raise ValueError(f"a cell of {longest:,} letters, at most {MOST_LETTERS} are read")
    if not rows:
        raise DataFileError(f"{path} must have a row for each picture below its header, got none")
    uneven = [(line, len(row)) for line, row in rows if len(row) != len(header)]
    if len(header) < 2 or uneven:
        where = ", line {} has {}".format(*uneven[0]) if uneven else ""
        raise DataFileError(
            f"{path} must have a column of file names, then one for each factor, got "
            f"{len(header)} columns{where}"
        )
    if (path.parent / header[0]).is_file():
        raise DataFileError(
            f"the first line of {path} must be a header, such as file,size,colour; got the picture "
            f"{header[0]}"
        )
    for line, row in rows:
        for name, cell in zip(header[1:], row[1:], strict=True):
            if not cell.strip():
                raise DataFileError(
                    f"{path}, line {line}: the factor {name!r} must have a value, got an empty "
                    "cell: leave the picture out, or give the value a name"
                )
    table = np.array([row for _, row in rows])
    for name, column in zip(header[1:], table.T[1:], strict=True):
        _check_words(name, column, lambda row: f"{path}, line {rows[row][0]}")
    return table[:, 1:], [name.strip() for name in header[1:]], table[:, 0].tolist()
