"""log.csv: what a training wrote down, one row a logged step."""

from __future__ import annotations

import csv
import math
import time
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from vaelib.files import readable, write_whole

if TYPE_CHECKING:
    import pandas as pd

ALWAYS = ["step", "seconds", "loss", "reconstruction", "kl"]  # columns, beside others


def read_log(path: Path) -> pd.DataFrame:
    """The log as a table; ValueError when it is none."""
    import pandas as pd

    with readable(path, "is no log of a training"):
        log = pd.read_csv(path)
        if missing := set(ALWAYS) - set(log):
            raise ValueError(f"it lacks the columns {sorted(missing)}")
        if log[ALWAYS].astype(float).empty:
            raise ValueError("it has no rows")
    return log


def named_pairs(name: str, matrix: Tensor) -> dict[str, float]:
    """The upper triangle of (D, D) as columns of the log.

    >>> import torch
    >>> named_pairs("beta", torch.full((2, 2), 2.0))
    {'beta_0_1': 2.0}
    """
    values, dim = matrix.tolist(), len(matrix)
    return {f"{name}_{i}_{j}": float(f"{values[i][j]:.5g}") for i, j in combinations(range(dim), 2)}


class LogFile:
    """log.csv, one row a call. The columns are those of the first row."""

    def __init__(self, path: Path, step: int):
        self.path, self.start = path, time.perf_counter()
        rows = _rows(path, step)
        self.before = float(rows[-1]["seconds"]) if rows else 0.0
        self.columns = list(rows[0]) if rows else None
        if rows:
            write_whole(path, lambda file: self._write(file, "w", rows))
        else:
            path.unlink(missing_ok=True)

    def write(
        self, step: int, loss: Tensor, terms: dict[str, Tensor], kl: Tensor, *extra: dict
    ) -> dict[str, float]:
        """Append one row; `kl` (D,) in nats, `extra` {name: number}. Returns the row."""
        seconds = round(self.before + time.perf_counter() - self.start, 3)
        row = _joined(
            {"step": step, "seconds": seconds, "loss": loss.item()},
            {name: term.item() for name, term in terms.items()},
            {"kl": kl.sum().item(), **{f"kl_{j}": v for j, v in enumerate(kl.tolist())}},
            *extra,
        )
        mode = "a" if self.columns else "w"
        self.columns = self.columns or list(row)
        if new := sorted(row.keys() - set(self.columns)):
            raise ValueError(
                "penalty and extra_log must return the same names at each step, got other ones "
                f"than at the first in {new}"
            )
        row = dict.fromkeys(self.columns, math.nan) | row  # what a step does not say
        self._write(self.path, mode, [row])
        return row

    def _write(self, path: Path, mode: str, rows: list[dict]) -> None:
        """Append rows (a), or begin a file with its header (w)."""
        with open(path, mode, newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self.columns)
            if mode == "w":
                writer.writeheader()
            writer.writerows(rows)


def _joined(*parts: dict[str, float]) -> dict[str, float]:
    """One row; ValueError where two parts share a name, which would hide one of the numbers."""
    row: dict[str, float] = {}
    for part in parts:
        if both := sorted(row.keys() & part.keys()):
            raise ValueError(
                f"penalty and extra_log must return other names than {', '.join(both)}: "
                f"the log has {', '.join(row)} already"
            )
        row |= part
    return row


def _rows(path: Path, step: int) -> list[dict[str, str]]:
    """The whole rows of a log up to `step`; a line cut off by a kill is dropped."""
    if not path.exists():
        return []
    with (
        readable(path, "is no log of a training: delete it, and it begins anew"),
        open(path, newline="", encoding="utf-8") as file,
    ):
        rows = [row for row in csv.DictReader(file) if all(row.values()) and None not in row]
        _ = [float(row["seconds"]) for row in rows]  # whatever is no number raises
        return [row for row in rows if row["step"].isdigit() and int(row["step"]) <= step]
