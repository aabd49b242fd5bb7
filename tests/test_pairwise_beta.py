import math

import numpy as np
import pandas as pd
import pytest
import torch
from outputs import gaussian_output, images_for, random_output
from scipy.stats import kurtosis as scipy_kurtosis

from vaelib.datasets import Correlated, DSprites
from vaelib.dependence import GaussianDependence, PairDensities
from vaelib.networks import MLP
from vaelib.objectives import BetaVAE, PairwiseBeta
from vaelib.objectives.pair_weights import Chosen, IfSignificant, Relaxed, Uniform, WeakThenTighten
from vaelib.objectives.pairwise_beta import matrices
from vaelib.objectives.terms import (
    CorrelatedKL,
    FlatMarginals,
    PairPenalty,
    PairState,
    Support,
    WeightedKL,
    correlated_kl,
    kurtosis,
    named_pairs,
)
from vaelib.support import all_pairs, hausdorff
from vaelib.types import Posterior, VAEOutput
from vaelib.vae import VAE


def prepared(dim=3, **options):
    objective = PairwiseBeta(**options)
    vae = VAE(MLP(hidden=4), (1, 32, 32), dim)
    objective.prepare(vae, 737_280, torch.Generator().manual_seed(0))
    return objective.double()


def state(dependence, beta, relaxation=None):
    return PairState(dependence, beta, beta if relaxation is None else relaxation)


def follow(objective, outs):
    for step, out in enumerate(outs):
        objective.learn(images_for(out), out, step)
    return objective


def band(r, seed, dim=3, n=64):
    covariance = np.eye(dim) * 0.9
    covariance[0, 1] = covariance[1, 0] = r
    return gaussian_output(covariance, 0.1**0.5, n, seed)


# the terms, each alone


def test_uniform_weights_of_1_leave_the_vae():
    out = random_output()
    batch = images_for(out)
    loss, _ = prepared(weights=Uniform(1.0))(batch, out, 0)
    torch.testing.assert_close(loss, BetaVAE(beta=1.0)(batch, out, 0)[0])


def test_pair_penalty_is_the_sum_over_pairs_of_the_price_beyond_the_kl():
    out = random_output()
    dependence = PairDensities()(out, 100)
    beta = torch.tensor([[0, 4.0, 0.5], [4.0, 0, 2.0], [0.5, 2.0, 0]]).double()
    found = PairPenalty(included=1.0)(out, state(dependence, beta))["pair_dependence"]
    expected = 3.0 * dependence[0, 1] - 0.5 * dependence[0, 2] + 1.0 * dependence[1, 2]
    torch.testing.assert_close(found, expected)


def test_two_prices_of_the_same_gaussian_differ_by_its_information():
    outs = [band(0.6, seed, n=1024) for seed in range(8)]
    cost = [
        np.mean([
            prepared(weights=Chosen(((0, 1),), 6.0, relaxed)).penalty(images_for(o), o, 0)[
                "pair_dependence"
            ].item()
            for o in outs
        ])
        for relaxed in (6.0, 1.0)
    ]  # fmt: skip
    assert cost[0] - cost[1] == pytest.approx(5.0 * -0.5 * math.log(1 - 0.6**2), rel=0.05)


def test_support_is_the_standardised_distance_of_the_most_relaxed_pairs():
    out = random_output(batch_size=7, dim=4)
    relaxed = torch.zeros(4, 4).double()
    relaxed[0, 2] = relaxed[2, 0] = 0.5
    relaxed[1, 3] = relaxed[3, 1] = 0.25
    term = Support(gamma=8.0, pairs=2, bank=0)
    term.prepare(4)
    found = term(out, state(relaxed, relaxed))["support"]
    mean = out.posterior.mean
    each = hausdorff(mean / mean.std(0, correction=0), torch.tensor([[0, 2], [1, 3]]))
    torch.testing.assert_close(found, 8.0 * (0.5 * each[0] + 0.25 * each[1]))


def test_support_does_not_gain_from_shrinking_a_latent():
    out = random_output(batch_size=7, dim=2)
    term = Support(bank=0)
    term.prepare(2)
    value = term(out, state(torch.ones(2, 2).double(), torch.ones(2, 2).double()))["support"]
    (gradient,) = torch.autograd.grad(value, out.posterior.mean)
    along = (gradient * out.posterior.mean).sum(0)  # the derivative by a latent's scale
    torch.testing.assert_close(along, torch.zeros(2).double())


def test_the_support_bank_holds_earlier_means():
    term = Support(pairs=1, bank=12)
    term.prepare(2)
    term.double()
    first, second = random_output(7, 2), random_output(5, 2, seed=1)
    one = torch.ones(2, 2).double()
    term.learn(first)
    mean, held = second.posterior.mean, first.posterior.mean.detach()
    scale = torch.cat([mean, held]).std(0, correction=0)
    expected = 8.0 * hausdorff(mean / scale, all_pairs(2), held / scale).sum()
    torch.testing.assert_close(term(second, state(one, one))["support"], expected)


def correlated_term(**options):
    term = CorrelatedKL(**options)
    term.prepare(3)
    return term.double()


def flat_marginals(means, logvar=-9.0, **options):
    """The term's value for these means (N, D), and the term."""
    means = torch.as_tensor(means, dtype=torch.float64)
    posterior = Posterior(means, torch.full_like(means, logvar))
    term = FlatMarginals(**options)
    term.prepare(means.shape[1])
    out = VAEOutput(posterior, means, torch.zeros(len(means), 1, 1, 1))
    return term(out, state(torch.zeros(1), torch.zeros(1)))["flat_marginals"], term, out


def turned(points, degrees):
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return points @ np.array([[c, -s], [s, c]])


def test_kurtosis_of_known_distributions():
    rng = np.random.default_rng(0)
    n = 200_000
    columns = [rng.normal(size=n), rng.uniform(size=n), rng.choice([-1.0, 1.0], n)]
    found = kurtosis(torch.from_numpy(np.stack(columns, 1)))
    np.testing.assert_allclose(found, [3.0, 1.8, 1.0], atol=0.03)


def test_flat_marginals_cost_what_kurtosis_exceeds_the_uniforms():
    rng = np.random.default_rng(1)
    means = np.stack([rng.normal(size=5_000), rng.laplace(size=5_000), rng.uniform(size=5_000)], 1)
    expected = sum(max(0.0, kurt - 1.8) for kurt in scipy_kurtosis(means, fisher=False))
    assert flat_marginals(means, gamma=2.0)[0].item() == pytest.approx(2 * expected, rel=2e-3)


@pytest.mark.parametrize("sigma", [None, 0.4, 0.2])
def test_marginals_are_flattest_on_the_axes_whether_the_factors_are_correlated_or_not(sigma):
    plain = DSprites()
    data = Correlated(plain, {("pos_x", "pos_y"): sigma}) if sigma else plain
    points = data.sample_factors(20_000, np.random.default_rng(2))[:, -2:].astype(float)
    points = (points - points.mean(0)) / points.std(0)
    costs = [flat_marginals(turned(points, angle))[0].item() for angle in range(0, 90, 15)]
    assert np.argmin(costs) == 0
    assert costs[3] > costs[0] + 0.5  # 45 degrees


def test_flat_marginals_do_not_see_scale_and_an_idle_latent_pays_nothing():
    points = np.random.default_rng(3).normal(size=(500, 2))
    cost = flat_marginals(points, logvar=-30.0)[0]
    shrunk = flat_marginals(1e-3 * points, logvar=-30.0)[0]
    torch.testing.assert_close(shrunk, cost, rtol=1e-5, atol=0)
    assert flat_marginals(1e-3 * points, logvar=0.0)[0] < 1e-9


def test_the_bank_of_the_marginals_leaves_the_pull_as_strong():
    points = torch.from_numpy(np.random.default_rng(4).normal(size=(64, 3)))
    pull = []
    for bank in (0, 1024):
        _, term, out = flat_marginals(points, bank=bank, gamma=1.0)
        for _ in range(16):
            term.learn(out)  # the same means again: the bank changes nothing but the size
        means = points.clone().requires_grad_()
        out = VAEOutput(Posterior(means, torch.full_like(means, -30.0)), means, out.logits)
        term(out, state(torch.zeros(1), torch.zeros(1)))["flat_marginals"].backward()
        pull.append(means.grad)
    torch.testing.assert_close(pull[1], pull[0], rtol=1e-4, atol=1e-7)


def test_correlated_kl_starts_as_the_plain_kl():
    out = random_output()
    found = correlated_term(beta=2.0)(out, None)
    torch.testing.assert_close(found["correlated_kl"], 2.0 * out.posterior.kl().sum(1).mean())
    assert found["prior_sparsity"].item() == 0


def test_correlated_kl_against_torch_distributions():
    out = random_output()
    r = torch.tensor([[1, 0.6, -0.3], [0.6, 1, 0.2], [-0.3, 0.2, 1]]).double()
    normal = torch.distributions.MultivariateNormal
    mean, variance = out.posterior.mean, out.posterior.logvar.exp()
    expected = torch.distributions.kl_divergence(
        normal(mean, torch.diag_embed(variance)), normal(torch.zeros(3).double(), r)
    )
    torch.testing.assert_close(correlated_kl(out.posterior, r), expected)


def test_the_prior_learns_the_correlation_of_the_codes_and_refunds_its_price():
    term = correlated_term(sparsity=0.0, learning_rate=0.02)
    for seed in range(200):
        out = band(0.7, seed, n=256)
        sum(term(out, None).values()).backward()
        term.learn(out)
    r = term.correlation().detach()
    assert r[0, 1].item() == pytest.approx(0.7, abs=0.05) and r[0, 2].abs() < 0.05
    saved = out.posterior.kl().sum(1).mean() - correlated_kl(out.posterior, r).mean()
    assert saved.item() == pytest.approx(-0.5 * math.log(1 - 0.7**2), abs=0.03)


def test_sparsity_keeps_a_weak_correlation_out_of_the_prior():
    term = correlated_term(sparsity=0.4, learning_rate=0.02)
    for seed in range(150):
        out = band(0.2, seed, n=256)
        sum(term(out, None).values()).backward()
        term.learn(out)
    assert term.correlation()[0, 1].abs() < 0.05


def test_the_prior_is_never_singular():
    term = correlated_term()
    term.triangle.data += 1e4
    r = term.correlation()
    assert r.triu(1).abs().max() <= 0.95 + 1e-9
    assert torch.linalg.eigvalsh(r).min() > 0.04
    torch.testing.assert_close(r.diagonal(), torch.ones(3).double())


def test_a_lower_bound_refunds_a_correlation_but_makes_a_copy_pay():
    """The KL of noiseless Gaussian latents beyond independent ones' is their information."""

    def price(r, most):
        code = torch.tensor([[1.0, r], [r, 1.0]]).double()
        prior = torch.tensor([[1.0, min(r, most)], [min(r, most), 1.0]]).double()
        gap = torch.logdet(prior) - torch.logdet(code)
        return 0.5 * ((torch.linalg.solve(prior, code)).trace() - 2 + gap).item()

    term = correlated_term(most=0.8)
    term.triangle.data += 1e4
    assert term.correlation().triu(1).abs().max().item() == pytest.approx(0.8, abs=1e-6)
    assert price(0.79, 0.8) == pytest.approx(0.0, abs=1e-9)
    assert price(0.98, 0.95) < 0.2 < 0.7 < price(0.98, 0.8)
    with pytest.raises(ValueError, match="most must be at least 0 and below 1"):
        CorrelatedKL(most=1.0)


# together: what is measured, and what follows from it


def test_the_running_average_is_the_weighted_mean_of_what_was_measured():
    outs = [random_output(seed=s) for s in range(4)]
    objective = follow(prepared(decay=0.8), outs)
    values = [GaussianDependence()(o, 737_280).detach() for o in outs]
    weights = [0.8 ** (3 - k) for k in range(4)]
    expected = sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)
    torch.testing.assert_close(objective.measured().mean, expected, rtol=1e-5, atol=1e-6)


def test_chance_is_measured_on_latents_of_different_images():
    measured = follow(prepared(decay=0.98), [band(0.7, s) for s in range(300)]).measured()
    assert measured.mean[0, 1].item() == pytest.approx(-0.5 * math.log(1 - 0.7**2), rel=0.1)
    # one batch of 64 gives 1/(2·64) with √2 times that as spread; the average of 99 a tenth of it
    assert measured.null_mean[0, 1].item() == pytest.approx(1 / 128, rel=0.5)
    assert measured.null_std[0, 1].item() == pytest.approx(2**0.5 / 128 / 99**0.5, rel=0.6)


def test_a_dependent_pair_is_relaxed_and_independent_ones_are_not():
    rule = IfSignificant(Relaxed(beta_max=6.0, epsilon=0.05))
    objective = follow(prepared(weights=rule, decay=0.95), [band(0.8, s) for s in range(100)])
    beta = objective.beta
    assert beta[0, 1].item() == 1.0  # 6·.05/(.05 + .5) = .55, held at beta_min
    assert beta[0, 2] > 5.0 and beta[1, 2] > 5.0


def test_the_hidden_dependence_trap_and_the_weak_start():
    """A rotated pair shows no correlation: the rule tightens it, unless it was measured before."""
    turn = torch.tensor([[1.0, -1, 0], [1, 1, 0], [0, 0, 2**0.5]]).double() / 2**0.5

    def rotated(seed):
        out = band(0.8, seed)
        mean = out.posterior.mean @ turn
        return gaussian_output(np.cov((mean / mean.std(0)).T) * 0.9, 0.1**0.5, 64, seed)

    hidden = follow(prepared(weights=Relaxed()), [rotated(s) for s in range(60)])
    assert hidden.beta[0, 1] > 4.0
    weak = WeakThenTighten(Relaxed(), measure_steps=60, tighten_steps=60)
    seen = follow(prepared(weights=weak), [band(0.8, s) for s in range(60)])
    assert torch.equal(seen.beta, Uniform(1.0)(seen.measured(), 0).double())
    assert seen.weights(seen.measured(), 120)[0, 1] == 1.0
    assert seen.weights(seen.measured(), 120)[0, 2] > 4.0


def test_no_gradient_passes_through_the_weights():
    objective, out = prepared(weights=Relaxed()), random_output()
    follow(objective, [out])
    found = objective.penalty(images_for(out), out, 1)["pair_dependence"]
    dependence = PairDensities()(out, 737_280)
    expected = ((objective.weights(objective.measured(), 1) - 1) * dependence).triu(1).sum()
    found, expected = (torch.autograd.grad(v, out.posterior.mean)[0] for v in (found, expected))
    torch.testing.assert_close(found, expected)


def test_another_dependence_can_be_measured_than_is_penalised():
    out = random_output()
    objective = follow(prepared(measure=GaussianDependence(), weights=Uniform(2.0)), [out])
    expected = GaussianDependence()(out, 1).detach()
    torch.testing.assert_close(objective.measured().mean, expected, rtol=1e-5, atol=1e-6)
    found = objective.penalty(images_for(out), out, 0)["pair_dependence"]
    torch.testing.assert_close(found, PairDensities()(out, 737_280).triu(1).sum())


def test_both_matrices_are_logged_and_read_back():
    objective = follow(prepared(weights=Relaxed()), [random_output(seed=s) for s in range(3)])
    log = pd.DataFrame([objective.extra_log()] * 2)
    assert {"beta_0_1", "beta_0_2", "beta_1_2", "dependence_0_1"} <= set(log)
    beta = matrices(log, "beta")
    assert beta.shape == (2, 3, 3)
    np.testing.assert_allclose(beta[1], objective.beta.numpy(), rtol=1e-4)
    np.testing.assert_allclose(
        matrices(log, "dependence")[0], objective.measured().mean.numpy(), rtol=1e-4
    )
    with pytest.raises(ValueError, match="no columns prior_0_1"):
        matrices(log, "prior")


def test_matrices_of_ten_and_more_latents_are_read_in_order():
    values = torch.arange(144.0).reshape(12, 12)
    found = matrices(pd.DataFrame([named_pairs("beta", values)]), "beta")[0]
    assert found[2, 11] == found[11, 2] == values[2, 11] and found[3, 3] == 0


def test_the_label_says_what_is_not_the_default():
    assert repr(PairwiseBeta()) == "PairwiseBeta()"
    label = repr(PairwiseBeta(decay=0.9, terms=(WeightedKL(2.0),)))
    assert label == "PairwiseBeta(decay=0.9, terms=(WeightedKL(beta=2.0),))"


@pytest.mark.parametrize(
    ("name", "kind"),
    [("weights", "PairWeights"), ("dependence", "PairDependence"), ("measure", "PairDependence")],
)
def test_parts_of_another_kind_are_refused(name, kind):
    with pytest.raises(ValueError, match=f"{name} must be a {kind}, got 5"):
        PairwiseBeta(**{name: 5})


def test_bad_terms_and_too_few_latents_are_refused():
    with pytest.raises(ValueError, match=r"different classes, got \['Support', 'Support'\]"):
        PairwiseBeta(terms=(Support(), Support(gamma=1.0)))
    with pytest.raises(ValueError, match="at least 2 latents, got latent_dim 1"):
        prepared(dim=1)
