"""Networks that begin with earlier weights: what is loaded, frozen, trained and kept."""

import json
import shutil
from dataclasses import replace

import pytest
import torch

from vaelib.checkpoint import load_tensors
from vaelib.datasets import Correlated, DSprites, Pooled
from vaelib.networks import MLP, Fast
from vaelib.objectives import BetaVAE
from vaelib.paths import shipped_dir
from vaelib.pretrained import Adapters, Everything, Pretrained, trained_fraction
from vaelib.runs import Run
from vaelib.spec import from_spec, to_spec
from vaelib.train import TrainConfig, train
from vaelib.vae import VAE
from vaelib.vit import MaskedAutoencoding, ViT

WORLD = Pooled(DSprites())
TIED = Correlated(WORLD, {("pos_x", "pos_y"): 0.2})
HOW = {"latent_dim": 3, "batch_size": 8, "log_every": 4, "checkpoint_every": 4, "device": "cpu"}
PLAIN = ViT(width=16, encoder_blocks=1, decoder_blocks=1, heads=2)
SOURCE = TrainConfig(WORLD, MaskedAutoencoding(), PLAIN, steps=3, **HOW)
ADAPTED = TrainConfig(
    TIED, BetaVAE(1.0), Pretrained(replace(PLAIN, adapters=2), SOURCE), steps=12, seed=5, **HOW
)


@pytest.fixture
def source(runs_folder):
    return train(SOURCE, progress=False)


def weights(run):
    return load_tensors(run.folder / "model.safetensors")[0]


def is_trained(name):
    parts = ("adapter", "norm", "before_", "pool", "heads", "latents")
    return any(part in name for part in parts)


def test_frozen_weights_stay_bit_for_bit_and_all_others_move(source):
    before, after = weights(source), weights(train(ADAPTED, progress=False))
    assert set(before) < set(after)
    for name, weight in after.items():
        same = name in before and torch.equal(weight, before[name])
        if is_trained(name):
            assert not same, name
        else:
            assert same, name


def test_gradients_are_only_where_they_should_be(source):
    vae = VAE(ADAPTED.network, TIED.image_shape, 3)
    ADAPTED.network.begin(vae)
    vae(torch.rand(2, 1, 32, 32)).logits.sum().backward()
    for name, weight in vae.named_parameters():
        assert (weight.grad is not None) == weight.requires_grad == is_trained(name), name


def test_only_what_is_trained_has_adam_s_moments(source):
    run = train(ADAPTED, progress=False, on_log=None)
    assert run.finished
    with pytest.raises(Stop):
        train(replace(ADAPTED, seed=6), progress=False, on_log=stop)
    folder = next(p for p in source.folder.parent.iterdir() if "-6-" in p.name)
    tensors, _ = load_tensors(Run(folder).checkpoints.paths()[-1])
    moments = [name for name in tensors if name.endswith("/exp_avg")]
    assert len(moments) == sum(map(is_trained, weights(run)))


def test_a_training_says_how_much_is_trained(source, capsys):
    train(replace(ADAPTED, steps=1), progress=True)
    vae = VAE(ADAPTED.network, TIED.image_shape, 3)
    Adapters().freeze(vae)
    assert f"{trained_fraction(vae):.1%} of " in capsys.readouterr().out


def test_before_training_the_model_is_that_of_the_source(source):
    vae = VAE(ADAPTED.network, TIED.image_shape, 3)
    ADAPTED.network.begin(vae)
    images = torch.rand(2, 1, 32, 32)
    torch.testing.assert_close(vae.encode(images).mean, source.vae.encode(images).mean)
    torch.testing.assert_close(vae.reconstruct(images), source.vae.reconstruct(images))


def test_the_source_is_trained_when_it_is_not_there_and_found_when_it_is(runs_folder):
    train(ADAPTED, progress=False)
    made = {path.name: path.stat().st_mtime_ns for path in runs_folder.glob("*/model.safetensors")}
    assert (runs_folder / SOURCE.folder_name / "model.safetensors").exists()
    train(replace(ADAPTED, seed=6), progress=False)
    again = {path.name: path.stat().st_mtime_ns for path in runs_folder.glob("*/model.safetensors")}
    assert made.items() <= again.items()


def test_a_finished_run_needs_its_source_no_more(source):
    run = train(ADAPTED, progress=False)
    shutil.rmtree(source.folder)
    assert Run(run.folder).vae.encode(torch.rand(1, 1, 32, 32)).mean.shape == (1, 3)


class Stop(Exception):
    pass


def stop(row):
    if row["step"] == 8:
        raise Stop


def test_a_stopped_run_resumes_bit_for_bit(source, tmp_path):
    whole = train(ADAPTED, tmp_path / "whole", progress=False)
    with pytest.raises(Stop):
        train(ADAPTED, tmp_path / "cut", stop, progress=False)
    cut = train(ADAPTED, tmp_path / "cut", progress=False)
    a, b = weights(whole), weights(cut)
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_of_the_default_size_less_than_15_percent_is_trained():
    vae = VAE(ViT(adapters=16), (1, 64, 64), 10)
    assert trained_fraction(vae) == 1.0
    Adapters().freeze(vae)
    count = sum(w.numel() for n, w in vae.named_parameters() if is_trained(n))
    total = sum(w.numel() for w in vae.parameters())
    assert trained_fraction(vae) == pytest.approx(count / total) and count / total < 0.15


def test_other_networks_can_be_fine_tuned(runs_folder):
    first = TrainConfig(WORLD, BetaVAE(1.0), Fast(4, 8), steps=3, **HOW)
    network = Pretrained(Fast(4, 8), first, Everything())
    run = train(replace(ADAPTED, network=network), progress=False)
    before, after = weights(train(first, progress=False)), weights(run)
    assert all(not torch.equal(before[name], after[name]) for name in after)


def test_the_shipped_run_has_the_frozen_weights_of_its_shipped_source():
    source, run = (Run(shipped_dir() / name) for name in ("vit_masked", "dsprites_vit_beta_1"))
    assert run.config.network.source.key == source.config.key
    before, after = weights(source), weights(run)
    assert all(torch.equal(after[name], before[name]) != is_trained(name) for name in before)
    trained = sum(w.numel() for name, w in after.items() if is_trained(name))
    assert trained < 0.15 * sum(w.numel() for w in after.values())


@pytest.mark.parametrize(
    ("network", "latents", "said"),
    [
        (MLP(8), 3, "belong to another network, ViT"),
        (replace(PLAIN, adapters=2, encoder_blocks=2), 3, "belong to another network"),
        (replace(PLAIN, adapters=2), 4, r"is \(3, 16\) there and \(4, 16\) here"),
        (PLAIN, 3, "only a ViT with adapters"),
    ],
)
def test_what_does_not_fit_is_refused(source, network, latents, said):
    vae = VAE(network, WORLD.image_shape, latents)
    with pytest.raises(ValueError, match=said):
        Pretrained(network, SOURCE).begin(vae)


def test_the_configuration_names_the_source_wholly():
    again = from_spec(json.loads(json.dumps(to_spec(ADAPTED))))
    assert again.key == ADAPTED.key and again.network.source.key == SOURCE.key
    longer = replace(ADAPTED.network, source=replace(SOURCE, steps=4))
    assert replace(ADAPTED, network=longer).key != ADAPTED.key
    with pytest.raises(ValueError, match="source must be a TrainConfig, got 'vit'"):
        Pretrained(PLAIN, "vit")
