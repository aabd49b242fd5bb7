"""Sliders for latents and for factors, in Jupyter, VS Code and Colab.

Written to what ipywidgets 7.7 (Colab) and 8 have in common. The picture is one Image widget whose
PNG bytes are replaced at each move: no figure is drawn, so an answer takes some milliseconds.
They need a running kernel; `explore`, from :mod:`vaelib.explorer`, does not, and shows much more.

>>> from vaelib.networks import Fast
>>> from vaelib.datasets import DSprites
>>> from vaelib.vae import VAE
>>> data, vae = DSprites(), VAE(Fast(), (1, 64, 64), latent_dim=10)
>>> box: LatentSliders = traverse(vae, data.sample(100, np.random.default_rng(0)))
>>> sliders: FactorSliders = show_factors(data)
>>> box.code.shape, sliders.factors
((10,), array([0, 0, 0, 0, 0]))
>>> isinstance(box, Sliders)
True
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from typing import Any

import ipywidgets as ipw
import numpy as np
from IPython.display import display

from vaelib.datasets.base import FactorData
from vaelib.pixels import Picture, caption, enlarge, mosaic, png, unit
from vaelib.traversal import ACTIVE_NATS, aggregate_posterior, decode

_SIDE = 192  # pixels, about, of an image on the screen
_WIDE = {"description_width": "110px"}


class Pictured(ipw.VBox):
    """A box whose `image` is seen by itself where no widget can be shown.

    A stored notebook on GitHub, for example. ipywidgets 7 displays by itself, 8 hands out a bundle.

    >>> slider, view = ipw.FloatSlider(), ipw.Image(width=192)
    >>> Pictured([slider, view], image=view)
    Sliders: run this cell in Jupyter, VS Code or Colab to move them.
    """

    def __init__(self, children: Iterable[ipw.Widget], image: ipw.Image):
        super().__init__(children=tuple(children))
        self.image = image

    def __repr__(self) -> str:
        return "Sliders: run this cell in Jupyter, VS Code or Colab to move them."

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return {
            "application/vnd.jupyter.widget-view+json": view,
            "image/png": base64.b64encode(self.image.value).decode(),
            "text/plain": repr(self),
        }

    if hasattr(ipw.Widget, "_ipython_display_"):

        def _ipython_display_(self, **_: Any) -> None:
            display(self._repr_mimebundle_(), raw=True)


class Sliders(Pictured):
    """A picture that follows `sliders`; subclasses arrange both in `children`."""

    _draw: Callable[[], None]  # a subclass draws the picture for where its sliders stand

    def __init__(self, sliders: dict[Any, ipw.Widget]):
        super().__init__([], ipw.Image(format="png"))
        self.sliders, self._held = sliders, False
        for slider in sliders.values():
            slider.observe(self._moved, "value")

    def _moved(self, *_: Any) -> None:
        if not self._held:
            self._draw()

    def _move(self, values: Iterable[float]) -> None:
        """Put all sliders there: one drawing, not one a slider."""
        self._held = True
        for slider, value in zip(self.sliders.values(), values, strict=True):
            slider.value = value
        self._held = False
        self._draw()


class LatentSliders(Sliders):
    """One slider an active latent, by falling KL; see :func:`traverse`."""

    def __init__(self, vae: Any, images: Any, rng: np.random.Generator):
        self._vae, self._images, self._rng = vae, unit(images), rng
        self._posterior = aggregate_posterior(vae, self._images)
        active = [int(j) for j in self._posterior.order if self._posterior.active[j]]
        super().__init__({j: self._slider(j) for j in active})
        self.anchor = _whole("image", len(self._images))
        self.reset_button = ipw.Button(description="Reset", tooltip="Back to the image's own code")
        self.shuffle_button = ipw.Button(description="Shuffle", tooltip="Start from another image")
        self.anchor.observe(self.reset, "value")
        self.reset_button.on_click(self.reset)
        self.shuffle_button.on_click(self.shuffle)
        self.children = [self._controls()]
        self.reset()

    @property
    def code(self) -> np.ndarray:
        """The code that is drawn: the anchor image's own, with the sliders' values, (D,)."""
        code = self._posterior.mean[self.anchor.value].copy()
        for j, slider in self.sliders.items():
            code[j] = slider.value
        return code

    def reset(self, *_: Any) -> None:
        """Put the sliders at the anchor image's own code."""
        self._move(self._posterior.mean[self.anchor.value, list(self.sliders)])

    def shuffle(self, *_: Any) -> None:
        """Start from an image drawn at random."""
        self.anchor.value = int(self._rng.integers(len(self._images)))
        self.reset()

    def _draw(self) -> None:
        original = _picture(self._images[self.anchor.value], "image")
        decoded = _picture(decode(self._vae, self.code[None])[0], "decoded")
        gap = np.ones((len(original), 16, 3), np.float32)
        self.image.value = png(np.concatenate([original, gap, decoded], axis=1))

    def _slider(self, j: int) -> ipw.FloatSlider:
        # Wide enough for every image given here: a slider must never clip an anchor's code.
        means = self._posterior.mean[:, j]
        low, high = self._posterior.quantiles([0.005, 0.995])[:, j]
        low, high = min(low, means.min()), max(high, means.max())
        name = f"z{j}  {self._posterior.kl[j]:.2f} nats"
        return float_slider(name, means[0], low, high, (high - low) / 200)

    def _controls(self) -> ipw.HBox:
        silent = int((~self._posterior.active).sum())
        note = ipw.HTML(
            f"{silent} latents with less than {ACTIVE_NATS} nats stay at the image's code."
            if silent
            else "All latents are active."
        )
        buttons = ipw.HBox([self.reset_button, self.shuffle_button])
        sliders = ipw.VBox([*self.sliders.values(), note])
        return ipw.HBox([ipw.VBox([self.image, self.anchor, buttons]), sliders])

    def __repr__(self) -> str:
        return "Latent sliders: run this cell in Jupyter, VS Code or Colab to move them."


class FactorSliders(Sliders):
    """One slider a factor; see :func:`show_factors`."""

    def __init__(self, data: FactorData, rng: np.random.Generator):
        self._data, self._rng = data, rng
        pairs = zip(data.factor_names, data.factor_sizes, strict=True)
        super().__init__({name: _whole(name, size) for name, size in pairs})
        self.shuffle_button = ipw.Button(description="Shuffle", tooltip="Draw an image of the data")
        self.shuffle_button.on_click(self.shuffle)
        column = ipw.VBox([*self.sliders.values(), self.shuffle_button])
        self.children = [ipw.HBox([self.image, column])]
        self._draw()

    @property
    def factors(self) -> np.ndarray:
        """The factor vector that is drawn: (K,) int."""
        return np.array([slider.value for slider in self.sliders.values()])

    def shuffle(self, *_: Any) -> None:
        """Draw one factor vector from the data set's own distribution."""
        self._move(self._data.sample_factors(1, self._rng)[0].tolist())

    def _draw(self) -> None:
        factors = self._data.nearest(self.factors[None])  # not all combinations need exist
        image = self._data.render(factors)[0].astype(np.float32)
        self.image.value = png(_picture(image / self._data.max_value))

    def __repr__(self) -> str:
        return "Factor sliders: run this cell in Jupyter, VS Code or Colab to move them."


def traverse(run_or_vae: Any, images: Any, rng: np.random.Generator | None = None) -> LatentSliders:
    """Move the latents of a model and see what it draws.

    `images`, (N, C, H, W) in [0, 1] or a Batch, are the images to start from; they also say which
    values each latent takes, so pass some hundred. `rng` picks the image at Shuffle.
    """
    return LatentSliders(run_or_vae, images, rng or np.random.default_rng())


def show_factors(data: FactorData, rng: np.random.Generator | None = None) -> FactorSliders:
    """Move the factors of a data set and see the image. `rng` draws the factors at Shuffle."""
    return FactorSliders(data, rng or np.random.default_rng())


def float_slider(
    name: str, value: float, low: float, high: float, step: float, form: str = ".2f"
) -> ipw.FloatSlider:
    """A slider as wide as the others; `form` is how the number beside it is written.

    >>> float_slider("noise", value=0.1, low=0.0, high=1.0, step=0.05).value
    0.1
    """
    return ipw.FloatSlider(
        value=value,
        min=low,
        max=high,
        step=step,
        description=name,
        readout_format=form,
        style=_WIDE,
    )


def _whole(name: str, size: int) -> ipw.IntSlider:
    return ipw.IntSlider(value=0, min=0, max=size - 1, description=name, style=_WIDE)


def _picture(image: np.ndarray, title: str = "") -> Picture:
    picture = enlarge(mosaic(image[None, None]), max(1, _SIDE // image.shape[-1]))
    return caption(picture, title) if title else picture
