"""The explorer as one page of HTML that loads nothing, as a file or inside a notebook.

>>> from vaelib.paths import shipped_dir
>>> from vaelib.runs import Run
>>> run = Run(shipped_dir() / "dsprites_beta_4")
>>> page: Explorer = explore(run, title="A β-VAE", samples=100)
>>> page.save("explorer.html").name, compare(run, run, names=("one", "same"), samples=100).names
('explorer.html', ('one', 'same'))
>>> "</script>" in to_json({"text": "</script>"})
False
>>> all(map(len, (script(), style(), source("widget.js"))))
True
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from vaelib.explorer.contents import Subject, contents, error_of, short_names
from vaelib.explorer.packing import Pack
from vaelib.explorer.picture import picture
from vaelib.files import write_text

if TYPE_CHECKING:
    from vaelib.explorer.widget import ExplorerWidget

POLICY = (
    "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
)
BITS = (16, 14, 12, 10, 8)  # of a weight: the most that fit the size wanted
SCRIPTS = (
    "engine", "transformer", "dsprites", "gif", "dom", "model", "app", "stage", "sliders", "pad",
    "draw", "between", "questions", "factors", "main",
)  # fmt: skip
HEIGHT = 1000  # pixels of the frame in a notebook, until the page says how tall it is


@dataclass(frozen=True)
class Explorer:
    """One to three models to play with: shows itself in a notebook, or :meth:`save` it."""

    subjects: tuple[Subject, ...]
    names: tuple[str, ...]  # one a subject
    title: str
    megabytes: float  # the page is at most as large
    view: str

    @cached_property
    def page(self) -> dict[str, Any]:
        """What the page holds, as plain values; see `main.js`. ValueError when it is too large."""
        for bits in BITS:
            found = self._contents(bits)
            size = len(to_json(found)) + len(script()) + len(style()) + 2000
            if size <= self.megabytes * 1e6:
                error = max(error_of(subject, bits) for subject in self.subjects)
                return {**found, "error": float(f"{error:.1g}")}
        raise ValueError(
            f"the page takes {size / 1e6:.1f} MB even with {bits} bits a weight, more than the "
            f"{self.megabytes:g} MB allowed: show fewer models, or set megabytes higher"
        )

    @cached_property
    def html(self) -> str:
        """The whole page."""
        return Template(source("page.html.template")).substitute(
            policy=POLICY,
            title=escape(self.title),
            style=style(),
            contents=to_json(self.page),
            script=script(),
        )

    def save(self, path: str | Path) -> Path:
        """Write the page as one file, which opens without a network."""
        path = Path(path)
        write_text(path, self.html)
        return path

    def widget(self) -> ExplorerWidget:
        """The same as a widget whose code can be read and set in Python; needs anywidget."""
        from vaelib.explorer.widget import ExplorerWidget

        return ExplorerWidget(self)

    def _contents(self, bits: int) -> dict[str, Any]:
        pack = Pack(bits)
        found = contents(self.subjects, self.names, pack)
        return {
            "title": self.title,
            "view": self.view,
            "bits": bits,
            "samples": len(self.subjects[0].sample),
            **found,
            "blob": pack.text(),
        }

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        png = base64.b64encode(self.picture).decode()
        return {"text/html": self._frame(png), "image/png": png, "text/plain": repr(self)}

    def _frame(self, png: str) -> str:
        """The page in a frame that lies over a picture of it.

        Where frames are taken out, as on GitHub, the picture is seen.
        """
        return (
            f'<div data-explorer style="position:relative;height:{HEIGHT}px;overflow:hidden">'
            f'<img alt="{escape(repr(self))}" style="max-width:100%;max-height:100%" '
            f'src="data:image/png;base64,{png}">'
            f'<iframe title="{escape(self.title)}" style="position:absolute;left:0;top:0;'
            'width:100%;height:100%;border:0;background:Canvas" '
            f'srcdoc="{escape(self.html)}"></iframe></div>'
        )

    @cached_property
    def picture(self) -> bytes:
        """A PNG file that stands for the page where it cannot run: the models' traversals."""
        return picture(self.subjects, self.names)

    def __repr__(self) -> str:
        return f"Latent explorer: {self.title}. Run the cell to move its sliders."


def explore(
    *models: Any,
    data: Any = None,
    title: str = "",
    names: Sequence[str] = (),
    samples: int = 1000,
    seed: int = 0,
    megabytes: float = 3.0,
    view: str = "latents",
) -> Explorer:
    """Sliders for the latents of one run, or of up to three side by side, computed in the browser.

    `models` are Runs (or VAEs, with the `data` they were trained on) for images of one shape. From
    `samples` images of each one's training data come the ranges of the sliders and the clouds;
    `seed` draws them. The page takes at most `megabytes`: weights are rounded to as many bits as
    fit, and the page says what that costs. `names` stand on the buttons; by default they are what
    tells the models apart: their β, else their objective, else more. `view` is what is seen first:
    `latents` or `factors`, which shows all models on the same images.

    The result shows itself at the end of a cell; `.save("explorer.html")` makes a file. Raises
    ValueError for a layer that the browser cannot compute and for a page that gets too large.
    """
    subjects = tuple(Subject.of(model, data, samples, seed) for model in models)
    _check(subjects, names, samples, view)
    names = tuple(names or short_names(subjects))
    title = title or (subjects[0].label if len(subjects) == 1 else " · ".join(names))
    return Explorer(subjects, names, title, megabytes, view)


def compare(*models: Any, **options: Any) -> Explorer:
    """`explore` that begins with the factors: the same image through all models, codes as bars."""
    return explore(*models, view="factors", **options)


def _check(subjects: Sequence[Subject], names: Sequence[str], samples: int, view: str) -> None:
    if not 1 <= len(subjects) <= 3:
        raise ValueError(f"the explorer shows one to three models, got {len(subjects)}")
    if names and (len(names) != len(subjects) or len(set(names)) != len(names)):
        raise ValueError(f"names must be one a model, each another, got {list(names)}")
    if samples < 100:
        raise ValueError(f"the clouds need at least 100 samples, got {samples}")
    if view not in ("latents", "factors"):
        raise ValueError(f"view must be 'latents' or 'factors', got {view!r}")
    shapes = {subject.vae.image_shape for subject in subjects}
    if len(shapes) > 1:
        raise ValueError(f"models must be for images of one shape, got {sorted(shapes)}")
    worlds = {(s.data.factor_names, s.data.factor_sizes) for s in subjects}
    if len(worlds) > 1:
        raise ValueError(f"models must be of data with the same factors, got {sorted(worlds)}")


def to_json(value: Any) -> str:
    """JSON for a `<script>` element: nothing in it can end the element or begin a comment."""
    return json.dumps(value, allow_nan=False).replace("<", "\\u003c")


@cache
def script() -> str:
    """All scripts as one, in the order in which they build on each other."""
    return "\n".join(source(f"{name}.js") for name in SCRIPTS)


@cache
def style() -> str:
    return source("style.css")


def source(name: str) -> str:
    """A file of the page."""
    return (files("vaelib.explorer") / "page" / name).read_text("utf-8")
