"""A traversal as a GIF: all latents move at once, each in its own cell.

>>> from vaelib.networks import Fast
>>> from vaelib.traversal import traverse
>>> from vaelib.vae import VAE
>>> found = traverse(VAE(Fast(), (1, 64, 64), 10), np.zeros((9, 1, 64, 64)), steps=3)
>>> len(frames(found)), save_gif(found, "traversal.gif").name
(4, 'traversal.gif')
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from vaelib.files import write_whole
from vaelib.pixels import Picture, caption, enlarge, mosaic, to_bytes
from vaelib.traversal import Traversal

_FADE = 0.35  # what an inactive latent's cell keeps of its contrast


def frames(traversal: Traversal, columns: int = 5, scale: int = 2) -> list[Picture]:
    """One picture a step, there and back: 2 S - 2 pictures for S steps, which loop smoothly.

    Each latent has a cell, labelled with its KL, most informative first; inactive ones are pale.
    """
    cells = [
        [_cell(image, label, active, scale) for image in row]
        for row, label, active in zip(
            traversal.images, traversal.labels, traversal.active, strict=True
        )
    ]
    there = [_grid([row[s] for row in cells], columns) for s in range(traversal.images.shape[1])]
    return there + there[-2:0:-1]


def save_gif(
    traversal: Traversal,
    path: str | Path,
    seconds: float = 3.0,
    columns: int = 5,
    scale: int = 2,
) -> Path:
    """Write the traversal as an endless GIF, one loop in `seconds`. Never leaves half a file.

    Smooth from about 20 steps on: `save_gif(traverse(vae, images, steps=24), "traversal.gif")`.
    """
    path = Path(path)
    if path.suffix.lower() != ".gif":
        raise ValueError(f"the file name must end in .gif, got {path.name!r}")
    pictures = [Image.fromarray(to_bytes(p)) for p in frames(traversal, columns, scale)]
    shades = 16 * traversal.images.shape[2]  # the eye misses none, and the file is half as large
    pictures = [p.quantize(shades, dither=Image.Dither.NONE) for p in pictures]
    duration = max(20, round(1000 * seconds / len(pictures)))  # ms a picture

    def write(file: Path) -> None:
        first, *rest = pictures
        first.save(file, "GIF", save_all=True, append_images=rest, duration=duration, loop=0)

    write_whole(path, write)
    return path


def _cell(image: np.ndarray, label: str, active: bool, scale: int) -> Picture:
    picture = enlarge(mosaic(image[None, None]), scale)
    faded = picture if active else 1 - _FADE * (1 - picture)
    return caption(faded, label)


def _grid(cells: list[Picture], columns: int) -> Picture:
    columns = min(columns, len(cells))
    blank = np.ones_like(cells[0])
    stack = np.stack(cells + [blank] * (-len(cells) % columns))
    return mosaic(stack.reshape(-1, columns, *blank.shape).transpose(0, 1, 4, 2, 3), gap=8)
