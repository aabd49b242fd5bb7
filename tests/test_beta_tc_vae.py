import pytest
import torch
from outputs import gaussian_output, images_for, random_output

from vaelib.dependence import MinibatchStratified, total_correlation
from vaelib.networks import MLP
from vaelib.objectives import BetaTCVAE, BetaVAE
from vaelib.vae import VAE


def prepared(**options):
    objective = BetaTCVAE(**options)
    objective.prepare(VAE(MLP(hidden=4), (1, 32, 32), 3), 1000, torch.Generator())
    return objective


def test_beta_1_is_the_vae():
    out = random_output()
    batch = images_for(out)
    loss, _ = prepared(beta=1.0)(batch, out, 0)
    torch.testing.assert_close(loss, BetaVAE(beta=1.0)(batch, out, 0)[0])


@pytest.mark.parametrize("options", [{}, {"mixture": MinibatchStratified()}], ids=["mws", "mss"])
def test_beta_prices_the_total_correlation_beyond_the_kl(options):
    out = random_output()
    objective = prepared(beta=6.0, **options)
    terms = objective.penalty(images_for(out), out, 0)
    dependence = total_correlation(out, objective.mixture, 1000)
    torch.testing.assert_close(terms["weighted_total_correlation"], 5.0 * dependence)
    torch.testing.assert_close(terms["weighted_kl"], out.posterior.kl().sum(1).mean())


def test_total_correlation_is_logged_in_nats():
    out = gaussian_output([[0.75, 0.6], [0.6, 0.75]], 0.5)
    objective = prepared()
    objective.penalty(images_for(out), out, 0)
    # −½ log(1 − .6²) = .223 nats; log(N·B) too many would be 20
    assert objective.extra_log()["total_correlation"] == pytest.approx(0.223, abs=0.04)


def test_negative_beta_is_refused():
    with pytest.raises(ValueError, match="beta must be at least 0 and finite, got -1"):
        BetaTCVAE(beta=-1)


def test_what_is_no_mixture_is_refused():
    with pytest.raises(ValueError, match="mixture must be a BatchMixture, got 'x'"):
        BetaTCVAE(mixture="x")
