"""Attention maps: what they say of the model, and how they are drawn."""

import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt

from vaelib import plots
from vaelib.networks import MLP
from vaelib.vae import VAE
from vaelib.vit import MeanPooling, ViT, attention_maps, drawing_maps

NETWORK = ViT(width=16, encoder_blocks=1, decoder_blocks=2, heads=2)


def made(network=NETWORK):
    torch.manual_seed(0)
    return VAE(network, (1, 32, 32), 3)


def test_each_latent_has_a_map_that_adds_up_to_one():
    maps = attention_maps(made(), np.random.default_rng(0).random((2, 1, 32, 32)))
    assert maps.shape == (2, 3, 4, 4)
    np.testing.assert_allclose(maps.sum((2, 3)), 1, rtol=1e-5)
    assert not np.allclose(maps[:, 0], maps[:, 1])


def test_a_query_that_knows_a_place_looks_there():
    vae = made()
    pool = vae.encoder.pool
    images = torch.rand(1, 1, 32, 32)
    tokens = vae.encoder.encoded(vae.encoder.embed(images))
    with torch.no_grad():
        pool.queries[1] = 100 * pool.key(tokens)[0, 6]
    found = attention_maps(vae, images)[0, 1]
    assert np.unravel_index(found.argmax(), found.shape) == (1, 2) and found.max() > 0.9


def test_places_share_their_attention_between_latents_and_other_places():
    vae, images = made(), torch.rand(2, 1, 32, 32)
    before = drawing_maps(vae, images)
    assert before.shape == (2, 3, 4, 4) and (before > 0).all()
    assert (before.sum(1) < 1).all()  # the rest goes to other places
    z = vae.encode(images).mean
    for block, weights in zip(vae.decoder.blocks, vae.decoder.attention(z), strict=True):
        assert weights.shape == (2, 2, 16, 3), block


def test_models_without_maps_are_refused():
    with pytest.raises(ValueError, match="LatentAttention"):
        attention_maps(made(ViT(16, 1, 1, 2, pooling=MeanPooling())), torch.rand(1, 1, 32, 32))
    with pytest.raises(ValueError, match="LatentAttention"):
        attention_maps(made(MLP(8)), torch.rand(1, 1, 32, 32))
    with pytest.raises(ValueError, match="decoder of a ViT, got Sequential"):
        drawing_maps(made(MLP(8)), torch.rand(1, 1, 32, 32))


def test_maps_are_drawn_where_they_are_strong():
    images, maps = np.zeros((2, 1, 8, 8)), np.zeros((2, 1, 2, 2))
    maps[0, 0, 0, 1] = maps[1, 0, 1, 0] = 0.3
    ax = plots.attention(images, maps, ["z3"])
    picture = ax.images[0].get_array()
    assert [t.get_text() for t in ax.get_yticklabels()] == ["image", "z3"]
    first, second = picture[10:18, :8].sum(2), picture[10:18, 10:18].sum(2)
    assert first[:4, 4:].min() > first[4:].max() and second[4:, :4].min() > second[:4].max()
    plt.close("all")


@pytest.mark.parametrize(
    ("images", "maps", "names", "said"),
    [
        ((2, 1, 8, 8), (1, 3, 2, 2), (), "maps must be"),
        ((1, 1, 8, 8), (1, 3, 3, 3), (), "divide into h×w cells"),
        ((1, 1, 8, 8), (1, 3, 2, 2), ("a",), "3 latents need as many names, got 1"),
    ],
)
def test_what_does_not_match_is_refused(images, maps, names, said):
    with pytest.raises(ValueError, match=said):
        plots.attention(np.zeros(images), np.zeros(maps), names)
