import math

import pytest
import torch

from vaelib.datasets import DSprites
from vaelib.datasets.pairs import Pairs
from vaelib.networks import MLP
from vaelib.objectives import AdaGVAE, AdaMLVAE
from vaelib.objectives.ada_gvae import average_moments, average_precisions, shared_latents
from vaelib.train import TrainConfig
from vaelib.types import Posterior
from vaelib.vae import VAE

BOTH = [AdaGVAE, AdaMLVAE]


def gaussian_kl(m1, v1, m2, v2):
    return 0.5 * (math.log(v2 / v1) + (v1 + (m1 - m2) ** 2) / v2 - 1)


def naive(mean, var, cls):
    """Posteriors after averaging, by loops over pairs and latents."""
    mean, var = [list(r) for r in mean], [list(r) for r in var]
    half, dim = len(mean) // 2, len(mean[0])
    for a in range(half):
        b = a + half
        delta = [gaussian_kl(mean[a][j], var[a][j], mean[b][j], var[b][j]) for j in range(dim)]
        threshold = 0.5 * (max(delta) + min(delta))
        for j in range(dim):
            if delta[j] >= threshold:
                continue
            m1, m2, v1, v2 = mean[a][j], mean[b][j], var[a][j], var[b][j]
            if cls is AdaGVAE:
                m, v = (m1 + m2) / 2, (v1 + v2) / 2
            else:
                v = 2 * v1 * v2 / (v1 + v2)
                m = (m1 / v1 + m2 / v2) * v / 2
            mean[a][j] = mean[b][j] = m
            var[a][j] = var[b][j] = v
    return torch.tensor(mean), torch.tensor(var)


@pytest.mark.parametrize("cls", BOTH)
def test_posteriors_and_loss_against_naive_loops(cls):
    torch.manual_seed(0)
    vae = VAE(MLP(hidden=8), (1, 32, 32), 4).double()
    for p in vae.encoder[-1].parameters():
        p.data *= 20  # posteriors that differ
    images = torch.rand(6, 1, 32, 32).double()
    out = cls().encode_decode(vae, images, torch.Generator().manual_seed(0))
    own = vae.encode(images)
    mean, var = naive(own.mean.tolist(), own.logvar.exp().tolist(), cls)
    torch.testing.assert_close(
        out.posterior.mean, mean.double(), check_dtype=False, rtol=1e-5, atol=1e-6
    )
    torch.testing.assert_close(out.posterior.logvar.exp(), var.double(), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(vae.decode(out.z), out.logits)


def test_shared_latents_are_those_that_hardly_differ():
    first = Posterior(torch.tensor([[0.0, 0.0, 0.0]]), torch.zeros(1, 3))
    second = Posterior(torch.tensor([[0.1, 3.0, 0.2]]), torch.zeros(1, 3))
    assert shared_latents(first, second).tolist() == [[True, False, True]]


@pytest.mark.parametrize("average", [average_moments, average_precisions])
def test_averaging_equal_posteriors_changes_nothing(average):
    one = Posterior(torch.randn(5, 3), torch.randn(5, 3))
    both = average(one, one)
    torch.testing.assert_close(both.mean, one.mean)
    torch.testing.assert_close(both.logvar, one.logvar)


def test_a_sharp_posterior_counts_more_in_the_product_only():
    sharp = Posterior(torch.tensor([[0.0]]), torch.tensor([[math.log(0.01)]]))
    wide = Posterior(torch.tensor([[1.0]]), torch.tensor([[0.0]]))
    assert average_moments(sharp, wide).mean.item() == 0.5
    assert average_precisions(sharp, wide).mean.item() == pytest.approx(1 / 101)


@pytest.mark.parametrize("cls", BOTH)
def test_gradients_pass_through_the_average_to_both_images(cls):
    torch.manual_seed(0)
    vae = VAE(MLP(hidden=8), (1, 32, 32), 3)
    images = torch.rand(4, 1, 32, 32, requires_grad=True)
    cls().encode_decode(vae, images, torch.Generator().manual_seed(0)).logits[0].sum().backward()
    assert images.grad[0].abs().sum() > 0 and images.grad[2].abs().sum() > 0
    assert images.grad[1].abs().sum() == 0 and images.grad[3].abs().sum() == 0


@pytest.mark.parametrize("cls", BOTH)
def test_data_without_pairs_and_odd_batches_are_refused(cls):
    with pytest.raises(ValueError, match=r"data must be Pairs\(data, k\), got DSprites"):
        TrainConfig(data=DSprites(), objective=cls())
    assert TrainConfig(data=Pairs(DSprites()), objective=cls()).batch_size == 64
    with pytest.raises(ValueError, match="even number of images, got 3"):
        cls().encode_decode(VAE(MLP(hidden=4), (1, 32, 32), 2), torch.rand(3, 1, 32, 32), None)
