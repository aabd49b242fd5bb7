"""What a table must have before it is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def need(frame: pd.DataFrame, what: str, *columns: str) -> None:
    """ValueError when `frame`, called `what`, lacks one of the columns or has no rows."""
    if missing := [name for name in columns if name not in frame]:
        raise ValueError(f"{what} needs the columns {missing}, it has {list(frame)}")
    if not len(frame):
        raise ValueError(f"{what} needs rows, it has none")
