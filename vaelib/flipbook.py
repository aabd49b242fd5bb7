"""A slider over pictures that were drawn beforehand: it moves without a kernel.

For what one number changes: a step of a training, the gain of a controller. The pictures and the
slider are one piece of HTML that loads nothing, so it moves in Jupyter, VS Code and Colab, on
exported pages and in a notebook that someone only opens. (Sliders that run a model need a kernel:
:mod:`vaelib.widgets`.)

>>> from vaelib import plots
>>> book: Flipbook = flipbook(lambda kl: plots.kl_bars([kl, 0.1]), [1, 2, 3], name="nats")
>>> len(book.pages)
3
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from PIL import Image

COLOURS = 48  # of a picture: enough for lines and bars, and a third of the bytes

# What the slider does; `this` is the input.
_MOVE = (
    "const book = this.closest('.flipbook'), pages = [...book.querySelectorAll('img')];"
    "pages.forEach((page, i) => page.style.display = i == this.value ? '' : 'none');"
    "book.querySelector('output').textContent = pages[this.value].dataset.value"
)


@dataclass(frozen=True)
class Flipbook:
    """Pictures, the text at the slider for each, and the name of what changes."""

    name: str
    texts: tuple[str, ...]
    pages: tuple[bytes, ...]  # PNG files, one a text
    start: int = 0  # the page that is seen first

    def __post_init__(self) -> None:
        if not self.pages or len(self.pages) != len(self.texts):
            raise ValueError(
                "a flipbook needs pages and as many texts, got "
                f"{len(self.pages)} and {len(self.texts)}"
            )
        if not 0 <= self.start < len(self.pages):
            raise ValueError(f"start must be one of 0..{len(self.pages) - 1}, got {self.start}")

    def _repr_html_(self) -> str:
        pages = "".join(self._page(i) for i in range(len(self.pages)))
        return (
            f'<div class="flipbook"><label>{escape(self.name)} '
            f'<input type="range" min="0" max="{len(self.pages) - 1}" value="{self.start}" '
            f'style="width:22em;vertical-align:middle" oninput="{escape(_MOVE)}"></label> '
            f"<output>{escape(self.texts[self.start])}</output><div>{pages}</div></div>"
        )

    def _page(self, i: int) -> str:
        text, data = escape(self.texts[i]), base64.b64encode(self.pages[i]).decode()
        hidden = "" if i == self.start else "display:none"
        return (
            f'<img alt="{escape(self.name)} {text}" data-value="{text}" '
            f'style="max-width:100%;{hidden}" src="data:image/png;base64,{data}">'
        )

    def __repr__(self) -> str:
        span = f"{self.texts[0]} to {self.texts[-1]}"
        return f"Slider: {self.name}, {len(self.pages)} pictures from {span}."


def flipbook(
    draw: Callable[[Any], Any],
    values: Sequence[Any],
    name: str,
    text: str = "{}",
    start: int = 0,
    dpi: int = 90,
) -> Flipbook:
    """`draw(value)` for each of the values, as the pages of a flipbook.

    `draw` makes a figure and returns its axes, one or several, as the functions of
    :mod:`vaelib.plots` do; the figure is closed. `text` formats what stands at the slider.
    """
    pages = tuple(_png(draw(value), dpi) for value in values)
    return Flipbook(name, tuple(text.format(value) for value in values), pages, start)


def _png(axes: Any, dpi: int) -> bytes:
    figure = np.ravel(axes)[0].figure
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    plt.close(figure)
    picture = Image.open(buffer).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
