"""Turning latents: it finds mixed sources, and leaves what the model draws."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from vaelib.datasets import DSprites, FixedSample, Pooled
from vaelib.flattening import DensityFlattening
from vaelib.networks import MLP, Broadcast, Burgess, Fast
from vaelib.objectives import BetaVAE, FactorizedSupport, FactorVAE, PairTurns
from vaelib.objectives.terms import CorrelatedKL
from vaelib.runs import encode
from vaelib.train import TrainConfig
from vaelib.turning import (
    Turn,
    contrast,
    descend,
    find_turn,
    flattest_angle,
    flattest_rotation,
    kurtosis,
    like_identity,
    outer_layers,
    rotation,
    turn,
)
from vaelib.types import Batch, Posterior, VAEOutput
from vaelib.vae import VAE
from vaelib.vit import ViT


def uniform(n=20_000, dim=2, seed=0):
    return torch.rand(n, dim, generator=torch.Generator().manual_seed(seed)) - 0.5


def correlated(sigma, n=20_000):
    """Two factors on a square of side 1 with a Gaussian band of width σ: by rejection."""
    points = uniform(40 * n, seed=1)
    keep = torch.exp(-((points[:, 0] - points[:, 1]) ** 2) / (2 * sigma**2))
    return points[torch.rand(len(keep), generator=torch.Generator().manual_seed(2)) < keep][:n]


def off_axes(matrix):
    """Degrees by which the worst row of a rotation misses an axis."""
    return math.degrees(math.acos(min(1.0, float(matrix.abs().amax(1).min()))))


# The rotation


def test_a_rotation_is_orthogonal_and_turns_one_plane():
    found = rotation(4, 1, 3, 0.3)
    torch.testing.assert_close(found @ found.T, torch.eye(4))
    assert found[0, 0] == found[2, 2] == 1
    assert math.isclose(found[3, 1], math.sin(0.3), abs_tol=1e-6)


@pytest.mark.parametrize("degrees", [5, 30, 45])
def test_independent_sources_are_found(degrees):
    mixed = uniform() @ rotation(2, 0, 1, math.radians(degrees)).T
    found = flattest_rotation(mixed)
    assert off_axes(found @ rotation(2, 0, 1, math.radians(degrees))) < 1.5


@pytest.mark.parametrize("sigma", [0.4, 0.2])
def test_correlated_sources_are_found_where_principal_axes_are_45_degrees_off(sigma):
    factors = correlated(sigma)
    mixed = factors @ rotation(2, 0, 1, math.radians(45)).T  # their sum and difference
    assert abs(torch.corrcoef(mixed.T)[0, 1]) < 0.02  # nothing to be seen in second moments
    assert off_axes(flattest_rotation(mixed) @ rotation(2, 0, 1, math.radians(45))) < 4


def test_three_mixed_sources_are_found_pair_by_pair():
    mixing = rotation(3, 0, 1, 0.5) @ rotation(3, 1, 2, -0.7) @ rotation(3, 0, 2, 0.2)
    assert off_axes(flattest_rotation(uniform(dim=3) @ mixing.T) @ mixing) < 2


def contrast_by_hand(points):
    variance = points.var(0, correction=0)
    return (((points**4).mean(0) / variance**2) + 0.3 * variance.log()).sum()


def test_the_angle_has_the_least_contrast_of_a_naive_search():
    points = uniform(2_000) @ (rotation(2, 0, 1, 0.4).T * torch.tensor([3.0, 1.0]))
    points -= points.mean(0)
    angles = [math.radians(degree) for degree in range(-45, 46)]
    values = [contrast_by_hand(points @ rotation(2, 0, 1, angle).T) for angle in angles]
    gained, angle = flattest_angle(*points.T)
    assert math.isclose(angle, angles[np.argmin(values)], abs_tol=1e-4)
    assert math.isclose(gained, contrast_by_hand(points) - min(values), abs_tol=1e-4)


@pytest.mark.parametrize("sigma", [math.inf, 0.4, 0.2])
@pytest.mark.parametrize("ratio", [2.0, 4.0, 8.0])
def test_a_wide_latent_is_not_copied_into_a_narrow_one(sigma, ratio):
    """Two mixtures of both are flat as well, and their kurtoses alone are as small or smaller."""
    factors = uniform() if math.isinf(sigma) else correlated(sigma)
    wide = factors * torch.tensor([ratio, 1.0])
    for degrees in (0, 20, 45):
        mixing = rotation(2, 0, 1, math.radians(degrees))
        assert off_axes(flattest_rotation(wide @ mixing.T) @ mixing) < 6


def test_the_search_leaves_the_valley_of_copies():
    """Wide y; and z, which follows x: the code has x, and y twice."""
    xz = correlated(0.2) * torch.tensor([6.0, 3.0])
    factors = torch.cat([xz, uniform()[: len(xz), :1] * 5], 1)
    principal = torch.linalg.eigh(torch.cov(factors.T)).eigenvectors.T  # z less what x tells, …
    code = factors @ (rotation(3, 0, 1, math.radians(40)) @ principal).T
    points = code - code.mean(0)
    stuck = descend(points, torch.eye(3), gain=0.05)
    assert contrast(points @ stuck.T).sum() > contrast(factors - factors.mean(0)).sum() + 0.1
    found = points @ flattest_rotation(points).T
    assert torch.corrcoef(torch.cat([found, factors], 1).T)[:3, 3:].abs().amax(1).min() > 0.95


def test_the_order_and_signs_that_change_least():
    found = rotation(3, 0, 1, 0.1)[[2, 0, 1]] * torch.tensor([[1.0], [-1.0], [1.0]])
    torch.testing.assert_close(like_identity(found), rotation(3, 0, 1, 0.1))


def test_gaussian_latents_are_left_alone():
    points = torch.randn(4_096, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(flattest_rotation(points, gain=0.3), torch.eye(5))
    assert not torch.equal(flattest_rotation(points, gain=0.0), torch.eye(5))


# The model


@pytest.mark.parametrize("network", [Fast(32, 64), Burgess(), Broadcast(16, 64), MLP(50)], ids=str)
def test_what_is_drawn_stays_and_the_code_turns(network):
    torch.manual_seed(0)
    vae = VAE(network, (1, 32, 32), 4)
    images = torch.rand(8, 1, 32, 32)
    means, width = vae.encode(images).mean, torch.tensor([0.5, 0.2, 1.0, 0.1])
    drawn = vae.decode(means)
    by = find_turn(uniform(500, 4) @ torch.rand(4, 4), width, gain=0.0)
    turn(vae, by)
    torch.testing.assert_close(vae.encode(images).mean, means @ by.matrix.T)
    torch.testing.assert_close(vae.decode(vae.encode(images).mean), drawn, atol=1e-4, rtol=1e-4)


def test_a_turn_is_told_to_who_keeps_codes():
    told, vae = [], VAE(MLP(8), (1, 32, 32), 3)
    vae.when_turned.append(lambda: told.append("turned"))
    turn(vae, find_turn(uniform(500, 3), torch.ones(3), gain=0.0))
    assert told == ["turned"]


def test_flattening_encodes_all_anew_after_a_turn():
    """Means from before are of other latents; the density would be that of two codes at once."""
    data = FixedSample(Pooled(DSprites(), 2), 60)
    sampling = DensityFlattening(refresh=0)
    vae = VAE(MLP(8), data.image_shape, 3)
    sampling.prepare(TrainConfig(data, network=MLP(8), latent_dim=3), vae)
    sampling.update(0)
    assert (sampling.state["seen"] == 0).all()
    turn(vae, find_turn(uniform(500, 3), torch.ones(3), gain=0.0))
    sampling.update(1)
    now = encode(vae, data, 60)
    kept = sampling.state["means"][[int(np.flatnonzero(data.indices == k)[0]) for k in
                                    data.index(now.factors)]]  # fmt: skip
    np.testing.assert_allclose(kept, now.means, atol=1e-5)


def test_posteriors_of_typical_width_stay_diagonal_and_draw_the_same_distribution():
    """Σ' = A Σ Aᵀ is exactly the diagonal that the new layer says."""
    torch.manual_seed(1)
    vae = VAE(Fast(32, 64), (1, 32, 32), 3)
    width = torch.tensor([0.3, 0.6, 0.9])
    with torch.no_grad():
        vae.encoder[-1].weight[3:] = 0
        vae.encoder[-1].bias[3:] = 2 * width.log()
    by = find_turn(uniform(500, 3) @ torch.rand(3, 3), width, gain=0.0)
    turn(vae, by)
    covariance = by.matrix @ width.square().diag() @ by.matrix.T
    logvar = vae.encode(torch.rand(2, 1, 32, 32)).logvar
    torch.testing.assert_close(covariance, logvar[0].exp().diag(), atol=1e-5, rtol=1e-4)


def test_active_latents_get_the_variance_of_the_prior_and_idle_ones_stay():
    means = uniform(2_000, 3) * torch.tensor([7.0, 2.5, 4e-3])
    by = find_turn(means, torch.tensor([0.2, 0.1, 1.0]), gain=0.0)
    total = (means @ by.matrix.T).var(0, correction=0) + by.new_width.square()
    torch.testing.assert_close(total[:2], torch.ones(2))
    assert torch.equal(by.matrix[2], torch.tensor([0.0, 0.0, 1.0]))


def test_a_latent_more_peaked_than_a_gaussian_takes_no_part():
    """Mixed with a flat latent it looks flatter: that is what the guard is for."""
    rng = torch.Generator().manual_seed(0)
    rare = torch.tensor([-2.0, 0.0, 2.0])[torch.multinomial(
        torch.tensor([0.12, 0.76, 0.12]), 4_000, replacement=True, generator=rng)]  # fmt: skip
    flat = uniform(4_000)[:, :2]
    means, width = torch.stack([rare, 2 * flat[:, 0], 2 * flat[:, 1]], 1), torch.full((3,), 0.1)
    assert kurtosis(means).tolist() == pytest.approx([4.2, 1.8, 1.8], abs=0.2)
    assert not torch.equal(flattest_rotation(means / width)[0], torch.eye(3)[0])
    assert torch.equal(find_turn(means, width, gain=0.05).rotation, torch.eye(3))
    mixed = torch.cat([means[:, :1], means[:, 1:] @ rotation(2, 0, 1, 0.6).T], 1)
    found = find_turn(mixed, width, gain=0.05).rotation
    assert torch.equal(found[0], torch.eye(3)[0])
    torch.testing.assert_close(found[1:, 1:], rotation(2, 0, 1, -0.6), atol=0.02, rtol=0)


def test_a_code_without_active_latents_is_left_alone():
    by = find_turn(1e-3 * uniform(100, 3), torch.ones(3), gain=0.0)
    assert torch.equal(by.matrix, torch.eye(3))


def test_networks_without_linear_layers_next_to_the_latents_are_refused():
    vae = VAE(ViT(16, 1, 1, 2), (1, 32, 32), 3)
    with pytest.raises(ValueError, match="encoder ends and the decoder begins with a linear layer"):
        outer_layers(vae)
    with pytest.raises(ValueError, match="linear layer"):
        PairTurns().prepare(vae, 100, torch.Generator())


# The objective


def turning(**options):
    torch.manual_seed(0)
    vae = VAE(Fast(32, 64), (1, 32, 32), 2)
    objective = PairTurns(BetaVAE(4.0), bank=2_000, gain=0.05, **options)
    objective.prepare(vae, 100, torch.Generator())
    return vae, objective


NOTHING = Batch(torch.zeros(1, 1, 32, 32), torch.zeros(1, 5))


def seen(means):
    posterior = Posterior(means, torch.full_like(means, -4.0))
    return VAEOutput(posterior, means, torch.zeros(len(means), 1, 32, 32))


def test_it_turns_after_so_many_steps_and_then_every_so_many():
    vae, objective = turning(after=3, every=2)
    turned = uniform(2_000) @ rotation(2, 0, 1, 0.6).T * 3
    happened = []
    for step in range(7):
        objective.learn(NOTHING, seen(turned), step)
        happened.append(int(objective.turns))
    assert happened == [0, 0, 1, 1, 2, 2, 3]  # the code that is shown never follows
    assert abs(objective.extra_log()["turned_degrees"] - math.degrees(0.6)) < 2


def test_a_code_on_the_axes_is_left_alone():
    vae, objective = turning(after=1, every=1)
    before = vae.encoder[-1].weight.clone()
    objective.learn(NOTHING, seen(3 * uniform(2_000)), 0)
    assert torch.equal(vae.encoder[-1].weight, before) and objective.extra_log()["turns"] == 0


def test_the_bank_is_turned_along():
    vae, objective = turning(after=1, every=1)
    mixed = uniform(2_000) @ rotation(2, 0, 1, 0.6).T
    objective.learn(NOTHING, seen(mixed), 0)
    width = objective.variances.held().mean(0).sqrt()
    assert torch.equal(find_turn(objective.means.held(), width, 0.05).rotation, torch.eye(2))


@pytest.mark.parametrize("bad", [{"after": 0}, {"every": 1.5}, {"bank": 0}, {"gain": -1.0}])
def test_bad_options_are_refused(bad):
    with pytest.raises(ValueError, match=f"{next(iter(bad))} must be"):
        PairTurns(**bad)


def test_the_bank_of_variances_is_turned_along():
    """The units of the next turn are those of the turned latents, also before the bank is new."""
    _, objective = turning()
    mean, variance = torch.randn(4_000, 2), torch.tensor([[0.01, 0.04]])
    objective.means.add(mean)
    objective.variances.add(variance.expand(4_000, 2))
    matrix = rotation(2, 0, 1, 0.6)
    objective.turned(matrix)
    noisy = (mean + variance.sqrt() * torch.randn(400, 4_000, 2)) @ matrix.T
    torch.testing.assert_close(
        objective.variances.held().mean(0), noisy.var(0).mean(0), rtol=0.02, atol=0.0
    )


def test_another_s_turn_turns_the_bank_and_is_passed_on():
    """As in PairTurns(PairTurns()), or any other wrapper that turns."""
    _, objective = turning()
    objective.means.add(torch.tensor([[1.0, 2.0]]))
    passed = []
    objective.objective.turned = passed.append
    quarter = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
    objective.turned(quarter)
    assert passed == [quarter] and objective.means.held().tolist() == [[-2.0, 1.0]]


def test_what_objectives_keep_of_the_code_turns_along():
    quarter = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
    support = FactorizedSupport(bank=4)
    support.prepare(VAE(MLP(8), (1, 32, 32), 2), 10, torch.Generator())
    support.means.add(torch.tensor([[1.0, 0.0]]))
    support.turned(quarter)
    torch.testing.assert_close(support.means.held(), torch.tensor([[0.0, 1.0]]))
    rival = FactorVAE(critic_width=8)
    rival.prepare(VAE(MLP(8), (1, 32, 32), 2), 10, torch.Generator())
    z, matrix = torch.rand(5, 2), torch.tensor([[0.5, 1.0], [-3.0, 0.2]])
    before = rival.critic(z)
    rival.turned(matrix)  # its critic goes on as if nothing had happened
    torch.testing.assert_close(rival.critic(z @ matrix.T), before)
    prior = CorrelatedKL(learning_rate=0.1)
    prior.prepare(2)
    for _ in range(20):
        prior.adam.zero_grad()
        (-prior.correlation()[0, 1]).backward()
        prior.adam.step()
    assert prior.correlation()[0, 1] > 0.5
    prior.turned(quarter)  # what was learned is of other axes: it starts anew
    torch.testing.assert_close(prior.correlation(), torch.eye(2))
    assert not prior.adam.state


@pytest.mark.parametrize("scale", [(1.0, 5.0), (0.03, 0.05)])
def test_a_turn_does_not_see_how_far_latents_are_stretched(scale):
    """Means and widths together: in units of the widths nothing has changed."""
    x, y = (torch.rand(2, 4000, generator=torch.Generator().manual_seed(0)) - 0.5) * 2
    angle = math.radians(30)
    mixed = [math.cos(angle) * x - math.sin(angle) * y, math.sin(angle) * x + math.cos(angle) * y]
    means, width = torch.stack(mixed, 1), torch.tensor([0.9, 0.9])
    found = find_turn(means, width, 0.01).rotation
    assert abs(float(found[0, 0])) < 0.99  # it is turned
    scale = torch.tensor(scale)
    torch.testing.assert_close(find_turn(means * scale, width * scale, 0.01).rotation, found)


def test_the_typical_width_is_the_root_of_the_mean_variance(monkeypatch):
    seen = {}

    def spy(means, width, gain):
        seen["width"] = width
        rotation, c, s = torch.eye(3), math.cos(math.pi / 6), math.sin(math.pi / 6)
        rotation[:2, :2] = torch.tensor([[c, -s], [s, c]])
        return Turn(rotation, width, width)

    monkeypatch.setattr("vaelib.objectives.pair_turns.find_turn", spy)
    objective = PairTurns(BetaVAE(1.0), after=1, every=1, bank=8)
    vae = VAE(MLP(4), (1, 32, 32), 3)
    objective.prepare(vae, 100, torch.Generator().manual_seed(0))
    variance = torch.tensor([[0.25, 1.0, 0.04], [0.75, 1.0, 0.12]])
    posterior = Posterior(torch.randn(2, 3), variance.log())
    objective.learn(None, VAEOutput(posterior, posterior.mean, torch.zeros(2, 1, 32, 32)), 0)
    torch.testing.assert_close(seen["width"], torch.tensor([0.5, 1.0, 0.08]).sqrt())
    assert objective.extra_log()["turned_degrees"] == pytest.approx(30, abs=0.01)  # the greatest
