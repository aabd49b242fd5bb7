import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from vaelib.checkpoint import load_tensors
from vaelib.datasets import Correlated, DSprites, FixedSample
from vaelib.density import NearestNeighbours, effective_share
from vaelib.flattening import DensityFlattening, OracleFlattening, TwoPass
from vaelib.networks import MLP
from vaelib.objectives import BetaVAE
from vaelib.sampling import UniformSampling
from vaelib.spec import from_spec, to_spec
from vaelib.train import TrainConfig, train
from vaelib.types import Posterior, VAEOutput
from vaelib.vae import VAE

BAND = Correlated(DSprites(), {("pos_x", "pos_y"): 0.2})
DATA = FixedSample(BAND, n=300)
QUICK = DensityFlattening(NearestNeighbours(k=5), every=10, refresh=40, active=0.01)
SMALL = TrainConfig(
    data=DATA, objective=BetaVAE(beta=1.0), network=MLP(hidden=8), latent_dim=3, steps=40,
    batch_size=16, log_every=10, checkpoint_every=20, device="cpu", sampling=QUICK,
)  # fmt: skip


class Stop(Exception):
    pass


def stop_at_30(row):
    if row["step"] == 30:
        raise Stop


def prepared(sampling, data=DATA, latent_dim=2):
    config = replace(SMALL, data=data, sampling=sampling, latent_dim=latent_dim)
    sampling = from_spec(to_spec(sampling))
    torch.manual_seed(0)
    vae = VAE(MLP(hidden=8), (1, 64, 64), latent_dim)
    sampling.prepare(config, vae)
    return sampling, vae


def seen(mean, std=0.1):
    mean = torch.as_tensor(mean, dtype=torch.float32)
    return VAEOutput(Posterior(mean, torch.full_like(mean, 2 * np.log(std))), mean, mean)


def positions(factors):
    return factors[:, 3:5]


def weighted_r(data, weights):
    x, y = positions(data.factors(data.indices)).T
    c = np.cov(x, y, aweights=weights)
    return c[0, 1] / np.sqrt(c[0, 0] * c[1, 1])


def pretend(sampling, codes, std=0.1):
    """Show every image once, with these means, and update."""
    sampling.rows = np.arange(len(codes))
    sampling.observe(seen(codes, std), step=sampling.every - 1)


@pytest.mark.parametrize(
    "sampling", [UniformSampling(), QUICK, TwoPass(QUICK, 10), OracleFlattening()], ids=repr
)
def test_configurations_survive_a_round_trip(sampling):
    spec = json.loads(json.dumps(to_spec(sampling)))
    assert to_spec(from_spec(spec)) == to_spec(sampling)
    config = replace(SMALL, sampling=sampling)
    assert from_spec(to_spec(config)).key == config.key


def test_the_key_of_uniform_sampling_is_that_of_configurations_without_the_field():
    spec = to_spec(replace(SMALL, sampling=UniformSampling()))
    assert spec.pop("sampling") == {"type": "vaelib.sampling:UniformSampling"}
    assert from_spec(spec).key == replace(SMALL, sampling=UniformSampling()).key
    assert replace(SMALL, sampling=OracleFlattening()).key != from_spec(spec).key


def test_uniform_sampling_draws_what_the_data_set_draws():
    a = UniformSampling().draw(DATA, 8, np.random.default_rng(0))
    b = DATA.sample(8, np.random.default_rng(0))
    assert np.array_equal(a.images, b.images) and np.array_equal(a.factors, b.factors)


@pytest.mark.parametrize("sampling", [QUICK, TwoPass(), OracleFlattening()], ids=repr)
def test_endless_data_are_refused(sampling):
    with pytest.raises(ValueError, match=r"FixedSample\(data, n\), got DSprites"):
        replace(SMALL, data=DSprites(), sampling=sampling)


def test_the_oracle_needs_correlated_data_and_bad_values_are_refused():
    with pytest.raises(ValueError, match="joint of Correlated data"):
        replace(SMALL, data=FixedSample(DSprites(), 10), sampling=OracleFlattening())
    with pytest.raises(ValueError, match="every must be at least 1"):
        DensityFlattening(every=0)
    with pytest.raises(ValueError, match="ratio must be at least 1"):
        DensityFlattening(ratio=0.5)


def test_the_oracle_weights_are_one_over_the_joint():
    sampling, _ = prepared(OracleFlattening(ratio=1e9, min_effective=1e-6))
    a, b = positions(DATA.factors(DATA.indices)).T
    expected = np.exp((a - b) ** 2 / 31**2 / (2 * 0.2**2))  # 1/p of the Gaussian formula
    expected = np.maximum(expected, np.median(expected) / 3)
    np.testing.assert_allclose(sampling.weights, expected / expected.mean(), rtol=1e-6)


def test_the_oracle_flattens_the_correlation():
    data = FixedSample(BAND, n=20_000)
    sampling, _ = prepared(OracleFlattening(), data)
    assert weighted_r(data, np.ones(20_000)) > 0.75 > 0.6 > weighted_r(data, sampling.weights)
    assert effective_share(sampling.weights) >= 0.1 - 1e-9


def test_codes_that_show_the_positions_flatten_their_correlation_without_labels():
    data = FixedSample(BAND, n=6_000)
    sampling, _ = prepared(DensityFlattening(refresh=0), data)
    pretend(sampling, positions(data.factors(data.indices)) / 31)
    flat = weighted_r(data, sampling.state["weights"])
    assert weighted_r(data, np.ones(6_000)) > 0.75 > 0.65 > flat
    share = sampling.extra_log()["effective_share"]
    assert 0.1 <= share < 0.7
    assert share == pytest.approx(effective_share(sampling.state["weights"]))
    assert sampling.state["weights"].max() / sampling.state["weights"].min() <= 100 + 1e-6


def test_weights_do_not_change_when_a_latent_is_stretched_with_its_posterior():
    codes = np.random.default_rng(0).normal(size=(300, 2))
    one, _ = prepared(DensityFlattening(refresh=0))
    pretend(one, codes, 0.1)
    other, _ = prepared(DensityFlattening(refresh=0))
    pretend(other, codes * 50, 5.0)
    np.testing.assert_allclose(one.state["weights"], other.state["weights"], rtol=1e-3)


def test_latents_that_do_not_tell_images_apart_do_not_count():
    rng = np.random.default_rng(0)
    codes = np.stack([rng.normal(size=300), 0.05 * rng.normal(size=300)], 1)  # posteriors of .1
    sampling, _ = prepared(DensityFlattening(refresh=0))
    pretend(sampling, codes)
    assert sampling.active_latents().tolist() == [True, False]
    assert sampling.extra_log()["active_latents"] == 1 and sampling.codes().shape == (300, 1)


def test_the_latest_codes_are_kept_of_images_drawn_twice_too():
    sampling, _ = prepared(DensityFlattening(every=100))
    sampling.rows = np.array([4, 7, 4])
    sampling.observe(seen([[1.0, 2], [3, 4], [1, 2]]), step=0)
    sampling.rows = np.array([7])
    sampling.observe(seen([[5.0, 6]]), step=1)
    assert sampling.state["means"][[4, 7]].tolist() == [[1, 2], [5, 6]]
    assert sampling.state["seen"][[0, 4, 7]].tolist() == [-1, 0, 1]
    assert (sampling.state["weights"] == 1).all()  # before the first update


def test_an_update_encodes_what_was_never_seen_and_the_oldest():
    sampling, vae = prepared(DensityFlattening(every=10, refresh=5))
    sampling.rows = np.arange(290)
    sampling.observe(seen(np.zeros((290, 2))), step=3)
    sampling.rows = np.arange(280)
    sampling.observe(seen(np.zeros((280, 2))), step=9)  # 10 never seen are more than 5
    images = DATA.batch(np.arange(280, 300)).to("cpu").images
    expected = vae.encode(images).mean.detach().numpy()
    np.testing.assert_allclose(sampling.state["means"][290:], expected[10:], rtol=1e-4, atol=1e-6)
    assert (sampling.state["means"][:290] == 0).all()
    sampling.observe(seen(np.zeros((280, 2))), step=19)  # all seen: the 5 oldest
    encoded = np.flatnonzero((sampling.state["means"] != 0).any(1))
    assert encoded.tolist() == [280, 281, 282, 283, 284, *range(290, 300)]


def test_rare_images_are_drawn_more_often():
    sampling, _ = prepared(DensityFlattening())
    sampling.state["weights"] = np.where(np.arange(300) < 10, 30.0, 1.0)
    rng = np.random.default_rng(0)
    rows = np.concatenate([(sampling.draw(DATA, 64, rng), sampling.rows)[1] for _ in range(50)])
    assert (rows < 10).mean() == pytest.approx(300 / 590, abs=0.03)


def test_a_stopped_run_resumes_bit_for_bit(tmp_path):
    whole = train(SMALL, tmp_path / "whole", progress=False)
    with pytest.raises(Stop):
        train(SMALL, tmp_path / "cut", stop_at_30, progress=False)
    cut = train(SMALL, tmp_path / "cut", progress=False)
    for file in ("model", "sampling"):
        a, b = (load_tensors(run.folder / f"{file}.safetensors")[0] for run in (whole, cut))
        assert a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
    assert whole.log.drop(columns="seconds").equals(cut.log.drop(columns="seconds"))
    weights = load_tensors(whole.folder / "sampling.safetensors")[0]["weights"]
    assert weights.shape == (300,) and weights.max() > weights.min()
    assert {"effective_share", "active_latents"} <= set(whole.log)


def test_two_passes_train_a_first_run_and_draw_by_its_last_weights(runs_folder, tmp_path):
    config = replace(SMALL, sampling=TwoPass(QUICK, steps=20, objective=BetaVAE(beta=0.3)))
    run = train(config, tmp_path / "second", progress=False)
    (first,) = runs_folder.iterdir()
    spec = json.loads((first / "config.json").read_text())
    assert spec["steps"] == 20 and spec["objective"]["beta"] == 0.3
    weights = load_tensors(first / "sampling.safetensors")[0]["weights"].numpy()
    expected = effective_share(weights)
    np.testing.assert_allclose(run.log["effective_share"], expected)

    same = from_spec(to_spec(config.sampling))
    same.prepare(config, None)  # finds the first run
    found = same.draw(DATA, 8, np.random.default_rng(1)).factors
    expected = DATA.batch(DATA.sample_rows(8, np.random.default_rng(1), weights)).factors
    assert np.array_equal(found, expected) and len(list(runs_folder.iterdir())) == 1


def test_two_passes_reuse_the_first_run_and_resume(runs_folder, tmp_path):
    config = replace(SMALL, sampling=TwoPass(QUICK, steps=20))
    whole = train(config, tmp_path / "whole", progress=False)
    (first,) = runs_folder.iterdir()
    written = (first / "model.safetensors").stat().st_mtime_ns
    with pytest.raises(Stop):
        train(config, tmp_path / "cut", stop_at_30, progress=False)
    cut = train(config, tmp_path / "cut", progress=False)
    assert (first / "model.safetensors").stat().st_mtime_ns == written
    a, b = (load_tensors(run.folder / "model.safetensors")[0] for run in (whole, cut))
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_flattening_keeps_to_its_own_limits(monkeypatch):
    seen = []

    def spy(log_density, ratio, min_effective):
        seen.append((ratio, min_effective))
        return np.ones(len(log_density))

    sampling = DensityFlattening(ratio=7.0, min_effective=0.3, every=1)
    config = TrainConfig(FixedSample(DSprites(), 60), network=MLP(4), sampling=sampling, steps=1)
    sampling.prepare(config, VAE(MLP(4), (1, 64, 64), 10))
    monkeypatch.setattr("vaelib.flattening.flat_weights", spy)
    sampling.update(0)
    assert seen == [(7.0, 0.3)]
