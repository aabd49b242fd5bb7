"""Traversals: the right latents, the right range, the right codes, in one pass."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from vaelib.networks import MLP
from vaelib.traversal import (
    ACTIVE_NATS,
    AggregatePosterior,
    aggregate_posterior,
    codes_along,
    decode,
    sample_prior,
    traverse,
)
from vaelib.types import Batch, Posterior
from vaelib.vae import VAE

GAIN = torch.tensor([0.0, 4.0, 1.0, 8.0])  # how much of pixel j latent j tells
STD = torch.tensor([1.0, 0.3, 0.8, 0.1])


class Glass(nn.Module):
    """A model that can be seen through: latent j reads pixel j, and its logit is pixel j."""

    latent_dim = 4
    decoded = 0

    def encode(self, images):
        mean = GAIN * (images.flatten(1) - 0.5)
        return Posterior(mean, (2 * STD.log()).expand_as(mean))

    def decode(self, z):
        self.decoded += 1
        return z.reshape(-1, 1, 2, 2)


@pytest.fixture
def images():
    return np.random.default_rng(0).random((300, 1, 2, 2)).astype(np.float32)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_the_posterior_of_the_data_is_the_encoders(images):
    posterior = aggregate_posterior(Glass(), images, block=64)  # not a divisor of 300
    mean = GAIN.numpy() * (images.reshape(300, 4) - 0.5)
    var = STD.numpy() ** 2
    np.testing.assert_allclose(posterior.mean, mean, atol=1e-6)
    np.testing.assert_allclose(posterior.std, np.broadcast_to(STD, mean.shape), rtol=1e-5)
    expected = 0.5 * (mean**2 + var - 1 - np.log(var)).mean(0)
    np.testing.assert_allclose(posterior.kl, expected, rtol=1e-5, atol=1e-6)


def test_latents_are_ordered_and_judged_by_kl():
    kl = np.array([0.0, 3.0, ACTIVE_NATS, 0.049, 3.0])
    posterior = AggregatePosterior(np.zeros((1, 5)), np.ones((1, 5)), kl)
    assert posterior.order.tolist() == [1, 4, 2, 3, 0]
    assert posterior.active.tolist() == [False, True, True, False, True]


def test_quantiles_of_one_gaussian_are_those_of_the_normal():
    posterior = AggregatePosterior(np.array([[2.0, -1.0]]), np.array([[0.5, 3.0]]), np.ones(2))
    got = posterior.quantiles([0.025, 0.5, 0.975])
    z = 1.959963984540054
    expected = [[2 - 0.5 * z, -1 - 3 * z], [2.0, -1.0], [2 + 0.5 * z, -1 + 3 * z]]
    np.testing.assert_allclose(got, expected, atol=1e-9)


def test_quantiles_of_a_mixture_have_their_share_of_the_mass_below():
    rng = np.random.default_rng(0)
    mean, std = rng.normal(0, 2, (40, 3)), rng.uniform(0.01, 1, (40, 3))
    levels = [0.01, 0.3, 0.99]
    got = AggregatePosterior(mean, std, np.ones(3)).quantiles(levels)
    for s, level in enumerate(levels):
        for j in range(3):
            shares = [
                (1 + math.erf((got[s, j] - mean[i, j]) / std[i, j] / math.sqrt(2))) / 2
                for i in range(40)
            ]
            assert np.mean(shares) == pytest.approx(level, abs=1e-6)


def test_rows_fall_in_kl_and_are_labelled(images):
    t = traverse(Glass(), images)
    kl = aggregate_posterior(Glass(), images).kl
    assert t.latents.tolist() == np.argsort(-kl).tolist() == [3, 1, 2, 0]
    np.testing.assert_array_equal(t.kl, kl[t.latents])
    assert t.active.tolist() == [True, True, True, False]  # latent 0 tells nothing
    assert t.labels[0] == f"z3 {kl[3]:.2f} nats"


def test_each_image_is_the_anchors_code_with_one_latent_moved(images):
    t = traverse(Glass(), images, anchor=7, steps=5)
    code = GAIN.numpy() * (images[7].ravel() - 0.5)
    assert t.images.shape == (4, 5, 1, 2, 2)
    for r, j in enumerate(t.latents):
        for s in range(5):
            moved = code.copy()
            moved[j] = t.values[r, s]
            np.testing.assert_allclose(t.images[r, s].ravel(), sigmoid(moved), atol=1e-6)
    np.testing.assert_allclose(t.anchor, code, atol=1e-6)
    np.testing.assert_array_equal(t.original, images[7])


def test_the_ends_are_quantiles_of_the_aggregate_posterior(images):
    t = traverse(Glass(), images, steps=3, coverage=0.9)
    posterior = aggregate_posterior(Glass(), images)
    np.testing.assert_allclose(t.levels, [0.05, 0.5, 0.95])
    np.testing.assert_allclose(t.values, posterior.quantiles([0.05, 0.5, 0.95]).T[t.latents])
    # An uninformed latent has the prior's range, so that its row shows that nothing happens there.
    np.testing.assert_allclose(t.values[-1], [-1.6449, 0, 1.6449], atol=1e-3)


def test_home_is_the_column_nearest_to_the_anchor(images):
    t = traverse(Glass(), images, anchor=2, steps=9)
    for row, (j, column) in enumerate(zip(t.latents, t.home, strict=True)):
        distance = [abs(value - t.anchor[j]) for value in t.values[row]]
        assert distance[column] == min(distance)


def test_all_is_decoded_in_one_pass(images):
    model = Glass()
    traverse(model, images, steps=11)
    assert model.decoded == 1


def test_latents_can_be_picked_and_stay_in_order(images):
    t = traverse(Glass(), images, latents=[0, 1, 3])
    assert t.latents.tolist() == [3, 1, 0]


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"anchor": 300}, r"anchor must be one of 0\.\.299, got 300"),
        ({"anchor": -1}, "anchor"),
        ({"steps": 1}, "2 steps or more, got 1"),
        ({"latents": [4]}, r"latents must be among 0\.\.3, got \[4\]"),
        ({"latents": []}, "latents"),
        ({"coverage": 1.0}, "coverage"),
    ],
)
def test_what_does_not_exist_is_refused(images, options, rule):
    with pytest.raises(ValueError, match=rule):
        traverse(Glass(), images, **options)


@pytest.mark.parametrize("levels", [[1.5, 0.5], [np.nan], [0.0], [0.5, 1.0]])
def test_quantiles_are_of_levels_between_0_and_1(levels):
    posterior = AggregatePosterior(np.zeros((5, 2)), np.ones((5, 2)), np.ones(2))
    with pytest.raises(ValueError, match="levels must be above 0 and below 1, got"):
        posterior.quantiles(levels)


def test_a_run_a_batch_and_a_tensor_do_as_well(images):
    expected = traverse(Glass(), images).images
    as_bytes = Batch(np.round(images * 255).astype(np.uint8), np.zeros((300, 1), int), 255)
    run = SimpleNamespace(vae=Glass())
    np.testing.assert_array_equal(traverse(run, torch.from_numpy(images)).images, expected)
    np.testing.assert_allclose(traverse(run, as_bytes).images, expected, atol=0.02)


def test_codes_along_leaves_the_given_code_alone():
    code = np.arange(3.0)
    codes = codes_along(code, np.array([2, 0]), np.array([[7.0, 8.0], [5.0, 6.0]]))
    assert codes.tolist() == [[[0, 1, 7], [0, 1, 8]], [[5, 1, 2], [6, 1, 2]]]
    assert code.tolist() == [0, 1, 2]


def test_samples_decode_standard_normal_codes():
    samples = sample_prior(Glass(), 2000, np.random.default_rng(3))
    logits = np.log(samples / (1 - samples)).reshape(2000, 4)
    expected = np.random.default_rng(3).standard_normal((2000, 4))
    np.testing.assert_allclose(logits, expected, atol=1e-4)


def test_a_real_model_traverses_as_it_decodes():
    torch.manual_seed(0)
    vae = VAE(MLP(), (3, 32, 32), 4).eval()
    images = np.random.default_rng(0).random((50, 3, 32, 32)).astype(np.float32)
    t = traverse(vae, images, anchor=1, steps=4)
    with torch.no_grad():
        code = vae.encode(torch.from_numpy(images[1:2])).mean[0]
        code[t.latents[2]] = t.values[2, 3]
        expected = vae.decode(code[None]).sigmoid().numpy()[0]
    np.testing.assert_allclose(t.images[2, 3], expected, atol=1e-5)
    np.testing.assert_allclose(decode(vae, code.numpy()[None])[0], expected, atol=1e-6)
