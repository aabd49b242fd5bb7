import math

import pytest
import torch
from outputs import gaussian_output, images_for, random_output

from vaelib.networks import MLP
from vaelib.objectives import FactorVAE
from vaelib.objectives.factor_vae import critic
from vaelib.vae import VAE


def prepared(dim=3, **options):
    torch.manual_seed(0)
    objective = FactorVAE(**options)
    objective.prepare(VAE(MLP(hidden=4), (1, 32, 32), dim), 1000, torch.Generator().manual_seed(0))
    return objective


def test_the_critic_is_six_layers_of_a_thousand_and_two_logits():
    layers = [m for m in critic(10, 1000) if hasattr(m, "weight")]
    sizes = [tuple(m.weight.shape) for m in layers]
    assert sizes == [(1000, 10), *[(1000, 1000)] * 5, (2, 1000)]
    assert FactorVAE().critic_width == 1000
    group = prepared().adam.param_groups[0]
    assert group["lr"] == 1e-4 and group["betas"] == (0.5, 0.9)


def test_the_loss_against_the_formula_and_it_does_not_train_the_critic():
    objective, out = prepared(critic_width=8, gamma=3.0), random_output()
    objective.double()
    term = objective.penalty(images_for(out), out, 0)["weighted_total_correlation"]
    logits = objective.critic(out.z)
    odds = logits.softmax(1)[:, 0] / logits.softmax(1)[:, 1]  # D / (1 − D)
    torch.testing.assert_close(term, 3.0 * odds.log().mean())
    term.backward()
    assert out.posterior.mean.grad.abs().sum() > 0
    assert all(p.grad is None for p in objective.critic.parameters())


def test_learning_trains_the_critic_and_not_the_model():
    objective, out = prepared(critic_width=8), random_output()
    objective.double()
    before = [p.detach().clone() for p in objective.critic.parameters()]
    objective.learn(images_for(out), out, 0)
    assert out.posterior.mean.grad is None
    after = objective.critic.parameters()
    assert all(not torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_trained_critic_knows_the_total_correlation_of_a_gaussian():
    objective = prepared(dim=2, critic_width=48, critic_learning_rate=2e-3)
    r, batch = 0.85, None
    for seed in range(250):
        out = gaussian_output([[0.96, r], [r, 0.96]], 0.2, n=512, seed=seed)
        out = type(out)(out.posterior, out.z.float(), out.logits)
        batch = batch or images_for(out)
        objective.learn(batch, out, seed)
    fresh = gaussian_output([[0.96, r], [r, 0.96]], 0.2, n=4096, seed=999)
    logits = objective.critic(fresh.z.float())
    found = (logits[:, 0] - logits[:, 1]).mean().item()
    assert found == pytest.approx(-0.5 * math.log(1 - r**2), rel=0.2)
    assert 0.6 < objective.extra_log()["critic_accuracy"] < 0.9
