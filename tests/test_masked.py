"""Masked pre-training: what is hidden stays hidden, and what counts in the loss."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from vaelib.datasets import DSprites, Pooled
from vaelib.networks import MLP, Halves
from vaelib.spec import from_spec, to_spec
from vaelib.train import TrainConfig, train
from vaelib.types import Batch
from vaelib.vae import VAE
from vaelib.vit import MaskedAutoencoding, ViT
from vaelib.vit.masked import as_pixels

SMALL = ViT(width=16, encoder_blocks=1, decoder_blocks=1, heads=2)
DATA = Pooled(DSprites())


def passed(objective, images=None, seed=3):
    torch.manual_seed(0)
    vae = VAE(SMALL, (1, 32, 32), 3)
    images = DATA.sample(4, np.random.default_rng(0)).to("cpu").images if images is None else images
    objective.prepare(vae, 100, None)
    out = objective.encode_decode(vae, images, torch.Generator().manual_seed(seed))
    return Batch(images, torch.zeros(len(images), 1)), out


@pytest.mark.parametrize(("hidden", "seen"), [(0.0, 16), (0.5, 8), (0.75, 4), (0.99, 1)])
def test_so_many_patches_are_seen(hidden, seen):
    _, out = passed(MaskedAutoencoding(hidden, seen_weight=0.0))
    patches = F.max_pool2d(1 - out.counts, 8)
    assert patches.sum((1, 2, 3)).tolist() == [seen] * 4


def test_pixels_that_are_hidden_do_not_change_the_drawing():
    objective = MaskedAutoencoding(0.5, seen_weight=0.0)
    batch, out = passed(objective)
    hidden = out.counts == 1
    changed = torch.where(hidden, torch.rand_like(batch.images), batch.images)
    assert not torch.equal(changed, batch.images)
    assert torch.equal(passed(objective, changed)[1].logits, out.logits)
    other = torch.where(hidden, batch.images, torch.rand_like(batch.images))
    assert not torch.equal(passed(objective, other)[1].logits, out.logits)


def test_each_image_has_its_own_mask_and_each_step_another():
    objective = MaskedAutoencoding(0.5, seen_weight=0.0)
    counts = passed(objective)[1].counts
    assert not torch.equal(counts[0], counts[1])
    assert not torch.equal(counts, passed(objective, seed=4)[1].counts)


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_the_loss_is_the_cross_entropy_of_what_counts(weight):
    objective = MaskedAutoencoding(0.5, weight)
    batch, out = passed(objective)
    loss, terms = objective(batch, out, 0)
    p = out.logits.sigmoid()
    nats = -(batch.images * p.log() + (1 - batch.images) * (1 - p).log())
    hidden = passed(MaskedAutoencoding(0.5, 0.0))[1].counts == 1  # the same mask
    expected = (nats[hidden].sum() + weight * nats[~hidden].sum()) / 4
    torch.testing.assert_close(loss, expected)
    assert list(terms) == ["reconstruction"] and out.posterior.kl().sum() == 0


def test_a_number_for_a_patch_lies_on_its_pixels():
    pixels = as_pixels(torch.arange(4.0)[None], torch.zeros(1, 1, 4, 4))[0, 0]
    assert pixels.tolist() == [[0, 0, 1, 1]] * 2 + [[2, 2, 3, 3]] * 2


def test_pretraining_is_an_ordinary_run(tmp_path):
    config = TrainConfig(
        DATA, MaskedAutoencoding(), SMALL, latent_dim=3, steps=40, batch_size=16, log_every=20,
        learning_rate=3e-3, device="cpu",
    )  # fmt: skip
    run = train(config, tmp_path, progress=False)
    assert run.log["loss"].iloc[-1] < 0.5 * run.log["loss"].iloc[0]
    assert from_spec(to_spec(run.config)).key == config.key and run.vae.encode


def test_other_networks_and_shares_are_refused():
    for network in (MLP(8), Halves(SMALL, MLP(8))):
        with pytest.raises(ValueError, match="needs a ViT, got a Sequential"):
            MaskedAutoencoding().prepare(VAE(network, (1, 32, 32), 2), 100, None)
    for options in ({"hidden": 1.0}, {"hidden": -0.1}, {"seen_weight": -1}):
        with pytest.raises(ValueError, match="below 1 and seen_weight"):
            MaskedAutoencoding(**options)
