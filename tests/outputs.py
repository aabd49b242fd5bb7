"""VAE outputs made by hand, for the tests of objectives."""

import math

import torch

from vaelib.types import Batch, Posterior, VAEOutput


def output(mean, logvar, seed=0, logits=None):
    """A VAEOutput of these posteriors (B, D), with one sample each."""
    posterior = Posterior(mean, logvar)
    noise = torch.Generator().manual_seed(seed + 10_000)  # not the numbers that made the means
    z = posterior.sample(noise)
    return VAEOutput(posterior, z, torch.zeros(len(mean), 1, 2, 2) if logits is None else logits)


def random_output(batch_size=6, dim=3, seed=0):
    """Random posteriors in double precision that take gradients."""
    rng = torch.Generator().manual_seed(seed)
    mean, logvar, logits = (
        torch.randn(*shape, generator=rng, dtype=torch.float64)
        for shape in ((batch_size, dim), (batch_size, dim), (batch_size, 1, 2, 2))
    )
    mean, logvar = mean.requires_grad_(), (0.5 * logvar - 1).requires_grad_()
    return output(mean, logvar, seed, logits.requires_grad_())


def images_for(out, seed=0):
    """A batch of binary images in the shape of the output's logits."""
    rng = torch.Generator().manual_seed(seed)
    images = (torch.rand(out.logits.shape, generator=rng) < 0.5).to(out.logits)
    return Batch(images, torch.zeros(len(images), 1))


def gaussian_output(covariance, std, n=1024, seed=0):
    """Posteriors N(μ, std²) whose means have exactly this covariance: q(z) = N(0, cov + std²)."""
    rng = torch.Generator().manual_seed(seed)
    mean = torch.randn(n, len(covariance), generator=rng, dtype=torch.float64)
    mean = mean - mean.mean(0)
    whiten = torch.linalg.cholesky(mean.T @ mean / n)
    colour = torch.linalg.cholesky(torch.as_tensor(covariance, dtype=torch.float64))
    mean = torch.linalg.solve_triangular(whiten, mean.T, upper=False).T @ colour.T
    return output(mean, torch.full_like(mean, 2 * math.log(std)), seed)


def gradients(value, out):
    """Gradients of `value` by means and log variances."""
    posterior = out.posterior
    inputs = (posterior.mean, posterior.logvar)
    return torch.autograd.grad(value, inputs, retain_graph=True, materialize_grads=True)


def kl_loops(out):
    """KL of each image and latent by the textbook formula, as nested lists."""
    mean, logvar = out.posterior.mean, out.posterior.logvar
    return [
        [0.5 * (m**2 + v.exp() - v - 1) for m, v in zip(*row, strict=True)]
        for row in zip(mean, logvar, strict=True)
    ]
