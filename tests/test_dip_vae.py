import numpy as np
import pytest
import torch
from outputs import gradients, images_for, output, random_output

from vaelib.objectives import DIPVAEI, DIPVAEII


def naive(covariance, off, on):
    total = 0.0
    for i in range(len(covariance)):
        for j in range(len(covariance)):
            total += on * (covariance[i, i] - 1) ** 2 if i == j else off * covariance[i, j] ** 2
    return total


@pytest.mark.parametrize("cls", [DIPVAEI, DIPVAEII])
def test_terms_and_gradients_against_naive_loops(cls):
    out = random_output()
    mean, logvar = out.posterior.mean, out.posterior.logvar
    terms = cls(off_diagonal=3.0, diagonal=7.0).penalty(images_for(out), out, 0)
    covariance = torch.cov(mean.T, correction=0)
    if cls is DIPVAEII:
        covariance = covariance + torch.diag(logvar.exp().mean(0))
    expected = naive(covariance, 3.0, 7.0)
    value = terms["off_diagonal"] + terms["diagonal"]
    torch.testing.assert_close(value, expected)
    for a, b in zip(gradients(value, out), gradients(expected, out), strict=True):
        torch.testing.assert_close(a, b)


def test_a_standard_normal_aggregate_costs_nothing_and_correlation_does():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(50, 3))
    z = z - z.mean(0)
    z = torch.from_numpy(np.linalg.qr(z)[0] * np.sqrt(50))  # covariance exactly I
    flat = output(z, torch.full_like(z, -60.0))  # next to no posterior variance
    for cls in (DIPVAEI, DIPVAEII):
        terms = cls().penalty(images_for(flat), flat, 0)
        assert terms["off_diagonal"].item() < 1e-20 and terms["diagonal"].item() < 1e-20
    half = output(z * 0.5**0.5, torch.full_like(z, float(np.log(0.5))))
    assert DIPVAEII().penalty(images_for(half), half, 0)["diagonal"].item() < 1e-20
    assert DIPVAEI().penalty(images_for(half), half, 0)["diagonal"].item() == pytest.approx(75.0)


def test_each_pair_counts_twice():
    z = torch.tensor([[1.0, 1.0], [-1.0, -1.0]])  # correlation 1, variances 1
    out = output(z, torch.zeros_like(z))
    terms = DIPVAEI(off_diagonal=1.0).penalty(images_for(out), out, 0)
    assert terms["off_diagonal"].item() == 2.0
