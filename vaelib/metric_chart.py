"""The picture of the metric laboratory: two latents as dots, and a bar for each score.

The figure is made once and only changed afterwards, which is some four times as fast.
"""

from __future__ import annotations

import io
from collections.abc import Container, Mapping

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from vaelib.plots.palette import COLOURS, FRAME, PALE, WIDTH, style
from vaelib.types import Codes

DOTS = 700  # of the codes, drawn
LIMIT = 3.2  # of both latents, in standard deviations


class ScoreChart:
    """Bars of these scores, which are in [0, 1]; a mark shows where each began."""

    def __init__(self, start: Mapping[str, float]):
        self._values = dict(start)
        with style():
            self._figure = Figure(figsize=(WIDTH, 3.1), dpi=110)
            self._canvas = FigureCanvasAgg(self._figure)
            left, right = self._figure.subplots(1, 2, width_ratios=(1, 1.55))
            self._dots = left.scatter(np.zeros(DOTS), np.zeros(DOTS), s=5, c=np.zeros(DOTS))
            self._dots.set(cmap="viridis", clim=(0, 5))
            self._title = left.set_title("x and y, r = 0.00")
            left.set(xlim=(-LIMIT, LIMIT), ylim=(-LIMIT, LIMIT), xlabel="z2", ylabel="z3")
            left.set_box_aspect(1)
            self._bars = right.barh(list(start), list(start.values()), height=0.72)
            right.plot(list(start.values()), range(len(start)), "|", color=FRAME, ms=11, mew=2.2)
            right.set(xlim=(0, 1), title="bars: scores, 1 is best; marks: the clean code")
            right.invert_yaxis()
            right.tick_params(axis="y", length=0)
            self._texts = [right.text(1.02, row, "", va="center") for row in range(len(start))]
            self._texts[0].set_text("0.00")  # room for the numbers in the layout
            self._canvas.draw()
            self._figure.set_layout_engine("none")  # stays as it is, and saves half the time

    def png(
        self,
        codes: Codes,
        scores: Mapping[str, float],
        pale: Container[str] = (),
        colours: int = 256,
    ) -> bytes:
        """A PNG file of `codes`, latents 2 and 3, and `scores`; `pale` ones keep their old bar."""
        x, y = codes.factors[:, 2:4].T
        self._dots.set_offsets(codes.means[:DOTS, 2:4])
        self._dots.set_array(x[:DOTS])
        self._title.set_text(f"dots: codes, colour: x; r = {np.corrcoef(x, y)[0, 1]:.2f}")
        self._values.update(scores)
        for (name, value), bar, text in zip(
            self._values.items(), self._bars, self._texts, strict=True
        ):
            bar.set(width=value, facecolor=PALE if name in pale else COLOURS[0])
            text.set_text("…" if name in pale else f"{value:.2f}")
        self._canvas.draw()
        picture = Image.fromarray(np.asarray(self._canvas.buffer_rgba())).convert("RGB")
        buffer = io.BytesIO()
        picture.quantize(colours, dither=Image.Dither.NONE).save(buffer, "PNG")
        return buffer.getvalue()
