"""The transformer: what it computes, by naive references and invariances."""

import pytest
import torch
from torch.nn import functional as F

from vaelib.vae import VAE
from vaelib.vit import ClassToken, LatentAttention, MeanPooling, ViT
from vaelib.vit.blocks import Adapter, Attention, Block, positions

SMALL = ViT(width=16, encoder_blocks=2, decoder_blocks=2, heads=2, adapters=4)
POOLINGS = [LatentAttention(), MeanPooling(), ClassToken()]


def made(network=SMALL, shape=(1, 32, 32), latents=3):
    torch.manual_seed(0)
    return VAE(network, shape, latents)


@pytest.mark.parametrize("pooling", POOLINGS, ids=repr)
@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 64, 64), (1, 24, 24)])
def test_gradients_reach_every_weight(pooling, shape):
    vae = made(ViT(16, 1, 1, 2, adapters=4, pooling=pooling), shape)
    for module in vae.modules():
        if isinstance(module, Adapter):  # at first nothing passes through
            torch.nn.init.normal_(module.up.weight)
    out = vae(torch.rand(4, *shape))
    assert out.posterior.mean.shape == (4, 3) and out.logits.shape == (4, *shape)
    (out.logits.square().sum() + out.posterior.kl().sum()).backward()
    for name, weight in vae.named_parameters():
        assert weight.grad is not None and weight.grad.abs().sum() > 0, name


def test_attention_against_naive_loops():
    torch.manual_seed(0)
    attention = Attention(6, heads=2).double()
    tokens, memory = torch.randn(1, 4, 6).double(), torch.randn(1, 3, 6).double()
    seen = torch.cat([tokens, memory], 1)[0]
    keys, values = attention.key_value(seen).split(6, 1)
    queries = attention.query(tokens[0])
    mixed = torch.zeros(4, 6).double()
    for i in range(4):
        for head in (slice(0, 3), slice(3, 6)):
            a = torch.stack([queries[i, head] @ key[head] / 3**0.5 for key in keys]).softmax(0)
            mixed[i, head] = sum(a[t] * values[t, head] for t in range(7))
    torch.testing.assert_close(attention(tokens, memory)[0], attention.out(mixed))
    weights = attention.weights(tokens, memory)
    assert weights.shape == (1, 2, 4, 7)
    torch.testing.assert_close(weights.sum(-1), torch.ones(1, 2, 4).double())


def test_a_new_adapter_changes_nothing():
    torch.manual_seed(0)
    tokens, block = torch.randn(2, 5, 16), Block(16, 2, bottleneck=4)
    with_adapter = block(tokens)
    block.adapter = None
    assert torch.equal(block(tokens), with_adapter)


def test_places_differ_and_neighbours_are_alike():
    found = positions(8, 32)
    near, far = ((found[0] - found[i]).norm() for i in (1, 63))
    assert found.shape == (64, 32) and near < far
    assert len(found.unique(dim=0)) == 64


@pytest.mark.parametrize("pooling", [LatentAttention(), MeanPooling()], ids=repr)
def test_without_positions_the_order_of_the_patches_means_nothing(pooling):
    vae = made(ViT(16, 2, 1, 2, pooling=pooling))
    torch.nn.init.zeros_(vae.encoder.positions)
    images = torch.rand(2, 1, 32, 32)
    patches = F.unfold(images, 8, stride=8)[:, :, torch.randperm(16)]
    shuffled = F.fold(patches, 32, 8, stride=8)
    torch.testing.assert_close(vae.encoder(shuffled), vae.encoder(images), atol=1e-5, rtol=1e-4)


def test_each_latent_reads_its_own_token():
    vae = made()
    tokens = torch.randn(2, 3, 16, requires_grad=True)
    mean, logvar = vae.encoder.heads(tokens).chunk(2, 1)
    (mean[:, 1] + logvar[:, 1]).sum().backward()
    assert (tokens.grad.abs().sum(2) > 0).tolist() == [[False, True, False]] * 2


def test_an_image_is_cut_and_put_together_in_the_same_order():
    vae = made(ViT(64, 1, 1, 2))
    images = torch.rand(2, 1, 32, 32)
    with torch.no_grad():  # tokens are the patches; what the decoder is told of is drawn as it is
        vae.encoder.patches.weight.copy_(torch.eye(64))
        vae.encoder.patches.bias.zero_()
        vae.encoder.positions.zero_()
        vae.decoder.pixels.weight.copy_(torch.eye(64))
        vae.decoder.pixels.bias.zero_()
    assert torch.equal(vae.decoder.image(vae.encoder.embed(images)), images)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"width": 18}, "divide by 4 and by heads=4, got 18"),
        ({"heads": 3}, "heads=3, got 64"),
        ({"decoder_blocks": 0}, "decoder_blocks must be at least 1, got 0"),
        ({"adapters": -1}, "adapters must be at least 0, got -1"),
    ],
)
def test_wrong_sizes_are_refused(fields, said):
    with pytest.raises(ValueError, match=said):
        ViT(**fields)


@pytest.mark.parametrize("shape", [(1, 60, 60), (1, 64, 32)])
def test_images_must_divide_into_patches(shape):
    with pytest.raises(ValueError, match="patches of 8×8 pixels, got 6"):
        made(shape=shape)
