"""Three channels of 64×64 pixels go everywhere that one goes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt
from torch.nn import functional as F

from vaelib import machine, plots, traversal
from vaelib.datasets import Correlated, Pairs, Shapes3DLike
from vaelib.networks import MLP, Burgess, Fast, Locatello
from vaelib.objectives import FOUND
from vaelib.runs import encode
from vaelib.train import TrainConfig, start, train
from vaelib.widgets import show_factors

ROOM = Shapes3DLike()


def data_for(objective):
    try:
        objective.check_data(ROOM)
    except ValueError:
        return Pairs(ROOM)
    return ROOM


@pytest.mark.parametrize("name", FOUND)
def test_every_objective_takes_a_step_in_colour(name):
    objective = FOUND[name]()
    config = TrainConfig(data=data_for(objective), objective=objective, network=MLP(hidden=16))
    vae, objective, sampling, state = start(config, machine.plan("cpu", "float32", False))
    batch = sampling.draw(config.data, 8, state.rng).to("cpu")
    out = objective.encode_decode(vae, batch.images, state.noise)
    loss, _ = objective(batch, out, 0)
    loss.backward()
    objective.learn(batch, out, 0)
    assert out.logits.shape == (8, 3, 64, 64) and torch.isfinite(loss)
    coins = 3 * 4096 * np.log(2)  # a new model says ½ of every pixel of every channel
    nats = F.binary_cross_entropy_with_logits(out.logits, batch.images, reduction="sum") / 8
    assert nats.item() == pytest.approx(coins, rel=0.05)
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in vae.encoder.parameters())


@pytest.mark.parametrize("network", [Fast(), Burgess(), Locatello()], ids=repr)
def test_a_run_in_colour_is_traversed_and_drawn(network, tmp_path):
    data = Correlated(ROOM, {("floor_hue", "wall_hue"): 0.2})
    config = TrainConfig(data=data, network=network, steps=2, batch_size=4, latent_dim=3)
    run = train(config, tmp_path / "run", progress=False)
    codes = encode(run, n=40)
    assert codes.names == ROOM.factor_names and len(codes) == 40
    batch = data.sample(20, np.random.default_rng(0))
    moved = traversal.traverse(run, batch, steps=3)
    assert moved.images.shape == (3, 3, 3, 64, 64)
    for ax in (
        plots.traversal(moved),
        plots.image_grid(batch),
        plots.reconstructions(batch, batch),
    ):
        picture = np.asarray(ax.images[0].get_array())  # (height, width, 3)
        assert np.ptp(picture, axis=2).max() > 0.001, "it is grey"
        plt.close(ax.figure)


def test_sliders_show_colours():
    sliders = show_factors(ROOM, np.random.default_rng(0))
    before = sliders.image.value
    sliders.sliders["floor_hue"].value = 3
    assert sliders.image.value != before
