import math

import numpy as np
import pytest
import torch
from outputs import gaussian_output, gradients, output, random_output

from vaelib.dependence import (
    GaussianDependence,
    MinibatchStratified,
    MinibatchWeighted,
    PairDensities,
    correlation,
    shifted,
    shuffled,
    total_correlation,
)

MIXTURES = [MinibatchWeighted(), MinibatchStratified()]
every_mixture = pytest.mark.parametrize("mixture", MIXTURES, ids=repr)


def density(z, mean, logvar):
    return torch.exp(-0.5 * (z - mean) ** 2 / logvar.exp()) / torch.sqrt(2 * math.pi * logvar.exp())


def naive_log_density(out, weights, latents):
    """log q(z_n) of these latents at each sample n, by loops: a list of B."""
    z, mean, logvar = out.z, out.posterior.mean, out.posterior.logvar
    found = []
    for n in range(len(z)):
        q = 0.0
        for m in range(len(z)):
            product = 1.0
            for j in latents:
                product = product * density(z[n, j], mean[m, j], logvar[m, j])
            q = q + weights[n][m] * product
        found.append(q.log())
    return found


def naive_weights(mixture, b, n):
    if isinstance(mixture, MinibatchWeighted):
        return [[1 / b] * b for _ in range(b)]
    m, rows = b - 1, []
    for i in range(b):
        row = [1 / m] * b
        row[(i + 1) % b], row[i] = (n - m) / (n * m), 1 / n
        rows.append(row)
    return rows


@every_mixture
def test_total_correlation_and_gradient_against_naive_loops(mixture):
    out = random_output(batch_size=5, dim=3)
    weights = naive_weights(mixture, 5, 40)
    expected = sum(naive_log_density(out, weights, range(3)))
    for j in range(3):
        expected = expected - sum(naive_log_density(out, weights, [j]))
    found = total_correlation(out, mixture, data_size=40)
    torch.testing.assert_close(found, expected / 5, check_dtype=False, rtol=1e-6, atol=1e-6)
    for a, b in zip(gradients(found, out), gradients(expected / 5, out), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


@every_mixture
def test_pair_densities_and_gradient_against_naive_loops(mixture):
    out = random_output(batch_size=5, dim=3)
    weights = naive_weights(mixture, 5, 40)
    found = PairDensities(mixture)(out, 40)
    assert torch.equal(found.diagonal(), torch.zeros(3).double())
    for i, j in ((0, 1), (0, 2), (1, 2)):
        joint = naive_log_density(out, weights, [i, j])
        single = [naive_log_density(out, weights, [k]) for k in (i, j)]
        expected = (sum(joint) - sum(single[0]) - sum(single[1])) / 5
        torch.testing.assert_close(found[i, j], expected, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(found[i, j], found[j, i])
        for a, b in zip(gradients(found[i, j], out), gradients(expected, out), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


@every_mixture
@pytest.mark.parametrize("b, n", [(2, 2), (7, 7), (8, 1000), (64, 737_280)])
def test_mixture_weights_are_a_distribution(mixture, b, n):
    weights = mixture.log_weights(b, n).exp()
    torch.testing.assert_close(weights.sum(1), torch.ones(b))
    torch.testing.assert_close(weights, torch.tensor(naive_weights(mixture, b, n)))


def test_stratified_weights_stand_on_the_diagonal_and_beside_it():
    weights = MinibatchStratified().log_weights(4, 100).exp()
    torch.testing.assert_close(weights.diagonal(), torch.full((4,), 0.01))
    odd = (100 - 3) / (100 * 3)
    torch.testing.assert_close(weights[[0, 1, 2, 3], [1, 2, 3, 0]], torch.full((4,), odd))


def covariance(r, dim, std):
    """Means such that the aggregate has unit variances and z_0, z_1 the correlation r."""
    found = np.eye(dim) * (1 - std**2)
    found[0, 1] = found[1, 0] = r
    return found


def average(value, r, dim, std, batches=8):
    outs = [gaussian_output(covariance(r, dim, std), std, seed=s) for s in range(batches)]
    return sum(value(out).item() for out in outs) / batches


@every_mixture
@pytest.mark.parametrize("r, std", [(0.5, 0.5), (0.7, 0.4), (0.85, 0.3)])
def test_pair_term_is_the_closed_form_of_a_gaussian_within_five_percent(mixture, r, std):
    found = average(lambda out: PairDensities(mixture)(out, 737_280)[0, 1], r, 3, std)
    assert found == pytest.approx(-0.5 * math.log(1 - r**2), rel=0.05)


@pytest.mark.parametrize("r, std", [(0.5, 0.5), (0.7, 0.4), (0.85, 0.3)])
def test_gaussian_term_is_the_closed_form_within_five_percent(r, std):
    found = average(lambda out: GaussianDependence()(out, 1)[0, 1], r, 3, std)
    assert found == pytest.approx(-0.5 * math.log(1 - r**2), rel=0.05)


@every_mixture
@pytest.mark.parametrize("r, std", [(0.5, 0.5), (0.7, 0.4), (0.85, 0.3)])
def test_total_correlation_is_the_closed_form_of_a_gaussian_within_five_percent(mixture, r, std):
    found = average(lambda out: total_correlation(out, mixture, 737_280), r, 2, std)
    assert found == pytest.approx(-0.5 * math.log(1 - r**2), rel=0.05)


def test_total_correlation_of_three_latents_is_half_the_log_determinant():
    r = np.array([[1, 0.6, 0.3], [0.6, 1, 0.5], [0.3, 0.5, 1]])
    outs = [gaussian_output(r - 0.25 * np.eye(3), 0.5, seed=s) for s in range(8)]
    found = np.mean([total_correlation(o, MinibatchWeighted(), 737_280).item() for o in outs])
    assert found == pytest.approx(-0.5 * np.log(np.linalg.det(r)), rel=0.05)


@pytest.mark.parametrize(
    "estimator", [*map(PairDensities, MIXTURES), GaussianDependence()], ids=repr
)
def test_independent_latents_have_next_to_no_dependence(estimator):
    assert abs(average(lambda out: estimator(out, 737_280)[0, 1], 0.0, 3, 0.4)) < 0.01


@pytest.mark.parametrize("estimator", [PairDensities(), GaussianDependence()], ids=repr)
def test_dependence_does_not_change_when_a_latent_is_stretched_or_flipped(estimator):
    out = random_output(batch_size=32)
    scale = torch.tensor([100.0, -0.01, 1.0]).double()
    stretched = output(out.posterior.mean * scale, out.posterior.logvar + 2 * scale.abs().log())
    stretched = type(out)(stretched.posterior, out.z * scale, out.logits)
    torch.testing.assert_close(estimator(stretched, 100), estimator(out, 100))


def test_far_apart_posteriors_stay_finite():
    mean = (torch.arange(64.0)[:, None] * torch.tensor([1.0, -1.0])).requires_grad_()
    out = output(mean, torch.full((64, 2), -12.0))
    found = PairDensities()(out, 737_280)[0, 1]
    assert found.isfinite() and gradients_finite(found, mean)


def gradients_finite(value, *inputs):
    return all(g.isfinite().all() for g in torch.autograd.grad(value, inputs))


def test_correlation_against_numpy_and_of_a_constant():
    z = torch.randn(50, 3, dtype=torch.float64)
    z[:, 2] = 1.0
    found = correlation(z)
    assert found[0, 1].item() == pytest.approx(np.corrcoef(z[:, :2].T)[0, 1])
    assert found[0, 2] == 0 and found.isfinite().all()


@pytest.mark.parametrize(
    "mix",
    [lambda out: shuffled(out, torch.Generator().manual_seed(0)), shifted],
    ids=["shuffled", "shifted"],
)
def test_mixing_keeps_each_latent_and_its_posterior_together_and_frees_the_pairs(mix):
    out = gaussian_output(covariance(0.9, 2, 0.2), 0.2)
    mixed = mix(out)
    for j in range(2):
        before = torch.stack([out.z[:, j], out.posterior.mean[:, j]], 1)
        after = torch.stack([mixed.z[:, j], mixed.posterior.mean[:, j]], 1)
        assert torch.equal(before[before[:, 0].argsort()], after[after[:, 0].argsort()])
    assert correlation(out.z)[0, 1] > 0.85
    assert correlation(mixed.z)[0, 1].abs() < 0.15  # 5 / √1024
