"""Arrays and torch Datasets, kept as a file in the data folder so that a run can name them."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from vaelib.paths import data_dir

STEP = 1024  # images


def keep(images: Any, factors: Any, names: list[str]) -> tuple[str, bool]:
    """Write images, and factors if they are known, to an hdf5 file: its name, whether it is new.

    The name is made of the content: the same arrays make the same file. A torch Dataset is read
    once, item by item. ValueError when there are no images in it.
    """
    data_dir().mkdir(parents=True, exist_ok=True)
    unfinished = data_dir() / f".{uuid.uuid4().hex[:8]}.h5"
    state = hashlib.sha256()
    try:
        _write(unfinished, _pairs(images, factors), names, state)
        name = f"own-{state.hexdigest()[:16]}.h5"
        new = not (data_dir() / name).exists()
        if new:
            os.replace(unfinished, data_dir() / name)
    finally:
        unfinished.unlink(missing_ok=True)
    return name, new


def _pairs(images: Any, factors: Any) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    """Blocks of images, each with its rows of factors."""
    if not hasattr(images, "shape"):
        yield from _items(images)
        return
    columns = None if factors is None else np.asarray(factors)
    if columns is not None and len(columns) != len(images):
        raise ValueError(f"{len(images)} images need as many factors, got {len(columns)}")
    for start in range(0, len(images), STEP):
        rows = slice(start, start + STEP)
        yield np.asarray(images[rows]), None if columns is None else columns[rows]


def _items(dataset: Any) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    """The items of a torch Dataset: images, or pairs of an image and its factors."""
    items = (dataset[i] for i in range(len(dataset))) if hasattr(dataset, "__len__") else dataset
    for item in items:
        image, *rest = item if isinstance(item, tuple | list) else (item,)
        if len(rest) > 1:
            raise ValueError(f"items must be images or (image, factors), got {len(item)} parts")
        yield np.asarray(image)[None], np.asarray(rest[0])[None] if rest else None


def _write(
    path: Path, pairs: Iterator[tuple[np.ndarray, np.ndarray | None]], names: list[str], state: Any
) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        for images, factors in pairs:
            _append(file, "images", images, state)
            if factors is not None:
                _append(file, "factors", factors, state)
        if "images" not in file:
            raise ValueError("there are no images")
        if names and "factors" not in file:
            raise ValueError(f"names {names} need factors, which they are the names of")
        if names:
            file["names"] = names
            state.update("\n".join(names).encode())


def _append(file: Any, name: str, block: np.ndarray, state: Any) -> None:
    import h5py

    state.update(f"{name}{block.dtype}{block.shape}".encode())
    state.update(repr(block.tolist()).encode() if block.dtype == object else block.tobytes())
    text = block.dtype.kind in "UO"
    if name not in file:
        how = {"dtype": h5py.string_dtype()} if text else {"dtype": block.dtype}
        file.create_dataset(name, (0, *block.shape[1:]), maxshape=(None, *block.shape[1:]), **how)
    array = file[name]
    if array.shape[1:] != block.shape[1:]:
        raise ValueError(
            f"{name} must all have one shape, got {array.shape[1:]} and {block.shape[1:]}"
        )
    array.resize(len(array) + len(block), axis=0)
    array[-len(block) :] = block.astype(object) if text else block
