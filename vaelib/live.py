"""Watch a training: curves, the KL of each latent, learned weights of pairs, what latents draw.

config = TrainConfig(checkpoint_every=200, ...)
run = train(config, on_log=LivePlot(config), progress=False)

>>> from vaelib.train import TrainConfig
>>> plot = LivePlot(TrainConfig(steps=1000))  # train(config, on_log=plot)
>>> watched()
False
"""

from __future__ import annotations

import io
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from vaelib.checkpoint import Checkpoints, load_tensors, under
from vaelib.fast import is_fast
from vaelib.paths import runs_dir

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from vaelib.train import TrainConfig

SECONDS = 0.5  # at least, from one drawing to the next
ROWS = 6  # latents in the strip of traversals, those with the highest KL
SHARE = 5  # and as many times as long as a drawing takes, so that the training is hardly slower


class LivePlot:
    """Draws each logged row of a training, where somebody watches: pass it as `on_log`.

    In JupyterLab, Notebook, VS Code and Colab one picture is redrawn in place, at most twice a
    second. Without a notebook, under papermill and in the fast mode it is a plain progress bar;
    pass `progress=False` to :func:`vaelib.train.train`, whose bar it replaces.

    The strip of traversals shows the model of the newest checkpoint in `folder` (the default is
    that of `train`), so a small `checkpoint_every` keeps it fresh.
    """

    def __init__(self, config: TrainConfig, folder: str | Path | None = None):
        self.config = config
        self.rows: list[dict[str, float]] = []
        folder = Path(folder or runs_dir() / config.folder_name)
        self._checkpoints = Checkpoints(folder / "state", config.key)
        self._sample = config.data.sample(256, np.random.default_rng(0))
        self._strip: tuple[str, Any] = ("", None)  # the checkpoint, and what its latents draw
        self._next, self._handle = 0.0, None
        self._watched, self._bar = watched(), None

    def __call__(self, row: dict[str, float]) -> None:
        self.rows.append(row)
        done = row["step"] >= self.config.steps
        if not self._watched:
            self._advance(row, done)
        elif len(self.rows) > 1 and (done or time.monotonic() >= self._next):
            self._redraw()

    def figure(self) -> Figure:
        """The picture of what is logged so far. ValueError before there are two rows: a line."""
        import pandas as pd
        from matplotlib.figure import Figure

        from vaelib import plots

        if len(self.rows) < 2:
            raise ValueError(f"curves need two logged rows, got {len(self.rows)}")
        log, strip = pd.DataFrame(self.rows), self._traversal()
        weights = any(re.fullmatch(r"beta_\d+_\d+", column) for column in log)
        rows = 2 if strip is not None or weights else 1
        with plots.style():
            figure = Figure(figsize=(plots.WIDTH, 2.7 * rows))
            parts = figure.subfigures(rows, 1, squeeze=False)[:, 0]
            plots.losses(log, parts[0].subplots(1, 2))
            if rows > 1:
                _draw_below(parts[1], log, strip, weights)
        return figure

    def _advance(self, row: dict[str, float], done: bool) -> None:
        if self._bar is None:
            self._bar = tqdm(total=self.config.steps, file=sys.stdout, mininterval=1)
        self._bar.update(int(row["step"]) - self._bar.n)
        self._bar.set_postfix(loss=f"{row['loss']:.1f}", refresh=False)
        if done:
            self._bar.close()

    def _redraw(self) -> None:
        from IPython.display import Image, display

        begun, buffer = time.monotonic(), io.BytesIO()
        self.figure().savefig(buffer, format="png", dpi=100)
        picture = Image(buffer.getvalue())
        if self._handle is None:
            self._handle = display(picture, display_id=True)
        else:
            self._handle.update(picture)
        now = time.monotonic()
        self._next = now + max(SECONDS, SHARE * (now - begun))

    def _traversal(self) -> Any:
        """The Traversal of the newest checkpoint; None without one."""
        paths = self._checkpoints.paths()
        if paths and paths[-1].name != self._strip[0]:
            self._strip = (paths[-1].name, self._draw(paths[-1]))
        return self._strip[1]

    def _draw(self, path: Path) -> Any:
        from vaelib.traversal import aggregate_posterior, traverse
        from vaelib.vae import VAE

        c = self.config
        try:
            tensors, _ = load_tensors(path)
        except ValueError:  # it was replaced by a newer one just now
            return self._strip[1]
        vae = VAE(c.network, c.data.image_shape, c.latent_dim).requires_grad_(False)
        vae.load_state_dict(under(tensors, "vae/"))
        first = aggregate_posterior(vae, self._sample).order[:ROWS]
        return traverse(vae, self._sample, steps=9, latents=first.tolist())


def _draw_below(figure: Any, log: Any, strip: Any, weights: bool) -> None:
    """The strip of traversals, and beside it the weights of pairs if there are any."""
    from vaelib import plots

    columns = [strip is not None, weights]
    axes = iter(figure.subplots(1, sum(columns), squeeze=False)[0])
    if strip is not None:
        ax = plots.traversal(strip, ax=next(axes))
        ax.set(title="What each latent draws, at the last checkpoint", xlabel="", xticks=[])
    if weights:
        from vaelib.objectives.pairwise_beta import matrices

        ax = next(axes)
        picture = ax.imshow(matrices(log.tail(1), "beta")[0])
        figure.colorbar(picture, ax=ax, shrink=0.8)
        ax.set(title="Weight of each pair of latents", xlabel="latent", ylabel="latent")
        for axis in (ax.xaxis, ax.yaxis):
            axis.get_major_locator().set_params(integer=True)


def watched() -> bool:
    """Whether a person looks at this kernel: it may ask for input, and the mode is not fast.

    papermill and nbclient run cells without a way to answer.
    """
    if is_fast() or "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return bool(getattr(getattr(get_ipython(), "kernel", None), "_allow_stdin", False))
