import math

import pytest
import torch
from outputs import images_for, random_output

from vaelib.objectives import SigmaVAE
from vaelib.types import Batch


def nll(batch, out, sigma):
    """−log p by torch's own Gaussian, summed over pixels, averaged over images."""
    normal = torch.distributions.Normal(out.logits.sigmoid(), sigma)
    return -normal.log_prob(batch.images).sum() / len(batch)


def test_reconstruction_is_the_likelihood_at_the_best_sigma():
    out = random_output()
    batch = images_for(out)
    value = SigmaVAE().reconstruction(batch, out)
    best = (batch.images - out.logits.sigmoid()).square().mean().sqrt().item()
    torch.testing.assert_close(value, nll(batch, out, best), rtol=1e-4, atol=1e-4)
    assert nll(batch, out, best) < min(nll(batch, out, best * 1.1), nll(batch, out, best / 1.1))
    closed = 4 / 2 * (math.log(best**2) + math.log(2 * math.pi) + 1)  # N/2 (log MSE + log 2π + 1)
    assert value.item() == pytest.approx(closed, rel=1e-3)


def test_the_gradient_is_that_of_a_fixed_best_sigma():
    # At the optimum the derivative by σ is 0, so it does not matter whether gradients pass there.
    out = random_output()
    batch = images_for(out)
    objective = SigmaVAE(min_log_sigma=-30.0)
    (found,) = torch.autograd.grad(objective.reconstruction(batch, out), out.logits)
    sigma = objective.log_sigma(batch, out).exp().item()
    (expected,) = torch.autograd.grad(nll(batch, out, sigma), out.logits)
    torch.testing.assert_close(found, expected)


def test_a_perfect_reconstruction_stays_finite_at_the_bound():
    out = random_output()
    batch = Batch(out.logits.sigmoid().detach(), torch.zeros(6, 1))
    objective = SigmaVAE()
    value = objective.reconstruction(batch, out)
    expected = 4 * (-6.0 + 0.5 * math.log(2 * math.pi))
    assert value.item() == pytest.approx(expected, abs=1e-3)
    value.backward()
    assert out.logits.grad.isfinite().all()


def test_sigma_is_logged():
    out = random_output()
    objective, batch = SigmaVAE(), images_for(out)
    objective.learn(batch, out, 0)
    mse = (batch.images - out.logits.sigmoid()).square().mean().item()
    assert objective.extra_log()["sigma"] == pytest.approx(math.sqrt(mse), rel=0.02)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_bound_that_is_no_number_is_refused(value):
    with pytest.raises(ValueError, match=f"min_log_sigma must be finite, got {value}"):
        SigmaVAE(min_log_sigma=value)
