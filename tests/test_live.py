"""The live view of a training: what it draws, how often, and what it is without a notebook."""

from __future__ import annotations

import io
import sys
from dataclasses import replace

import pytest
from matplotlib.figure import Figure
from PIL import Image

from vaelib import live
from vaelib.live import LivePlot, watched
from vaelib.networks import MLP
from vaelib.objectives import PairwiseBeta
from vaelib.train import TrainConfig, train

CONFIG = TrainConfig(
    network=MLP(8), latent_dim=3, steps=6, batch_size=8, log_every=2, checkpoint_every=3
)


class Handle:
    def __init__(self):
        self.pictures = []

    def update(self, picture) -> None:
        self.pictures.append(picture)


@pytest.fixture
def screen(monkeypatch) -> Handle:
    """Catches what a notebook would show, as if somebody watched."""
    IPython = pytest.importorskip("IPython")
    handle = Handle()

    def display(picture, display_id):
        handle.update(picture)
        return handle

    monkeypatch.setattr(live, "watched", lambda: True)
    monkeypatch.setattr(IPython.display, "display", display)
    return handle


def axes(plot: LivePlot) -> list[str]:
    return [ax.get_title() for ax in plot.figure().axes if ax.get_title()]


def test_the_last_row_is_always_drawn_in_the_place_of_the_first(runs_folder, screen):
    train(CONFIG, on_log=LivePlot(CONFIG), progress=False)
    assert len(screen.pictures) >= 2  # the first that can be drawn, and the last
    assert Image.open(io.BytesIO(screen.pictures[-1].data)).width >= 600


def test_it_draws_at_most_twice_a_second(runs_folder, screen, monkeypatch):
    plot, now = LivePlot(replace(CONFIG, steps=10_000)), iter(range(10**6))
    monkeypatch.setattr(live.time, "monotonic", lambda: next(now) * 0.05)
    monkeypatch.setattr(LivePlot, "figure", lambda self: Figure(figsize=(1, 1)))
    row = {"step": 1, "loss": 1.0, "reconstruction": 1.0, "kl": 0.1, "kl_0": 0.1}
    for step in range(1, 60):  # some three seconds of this clock
        plot({**row, "step": step})
    assert 3 <= len(screen.pictures) <= 7


def test_without_a_notebook_it_is_a_bar(runs_folder, capsys):
    train(CONFIG, on_log=LivePlot(CONFIG), progress=False)
    said = capsys.readouterr().out
    assert "6/6" in said and "loss=" in said


def test_nobody_watches_without_a_notebook_or_in_the_fast_mode(monkeypatch):
    IPython = pytest.importorskip("IPython")

    class Shell:
        class kernel:
            _allow_stdin = True

    assert not watched()
    monkeypatch.setattr(IPython, "get_ipython", Shell)
    assert watched() and "IPython" in sys.modules
    monkeypatch.setattr(Shell.kernel, "_allow_stdin", False)  # papermill
    assert not watched()
    monkeypatch.setattr(Shell.kernel, "_allow_stdin", True)
    monkeypatch.setenv("VAELIB_FAST", "1")
    assert not watched()


def test_it_shows_curves_then_what_latents_draw_and_the_weights_of_pairs(runs_folder):
    config = replace(CONFIG, objective=PairwiseBeta())
    plot, seen = LivePlot(config), []

    def on_log(row):
        plot(row)
        seen.append(axes(plot) if len(plot.rows) > 1 else [])

    train(config, on_log=on_log, progress=False)
    assert seen[1] == ["Loss and its parts", "KL of each latent", "Weight of each pair of latents"]
    assert "What each latent draws, at the last checkpoint" in seen[2]  # at step 4; saved at 3

    with pytest.raises(ValueError, match="two logged rows, got 0"):
        LivePlot(CONFIG).figure()
