import math
from dataclasses import replace

import pytest
import torch

from vaelib import machine
from vaelib.networks import MLP
from vaelib.schedules import Constant, Cosine
from vaelib.spec import from_spec, to_spec
from vaelib.train import TrainConfig, start, train

SMALL = TrainConfig(
    network=MLP(hidden=8), latent_dim=2, steps=20, batch_size=4, log_every=5, checkpoint_every=5,
    device="cpu", schedule=Cosine(warmup=4, end=0.1),
)  # fmt: skip


def test_cosine_rises_linearly_and_falls_to_its_end():
    schedule = Cosine(warmup=4, end=0.1)
    assert [schedule.factor(step, 20) for step in range(4)] == [0.25, 0.5, 0.75, 1.0]
    falling = [schedule.factor(step, 20) for step in range(4, 20)]
    assert falling == sorted(falling, reverse=True) and falling[-1] == pytest.approx(0.1)
    middle = 0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi / 2))
    assert falling[7] == pytest.approx(middle)  # half of the 16 steps are done


def test_a_training_shorter_than_the_rise_only_rises():
    assert [Cosine(warmup=10).factor(step, 3) for step in range(3)] == [0.1, 0.2, 0.3]


@pytest.mark.parametrize("values", [{"warmup": -1}, {"end": 1.5}, {"end": -0.1}])
def test_senseless_schedules_are_refused(values):
    with pytest.raises(ValueError, match="warmup must be at least 0 and end in 0..1"):
        Cosine(**values)


def test_the_optimiser_follows_the_schedule(tmp_path, monkeypatch):
    used = []
    plain = torch.optim.Adam.step

    def step(self, *args):
        used.append(self.param_groups[0]["lr"])
        return plain(self, *args)

    monkeypatch.setattr(torch.optim.Adam, "step", step)
    train(SMALL, tmp_path / "run", progress=False)
    rates = [5e-4 * SMALL.schedule.factor(step, 20) for step in range(20)]
    assert used == pytest.approx(rates)


def test_a_constant_schedule_is_not_part_of_the_key_and_another_is():
    spec = to_spec(replace(SMALL, schedule=Constant()))
    assert spec.pop("schedule") == {"type": "vaelib.schedules:Constant"}
    assert from_spec(spec).key == replace(SMALL, schedule=Constant()).key != SMALL.key
    assert from_spec(to_spec(SMALL)).schedule == SMALL.schedule


def test_the_usual_beta2_is_not_part_of_the_key_and_another_is():
    spec = to_spec(SMALL)
    assert spec.pop("beta2") == 0.999
    assert from_spec(spec).key == SMALL.key != replace(SMALL, beta2=0.95).key


@pytest.mark.parametrize("value", [-0.1, 1.0, float("nan")])
def test_a_senseless_beta2_is_refused(value):
    with pytest.raises(ValueError, match=f"beta2 must be at least 0 and below 1, got {value}"):
        replace(SMALL, beta2=value)


def test_the_state_of_a_fresh_training_has_the_configured_adam():
    *_, state = start(replace(SMALL, beta2=0.95), machine.plan("cpu"))
    group = state.optimizers["vae"].param_groups[0]
    assert group["lr"] == SMALL.learning_rate and group["betas"] == (0.9, 0.95)
