"""The table on a device, tried on the CPU: there is nothing in it that knows of a GPU."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from vaelib import on_device
from vaelib.datasets import Correlated, DSprites, FixedSample, Pairs, Pooled
from vaelib.machine import plan
from vaelib.networks import MLP
from vaelib.train import TrainConfig, train

CPU = torch.device("cpu")
ROWS = np.arange(0, 737_280, 5_003)


@pytest.fixture
def drawn(monkeypatch):
    """Stands for the table: its rows are drawn when asked for, so that no test fills 377 MB."""

    class Rows:
        device = CPU

        def __getitem__(self, index):
            return torch.from_numpy(DSprites().packed(DSprites().factors(index.numpy())))

    monkeypatch.setattr(on_device, "table_of", lambda data, device: Rows())


def test_bits_come_out_as_numpy_unpacks_them():
    rows = np.random.default_rng(0).integers(0, 256, (7, 5), dtype=np.uint8)
    found = on_device.unpack(torch.from_numpy(rows))
    assert found.dtype == torch.uint8
    np.testing.assert_array_equal(found, np.unpackbits(rows, axis=1))


def test_the_table_holds_every_image_in_the_order_of_the_grid(monkeypatch):
    class Small(DSprites):
        factor_sizes = (3, 2, 2, 3, 32)

        def packed(self, factors):
            return DSprites.packed(DSprites(), factors)

    small = Small()
    found = on_device.OnDevice(small, on_device.table_of(small, CPU))
    factors = small.factors(np.arange(len(small)))
    np.testing.assert_array_equal(found.render(factors), DSprites().render(factors))
    on_device.table_of.cache_clear()


@pytest.mark.parametrize(
    "data",
    [
        DSprites(),
        Correlated(DSprites(), {("pos_x", "pos_y"): 0.2}),
        FixedSample(Correlated(DSprites(), {("scale", "pos_y"): 0.1}), n=50),
        Pairs(DSprites()),
    ],
    ids=lambda data: type(data).__name__,
)
def test_the_same_batches_are_drawn(drawn, data):
    moved = on_device.move(data, CPU)
    for seed in range(3):
        ours = moved.sample(16, np.random.default_rng(seed))
        usual = data.sample(16, np.random.default_rng(seed))
        assert torch.is_tensor(ours.images)
        assert torch.equal(ours.to("cpu").images, usual.to("cpu").images)
        np.testing.assert_array_equal(ours.factors, usual.factors)


def test_a_training_from_the_table_is_the_same_training(tmp_path, drawn, monkeypatch):
    config = TrainConfig(
        network=MLP(hidden=8), latent_dim=2, steps=5, batch_size=4, log_every=1, device="cpu"
    )
    usual = train(config, tmp_path / "usual", progress=False).log
    monkeypatch.setattr("vaelib.training.place", lambda data, plan, n: on_device.move(data, CPU))
    ours = train(config, tmp_path / "ours", progress=False).log
    np.testing.assert_array_equal(ours.drop(columns="seconds"), usual.drop(columns="seconds"))


def test_only_dsprites_moves_and_only_where_it_pays(drawn):
    gpu = replace(plan("cpu", "float32"), device=torch.device("cuda"))
    pooled = Pooled(DSprites())  # computes with arrays
    assert on_device.move(pooled, CPU) is pooled
    data = DSprites()
    assert isinstance(on_device.place(data, gpu, 800_000), on_device.OnDevice)
    assert on_device.place(data, gpu, 1000) is data  # a short run draws fewer than a table holds
    assert on_device.place(data, replace(gpu, speedups=False), 800_000) is data
    assert on_device.place(data, plan("cpu"), 800_000) is data
