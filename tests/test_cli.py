"""The command line: what a newcomer types, and what comes back when it is wrong."""

import json
import math
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from vaelib.cli import main, parser
from vaelib.cli.fields import fields_of, make
from vaelib.cli.scoring import SAMPLES
from vaelib.cli.training import config_from, training_fields
from vaelib.datasets import Correlated, DSprites, FixedSample, Pairs
from vaelib.flattening import OracleFlattening
from vaelib.networks import MLP, Locatello
from vaelib.objectives import BetaTCVAE, BetaVAE, PairTurns, PairwiseBeta
from vaelib.objectives.pair_weights import IfSignificant, Relaxed
from vaelib.objectives.terms import WeightedKL
from vaelib.runs import Run
from vaelib.spec import to_spec
from vaelib.train import PARTS, TrainConfig, train

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = (
    "train", "resume", "evaluate", "evaluate-codes", "traverse", "explore", "report", "study",
    "data", "list",
)  # fmt: skip
STUDY = tuple(f"study {action}" for action in ("list", "run", "table", "plot", "report"))
TINY = (
    "--network", "MLP", "--network-option", "hidden=8", "--latent-dim", "3",
    "--batch-size", "4", "--steps", "6", "--log-every", "2", "--quiet",
)  # fmt: skip


def fails(capsys, *arguments, status=2):
    """What the command says when it fails: one message, no traceback."""
    assert main(arguments) == status
    said = capsys.readouterr()
    assert said.err.startswith("vaelib: ") and "Traceback" not in said.err + said.out
    return said.err


def config(*arguments):
    return config_from(parser().parse_args(["train", *arguments]))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A trained run."""
    folder = tmp_path_factory.mktemp("cli") / "run"
    assert main(["train", "-o", "beta=2", *TINY, "--folder", str(folder)]) == 0
    return Run(folder)


def test_help_is_there_at_once():
    """Nothing heavy is imported for it. Processor time, which a busy machine does not stretch."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "vaelib", "--help"],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5
    assert all(name in done.stdout for name in COMMANDS)
    heavy = {"torch", "numpy", "pandas", "matplotlib", "sklearn", "papermill", "nbconvert"}
    loaded = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert "argparse" in loaded and not loaded & heavy


@pytest.mark.parametrize("command", [*COMMANDS, "data list", "data fetch", "data check", *STUDY])
def test_each_help_ends_with_an_example_that_parses(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*command.split(), "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert "\nexample:\n" in text
    for line in text.split("\nexample:\n")[1].strip().splitlines():
        program, *arguments = line.split()
        assert program == "vaelib" and parser().parse_args(arguments)


def test_every_option_is_explained():
    def subparsers(one):
        for action in one._actions:
            if hasattr(action, "choices") and isinstance(action.choices, dict):
                for child in action.choices.values():
                    yield child
                    yield from subparsers(child)

    for one in subparsers(parser()):
        for action in one._actions:
            assert action.help or action.choices, f"{one.prog} {action.dest} has no help"


def test_each_setting_of_training_is_an_option():
    told = {field.name for field in training_fields()}
    assert told == {f.name for f in fields(TrainConfig)} - set(PARTS)


def test_no_options_mean_the_defaults_of_the_library():
    ours, theirs = config(), TrainConfig()
    assert ours.key == theirs.key and ours.device == theirs.device


def test_options_make_the_configuration():
    made = config(
        "--objective", "betavae", "-o", "beta=8", "--network", "Locatello", "--steps", "1e3",
        "--learning-rate", "1e-3", "--correlate", "pos_x", "pos_y", "0.2",
        "--correlate", "shape", "scale", "0.4", "--seed", "3",
    )  # fmt: skip
    pairs = {("pos_x", "pos_y"): 0.2, ("shape", "scale"): 0.4}
    by_hand = TrainConfig(
        Correlated(DSprites(), pairs),
        BetaVAE(8.0),
        Locatello(),
        steps=1000,
        learning_rate=1e-3,
        seed=3,
    )
    assert made.key == by_hand.key
    with pytest.raises(FileNotFoundError, match="some.npz"):
        config("--data", "some.npz")


def test_parts_of_an_objective_are_written_as_calls_or_names():
    parts = ("weights=IfSignificant(weights=Relaxed(beta_max=8))", "terms=(WeightedKL(beta=2),)")
    made = config("--objective", "PairwiseBeta", "-o", parts[0], "-o", parts[1])
    weights, terms = IfSignificant(Relaxed(beta_max=8.0)), (WeightedKL(2.0),)
    assert to_spec(made.objective) == to_spec(PairwiseBeta(weights=weights, terms=terms))
    made = config("--objective", "PairTurns", "-o", "objective=BetaTCVAE")
    assert to_spec(made.objective) == to_spec(PairTurns(BetaTCVAE()))


def test_data_are_correlated_and_then_wrapped():
    correlate = ("--correlate", "pos_x", "pos_y", "0.2")
    world = Correlated(DSprites(), {("pos_x", "pos_y"): 0.2})
    assert config("--wrap", "pairs", "k=2", "mode=causal").data == Pairs(DSprites(), 2, "causal")
    sampling = ("--sampling", "OracleFlattening", "--sampling-option", "ratio=7")
    made = config(*correlate, "--wrap", "FixedSample", "n=500", *sampling)
    assert to_spec(made.data) == to_spec(FixedSample(world, 500))
    assert made.sampling == OracleFlattening(ratio=7.0)


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (
            ["-o", "betta=8"],
            ["BetaVAE has no option 'betta'", "beta: float = 4.0  # weight of the KL"],
        ),
        (["-o", "beta"], ["name=value", "'beta'"]),
        (["-o", "beta=much"], ["beta", "must be a number", "'much'"]),
        (["-o", "beta=-1"], ["beta", "-1"]),
        (["--objective", "PairTurns", "-o", "objective=Foo"], ["must be Objective, of AdaGVAE"]),
        (["--objective", "PairTurns", "-o", "objective=print(1)"], ["got 'print(1)'"]),
        (["--objective", "PairTurns", "-o", "objective=BetaVAE(gamma=1)"], ["no option 'gamma'"]),
        (["--objective", "Gamma"], ["objective must be one of", "BetaVAE", "'Gamma'"]),
        (["--network", "Deep"], ["network must be one of", "Burgess", "MLP"]),
        (["--data", "mnist"], ["data must be one of", "DSprites"]),
        (["--data", "my/pictures"], ["my/pictures", "no file"]),
        (["--network", "MLP", "--network-option", "hidden=-1"], ["one unit or more", "-1"]),
        (["--network", "Fast", "--network-option", "channels=0"], ["one unit or more", "0"]),
        (
            ["--correlate", "pos_x", "pos_y", "0.2", "--correlate", "pos_y", "pos_x", "0.3"],
            ["given twice for pos_y and pos_x"],
        ),
        (["--wrap", "Correlated"], ["wrap must be one of", "FixedSample", "Pairs"]),
        (["--wrap", "Pairs", "data=1"], ["data"]),
        (["--sampling", "luck"], ["sampling must be one of", "UniformSampling"]),
        (["--data", "missing.npz"], ["missing.npz"]),
        (["--correlate", "pos_x", "pos_z", "0.2"], ["pos_z", "pos_y"]),
        (["--correlate", "pos_x", "pos_y", "0"], ["0"]),
        (["--correlate", "pos_x", "pos_y", "strong"], ["must be a number", "'strong'"]),
        (["--steps", "0"], ["steps", "0"]),
        (["--device", "abacus"], ["device must be", "abacus"]),
        (["--precision", "int4"], ["precision must be", "int4"]),
    ],
)
def test_wrong_settings_are_one_clear_message(arguments, parts, capsys, tmp_path, runs_folder):
    said = fails(capsys, "train", "--quiet", *arguments)
    assert all(part in said for part in parts), said
    assert not list(runs_folder.rglob("model.safetensors"))


def test_wrong_types_are_told_by_the_parser(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["train", "--steps", "1.5"])
    assert stop.value.code == 2
    assert "must be a whole number, got '1.5'" in capsys.readouterr().err


def test_debug_shows_the_traceback():
    with pytest.raises(ValueError, match="data must be one of"):
        main(["--debug", "train", "--data", "mnist"])


def test_train_keeps_a_run_and_says_where(run, capsys):
    assert run.finished and run.config.objective.beta == 2.0
    assert run.config.network == MLP(8)
    before = (run.folder / "model.safetensors").stat().st_mtime_ns
    assert main(["train", "-o", "beta=2", *TINY, "--folder", str(run.folder)]) == 0
    assert str(run.folder) in capsys.readouterr().out
    assert (run.folder / "model.safetensors").stat().st_mtime_ns == before  # left as it is
    said = fails(capsys, "train", "-o", "beta=3", *TINY, "--folder", str(run.folder))
    assert "holds another run" in said


def test_runs_land_in_the_folder_of_runs(runs_folder, capsys):
    assert main(["train", *TINY]) == 0
    (made,) = runs_folder.iterdir()
    assert Run(made).finished and str(made) in capsys.readouterr().out


def test_ctrl_c_says_how_to_go_on(tmp_path):
    folder = tmp_path / "a run"
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)}
    arguments = ("--network", "MLP", "--network-option", "hidden=8", "--steps", "1000000")
    process = subprocess.Popen(
        [sys.executable, "-m", "vaelib", "train", *arguments, "--log-every", "1", "--quiet",
         "--checkpoint-every", "5", "--folder", str(folder)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        # tests that a shell runs in the background ignore Ctrl-C, and children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    try:
        end = time.monotonic() + 120
        while not list(folder.glob("state/step-*")):
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert f"vaelib resume '{folder}'" in output and "Traceback" not in output


def test_resume_goes_on_to_the_same_end(tmp_path, monkeypatch, capsys):
    import vaelib.training

    arguments = ("train", *TINY, "--checkpoint-every", "2", "--folder")
    assert main([*arguments, str(tmp_path / "whole")]) == 0

    def stop(losses, step, run):
        if step == 3:
            raise KeyboardInterrupt
        losses.clear()

    with monkeypatch.context() as patch:
        patch.setattr(vaelib.training, "check_finite", stop)
        assert main([*arguments, str(tmp_path / "halved")]) == 130
    assert not Run(tmp_path / "halved").finished
    assert main(["resume", str(tmp_path / "halved"), "--quiet"]) == 0
    models = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "halved")]
    assert models[0] == models[1]


@pytest.mark.parametrize("command", ["resume", "evaluate", "traverse"])
def test_what_is_no_run_is_refused(command, tmp_path, capsys):
    more = ["--out", "x.png"] if command == "traverse" else []
    assert "run" in fails(capsys, command, str(tmp_path), *more)
    assert "run" in fails(capsys, command, str(tmp_path / "missing"), *more)


def test_evaluate_prints_and_keeps_scores(run, capsys, tmp_path):
    table = tmp_path / "table.csv"
    arguments = ["evaluate", str(run.folder), "--metrics", "mig", "--samples", "300"]
    assert main([*arguments, "--csv", str(table)]) == 0
    out = capsys.readouterr().out
    assert "Scored on uncorrelated factors" in out and "mig" in out
    kept = run.scores["uncorrelated"]
    assert kept["samples"] == 300 and 0 <= kept["scores"]["mig"]["mig"] <= 1
    assert "mig" in table.read_text()
    assert "mig" in fails(capsys, "evaluate", str(run.folder), "--metrics", "migg")  # says what is


def test_a_run_that_is_done_is_told_and_how_it_was_trained(run, capsys):
    """Another precision is no other run: who compares precisions would compare it with itself."""
    from vaelib.cli.training import _run

    config = run.config
    assert _run(config, run.folder, progress=False) == 0
    out = capsys.readouterr().out
    assert "trained already\n" in out and str(run.folder) in out
    assert _run(replace(config, precision="bfloat16"), run.folder, progress=False) == 0
    assert "trained already, with precision float32: to train it" in capsys.readouterr().out


def test_a_run_that_cannot_be_read_stops_no_other(run, tmp_path, capsys):
    shutil.copytree(run.folder, tmp_path / "runs" / "good")
    for name, file in (("cut", "model.safetensors"), ("damaged", "config.json")):
        shutil.copytree(run.folder, tmp_path / "runs" / name)
        (tmp_path / "runs" / name / file).write_bytes(b"{")
    assert main(["evaluate", str(tmp_path / "runs"), "--metrics", "mig", "--samples", "200"]) == 1
    said = capsys.readouterr()
    assert "good" in said.out and "cut" not in said.out
    lines = [line for line in said.err.splitlines() if line.startswith("left out, ")]
    assert len(lines) == 2 and "model.safetensors" in lines[0] and "config.json" in lines[1]


def test_a_part_of_one_s_own_must_not_be_named_as_one_of_ours(tmp_path, monkeypatch, capsys):
    text = "from vaelib import objectives\nclass BetaVAE(objectives.BetaVAE):\n    pass\n"
    (tmp_path / "renamed_not.py").write_text(text)
    monkeypatch.setenv("VAELIB_MODULES", str(tmp_path / "renamed_not.py"))
    monkeypatch.syspath_prepend(tmp_path)
    assert "BetaVAE is a name of vaelib already" in fails(capsys, "train", "--steps", "1")


def test_a_metric_must_not_be_named_as_one_of_ours(run, tmp_path, monkeypatch, capsys):
    (tmp_path / "mig.py").write_text("def mig(codes):\n    return {'mig': 0.5}\n")
    monkeypatch.setenv("VAELIB_MODULES", str(tmp_path / "mig.py"))
    said = fails(capsys, "evaluate", str(run.folder), "--metrics", "mig")
    assert "mig is a name of vaelib already" in said


@pytest.mark.parametrize("returned", ["0.5", "{'a': 'b'}", "{'a': float('nan')}", "{}"])
def test_a_metric_must_return_numbers_by_name(returned, run, tmp_path, monkeypatch, capsys):
    name = f"odd_{sum(map(ord, returned))}"
    (tmp_path / f"{name}.py").write_text(f"def {name}(codes):\n    return {returned}\n")
    monkeypatch.setenv("VAELIB_MODULES", str(tmp_path / f"{name}.py"))
    scores = run.folder / "scores.json"
    before = scores.exists() and scores.read_bytes()
    said = fails(capsys, "evaluate", str(run.folder), "--metrics", name, "--samples", "200")
    assert f"metric {name} must return" in said
    assert before == (scores.exists() and scores.read_bytes())


def test_a_data_set_that_lacks_what_it_needs_is_told(tmp_path, monkeypatch, capsys):
    (tmp_path / "lacking.py").write_text(
        "from dataclasses import dataclass\nfrom vaelib.datasets import FactorData\n"
        "@dataclass(frozen=True)\nclass Lacking(FactorData):\n    factor_names = ('a', 'b')\n"
        "    def render(self, factors):\n        return factors\n"
    )
    monkeypatch.setenv("VAELIB_MODULES", str(tmp_path / "lacking.py"))
    monkeypatch.syspath_prepend(tmp_path)
    assert main(["list", "data"]) == 0
    for command in (("data", "list"), ("data", "check", "Lacking")):
        assert "Lacking must have factor_sizes" in fails(capsys, *command)


def test_an_objective_that_is_no_dataclass_is_told(tmp_path, monkeypatch, capsys):
    (tmp_path / "undecorated.py").write_text(
        "from vaelib.objectives import Objective\nclass Mine(Objective):\n    gamma: float = 1.0\n"
        "    def penalty(self, batch, out, step):\n        return {}\n"
    )
    monkeypatch.setenv("VAELIB_MODULES", str(tmp_path / "undecorated.py"))
    monkeypatch.syspath_prepend(tmp_path)
    assert "Mine must be a dataclass" in fails(capsys, "list")


def test_the_file_has_the_runs_of_all_distributions(tmp_path, capsys):
    tied = Correlated(DSprites(), {("pos_x", "pos_y"): 0.1})
    for name, data in (("plain", DSprites()), ("tied", tied)):
        config = TrainConfig(data, network=MLP(8), latent_dim=3, steps=1, batch_size=4)
        train(config, tmp_path / "runs" / name, progress=False)
    table = tmp_path / "table.csv"
    arguments = ["evaluate", str(tmp_path / "runs"), "--metrics", "mig", "--samples", "200"]
    assert main([*arguments, "--as-trained", "--csv", str(table)]) == 0
    rows = pd.read_csv(table).set_index("run")["distribution"].to_dict()
    assert rows == {"plain": "uncorrelated", "tied": "correlated"}
    assert "Scored on correlated" in capsys.readouterr().out


def test_codes_of_another_program_are_scored(tmp_path, capsys):
    rng = np.random.default_rng(0)
    factors = rng.integers(0, 5, (2000, 3))
    np.savez(tmp_path / "codes.npz", means=factors.astype(float), factors=factors)
    assert main(["evaluate-codes", str(tmp_path / "codes.npz"), "--metrics", "mig"]) == 0
    value = float(capsys.readouterr().out.split()[-1])
    assert value == pytest.approx(1.0, abs=0.02)  # an identity code


def test_codes_are_scored_as_json(tmp_path, capsys):
    """All metrics by default, one object and nothing else on standard output."""
    from vaelib import metrics

    factors = np.random.default_rng(0).integers(0, 3, (300, 2))
    np.savez(tmp_path / "codes.npz", means=factors + 0.0, factors=factors)
    assert main(["evaluate-codes", str(tmp_path / "codes.npz"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == set(metrics.all())
    assert set(found["dci"]) == {"disentanglement", "completeness", "informativeness"}
    assert found["pairwise_mig"]["factor_0+factor_1"] == pytest.approx(1.0, abs=0.02)
    with pytest.raises(SystemExit):  # an object of metrics has no place for other codes
        main(["evaluate-codes", str(tmp_path / "codes.npz"), "--json", "--sanity"])


def test_the_table_leaves_pairs_out_and_the_file_has_them(tmp_path, capsys):
    factors = np.random.default_rng(0).integers(0, 3, (300, 2))
    np.savez(tmp_path / "codes.npz", means=factors + 0.0, factors=factors)
    arguments = ["evaluate-codes", str(tmp_path / "codes.npz"), "--metrics", "pairwise_mig"]
    assert main([*arguments, "--sanity", "--csv", str(tmp_path / "table.csv")]) == 0
    out = capsys.readouterr().out
    assert "perfect" in out and "factor_0+factor_1" not in out
    assert "factor_0+factor_1" in (tmp_path / "table.csv").read_text()


def test_codes_known_beforehand_stand_below_the_runs(run, capsys):
    arguments = ["evaluate", str(run.folder), "--metrics", "mig", "--samples", "300", "--sanity"]
    assert main(arguments) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "latents, " in line]
    assert [line.split("(")[1].split(":")[0] for line in lines] == [
        "perfect", "pair rotated by 45°", "random", "PCA",
    ]  # fmt: skip


@pytest.mark.parametrize("damage", ["missing", "cut", "other", "pickled", "without"])
def test_wrong_codes_are_refused(damage, tmp_path, capsys):
    path = tmp_path / "codes.npz"
    arrays = {"means": np.zeros((9, 2)), "factors": np.zeros((9, 2), int)}
    if damage == "pickled":
        arrays["factors"] = np.array([{}] * 9, dtype=object)
    if damage == "without":
        del arrays["factors"]
    if damage != "missing":
        np.savez(path, **arrays)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:200])
    if damage == "other":
        path.write_text("not an npz file")
    assert "codes.npz" in fails(capsys, "evaluate-codes", str(path))


def test_a_traversal_is_drawn_as_picture_and_as_film(run, tmp_path, capsys):
    for name in ("t.png", "t.gif"):
        target = tmp_path / name
        arguments = ["traverse", str(run.folder), "--out", str(target), "--steps", "3"]
        assert main([*arguments, "--samples", "40", "--latents", "0", "2"]) == 0
        with Image.open(target) as picture:
            assert picture.format == target.suffix[1:].upper()
            assert (getattr(picture, "n_frames", 1) > 1) == (name == "t.gif")
    assert "must end in .png or .gif" in fails(
        capsys, "traverse", str(run.folder), "--out", "t.jpg"
    )
    said = fails(capsys, "traverse", str(run.folder), "--out", "t.png", "--latents", "9")
    assert "0..2" in said


@pytest.mark.parametrize("steps", ["0", "1", "-3"])
def test_a_traversal_of_no_steps_is_refused(run, steps, tmp_path, capsys):
    target = tmp_path / "t.png"
    said = fails(capsys, "traverse", str(run.folder), "--out", str(target), "--steps", steps)
    assert f"needs 2 steps or more, got {steps}" in said and not target.exists()


@pytest.mark.parametrize("seconds", ["0", "-1", "0.5", "nan", "inf", "soon"])
def test_an_expiry_without_sense_is_refused(seconds, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["study", "run", "smoke", "--expiry", seconds, "--dry-run"])
    assert stop.value.code == 2
    assert "--expiry: must be " in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--timeout", "--cell-timeout"])
@pytest.mark.parametrize("seconds", ["0", "20.5", "inf"])
def test_limits_of_a_report_are_whole_seconds(option, seconds, capsys):
    """nbclient takes no others."""
    with pytest.raises(SystemExit):
        main(["report", option, seconds])
    assert f"{option}: must be " in capsys.readouterr().err


def test_list_shows_what_there_is(capsys):
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    for name in (
        "BetaVAE",
        "beta: float = 4.0",
        "DSprites",
        "Burgess",
        "MLP",
        "mig",
        "factor_vae_score",
    ):
        assert name in out
    assert main(["list", "networks"]) == 0
    out = capsys.readouterr().out
    assert "BetaVAE" not in out and "ViT" in out
    assert "objectives" in fails(capsys, "list", "colours")


def test_data_list_and_fetch_and_check(capsys, data_folder):
    for name in ("own.npy", ".1a2b3c4d.own.npy"):  # the second is what a killed process left
        (data_folder / name).touch()
    assert main(["data", "list"]) == 0
    out = capsys.readouterr().out
    assert "  own.npy" in out and "1a2b" not in out
    assert "DSprites" in out and "orientation 40" in out and str(data_folder) in out
    assert "dsprites" in fails(capsys, "data", "fetch", "nothing")
    assert "nowhere.npz" in fails(capsys, "data", "check", "nowhere.npz")
    (data_folder / "wrong.npz").write_bytes(b"PK\x03\x04 not a whole file")
    assert "wrong.npz" in fails(capsys, "data", "check", str(data_folder / "wrong.npz"))


def test_report_refuses_before_it_runs(tmp_path, capsys):
    from nbformat import v4, write

    cell = v4.new_code_cell("n: int = 1  # a number [0, 9]", metadata={"tags": ["parameters"]})
    write(v4.new_notebook(cells=[cell]), tmp_path / "one.ipynb")
    one, folder = str(tmp_path / "one.ipynb"), ["--folder", str(tmp_path / "reports")]
    (tmp_path / "p.yml").write_text("n: 12\n")
    (tmp_path / "bad.yml").write_text("- 1\n")
    assert "a number" in fails(capsys, "report", one, "-p", "m", "3", *folder)
    assert "[0, 9]" in fails(capsys, "report", one, "-f", str(tmp_path / "p.yml"), *folder)
    assert "bad.yml" in fails(capsys, "report", one, "-f", str(tmp_path / "bad.yml"), *folder)
    assert "nowhere.yml" in fails(capsys, "report", one, "-f", "nowhere.yml", *folder)
    assert not (tmp_path / "reports").exists()
    assert main(["report", one, "--list"]) == 0
    assert "a number" in capsys.readouterr().out


def test_p_beats_the_file(tmp_path):
    from vaelib.cli.reporting import settings_from

    (tmp_path / "p.yml").write_text("beta: 2\nlive: false\n")
    arguments = ["report", "-f", str(tmp_path / "p.yml"), "-p", "beta", "8"]
    settings = settings_from(parser().parse_args(arguments))
    assert settings.given == {"beta": "8", "live": False}


class Base:
    """What the field `part` of the example holds."""


@dataclass
class Part(Base):
    n: int


@dataclass
class Worded(Base):
    word: str


@dataclass
class Example:
    """A class with one field of each kind."""

    rate: float = 0.5  # per image
    count: int | None = None
    names: tuple[str, ...] = ("a",)
    part: Base | None = None
    word: str = "none"
    sigmas: tuple[float, ...] = (math.inf, 0.4)


def test_fields_are_read_from_the_source():
    assert [str(f) for f in fields_of(Example)] == [
        "rate: float = 0.5  # per image",
        "count: int | None = None",
        "names: tuple[str, ...] = ('a',)",
        "part: Base | None = None",
        "word: str = 'none'",
        "sigmas: tuple[float, ...] = (math.inf, 0.4)",
    ]
    assert make(Example, ["rate=2", "count=3"]) == Example(2.0, 3)
    assert make(Example, ["count=none", "names=('b', 'c')"]) == Example(0.5, None, ("b", "c"))
    assert make(Example, ["part=Part(n=3)"]).part == Part(3)
    assert make(Example, ["part=Worded(word='two words')"]).part == Worded("two words")
    for text, expected in ("inf,", (math.inf,)), ("0.2, -math.inf", (0.2, -math.inf)):
        assert make(Example, [f"sigmas=({text})"]).sigmas == expected
    with pytest.raises(ValueError, match="Part needs n: int"):
        make(Part, [])
    for wrong in (
        "count=x",
        "names=(",
        "part=open('x')",
        "part=Example()",
        "names={[1]: 2}",
        "other=1",
    ):
        with pytest.raises(ValueError, match=wrong.split("=")[0]):
            make(Example, [wrong])


def test_numbers_that_stand_twice_agree():
    """The command line names them without importing the modules that hold them."""
    from vaelib import evaluate
    from vaelib.report.tables import QUICK

    assert SAMPLES == evaluate.SAMPLES
    assert tuple(parser().parse_args(["report"]).metrics) == QUICK
