"""Chapter 7: what adapters cost, latent attention, free bits, cyclic annealing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from vaelib.exercises.verdict import compare, exercise, expect, number


@exercise("Right: it grows with the width, and the block with its square.")
def check_trained(trained: Callable[[int, int], int]) -> Iterator[str]:
    """`trained(width, bottleneck)`: the parameters of a block that adapting changes."""
    for width, bottleneck in ((64, 16), (96, 8), (128, 1)):
        got = trained(width, bottleneck)
        weights, norms = 2 * width * bottleneck, 4 * width
        biases = width + bottleneck
        known = {
            weights: "Those are the adapter's two matrices. It has biases too, and then the norms.",
            weights + biases: "That is the adapter; the block's two LayerNorms are trained too.",
            weights + norms: "Each of the adapter's two layers has a bias as well.",
            weights + biases + norms // 2: "There are two LayerNorms: four vectors in all.",
        }
        right = weights + biases + norms
        rest = (
            f"With width {width} and bottleneck {bottleneck} it gives {got}, there are {right}: "
            "two layers with biases, two norms of two vectors."
        )
        yield from compare(got, right, known, rest)


@exercise("Right: each latent has a map of its own, and all maps add up to one.")
def check_latent_attention(pool: Callable[[Tensor, Tensor], Tensor]) -> Iterator[str]:
    """`pool(tokens, queries)`: (B, N, W) tokens and (D, W) queries → (B, D, W)."""
    rng = torch.Generator().manual_seed(0)
    tokens = torch.randn(3, 5, 4, generator=rng)
    queries = torch.randn(2, 4, generator=rng)
    got = pool(tokens, queries)
    yield from expect(got, (3, 2, 4), "one token a latent, (B, D, W)")
    logits = queries @ tokens.transpose(1, 2)
    known = {
        "The products must be divided by √W before the softmax.": logits.softmax(-1),
        "The softmax goes over the tokens, so that a latent's map adds up to one; yours goes over "
        "the latents.": (logits / 2).softmax(1),
        "√W, not √B: divided by the size of the batch, an image's code would depend on how many "
        "others are beside it.": (logits / 3**0.5).softmax(-1),
        "√W, not W.": (logits / 4).softmax(-1),
    }
    for advice, weights in known.items():
        if torch.allclose(got, weights @ tokens, atol=1e-5):
            yield advice
    if not torch.allclose(got, (logits / 2).softmax(-1) @ tokens, atol=1e-5):
        yield "The values differ: weights = softmax over the tokens of q·h/√W, result = Σ weight·h."


@exercise("Right: the mean over the images first, then the floor of each latent.")
def check_free_bits(free: Callable[[Tensor, float], Tensor]) -> Iterator[str]:
    """`free(kl, nats)`: what a KL of (B, D) costs when each latent has `nats` for nothing."""
    kl = torch.tensor([[1.0, 0.1, 0.3], [0.2, 0.3, 0.0]])
    got, mean = number(free(kl, 0.5)), kl.mean(0)
    known = {
        float(kl.clamp_min(0.5).mean(0).sum()): "The floor is for the mean of a latent over the "
        "images; yours is for each image.",
        float(mean.sum().clamp_min(1.5)): "That is the floor on the sum: one latent may use it up. "
        "Here each latent has its own.",
        float((mean - 0.5).clamp_min(0).sum()): "That subtracts the free nats. It has the same "
        "gradient, but a latent on the floor should count as `nats`.",
        float(mean.sum()): "Nothing is free yet: use the maximum.",
        float(mean.clamp_min(0.5).mean()): "The sum over the latents, not their mean.",
    }
    rest = f"Latents of 0.6, 0.2 and 0.15 nats, 0.5 free, cost 1.6 in all; yours: {got:.2f}."
    yield from compare(got, float(mean.clamp_min(0.5).sum()), known, rest)


@exercise("Right: nothing, then a ramp, then the full weight, and again.")
def check_annealing(factor: Callable[[int, int], float]) -> Iterator[str]:
    """`factor(step, period)`: 0 in the first quarter of a cycle, a ramp in the second, then 1."""
    for step, period, right, where in (
        (0, 100, 0.0, "at the start of a cycle"),
        (24, 100, 0.0, "in the first quarter"),
        (30, 100, 0.2, "early in the ramp"),
        (37, 100, 0.5, "just before the middle of the ramp"),
        (45, 100, 0.8, "late in the ramp"),
        (60, 100, 1.0, "after the ramp"),
        (95, 100, 1.0, "up to the end of the cycle"),
        (100, 100, 0.0, "at the start of the second cycle: take step modulo period"),
        (237, 100, 0.5, "in the ramp of the third cycle"),
        (55, 40, 0.5, "in the ramp of the second cycle"),
    ):
        got = number(factor(step, period))
        if abs(got - right) > 0.03:
            yield (
                f"With a period of {period}, step {step} gives {got:.2f}; {where} it is "
                f"{right:.1f}."
            )
