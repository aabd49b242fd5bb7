import json
import math
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from vaelib.checkpoint import load_tensors, save_tensors
from vaelib.datasets import Blobs, Correlated, DSprites, Shapes3D
from vaelib.diverged import TrainingDiverged
from vaelib.files import write_json, write_whole
from vaelib.networks import MLP, Burgess
from vaelib.objectives import BetaVAE, Objective, PixelWeighted
from vaelib.runs import Run, encode, find, table
from vaelib.spec import from_spec, to_spec
from vaelib.train import TrainConfig, load_or_train, train
from vaelib.vae import VAE

SMALL = TrainConfig(
    network=MLP(hidden=16), latent_dim=3, steps=12, batch_size=8, log_every=4, checkpoint_every=5,
    device="cpu",
)  # fmt: skip


def weights(run):
    return load_tensors(run.folder / "model.safetensors")[0]


def assert_same_weights(a, b):
    a, b = weights(a), weights(b)
    assert a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_a_run_is_a_folder_with_everything_in_it(tmp_path):
    run = train(SMALL, tmp_path / "run", progress=False)
    names = {path.name for path in run.folder.iterdir()}
    assert names == {"config.json", "machine.json", "log.csv", "model.safetensors"}
    assert run.log["step"].tolist() == [1, 4, 8, 12]
    assert list(run.log) == [
        "step", "seconds", "loss", "reconstruction", "weighted_kl", "kl", "kl_0", "kl_1", "kl_2",
    ]  # fmt: skip
    log = run.log
    np.testing.assert_allclose(log["loss"], log["reconstruction"] + log["weighted_kl"], rtol=1e-6)
    np.testing.assert_allclose(log["kl"], log[["kl_0", "kl_1", "kl_2"]].sum(axis=1), rtol=1e-5)
    np.testing.assert_allclose(log["weighted_kl"], 4.0 * log["kl"], rtol=1e-5)


def plain_loop(config):
    """What train() computes, written out once without it: the weights and the last loss."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        vae = VAE(config.network, (1, 64, 64), config.latent_dim)
    noise, rng = torch.Generator().manual_seed(0), np.random.default_rng(0)
    optimizer = torch.optim.Adam(vae.parameters(), lr=config.learning_rate)
    n = config.batch_size
    for _ in range(config.steps):
        images = torch.from_numpy(DSprites().sample(n, rng).images).float()
        mean, logvar = vae.encoder(images).chunk(2, 1)
        z = mean + (0.5 * logvar).exp() * torch.empty(mean.shape).normal_(generator=noise)
        logits = vae.decoder(z)
        bce = F.binary_cross_entropy_with_logits(logits, images, reduction="sum") / n
        kl = (0.5 * (mean.square() + logvar.exp() - 1.0 - logvar)).sum(1).mean()
        loss = bce + 4.0 * kl
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return vae.state_dict(), loss.item()


def test_without_speedups_the_loop_is_the_plain_loop_bit_for_bit(tmp_path):
    config = replace(SMALL, network=Burgess(channels=8, hidden=16), speedups=False)
    run = train(config, tmp_path / "run", progress=False)
    expected, loss = plain_loop(config)
    assert all(torch.equal(weights(run)[name], value) for name, value in expected.items())
    assert run.log["loss"].iloc[-1] == loss


def test_speedups_change_only_the_rounding(tmp_path):
    config = replace(SMALL, network=Burgess(channels=8, hidden=16))
    run = train(config, tmp_path / "run", progress=False)
    expected, loss = plain_loop(config)
    for name, value in expected.items():
        torch.testing.assert_close(weights(run)[name], value, rtol=1e-3, atol=1e-5)
    assert run.log["loss"].iloc[-1] == pytest.approx(loss, rel=1e-4)


def test_the_run_says_how_the_machine_was_used(tmp_path):
    run = train(replace(SMALL, speedups=False), tmp_path / "run", progress=False)
    found = json.loads((run.folder / "machine.json").read_text())
    assert "float32, contiguous" in found["plan"] and found["torch"] == torch.__version__


def test_training_learns(tmp_path):
    config = replace(SMALL, steps=60, batch_size=32, learning_rate=3e-3, log_every=10)
    log = train(config, tmp_path / "run", progress=False).log
    assert log["loss"].iloc[-1] < 0.3 * log["loss"].iloc[0]
    # An untrained decoder is indifferent: ln 2 nats for each of the 4,096 pixels.
    assert log["reconstruction"].iloc[0] == pytest.approx(4096 * math.log(2), rel=0.05)


def test_same_seed_same_weights_other_seed_other_weights(tmp_path):
    a = train(SMALL, tmp_path / "a", progress=False)
    assert_same_weights(a, train(SMALL, tmp_path / "b", progress=False))
    c = train(replace(SMALL, seed=1), tmp_path / "c", progress=False)
    assert not torch.equal(weights(a)["encoder.1.weight"], weights(c)["encoder.1.weight"])


def test_a_finished_run_is_returned_untouched(tmp_path):
    first = train(SMALL, tmp_path / "run", progress=False)
    before = (first.folder / "model.safetensors").stat().st_mtime_ns
    again = train(SMALL, tmp_path / "run", progress=False)
    assert (again.folder / "model.safetensors").stat().st_mtime_ns == before


def test_a_folder_with_another_configuration_is_refused(tmp_path):
    train(SMALL, tmp_path / "run", progress=False)
    with pytest.raises(ValueError, match="holds another run, BetaVAE"):
        train(replace(SMALL, seed=5), tmp_path / "run", progress=False)


def test_neither_the_global_generator_nor_the_objective_of_the_caller_is_touched(tmp_path):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    objective = BetaVAE(beta=2.0)
    train(replace(SMALL, objective=objective), tmp_path / "run", progress=False)
    assert torch.equal(torch.rand(3), expected)
    assert objective.beta == 2.0 and not objective.state_dict()


class Stop(Exception):
    pass


def stop_at(step):
    def on_log(row):
        if row["step"] == step:
            raise Stop

    return on_log


@pytest.mark.parametrize("stop", [4, 8])
def test_resume_gives_the_same_weights_and_log(tmp_path, stop):
    whole = train(SMALL, tmp_path / "whole", progress=False)
    with pytest.raises(Stop):
        train(SMALL, tmp_path / "cut", on_log=stop_at(stop), progress=False)
    cut = train(SMALL, tmp_path / "cut", progress=False)
    assert_same_weights(whole, cut)
    pd_columns = [c for c in whole.log if c != "seconds"]
    assert whole.log[pd_columns].equals(cut.log[pd_columns])
    assert not (cut.folder / "state").exists()


@dataclass(frozen=True)
class Dropping(MLP):
    """A network of a user's that draws from torch's own generator."""

    def encoder(self, image_shape, outputs):
        return torch.nn.Sequential(torch.nn.Dropout(0.2), super().encoder(image_shape, outputs))


def test_what_draws_from_torch_itself_is_repeated_and_resumes_bit_for_bit(tmp_path):
    config = replace(SMALL, network=Dropping(hidden=16))
    whole = train(config, tmp_path / "whole", progress=False)
    torch.manual_seed(123)
    before = torch.get_rng_state()
    with pytest.raises(Stop):
        train(config, tmp_path / "cut", on_log=stop_at(8), progress=False)
    torch.manual_seed(7)
    assert_same_weights(whole, train(config, tmp_path / "cut", progress=False))
    torch.manual_seed(123)
    assert_same_weights(whole, train(config, tmp_path / "again", progress=False))
    assert torch.equal(torch.get_rng_state(), before), "the program's own draws stay as they were"


@pytest.mark.parametrize("first", [True, False])
def test_a_run_goes_on_with_or_without_speedups(tmp_path, first):
    whole = train(SMALL, tmp_path / "whole", progress=False)
    with pytest.raises(Stop):
        train(replace(SMALL, speedups=first), tmp_path / "cut", on_log=stop_at(8), progress=False)
    other = replace(SMALL, speedups=not first)
    cut = train(other, tmp_path / "cut", progress=False)
    for name, value in weights(whole).items():
        torch.testing.assert_close(weights(cut)[name], value, rtol=1e-4, atol=1e-6)


KILLED = """
    import sys, torch
    torch.set_num_threads(1)
    from vaelib.networks import MLP, Burgess
    from vaelib.train import TrainConfig, train
    config = TrainConfig(network=MLP(hidden=64), latent_dim=3, steps=400, batch_size=16,
                         log_every=10, checkpoint_every=25, device="cpu")
    train(config, sys.argv[1], progress=False)
"""


def test_a_run_killed_in_mid_step_resumes_bit_for_bit(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(KILLED))
    command = [sys.executable, str(script)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([*command, str(tmp_path / "whole")], check=True, env=environment)

    for wanted in (2, 5):  # killed twice, each time in mid-run
        process = subprocess.Popen([*command, str(tmp_path / "killed")], env=environment)
        deadline = time.monotonic() + 60
        while step_reached(tmp_path / "killed") < 25 * wanted:
            assert time.monotonic() < deadline and process.poll() is None, "it must be running"
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert not Run(tmp_path / "killed").finished
    subprocess.run([*command, str(tmp_path / "killed")], check=True, env=environment)
    assert_same_weights(Run(tmp_path / "whole"), Run(tmp_path / "killed"))
    logs = [Run(tmp_path / name).log for name in ("whole", "killed")]
    assert logs[0]["step"].tolist() == logs[1]["step"].tolist()


def step_reached(folder):
    steps = [int(p.stem.split("-")[1]) for p in (folder / "state").glob("step-*.safetensors")]
    return max(steps, default=0)


def test_a_damaged_checkpoint_costs_one_interval(tmp_path):
    whole = train(SMALL, tmp_path / "whole", progress=False)
    with pytest.raises(Stop):
        train(SMALL, tmp_path / "cut", on_log=stop_at(12), progress=False)
    newest = Run(tmp_path / "cut").checkpoints.paths()[-1]
    newest.write_bytes(newest.read_bytes()[:1000])
    with pytest.warns(UserWarning, match="not a whole safetensors file"):
        cut = train(SMALL, tmp_path / "cut", progress=False)
    assert_same_weights(whole, cut)


@dataclass(eq=False)
class Exploding(Objective):
    at: int = 7

    def penalty(self, batch, out, step):
        scale = math.nan if step + 1 >= self.at else 0.0
        return {"explosion": scale * out.z.sum()}


def test_nan_stops_with_the_step_and_the_last_good_checkpoint(tmp_path):
    config = replace(SMALL, objective=Exploding())
    with pytest.raises(TrainingDiverged, match=r"nan at step 7 of .*step-0000005\.safetensors"):
        train(config, tmp_path / "run", progress=False)
    tensors, meta = load_tensors(Run(tmp_path / "run").checkpoints.paths()[-1])
    assert meta["step"] == 5 and all(t.isfinite().all() for n, t in tensors.items() if n != "noise")


def test_nan_before_any_checkpoint_says_so(tmp_path):
    with pytest.raises(TrainingDiverged, match="nan at step 2 .*no checkpoint was saved yet"):
        train(replace(SMALL, objective=Exploding(at=2)), tmp_path / "run", progress=False)


def test_config_survives_the_round_trip_through_json():
    data = Correlated(DSprites(), {("pos_x", "pos_y"): 0.2})
    config = replace(SMALL, data=data, objective=BetaVAE(beta=8.0))
    again = from_spec(json.loads(json.dumps(to_spec(config))))
    assert to_spec(again) == to_spec(config) and again.key == config.key


def test_how_a_run_is_carried_out_does_not_change_what_it_is():
    assert replace(SMALL, device="auto", log_every=1, precision="auto").key == SMALL.key
    assert replace(SMALL, learning_rate=1e-3).key != SMALL.key
    assert replace(SMALL, objective=BetaVAE(beta=5.0)).key != SMALL.key


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"steps": 0}, "steps must be a whole number of at least 1, got 0"),
        ({"steps": True}, "steps must be a whole number of at least 1, got True"),
        ({"batch_size": 2.5}, "batch_size must be a whole number"),
        ({"seed": -1}, "seed must be a whole number of at least 0, got -1"),
        ({"seed": 0.5}, "seed must be a whole number of at least 0, got 0.5"),
        ({"seed": 2**64}, "seed must be below 2"),
        ({"speedups": "false"}, "speedups must be a bool, got 'false'"),
        ({"device": "nonsense"}, "device must be auto, cpu.*, got 'nonsense'"),
        ({"device": 0}, "device must be a str, got 0"),
        ({"learning_rate": "1e-3"}, "learning_rate must be a number, got .1e-3."),
        ({"learning_rate": -1.0}, "learning_rate must be positive"),
        ({"precision": "float16"}, "precision must be one of .*'float16'"),
        ({"data": "dsprites"}, "data must be a FactorData, got 'dsprites'"),
        ({"objective": BetaVAE}, "objective must be a Objective|objective must be an? Objective"),
    ],
)
def test_bad_configurations_are_refused(change, says):
    with pytest.raises(ValueError, match=says):
        replace(SMALL, **change)


def test_numbers_of_numpy_are_the_same_configuration():
    assert replace(SMALL, seed=np.int64(3), steps=np.int64(9)).key == (
        replace(SMALL, seed=3, steps=9).key
    )


def test_bfloat16_computes_almost_the_same_loss(tmp_path):
    config = replace(SMALL, steps=40, learning_rate=2e-3)
    exact = train(config, tmp_path / "a", progress=False).log["loss"].iloc[-1]
    coarse = replace(config, precision="bfloat16")
    assert train(coarse, tmp_path / "b", progress=False).log["loss"].iloc[-1] == pytest.approx(
        exact, rel=0.05
    )


def test_load_or_train_finds_finished_runs_before_it_trains(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("VAELIB_RUNS", str(tmp_path))
    first = load_or_train(SMALL, progress=False)
    assert "training 12 steps" in capsys.readouterr().out
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text("{")
    again = load_or_train(SMALL, progress=False)
    assert again.folder == first.folder and capsys.readouterr().out == ""


def test_the_fast_mode_cuts_what_has_to_be_trained(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("VAELIB_RUNS", str(tmp_path))
    monkeypatch.setenv("VAELIB_FAST", "1")
    run = load_or_train(replace(SMALL, steps=3_000), progress=False)
    assert run.config.steps == 20 and "numbers mean nothing" in capsys.readouterr().out


def test_damaged_and_foreign_runs_are_refused(tmp_path):
    with pytest.raises(ValueError, match="is not a run"):
        Run(tmp_path)
    run = train(SMALL, tmp_path / "run", progress=False)
    model = run.folder / "model.safetensors"
    whole = model.read_bytes()
    model.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="not a whole safetensors file"):
        _ = Run(run.folder).vae
    other = train(replace(SMALL, latent_dim=4), tmp_path / "other", progress=False)
    model.write_bytes((other.folder / "model.safetensors").read_bytes())
    with pytest.raises(ValueError, match=f"belongs to the configuration {other.config.key}"):
        _ = Run(run.folder).vae
    save_tensors(model, load_tensors(model)[0])  # as before keys were written
    with pytest.raises(ValueError, match=r"does not fit its config.json .* must be .* got"):
        _ = Run(run.folder).vae
    (run.folder / "config.json").write_text("{'not': json}")
    with pytest.raises(ValueError, match="config.json is not a JSON object"):
        _ = Run(run.folder).config


def test_a_configuration_that_was_changed_by_hand_is_not_believed(tmp_path):
    """Neither with the weights that it had before, nor to go on from a checkpoint."""
    run = train(SMALL, tmp_path / "run", progress=False)
    with pytest.raises(Stop):
        train(SMALL, tmp_path / "cut", on_log=stop_at(12), progress=False)
    changed = replace(SMALL, seed=SMALL.seed + 1)
    for folder in (run.folder, tmp_path / "cut"):
        write_json(folder / "config.json", to_spec(changed))
    with pytest.raises(ValueError, match="it was changed after training began"):
        _ = Run(run.folder).vae
    with pytest.raises(ValueError, match="it was changed after training began"):
        train(changed, tmp_path / "cut", progress=False)
    write_json(tmp_path / "cut" / "config.json", to_spec(replace(SMALL, log_every=3)))
    assert train(SMALL, tmp_path / "cut", progress=False).finished  # how it is carried out may be


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"device": "hip"}, "device must be one of this machine, cpu.*, got hip"),
        ({"data": Shapes3D(), "network": Burgess()}, "3dshapes.h5"),
        ({"data": Blobs(size=48), "network": Burgess()}, "must be 32×32, 64×64 or 128×128"),
    ],
)
def test_what_cannot_be_trained_leaves_no_folder(change, message, tmp_path):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        train(replace(SMALL, **change), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_unfinished_runs_have_no_model_yet(tmp_path):
    run = Run.create(tmp_path / "run", SMALL)
    with pytest.raises(ValueError, match="is not finished"):
        _ = run.vae


def test_table_has_a_row_a_run_and_one_distribution(tmp_path):
    for seed in (0, 1):
        run = train(replace(SMALL, seed=seed), tmp_path / str(seed), progress=False)
        scores = {"uncorrelated": {"scores": {"mig": {"mig": 0.1 + seed}, "dci": {"d": 0.5}}}}
        scores["correlated"] = {"scores": {"mig": {"mig": 0.9}}}
        (run.folder / "scores.json").write_text(json.dumps(scores))
    frame = table(find(tmp_path))
    assert frame["seed"].tolist() == [0, 1] and frame["mig"].tolist() == [0.1, 1.1]
    assert frame["dci.d"].tolist() == [0.5, 0.5] and set(frame["beta"]) == {4.0}
    assert table(find(tmp_path), "correlated")["mig"].tolist() == [0.9, 0.9]


def test_table_tells_a_wrapper_from_what_it_is_around(tmp_path):
    Run.create(tmp_path / "a", replace(SMALL, objective=PixelWeighted(BetaVAE(8.0), 4)))
    row = table(find(tmp_path)).iloc[0]
    assert row["objective"] == "PixelWeighted" and row["of"] == "BetaVAE(beta=8.0)"


@pytest.mark.parametrize("options", [{"n": 0}, {"batch_size": 0}])
def test_encode_refuses_to_encode_nothing(options):
    with pytest.raises(ValueError, match="n and batch_size must be at least 1"):
        encode(VAE(MLP(4), (1, 64, 64), 2), DSprites(), **options)


def test_encode_gives_posterior_means_of_the_uncorrelated_data(tmp_path):
    data = Correlated(DSprites(), {("pos_x", "pos_y"): 0.1})
    run = train(replace(SMALL, data=data), tmp_path / "run", progress=False)
    codes = encode(run, n=300, batch_size=70)
    assert codes.means.shape == (300, 3) and codes.names == DSprites().factor_names
    images = torch.from_numpy(DSprites().render(codes.factors[:9])).float()
    np.testing.assert_allclose(codes.means[:9], run.vae.encode(images).mean, rtol=1e-4, atol=1e-6)
    x, y = codes.factors[:, 3], codes.factors[:, 4]
    assert abs(np.corrcoef(x, y)[0, 1]) < 0.2  # uncorrelated, although training was not
    own = encode(run, data, n=300)
    assert np.corrcoef(own.factors[:, 3], own.factors[:, 4])[0, 1] > 0.8
    assert np.array_equal(encode(run, n=50).factors, encode(run, n=50).factors)  # paired


def test_nothing_is_left_of_a_failed_write(tmp_path):
    target = tmp_path / "file"
    target.write_text("old")

    def fail(path):
        path.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_whole(target, fail)
    assert target.read_text() == "old" and list(tmp_path.iterdir()) == [target]


@dataclass(frozen=True)
class Bytes(Blobs):
    """Forgets to say that white is 255."""

    max_value = 1


def test_images_beyond_their_range_are_refused_before_training(tmp_path):
    with pytest.raises(ValueError, match=r"0\.\.max_value, 0\.\.1, got 0 to 255: set max_value"):
        train(TrainConfig(Bytes(size=32), network=MLP(8)), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
