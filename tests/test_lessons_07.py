"""Chapter 7: what it writes by hand is what the library does; its checks give advice."""

from __future__ import annotations

import pytest
import torch
from test_exercises import advice
from test_lessons import lesson
from torch import nn

from vaelib.exercises import adaptive_architecture as exercises
from vaelib.objectives import Annealed
from vaelib.vit.blocks import Adapter, Block
from vaelib.vit.pooling import AttentionPool

SEVEN = "07_adaptive_architecture"

# What is written by hand


def test_the_adapter_by_hand_is_that_of_the_library():
    by_hand = lesson(SEVEN, "class ByHand", nn=nn, torch=torch)["ByHand"]
    layer, h = nn.Linear(8, 8), torch.randn(3, 8)
    adapted, library = by_hand(layer, 8, 2), Adapter(8, 2)
    assert torch.equal(adapted(h), layer(h))  # nothing at first
    nn.init.normal_(adapted.up.weight)
    library.load_state_dict({k: v for k, v in adapted.state_dict().items() if "layer" not in k})
    torch.testing.assert_close(adapted(h), layer(h) + library(h))
    assert not any(p.requires_grad for p in layer.parameters())


def test_latent_attention_by_hand_is_that_of_the_library():
    by_hand = lesson(SEVEN, "def latent_attention")["latent_attention"]
    pool, tokens = AttentionPool(8, 3), torch.randn(2, 5, 8)
    pooled, maps = by_hand(tokens, pool.queries, pool.key)
    torch.testing.assert_close(pooled, pool(tokens))
    torch.testing.assert_close(maps, pool.weights(tokens))


# The right answers are those of the library


def test_trained_parameters_are_those_of_the_librarys_block():
    def count(width, bottleneck):
        block = Block(width, heads=1, bottleneck=bottleneck)
        parts = (block.adapter, block.before_attention, block.before_feed)
        return sum(p.numel() for part in parts for p in part.parameters())

    assert exercises.check_trained(count).passed


def test_latent_attention_is_that_of_the_library():
    def pool(tokens, queries):
        library = AttentionPool(tokens.shape[2], len(queries))
        library.queries.data = queries
        library.key.weight.data, library.key.bias.data = torch.eye(4), torch.zeros(4)
        return library(tokens)

    assert exercises.check_latent_attention(pool).passed


def test_annealing_is_that_of_the_library():
    def factor(step, period):
        return Annealed(period=period).factor_at(step)

    assert exercises.check_annealing(factor).passed


# Wrong answers get the advice that they need


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda w, r: 2 * w * r, "two matrices"),
        (lambda w, r: 2 * w * r + w + r, "LayerNorms are trained too"),
        (lambda w, r: 2 * w * r + 4 * w, "a bias as well"),
        (lambda w, r: 2 * w * r + w + r + 2 * w, "two LayerNorms"),
        (lambda w, r: w * r, "there are"),
        (lambda w, r: None, "returns nothing"),
    ],
)
def test_trained_says_what_is_wrong(wrong, words):
    assert words in advice(exercises.check_trained, wrong)


def attention(scale=2.0, axis=-1):
    def pool(tokens, queries):
        return (queries @ tokens.transpose(1, 2) / scale).softmax(axis) @ tokens

    return pool


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (attention(1.0), "divided by √W"),
        (attention(axis=1), "goes over the tokens"),
        (attention(3**0.5), "not √B"),
        (attention(4.0), "not W"),
        (attention(7.0), "The values differ"),
        (lambda tokens, queries: tokens.mean(1), "the shape (3, 4)"),
        (lambda tokens, queries: 3.0, "returns a float"),
    ],
)
def test_latent_attention_says_what_is_wrong(wrong, words):
    assert words in advice(exercises.check_latent_attention, wrong)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda kl, nats: kl.clamp_min(nats).mean(0).sum(), "for each image"),
        (lambda kl, nats: kl.mean(0).sum().clamp_min(nats * 3), "on the sum"),
        (lambda kl, nats: (kl.mean(0) - nats).clamp_min(0).sum(), "subtracts"),
        (lambda kl, nats: kl.mean(0).sum(), "Nothing is free"),
        (lambda kl, nats: kl.mean(0).clamp_min(nats).mean(), "not their mean"),
        (lambda kl, nats: kl.sum(), "yours"),
    ],
)
def test_free_bits_says_what_is_wrong(wrong, words):
    assert words in advice(exercises.check_free_bits, wrong)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda step, period: 1.0, "start of a cycle"),
        (lambda step, period: min(1.0, step / period), "first quarter"),
        (lambda step, period: min(1.0, max(0.0, 4 * step / period - 1)), "modulo"),
        (lambda step, period: float(step % period >= period / 4), "ramp"),
    ],
)
def test_annealing_says_what_is_wrong(wrong, words):
    assert words in advice(exercises.check_annealing, wrong)
