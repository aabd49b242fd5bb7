from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch.nn import Conv2d, ConvTranspose2d, Linear
from torch.nn import functional as F

from vaelib import machine
from vaelib.layers import Places, inputs_of
from vaelib.networks import MLP, Broadcast, Burgess, Fast, Halves, HeInit, Locatello
from vaelib.objectives import BetaVAE
from vaelib.spec import from_spec, to_spec
from vaelib.train import TrainConfig, start
from vaelib.types import Batch
from vaelib.vae import VAE
from vaelib.vit import ViT, attention_maps

NETWORKS = [Burgess(), Fast(), Broadcast(16), Locatello(), Locatello(deep_kernel=2), MLP(hidden=32)]


@pytest.mark.parametrize("network", NETWORKS, ids=repr)
@pytest.mark.parametrize("size", [32, 64, 128])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_network_fits_every_size_and_channel(network, size, channels):
    vae = VAE(network, (channels, size, size), latent_dim=4)
    out = vae(torch.rand(2, channels, size, size))
    assert out.posterior.mean.shape == out.z.shape == (2, 4)
    assert out.logits.shape == (2, channels, size, size)
    out.logits.sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in vae.parameters())


def test_halves_of_two_networks_are_theirs_and_come_back_from_a_configuration():
    both = Halves(ViT(16, 1, 1, 2), Fast(16, 32))
    assert from_spec(to_spec(both)) == both
    vae = VAE(both, (1, 32, 32), 4)
    assert type(vae.encoder).__name__ == "ViTEncoder"
    assert str(vae.decoder) == str(Fast(16, 32).decoder((1, 32, 32), 4))
    assert attention_maps(vae, torch.rand(2, 1, 32, 32)).shape == (2, 4, 4, 4)
    vae(torch.rand(2, 1, 32, 32)).logits.sum().backward()
    assert all(p.grad is not None for p in vae.parameters())


@pytest.mark.parametrize("network", NETWORKS, ids=repr)
def test_units_begin_with_the_variance_of_he(network):
    vae = VAE(network, (1, 64, 64), 10)
    HeInit(network).begin(vae)
    layers = [m for m in vae.modules() if isinstance(m, Linear | Conv2d | ConvTranspose2d)]
    assert len(layers) > 5
    for layer in layers:
        assert layer.bias is None or not layer.bias.any()
        weights, inputs = layer.weight.numel(), inputs_of(layer)
        error = 5 * (2 / weights) ** 0.5  # of a variance of so many normal numbers, five sigma
        assert float(layer.weight.detach().var() * inputs / 2) == pytest.approx(1, abs=error)


def test_inputs_are_those_that_reach_a_unit():
    for layer in (Conv2d(3, 5, 4, stride=2), ConvTranspose2d(3, 5, 4, stride=2), Linear(7, 5)):
        torch.nn.init.ones_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
        dense = isinstance(layer, Linear)
        seen = layer(torch.ones(1, 7)) if dense else layer(torch.ones(1, 3, 16, 16))[..., 4, 4]
        assert seen[0, 0].item() == inputs_of(layer)


def test_a_start_that_loads_weights_keeps_them():
    @dataclass(frozen=True)
    class Loaded(MLP):
        def begin(self, vae, progress=False):
            torch.nn.init.constant_(vae.encoder[1].weight, 7.0)

    config = TrainConfig(network=HeInit(Loaded(8)), latent_dim=2)
    vae = start(config, machine.plan("cpu"))[0]
    assert (vae.encoder[1].weight == 7).all() and not vae.encoder[-1].bias.any()
    again = start(config, machine.plan("cpu"))[0]
    assert torch.equal(vae.encoder[-1].weight, again.encoder[-1].weight)  # the seed's
    assert from_spec(to_spec(HeInit(Burgess()))) == HeInit(Burgess())


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_burgess_has_the_published_size():
    # 502,005 parameters at 64×64×1 with 10 latents: counted in two independent implementations.
    assert count(VAE(Burgess(), (1, 64, 64), 10)) == 502_005


def test_locatello_layers_are_those_of_the_table():
    vae = VAE(Locatello(), (1, 64, 64), 10)
    shapes = [tuple(m.weight.shape) for m in vae.encoder if hasattr(m, "weight")]
    assert shapes == [
        (32, 1, 4, 4), (32, 32, 4, 4), (64, 32, 4, 4), (64, 64, 4, 4), (256, 1024), (20, 256),
    ]  # fmt: skip
    shapes = [tuple(m.weight.shape) for m in vae.decoder if hasattr(m, "weight")]
    assert shapes == [
        (256, 10), (1024, 256), (64, 64, 4, 4), (64, 32, 4, 4), (32, 32, 4, 4), (32, 1, 4, 4),
    ]  # fmt: skip


def test_mlp_layers_are_those_of_the_table():
    vae = VAE(MLP(), (1, 64, 64), 10)
    sizes = [m.weight.shape[0] for m in [*vae.encoder, *vae.decoder] if hasattr(m, "weight")]
    assert sizes == [1200, 1200, 20, 1200, 1200, 1200, 4096]


def test_every_place_gets_the_code_and_its_own_coordinates():
    places, code = Places(8, 5), torch.randn(2, 5)
    out = places(code)
    x, y = places.place.weight.T  # what one unit to the right, and down, adds
    torch.testing.assert_close(out[:, :, 3, 6] - out[:, :, 3, 5], (2 / 7 * x).expand(2, 5))
    torch.testing.assert_close(out[:, :, 4, 2] - out[:, :, 3, 2], (2 / 7 * y).expand(2, 5))
    torch.testing.assert_close(out.mean((2, 3)), code)  # coordinates run from -1 to 1
    with pytest.raises(ValueError, match="cells must divide the 32 pixels of a side, got 7"):
        Broadcast(cells=7).decoder((1, 32, 32), 4)


@pytest.mark.parametrize("shape", [(1, 48, 48), (1, 64, 32), (1, 16, 16)])
def test_other_sizes_are_refused(shape):
    with pytest.raises(ValueError, match="32×32, 64×64 or 128×128"):
        VAE(MLP(), shape, 2)


def test_wrong_images_and_latents_are_refused():
    with pytest.raises(ValueError, match=r"must have shape \(B, 1, 32, 32\), got \(2, 3, 32, 32\)"):
        VAE(Burgess(), (1, 32, 32), 2).encode(torch.rand(2, 3, 32, 32))
    with pytest.raises(ValueError, match="latent_dim must be at least 1"):
        VAE(Burgess(), (1, 32, 32), 0)


@pytest.mark.parametrize(
    ("images", "says"),
    [
        (np.zeros((2, 1, 32, 32), np.float32), "images must be a tensor of floats, got ndarray"),
        (torch.zeros(2, 1, 32, 32, dtype=torch.uint8), "tensor of floats, got torch.uint8"),
        (torch.zeros(32, 32), r"must have shape \(B, 1, 32, 32\), got \(32, 32\)"),
    ],
)
def test_images_that_no_network_takes_are_told(images, says):
    with pytest.raises(ValueError, match=says):
        VAE(MLP(8), (1, 32, 32), 2)(images)


@pytest.mark.parametrize("shape", [(2,), (5, 3), (1, 5, 2)])
def test_codes_of_another_shape_are_told(shape):
    with pytest.raises(ValueError, match=r"latents must have shape \(B, 2\), got \("):
        VAE(MLP(8), (1, 32, 32), 2).decode(torch.zeros(shape))


def test_beta_vae_loss_against_naive_loops():
    vae = VAE(MLP(hidden=8), (1, 32, 32), 3).double()
    images = (torch.rand(4, 1, 32, 32) < 0.1).double()
    out = vae(images, torch.Generator().manual_seed(0))
    loss, terms = BetaVAE(beta=2.5)(Batch(images, torch.zeros(4, 1)), out, step=0)
    expected = 0.0
    for b in range(4):
        p = out.logits[b].sigmoid()
        expected -= (images[b] * p.log() + (1 - images[b]) * (1 - p).log()).sum()
        mean, logvar = out.posterior.mean[b], out.posterior.logvar[b]
        for j in range(3):
            expected += 2.5 * 0.5 * (mean[j] ** 2 + logvar[j].exp() - logvar[j] - 1)
    torch.testing.assert_close(loss, expected / 4)
    torch.testing.assert_close(sum(terms.values()), loss)


def test_gradient_of_the_loss_matches_finite_differences():
    vae = VAE(MLP(hidden=6), (1, 32, 32), 2).double()
    images = (torch.rand(3, 1, 32, 32) < 0.2).double()

    def loss(bias):
        vae.encoder[-1].bias.data.copy_(bias)
        out = vae(images, torch.Generator().manual_seed(3))
        return BetaVAE(beta=4.0)(Batch(images, torch.zeros(3, 1)), out, 0)[0]

    bias = vae.encoder[-1].bias.detach().clone()
    loss(bias).backward()
    analytic = vae.encoder[-1].bias.grad
    step = 1e-6 * torch.eye(4, dtype=torch.float64)
    with torch.no_grad():
        numeric = torch.stack([(loss(bias + d) - loss(bias - d)) / 2e-6 for d in step])
    torch.testing.assert_close(analytic, numeric, rtol=1e-5, atol=1e-5)


def test_reconstruct_gives_probabilities_of_the_mean_code():
    vae = VAE(Burgess(channels=4, hidden=8), (1, 32, 32), 2)
    images = torch.rand(2, 1, 32, 32)
    expected = torch.sigmoid(vae.decode(vae.encode(images).mean))
    torch.testing.assert_close(vae.reconstruct(images), expected)
    assert F.relu(expected).equal(expected) and expected.max() <= 1


def test_beta_must_not_be_negative_and_normalises_as_in_the_paper():
    with pytest.raises(ValueError, match="beta must be at least 0 and finite, got -1"):
        BetaVAE(beta=-1)
    assert BetaVAE(beta=4.0).normalised(10, 4096) == pytest.approx(0.009765625)
