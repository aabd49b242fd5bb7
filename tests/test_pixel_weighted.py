"""Hyper-parameters of the full size on images made small."""

import numpy as np
import pytest
import torch

from vaelib.datasets import DSprites, Pooled
from vaelib.networks import MLP
from vaelib.objectives import LVAE, BetaTCVAE, BetaVAE, FactorVAE, PixelWeighted
from vaelib.vae import VAE

DATA = Pooled(DSprites())


def passed(objective, seed=0):
    torch.manual_seed(seed)
    vae, rng = VAE(MLP(hidden=8), DATA.image_shape, 4), torch.Generator().manual_seed(seed)
    objective.prepare(vae, 1000, rng)
    batch = DATA.sample(8, np.random.default_rng(seed)).to("cpu")
    return objective, vae, batch, objective.encode_decode(vae, batch.images, rng)


def loss_of(objective):
    objective, _, batch, out = passed(objective)
    return objective(batch, out, 0)


def test_beta_divided_by_the_pixels_is_the_same_loss():
    heavy, _ = loss_of(PixelWeighted(BetaVAE(4.0), 4))
    light, _ = loss_of(BetaVAE(1.0))
    torch.testing.assert_close(heavy, 4 * light)


@pytest.mark.parametrize("make", [lambda: BetaTCVAE(6.0), lambda: FactorVAE(10.0, 16)])
def test_only_the_reconstruction_changes(make):
    _, heavy = loss_of(PixelWeighted(make(), 4))
    _, light = loss_of(make())
    torch.testing.assert_close(
        heavy.pop("weighted_reconstruction"), 4 * light.pop("reconstruction")
    )
    assert heavy.keys() == light.keys()
    for name, term in heavy.items():
        torch.testing.assert_close(term, light[name])


@pytest.mark.parametrize("make", [lambda: BetaVAE(4.0), LVAE])
def test_the_log_has_plain_nats(make):
    objective, _, batch, out = passed(PixelWeighted(make(), 4))
    objective(batch, out, 0)
    plain = BetaVAE().reconstruction(batch, out).item()
    assert objective.extra_log()["reconstruction"] == pytest.approx(plain, rel=1e-5)
    assert not [name for name in objective.penalty(batch, out, 0) if name == "reconstruction"]


def test_a_learned_weight_sees_the_pixels_counted_so_often():
    """At a variance of 1 the loss has half of four times the reconstruction."""
    objective, _, batch, out = passed(PixelWeighted(LVAE(), 4))
    _, terms = objective(batch, out, 0)
    variance = objective.extra_log()["variance_reconstruction"]
    counted = 4 * BetaVAE().reconstruction(batch, out).item() / (2 * variance)
    assert terms["weighted_reconstruction"].item() == pytest.approx(counted, rel=1e-5)


def test_what_the_inner_objective_learns_is_saved_and_stepped():
    objective, vae, batch, out = passed(PixelWeighted(FactorVAE(10.0, 16), 4))
    before = {name: t.clone() for name, t in objective.state_dict().items()}
    objective(batch, out, 0)[0].backward()
    objective.learn(batch, out, 0)
    assert before and set(objective.optimizers()) == {"critic"}
    assert any(not torch.equal(before[n], t) for n, t in objective.state_dict().items())


@pytest.mark.parametrize("times", [0, 1.5, True])
def test_wrong_times_are_refused(times):
    with pytest.raises(ValueError, match="^times must"):
        PixelWeighted(BetaVAE(), times)
