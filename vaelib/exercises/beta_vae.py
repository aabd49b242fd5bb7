"""Chapter 2: four bugs that run without an error, as they happen in notebooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from vaelib.exercises.verdict import compare, exercise, expect, number
from vaelib.types import Posterior

B, D = 6, 10  # of the examples


def _posterior() -> Posterior:
    rng = torch.Generator().manual_seed(0)
    return Posterior(torch.randn(B, D, generator=rng), torch.randn(B, D, generator=rng) - 1)


@exercise("Right: summed over latents, averaged over images. Now β means what the paper says.")
def check_kl(kl: Callable[[Tensor, Tensor], Tensor]) -> Iterator[str]:
    """`kl(mean, logvar)`: (B, D) each, to nats, (): summed over latents, averaged over images."""
    q = _posterior()
    got, right = kl(q.mean.clone(), q.logvar.clone()), float(q.kl().sum(1).mean())
    if torch.is_tensor(got) and got.shape == (B,):
        yield "It returns one number an image; the loss needs their mean."
    if torch.is_tensor(got) and got.shape == (B, D):
        yield "It returns one number a latent; sum over the latents, then average over the images."
    yield from expect(got, (), "one number, as a tensor of shape ()")
    ratio = number(got) / right
    known = {
        -1.0: "The sign is wrong: a KL is never negative.",
        2.0: "It is twice too large: the factor 1/2 is missing.",
        1 / D: f"It is {D} times too small: the mean runs over latents too, so β acts as β/{D}.",
        float(B): "It sums over the images: the loss would grow with the batch size.",
        1 / np.log(2): "It is in bits; the reconstruction is in nats, so the KL must be too.",
    }
    rest = (
        f"On an example it gives {float(got):.3f} nats where {right:.3f} is right. "
        "Remember that logvar is the logarithm of the variance."
    )
    yield from compare(ratio, 1, known, rest, rtol=1e-4)
    if not _gradients_reach(kl, q):
        yield "No gradient reaches mean or logvar: the KL could not pull at the encoder."


@exercise("Right: the standard deviation is exp(logvar / 2), and gradients reach both inputs.")
def check_sample(sample: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Iterator[str]:
    """`sample(mean, logvar, noise)`: (B, D) each, to a sample of N(mean, variance), (B, D)."""
    q, noise = _posterior(), torch.linspace(-2, 2, B * D).view(B, D)
    got = sample(q.mean, q.logvar, noise)
    yield from expect(got, (B, D), "one value an image and latent")
    spread = got - q.mean
    known = {
        "That is the variance: noise is scaled by the standard deviation.": q.logvar.exp() * noise,
        "The noise is scaled by logvar itself: take the exponential first.": q.logvar * noise,
        "The noise does not reach the sample: this is no VAE but an autoencoder.": 0 * noise,
        "The noise does not reach the sample: it lies one deviation above each mean.": q.std,
        "The noise is not scaled: every posterior would be equally wide.": noise,
    }
    for advice, wrong in known.items():
        if torch.allclose(spread, wrong, atol=1e-5):
            yield advice
    if not torch.allclose(spread, q.std * noise, atol=1e-5):
        yield "Where noise is 1 the sample must lie one standard deviation above the mean."
    if not _gradients_reach(lambda mean, logvar: sample(mean, logvar, noise), q):
        yield "No gradient reaches mean or logvar: the encoder could not learn."


def _gradients_reach(answer: Callable[[Tensor, Tensor], Tensor], q: Posterior) -> bool:
    """Whether what it returns depends on mean and logvar, for autograd."""
    mean, logvar = (t.clone().requires_grad_() for t in (q.mean, q.logvar))
    total = answer(mean, logvar).sum()
    if total.requires_grad:
        total.backward()
    return mean.grad is not None and logvar.grad is not None


@exercise("Right: every image counts once, whatever batch it came in.")
def check_average(average: Callable[[np.ndarray, np.ndarray], float]) -> Iterator[str]:
    """`average(losses, sizes)`: each batch's mean loss and its size, (N,), to nats an image."""
    losses, sizes = [100.0, 110.0, 120.0, 230.0], [128, 128, 128, 16]
    got, total = number(average(np.array(losses), np.array(sizes))), sum(sizes)
    right = float(np.average(losses, weights=sizes))
    known = {
        sum(losses) / total: f"It says {got:.2f} nats where no batch was under 100. The losses are "
        "means already: dividing their sum by the number of images divides by the batch size "
        "twice.",
        float(np.mean(losses)): "The last batch has 16 images, yet it counts as much as the full "
        "ones with 128.",
        right * total: "That is the sum over all images; divide by their number.",
    }
    rest = f"For losses {losses} of {sizes} images it gives {got:.2f}; {right:.2f} is right."
    yield from compare(got, right, known, rest)


@exercise("Right: one latent moves, all others keep the image's own code.")
def check_codes_along(along: Callable[[Tensor, int, Tensor], Tensor]) -> Iterator[str]:
    """`along(code, latent, values)`: (D,), an index, (S,) to the codes of a traversal, (S, D)."""
    code, values = _posterior().mean[0], torch.linspace(-2, 2, 7)
    given = code.clone()
    got = along(given, 3, values.clone())
    if not torch.is_tensor(got):
        yield f"It returns a {type(got).__name__}; codes are a tensor, as `code` is."
    yield from expect(got, (7, D), "one code a value, (S, D)")
    if not torch.equal(given, code):
        yield "It changes the code that it was given: work on a copy."
    others = [j for j in range(D) if j != 3]
    if (got[:, others] == 0).all():
        yield (
            "All other latents are 0. No image has that code: what the decoder draws there, "
            "it has never learned. Start from `code`."
        )
    if not torch.allclose(got[:, others], code[others].expand(7, -1)):
        yield "The other latents must keep the values of `code` in every row."
    if torch.allclose(got[:, 3], code[3] + values):
        yield "Latent 3 moves by `values` from where it was; it must move to them."
    if not torch.allclose(got[:, 3], values):
        yield "Latent 3 must take the values that are given, one a row."
