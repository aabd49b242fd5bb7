"""A laboratory of codes made by hand: turn, copy, blur or correlate, and see what each score sees.

The world has four factors and no images; a code is the factors themselves, spoilt by four sliders.
Written, as :mod:`vaelib.widgets`, to what ipywidgets 7.7 (Colab) and 8 have in common.

>>> knobs = Knobs(angle=45.0)
>>> hand_made(knobs).means.shape
(2000, 5)
>>> len(scores(knobs)) == len(scores_at_once(knobs)) + len(scores_later(knobs))
True
>>> isinstance(metric_lab(), MetricLab), len(turning((0.0, 45.0)).pages)
(True, 2)
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from functools import lru_cache
from typing import Any

import ipywidgets as ipw
import numpy as np

from vaelib import metrics
from vaelib.flipbook import Flipbook
from vaelib.metric_chart import ScoreChart
from vaelib.types import Codes
from vaelib.widgets import Sliders, float_slider

NAMES, SIZES = ("shape", "size", "x", "y"), (3, 4, 6, 6)
SAMPLES = 2_000
TURNS = (0, 10, 20, 30, 40, 45, 50, 60, 75, 90)  # degrees
ORDER = (
    *("BetaVAE score", "FactorVAE score", "modularity", "D (DCI)", "InfoM"),  # ask of latents
    *("MIG", "C (DCI)", "InfoC"),  # ask of factors
    *("I (DCI)", "IRS", "MIG of x, y", "upright x, y"),
)


@dataclass(frozen=True)
class Knobs:
    """Where the four sliders stand."""

    angle: float = 0.0  # degrees by which the latents of x and y are turned in their plane
    copy: float = 0.0  # size of a second latent for x, in standard deviations
    noise: float = 0.1  # of every latent; the factors alone have a standard deviation of 1
    tie: float = 0.0  # correlation of x and y: how often y takes the value of x

    def __str__(self) -> str:
        return (
            f"turned by {self.angle:g}°, copy {self.copy:g}, noise {self.noise:g}, r = {self.tie:g}"
        )


def hand_made(knobs: Knobs, n: int = SAMPLES, seed: int = 0) -> Codes:
    """n codes of the small world, (n, 5) means: one latent a factor, and the copy of x.

    Moving one knob leaves the random numbers behind the others as they are.
    """
    rng = np.random.default_rng(seed)
    factors = rng.integers(0, SIZES, size=(n, 4))
    tied = rng.random(n) < knobs.tie
    factors[tied, 3] = factors[tied, 2]
    sizes = np.array(SIZES)
    means = (factors - (sizes - 1) / 2) / np.sqrt((sizes**2 - 1) / 12)  # uniform: mean 0, std 1
    means = np.column_stack([means, knobs.copy * means[:, 2]])
    c, s = np.cos(np.radians(knobs.angle)), np.sin(np.radians(knobs.angle))
    means[:, 2:4] = means[:, 2:4] @ np.array([[c, s], [-s, c]])
    return Codes(means + knobs.noise * rng.standard_normal(means.shape), factors, NAMES)


@lru_cache(maxsize=1024)
def scores_at_once(knobs: Knobs) -> dict[str, float]:
    """The scores that take milliseconds; in all of them 1 is best."""
    codes = hand_made(knobs)
    return {
        "MIG": metrics.mig(codes)["mig"],
        "MIG of x, y": metrics.pairwise_mig(codes)["x+y"],
        "upright x, y": 1 - metrics.plane_angle(codes)["x+y"] / 45,
        "modularity": metrics.modularity(codes)["modularity"],
        "IRS": metrics.irs(codes)["irs"],
    }


@lru_cache(maxsize=1024)
def scores_later(knobs: Knobs) -> dict[str, float]:
    """The scores that learn or vote, some tenths of a second; in all of them 1 is best."""
    codes = hand_made(knobs)
    coarse = Codes(codes.means.round(1), codes.factors, NAMES)  # trees four times as fast
    trees, parts = metrics.dci(coarse), metrics.infomec(codes)
    return {
        "BetaVAE score": metrics.beta_vae_score(codes)["beta_vae_score"],
        "FactorVAE score": metrics.factor_vae_score(codes)["factor_vae_score"],
        "D (DCI)": trees["disentanglement"],
        "C (DCI)": trees["completeness"],
        "I (DCI)": trees["informativeness"],
        "InfoM": parts["infom"],
        "InfoC": parts["infoc"],
    }


def scores(knobs: Knobs) -> dict[str, float]:
    """All scores of the laboratory, in the order of its bars."""
    found = scores_at_once(knobs) | scores_later(knobs)
    return {name: found[name] for name in ORDER}


class MetricLab(Sliders):
    """Four sliders and one picture; see :func:`metric_lab`."""

    def __init__(self) -> None:
        self._chart = ScoreChart(scores(Knobs()))
        super().__init__(
            {
                "angle": float_slider("turn x, y", 0.0, 0.0, 90.0, 5.0, "d"),
                "copy": float_slider("copy x", 0.0, 0.0, 1.0, 0.05),
                "noise": float_slider("noise", 0.0, 0.0, 1.0, 0.05),
                "tie": float_slider("correlate x, y", 0.0, 0.0, 0.9, 0.1, ".1f"),
            }
        )
        self.reset_button = ipw.Button(description="Reset", tooltip="Back to the clean code")
        self.reset_button.on_click(self.reset)
        self.children = [self.image, ipw.VBox([*self.sliders.values(), self.reset_button])]
        self.reset()

    @property
    def knobs(self) -> Knobs:
        """Where the sliders stand; rounded, because sliders add up their steps."""
        return Knobs(**{name: round(slider.value, 3) for name, slider in self.sliders.items()})

    @property
    def scores(self) -> dict[str, float]:
        """What the bars show."""
        return scores(self.knobs)

    def reset(self, *_: Any) -> None:
        """One latent a factor, a little noise, factors independent."""
        self._move(astuple(Knobs()))

    def _draw(self) -> None:
        """The quick bars move at once; the others stand pale until they are there."""
        codes, quick = hand_made(self.knobs), scores_at_once(self.knobs)
        self.image.value = self._chart.png(codes, quick, pale=set(ORDER) - set(quick))
        self.image.value = self._chart.png(codes, self.scores)

    def __repr__(self) -> str:
        return "Metric laboratory: run this cell in Jupyter, VS Code or Colab to move its sliders."


def metric_lab() -> MetricLab:
    """Turn a pair of latents, copy one, add noise, correlate two factors: all scores move along."""
    return MetricLab()


def turning(angles: tuple[float, ...] = TURNS) -> Flipbook:
    """The laboratory's pictures while x and y are turned: a slider that needs no kernel."""
    chart = ScoreChart(scores(Knobs()))
    pages = [chart.png(hand_made(k), scores(k), colours=48) for k in map(Knobs, angles)]
    return Flipbook("turned by", tuple(f"{angle:g}°" for angle in angles), tuple(pages))
