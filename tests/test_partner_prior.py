"""The prior with one partner: it follows the codes, ties pairs only, and turns along."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import MultivariateNormal, kl_divergence

from vaelib.objectives import PairwiseBeta, PixelWeighted
from vaelib.objectives.partner_prior import PartnerKL, partners
from vaelib.objectives.terms import FlatMarginals, PairState
from vaelib.turning import rotation
from vaelib.types import Posterior, VAEOutput

NO_PAIRS = PairState(*(torch.zeros(3, 3),) * 3)


def output(mean, logvar=-2.0):
    return VAEOutput(Posterior(mean, torch.full_like(mean, logvar)), mean, mean)


def tied(n=4_000):
    """Two latents with a correlation, one alone."""
    a, b, c = torch.randn(3, n, generator=torch.Generator().manual_seed(0))
    return torch.stack([a, 0.6 * a + 0.8 * b, c], 1)


def prepared(**options):
    term = PartnerKL(**options)
    term.prepare(3)
    return term


def test_at_first_it_is_the_ordinary_kl():
    out = output(tied(50))
    found = prepared(beta=4.0)(out, NO_PAIRS)["partner_kl"]
    torch.testing.assert_close(found, 4 * out.posterior.kl().sum(1).mean())


def test_the_kl_is_that_of_torchs_distributions():
    term = prepared(beta=1.0, most=0.5, decay=0.0)
    out = output(tied())
    term.learn(out)
    prior = MultivariateNormal(torch.zeros(3), term.correlation())
    posterior = MultivariateNormal(out.posterior.mean, out.posterior.logvar.exp().diag_embed())
    expected = kl_divergence(posterior, prior).mean()
    torch.testing.assert_close(term(out, NO_PAIRS)["partner_kl"], expected)


def test_it_follows_the_correlation_of_samples_up_to_a_limit():
    for most, expected in ((0.9, 0.6 / (1 + 0.135)), (0.3, 0.3)):  # variances of 1 + e⁻²
        term = prepared(most=most, decay=0.0)
        term.learn(output(tied()))
        assert term.correlation()[0, 1].item() == pytest.approx(expected, abs=0.03)
        assert term.extra_log()["prior_0_2"] == 0


def test_the_best_tie_lowers_the_kl_and_a_wrong_one_raises_it():
    out = output(tied())
    free, fitted, wrong = prepared(), prepared(decay=0.0), prepared(decay=0.0)
    fitted.learn(out)
    wrong.learn(output(tied() * torch.tensor([1.0, -1.0, 1.0])))
    kl = [term(out, NO_PAIRS)["partner_kl"].item() for term in (fitted, free, wrong)]
    assert kl == sorted(kl)


@pytest.mark.parametrize(
    ("r01", "r02", "r12", "kept"),
    [(0.8, 0.5, 0.3, (0, 1)), (0.2, -0.6, 0.3, (0, 2)), (0.05, 0.0, 0.09, None)],
)
def test_only_the_strongest_partners_are_tied(r01, r02, r12, kept):
    r = torch.tensor([[1, r01, r02], [r01, 1, r12], [r02, r12, 1]])
    found = partners(r, most=0.9) - torch.eye(3)
    assert [tuple(pair) for pair in found.triu(1).nonzero().tolist()] == ([kept] if kept else [])


def test_a_turn_of_the_latents_turns_what_is_known():
    """As if the turned codes had been seen from the start."""
    matrix, codes = torch.diag(torch.tensor([2.0, 0.5, 1.0])) @ rotation(3, 0, 1, 0.4), tied()
    objective = PairwiseBeta(terms=(PartnerKL(decay=0.0), FlatMarginals(bank=4_000)))
    for term in objective.terms:
        term.prepare(3)
        term.learn(output(codes, logvar=-30.0))
    PixelWeighted(objective, 4).turned(matrix)  # a wrapper passes it on
    prior, flat = objective.terms
    again = prepared(decay=0.0)
    again.learn(output(codes @ matrix.T, logvar=-30.0))
    torch.testing.assert_close(prior.moments, again.moments)
    torch.testing.assert_close(flat.means.held(), codes @ matrix.T)


@pytest.mark.parametrize("bad", [{"most": 1.0}, {"most": -0.1}, {"decay": 1.0}])
def test_bad_options_are_refused(bad):
    with pytest.raises(ValueError, match="most and decay must be at least 0 and below 1"):
        PartnerKL(**bad)
