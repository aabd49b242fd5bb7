"""Arrays, tensors, tables and dicts of columns as a user has them, to arrays of NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def as_array(values: Any, what: str) -> np.ndarray:
    """Numbers and words as an array, mixtures of both as words; of a tensor without its gradient.

    ValueError, which begins with `what`, for other values; None and NaN among words are such.
    """
    if hasattr(values, "detach"):  # a torch tensor; NumPy has no bfloat16
        values = values.detach().cpu()
        values = values.float() if str(values.dtype) == "torch.bfloat16" else values
    values = np.asarray(values)
    if values.dtype.kind in "biufSU":
        return values
    objects = values.ravel().tolist() if values.dtype == object else [values.dtype.type]
    for value in objects:
        if not isinstance(value, str | bytes | int | float | np.generic) or value != value:
            allowed = "numbers" if what == "images" else "numbers or words"
            raise ValueError(f"{what} must be {allowed}, got {value!r}")
    return values if all(isinstance(v, str | bytes) for v in objects) else values.astype(str)


def columns_of(factors: Any, names: list[str]) -> tuple[np.ndarray | None, list[str]]:
    """Factors (N,) or (N, K), numbers or words, and their names.

    A pandas DataFrame or a dict {name: values} tells the names. ValueError: values that are
    neither numbers nor words, columns of different lengths, names given twice.

    >>> columns_of({"size": [0.5, 2.0], "colour": ["red", "blue"]}, [])[1]
    ['size', 'colour']
    """
    if factors is None:
        return None, names
    if not hasattr(factors, "columns") and not isinstance(factors, Mapping):
        return np.atleast_1d(as_array(factors, "factors")), names
    if names:
        raise ValueError(f"the columns of factors tell their names already, got names {names}")
    columns = {str(name): as_array(factors[name], f"factor {name!r}") for name in factors}
    shapes = {name: column.shape for name, column in columns.items()}
    if len(set(shapes.values())) != 1 or len(*set(shapes.values())) != 1:
        raise ValueError(f"factors must be columns of one length, (N,), got {shapes}")
    return as_array(np.column_stack(list(columns.values())), "factors"), list(columns)
