"""Free bits: closed forms and gradients."""

import numpy as np
import pytest
import torch

from vaelib.datasets import DSprites
from vaelib.networks import MLP
from vaelib.objectives import BetaTCVAE, BetaVAE, CapacityVAE, ControlVAE, FreeBits
from vaelib.objectives.free_bits import OnSum, PerLatent
from vaelib.types import Batch, Posterior, VAEOutput
from vaelib.vae import VAE


def output(means):
    """Two images of which each latent's mean is ±m: its KL is m²/2 for both."""
    mean = torch.tensor([means, [-m for m in means]], requires_grad=True)
    zero = torch.zeros(2, len(means), requires_grad=True)
    return VAEOutput(Posterior(mean, zero), mean, torch.zeros(2, 1, 4, 4, requires_grad=True))


BATCH = Batch(torch.zeros(2, 1, 4, 4), torch.zeros(2, 1))


def penalty(floor, means, objective=None):
    out = output(means)
    _, terms = FreeBits(objective or BetaVAE(2.0), floor)(BATCH, out, 0)
    terms["weighted_kl"].backward()
    return terms["weighted_kl"].item(), out.posterior.mean.grad


def test_each_latent_pays_for_what_is_above_its_floor():
    # KLs 2, 0.08 and 0.5 nats; β = 2; d(β·KL)/dμ = β·μ/B
    value, gradient = penalty(PerLatent(0.5 + 1e-3), [2.0, 0.4, 1.0])
    assert value == pytest.approx(2 * (2.0 + 0.501 + 0.501))
    torch.testing.assert_close(gradient, torch.tensor([[2.0, 0, 0], [-2.0, 0, 0]]))


def test_on_the_sum_one_latent_may_have_all_that_is_free():
    value, gradient = penalty(OnSum(0.9), [2.0, 0.4, 0.0])  # 2.08 of 2.7 nats
    assert value == pytest.approx(2 * 2.7) and not gradient.any()
    value, gradient = penalty(OnSum(0.6), [2.0, 0.4, 0.0])  # 2.08 of 1.8
    assert value == pytest.approx(2 * 2.08)
    torch.testing.assert_close(gradient, torch.tensor([[2.0, 0.4, 0], [-2.0, -0.4, -0.0]]))


@pytest.mark.parametrize("floor", [PerLatent(0.0), OnSum(0.0)])
@pytest.mark.parametrize("objective", [BetaVAE(3.0), BetaTCVAE(), CapacityVAE()], ids=repr)
def test_without_free_bits_nothing_changes(floor, objective):
    out = output([1.0, 0.3])
    torch.testing.assert_close(FreeBits(objective, floor)(BATCH, out, 0), objective(BATCH, out, 0))


def test_the_mean_over_the_batch_counts_not_the_single_image():
    out = output([0.0])
    mean = torch.tensor([[2.0], [0.0]])  # 2 and 0 nats, 1 on average
    out = VAEOutput(Posterior(mean, torch.zeros(2, 1)), mean, out.logits)
    _, terms = FreeBits(BetaVAE(1.0), PerLatent(0.9))(BATCH, out, 0)
    assert terms["weighted_kl"].item() == pytest.approx(1.0)


def test_a_controller_sees_what_the_loss_sees():
    out, free = output([0.1, 0.1]), FreeBits(ControlVAE(), OnSum(30.0))
    free(BATCH, out, 0)
    free.learn(BATCH, out, 0)
    assert free.objective.beta > 1.0  # 60 nats seem too many


def test_free_bits_prevent_the_collapse_of_a_strong_weight():
    """β = 50 leaves nothing of the code; with a floor each latent keeps about its free nats."""
    kl = {}
    for name, objective in {"plain": BetaVAE(50.0), "free": FreeBits(BetaVAE(50.0))}.items():
        torch.manual_seed(0)
        vae, noise = VAE(MLP(hidden=32), (1, 64, 64), 2), torch.Generator().manual_seed(0)
        adam, rng = torch.optim.Adam(vae.parameters(), 3e-3), np.random.default_rng(0)
        for step in range(60):
            batch = DSprites().sample(16, rng).to("cpu")
            out = vae(batch.images, noise)
            adam.zero_grad()
            objective(batch, out, step)[0].backward()
            adam.step()
        kl[name] = out.posterior.kl().mean(0)
    assert (kl["plain"] < 0.1).all() and (kl["free"] > 0.25).all()


def test_negative_nats_and_other_objects_are_refused():
    with pytest.raises(ValueError, match="nats must be at least 0 and finite, got -1"):
        PerLatent(-1)
    with pytest.raises(ValueError, match="objective must be an Objective, got 3"):
        FreeBits(3)
