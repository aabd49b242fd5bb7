"""The benchmarks' own logic; that they run at all is seen with `python -m benchmarks --short`."""

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks import _results, gpu, loader, quality, recipes, speedrun
from benchmarks._held_out import HeldOutLoss, Without, held_out_loss
from benchmarks._stepper import Apart, Stepper, in_turn
from benchmarks._tried import RECIPES as TRIED
from benchmarks._tried import Recipe
from vaelib.datasets import DSprites
from vaelib.networks import MLP
from vaelib.objectives import BetaVAE
from vaelib.train import TrainConfig, train
from vaelib.vae import VAE

TINY = TrainConfig(
    data=Without(DSprites(), n=40), sampling=HeldOutLoss(every=4), network=MLP(hidden=8),
    latent_dim=2,
    objective=BetaVAE(1.0), steps=8, batch_size=4, log_every=4, checkpoint_every=4, device="cpu",
)  # fmt: skip


def test_test_images_are_never_trained_on():
    data = Without(DSprites(), n=700_000)  # nearly all
    drawn = data.index(data.sample(300, np.random.default_rng(0)).factors)
    assert len(drawn) == 300 and not np.isin(drawn, data.test_index).any()
    assert len(np.unique(data.test_index)) == 700_000


def test_the_test_loss_is_logged_and_is_that_of_the_model(tmp_path):
    run = train(TINY, tmp_path / "run", progress=False)
    images = torch.from_numpy(DSprites().render(DSprites().factors(TINY.data.test_index))).float()
    expected = held_out_loss(run.vae, (images,))
    logged = run.log[["test_reconstruction", "test_kl"]].iloc[-1]
    np.testing.assert_allclose(logged, expected, rtol=1e-4)
    out = run.vae(images)
    np.testing.assert_allclose(logged["test_kl"], out.posterior.kl().sum(1).mean(), rtol=1e-4)
    clocks = run.log[["train_seconds", "train_cpu_seconds"]].to_numpy()
    assert (np.diff(clocks, axis=0) > 0).all()


def test_an_indifferent_decoder_loses_ln_2_a_pixel():
    vae = VAE(MLP(hidden=4), (1, 64, 64), 2)
    with torch.no_grad():
        for parameter in vae.parameters():
            parameter.zero_()
    found = held_out_loss(vae, torch.rand(6, 1, 64, 64).split(4))
    np.testing.assert_allclose(found, [4096 * np.log(2), 0.0], rtol=1e-5)


def test_the_speedrun_counts_the_steps_to_the_reference_s_last_loss():
    steps, losses = np.array([500, 1000, 1500]), np.array([9.0, 5.0, 4.0])
    assert speedrun.steps_to(5.0, steps, losses) == 1000
    assert speedrun.steps_to(1.0, steps, losses) is None
    reference = np.array([500, 20_000]), np.array([9.0, 5.0])
    costs = {"reference": 120.0, "fast": 30.0}
    found = speedrun.row([(steps, losses), (steps, losses - 4)], [reference], 30.0, costs)
    assert found["seeds"] == 2 and found["steps to target"] == 750
    assert found["times faster"] == pytest.approx(20_000 * 120 / (750 * 30))
    assert speedrun.row([reference], [reference], 120.0, costs)["times faster"] == 1
    assert speedrun.row([(steps, losses + 9)], [reference], 30.0, costs)["times faster"] is None


def test_curves_are_kept_for_recipes_that_are_trained_later(tmp_path, monkeypatch):
    monkeypatch.setenv("VAELIB_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(speedrun, "results_folder", lambda: tmp_path)
    assert speedrun.gather([1.0], [0]).empty
    old = pd.DataFrame({"recipe": "reference", "beta": 1.0, "seed": 0, "step": [4, 8],
                        "test_loss": [9e3, 2e3]})  # fmt: skip
    longer = old.assign(recipe="fast", step=[8, 16])  # gives way as a whole
    pd.concat([old, longer]).to_csv(tmp_path / "speedrun_curves.csv", index=False)
    monkeypatch.setitem(speedrun.RECIPES, "fast", speedrun.Recipe("tiny"))
    run = train(TINY, speedrun.folder("fast", 1.0, 0), progress=False)
    curves = speedrun.gather([1.0], [0])
    (own,) = speedrun.of(curves, "fast", 1.0)
    assert own[0].tolist() == [4, 8]
    last = run.log.iloc[-1]
    assert own[1][-1] == pytest.approx(last["test_reconstruction"] + last["test_kl"])
    found = speedrun.rows(curves, {"reference": 120.0, "fast": 30.0})
    assert [row["recipe"] for row in found] == ["reference", "fast"]
    assert found[0]["target"] == 2e3


def test_every_recipe_is_a_configuration():
    for recipe in speedrun.RECIPES.values():
        assert recipe.config(4.0, 1).objective.beta == 4.0
    reference = speedrun.RECIPES["reference"].config(1.0, 0)
    assert (reference.steps, reference.batch_size, reference.learning_rate) == (20_000, 64, 5e-4)


def test_steppers_take_turns_here_and_apart():
    config = TrainConfig(network=MLP(hidden=4), latent_dim=2, batch_size=2, device="cpu")
    apart = Apart(config)
    times = in_turn({"here": Stepper(config), "apart": apart}, rounds=2, steps=1)
    apart.stop()
    assert all(len(values) == 2 and (values > 0).all() for values in times.values())


def test_results_are_kept_by_processor_and_shown_in_the_readme(tmp_path, monkeypatch):
    monkeypatch.setattr(_results, "HERE", tmp_path)
    monkeypatch.setattr(_results.machine, "cpu_name", lambda: "Some CPU @ 2.0 GHz")
    rows = [{"what": "a", "value": 1234567.0}, {"what": "b", "value": 0.12345, "kept": "yes"}]
    _results.keep("loader", rows)
    path = tmp_path / "results" / "some-cpu-2-0-ghz" / "loader.json"
    assert json.loads(path.read_text())["rows"] == rows == _results.kept("loader")["rows"]
    (tmp_path / "README.md").write_text("before\n<!-- loader -->\nold\n<!-- /loader -->\nafter\n")
    _results.write_readme("loader", _results.table(rows))
    text = (tmp_path / "README.md").read_text()
    assert "| a    | 1,234,567 |      |" in text and "0.123" in text and "old" not in text
    assert text.startswith("before\n") and text.endswith("after\n")
    with pytest.raises(ValueError, match="must have the marks"):
        _results.write_readme("speedrun", "")


def test_limits_say_whether_they_are_kept():
    assert loader.at_least("x", 5, 4)["kept"] == "yes" == loader.at_most("x", 4, 4)["kept"]
    assert loader.at_least("x", 3, 4)["kept"] == "NO" == loader.at_most("x", 5, 4)["kept"]


def test_the_table_of_a_file_is_read_as_drawn():
    data = loader.from_table(images=7, rows=7)
    factors = DSprites().factors(np.arange(7))
    np.testing.assert_array_equal(data.render(factors), DSprites().render(factors))


@pytest.fixture
def tiny_recipes(monkeypatch):
    monkeypatch.setattr(recipes, "FAST", replace(TINY, sampling=TrainConfig().sampling))
    monkeypatch.setattr(recipes, "RECIPES", {"fast": Recipe("as it is")})


def test_an_attempt_is_the_training_of_its_configuration(tiny_recipes, tmp_path):
    attempt = recipes.Attempt(Recipe("as it is"), 1.0, TINY.steps, 0)
    attempt.run(TINY.steps)
    run = train(attempt.config, tmp_path / "run", progress=False)
    for name, value in run.vae.state_dict().items():
        assert torch.equal(attempt.vae.state_dict()[name], value)


def test_a_recipe_sets_batches_optimisers_weights_and_what_is_tested(tiny_recipes):
    seen = []
    recipe = Recipe(
        "all at once",
        batch_size=lambda done: 2 if done < 0.5 else 6,
        optimizers=lambda vae, rate: {torch.optim.SGD(vae.parameters(), 1.0): 10 * rate},
        initialise=lambda vae: seen.append(vae),
        average=0.5,
    )
    attempt = recipes.Attempt(recipe, 1.0, 4, 0)
    sizes = []
    for _ in range(4):
        sizes.append(attempt.batch_size())
        attempt.advance()
    assert sizes == [2, 2, 6, 6] and seen == [attempt.vae]
    (optimizer,) = attempt.optimizers
    assert optimizer.param_groups[0]["lr"] == pytest.approx(10 * TINY.learning_rate)
    newest = next(attempt.vae.parameters())
    assert not torch.equal(next(attempt.tested.parameters()), newest)
    assert 0 < recipes.test_loss(attempt) < 5000


def test_a_dearer_recipe_gets_fewer_steps_and_is_compared_by_seed(tiny_recipes, monkeypatch):
    monkeypatch.setitem(recipes.RECIPES, "dear", Recipe("twice as dear"))
    monkeypatch.setattr(recipes, "cost", lambda recipe, rounds: 2.0)
    rows = [recipes.measure(n, 1.0, s, 8, 1) for n in ("fast", "dear") for s in (0, 1)]
    assert [row["steps"] for row in rows] == [8, 8, 4, 4]
    losses = [row["test loss"] for row in rows]
    gains = [losses[2] - losses[0], losses[3] - losses[1]]
    by_name = {row["recipe"]: row for row in recipes.summary(rows)}
    expected = f"{np.mean(gains):+.1f} ± {np.std(gains, ddof=1) / np.sqrt(2):.1f}"
    assert by_name["dear"]["against fast"] == expected and by_name["dear"]["seeds"] == 2


def test_recipes_are_compared_at_the_same_length():
    def row(recipe, of, loss):
        about = {"β": 1.0, "recipe": recipe, "seed": 0, "of": of, "× a fast step": 1.0}
        return about | {"steps": of, "test loss": loss}

    rows = [row("fast", 600, 130.0), row("fast", 6000, 75.0)]
    rows += [row("He", 600, 110.0), row("He", 6000, 76.0)]
    found = {(r["recipe"], r["as long as"]): r["against fast"] for r in recipes.summary(rows)}
    assert found["He", 600] == "-20.0" and found["He", 6000] == "+1.0"


def test_every_tried_recipe_makes_steps():
    for name, recipe in TRIED.items():
        if name in ("Muon", "schedule-free"):  # not in every torch, not among the packages
            continue
        attempt = recipes.Attempt(replace(recipe, batch_size=lambda done: 2), 1.0, 1, 0)
        attempt.run(1)
        assert all(p.isfinite().all() for p in attempt.tested.parameters()), name


def test_the_gpu_s_rate_is_that_of_the_second_half(monkeypatch):
    log = pd.DataFrame({"step": [1, 10, 20], "seconds": [60.0, 61.0, 66.0]})
    assert gpu.rate(log, 64, runs=16) == 16 * 64 * 10 / 5
    monkeypatch.setattr(gpu, "MANY", 2)
    on_cpu = replace(TINY, data=DSprites(), sampling=TrainConfig().sampling, log_every=1)
    rows = gpu.measure(on_cpu, many_steps=4)
    assert len(rows) == 4 and all(row["value"] > 0 and row["kept"] == "NO" for row in rows)


def test_answers_are_paired_by_seed():
    def rows(variant, values):
        named = [dict.fromkeys(quality.MEASURES, value) for value in values]
        return [{"variant": variant, "seed": s, "steps": 9} | m for s, m in enumerate(named)]

    found = quality.answers(
        rows("Fast, float32", [1.0, 5.0, 3.0])
        + rows("Fast, bfloat16", [1.1, 4.9, 3.05])
        + rows("Burgess, bfloat16", [0.0, 3.9, 2.0])
    )
    told = {(row["question"], row["measure"]): row for row in found}
    assert told["bfloat16 for float32", "MIG"]["answer"] == "not told apart"
    assert told["Fast for Burgess", "MIG"]["answer"] == "better"
    assert told["Fast for Burgess", "MIG"]["difference"] == "+1.050 ± 0.029"
    assert quality.verdict(-0.29, 0.1, pairs=5) == "worse"  # t of 4 degrees: 2.776
    assert quality.verdict(-0.27, 0.1, pairs=5) == "not told apart"
    assert quality.verdict(-0.29, math.nan, pairs=1) == "one pair only"


def test_a_run_is_measured_on_images_that_it_never_saw(tmp_path):
    config = replace(TINY, sampling=TrainConfig().sampling)
    run = train(config, tmp_path / "run", progress=False)
    found = quality.measure(run, images=300)
    images = torch.from_numpy(DSprites().render(DSprites().factors(TINY.data.test_index))).float()
    expected = -float(held_out_loss(run.vae, (images,)).sum())
    assert found["test ELBO"] == pytest.approx(expected, rel=1e-4)
    assert run.scores["uncorrelated"]["scores"]["mig"]["mig"] == found["MIG"]
