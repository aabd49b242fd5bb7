"""Arrays and torch Datasets, kept as a file in the data folder so that a run can name them."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from vaelib.datasets.given import as_array, columns_of
from vaelib.paths import data_dir

STEP = 1024  # images
MOST_WAITING = 16 << 20  # bytes
Blocks = Iterator[tuple[str, np.ndarray]]  # the name of an array, and some of its rows


def keep(images: Any, factors: Any, names: list[str]) -> tuple[str, bool]:
    """Write images, and factors if they are known, to an hdf5 file: its name, whether it is new.

    The name is made of the content: the same arrays make the same file. A torch Dataset is read
    once, item by item. ValueError when there are no images in it, or factors that are neither
    numbers nor words.
    """
    factors, names = columns_of(factors, names)
    data_dir().mkdir(parents=True, exist_ok=True)
    unfinished = data_dir() / f".{uuid.uuid4().hex[:8]}.h5"
    try:
        name = f"own-{_write(unfinished, _blocks(images, factors), names)}.h5"
        new = not (data_dir() / name).exists()
        if new:
            os.replace(unfinished, data_dir() / name)
    finally:
        unfinished.unlink(missing_ok=True)
    return name, new


def _blocks(images: Any, factors: Any) -> Blocks:
    """Blocks of images, each followed by its rows of factors, with the names of the two arrays."""
    listed = hasattr(images, "__getitem__") or hasattr(images, "__iter__")
    if not listed or hasattr(images, "batch_sampler"):
        raise ValueError(
            "images must be an array, a path or a torch Dataset (of a DataLoader its .dataset), "
            f"got {type(images).__name__}"
        )
    if not hasattr(images, "shape"):
        if factors is not None:
            raise ValueError(
                "factors of what is read item by item belong in its items, as pairs (image, "
                "factors); a list of images becomes an array by np.stack"
            )
        yield from _items(images)
        return
    arrays = {"images": images}
    if factors is not None:
        arrays["factors"] = factors
        if len(arrays["factors"]) != len(images):
            raise ValueError(
                f"{len(images)} images need as many factors, got {len(arrays['factors'])}"
            )
    for start in range(0, len(images), STEP):
        for name, array in arrays.items():
            yield name, as_array(array[start : start + STEP], name)


def _items(dataset: Any) -> Blocks:
    """The items of a torch Dataset: images, or pairs of an image and its factors."""
    items = (dataset[i] for i in range(len(dataset))) if hasattr(dataset, "__len__") else dataset
    for item in items:
        parts = item if isinstance(item, tuple | list) else (item,)
        if len(parts) not in (1, 2):
            raise ValueError(f"items must be images or (image, factors), got {len(parts)} parts")
        for name, part in zip(("images", "factors"), parts, strict=False):
            yield name, as_array(part, name)[None]


def _write(path: Path, blocks: Blocks, names: list[str]) -> str:
    """Writes all of them, and says in 16 hex digits what they hold."""
    import h5py

    state = hashlib.sha256()
    with h5py.File(path, "w") as file:
        for name, block in _gathered(_hashed(blocks, state)):
            _append(file, name, block)
        if "images" not in file:
            raise ValueError("there are no images")
        if names and "factors" not in file:
            raise ValueError(f"names {names} need factors, which they are the names of")
        if names:
            file["names"] = names
            state.update("\n".join(names).encode())
    return state.hexdigest()[:16]


def _hashed(blocks: Blocks, state: Any) -> Blocks:
    for name, block in blocks:
        state.update(f"{name}{block.dtype}{block.shape}".encode())
        content = repr(block.tolist()).encode() if block.dtype == object else block.tobytes()
        state.update(content)
        yield name, block


def _gathered(blocks: Blocks) -> Blocks:
    """The same rows in larger blocks: to write items one by one takes many times as long."""
    waiting: dict[str, list[np.ndarray]] = {}
    for name, block in blocks:
        if name not in waiting:  # the first alone, which makes the dataset and its chunks
            waiting[name] = []
            yield name, block
            continue
        rows = waiting[name]
        if rows and (rows[0].dtype, rows[0].shape[1:]) != (block.dtype, block.shape[1:]):
            yield name, np.concatenate(rows)  # what cannot be stored beside it is told by _append
            rows.clear()
        rows.append(block)
        if len(rows) * len(block) >= STEP or len(rows) * block.nbytes >= MOST_WAITING:
            yield name, np.concatenate(rows)
            rows.clear()
    yield from ((name, np.concatenate(rows)) for name, rows in waiting.items() if rows)


def _append(file: Any, name: str, block: np.ndarray) -> None:
    import h5py

    text = block.dtype.kind in "UO"
    if name not in file:
        dtype = h5py.string_dtype() if text else block.dtype
        file.create_dataset(name, (0, *block.shape[1:]), dtype, maxshape=(None, *block.shape[1:]))
    array = file[name]
    if array.shape[1:] != block.shape[1:]:
        raise ValueError(
            f"{name} must all have one shape, got {array.shape[1:]} and {block.shape[1:]}"
        )
    array.resize(len(array) + len(block), axis=0)
    array[-len(block) :] = block.astype(object) if text else block
