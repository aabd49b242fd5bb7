"""A researcher with the README alone: own parts in files outside of vaelib, own data, old runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vaelib import metrics
from vaelib.cli import find
from vaelib.runs import Run
from vaelib.spec import from_spec, to_spec
from vaelib.studies.table import TABLE, read
from vaelib.train import train

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
FILES = {
    "toy.py": '''
from dataclasses import dataclass

from vaelib.objectives import BetaVAE


@dataclass(eq=False)
class Toy(BetaVAE):
    """β-VAE whose price is halved."""

    def penalty(self, batch, out, step):
        return {name: term / 2 for name, term in super().penalty(batch, out, step).items()}
''',
    "spread.py": '''
def spread(codes):
    """The mean spread of the latents."""
    return {"spread": float(codes.means.std(axis=0).mean())}
''',
    "bars.py": '''
from dataclasses import dataclass
import numpy as np
from vaelib.datasets import FactorData

@dataclass(frozen=True)
class Bars(FactorData):
    """A white bar of a height at a place."""

    factor_names = ("height", "place")
    factor_sizes = (4, 8)
    image_shape = (1, 32, 32)

    def render(self, factors):
        images = np.zeros((len(factors), *self.image_shape), np.uint8)
        for image, (height, place) in zip(images, np.asarray(factors), strict=True):
            image[0, : 8 * (height + 1), 4 * place : 4 * place + 4] = 1
        return images
''',
    "question.py": '''
from dataclasses import dataclass
from bars import Bars
from toy import Toy
from vaelib.networks import MLP
from vaelib.studies import Planned, Study
from vaelib.train import TrainConfig

@dataclass(frozen=True)
class Question(Study):
    """Does Toy see bars?"""

    hypothesis = "It does."
    metrics = ("spread",)
    samples = 32
    score = "uncorrelated.spread"
    seeds: tuple[int, ...] = (0, 1)

    def plan(self):
        how = {"steps": 4, "batch_size": 4, "latent_dim": 2, "device": "cpu"}
        return [
            Planned(TrainConfig(Bars(), Toy(), MLP(hidden=8), seed=seed, **how), "Toy")
            for seed in self.seeds
        ]
''',
}


@pytest.fixture(scope="module")
def vaelib(tmp_path_factory):
    """The command line beside four new files, each with one part of a research project."""
    place = tmp_path_factory.mktemp("my research")
    for name, text in FILES.items():
        (place / name).write_text(text.lstrip(), "utf-8")
    modules = os.pathsep.join(str(place / name) for name in FILES)
    folders = {"VAELIB_RUNS": str(place / "runs"), "VAELIB_DATA": str(place / "data")}
    environment = {**os.environ, **folders, "VAELIB_MODULES": modules, "PYTHONPATH": str(ROOT)}

    def run(*arguments):
        line = [sys.executable, "-m", "vaelib", *map(str, arguments)]
        done = subprocess.run(
            line, capture_output=True, text=True, env=environment, cwd=place, timeout=200
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run.place = place
    return run


def test_the_readme_tells_how_files_outside_are_named():
    assert "VAELIB_MODULES=$PWD/toy.py vaelib train --objective Toy" in README
    assert FILES["toy.py"].strip() in README


def test_a_metric_of_another_signature_is_told(tmp_path, monkeypatch):
    (tmp_path / "width.py").write_text("def width(c):\n    return {}\n")
    monkeypatch.setenv("VAELIB_MODULES", str(tmp_path / "width.py"))
    with pytest.warns(UserWarning, match=r"must be named codes, not so in \['width'\]"):
        assert "width" not in metrics.all()


@pytest.mark.parametrize("entry", ["{}", "{}/", "{}/__init__.py", "{name}"])
def test_a_package_is_named_by_its_folder_or_its_name(entry, tmp_path, monkeypatch, request):
    package = tmp_path / f"own_package_{request.node.callspec.indices['entry']}"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text("from .toy import Toy\nfrom .deep.spread import spread\n")
    (package / "toy.py").write_text(FILES["toy.py"].lstrip())
    (package / "deep" / "spread.py").write_text(FILES["spread.py"])
    monkeypatch.setattr("sys.path", [*sys.path, str(tmp_path)] if "name" in entry else [*sys.path])
    monkeypatch.setenv("VAELIB_MODULES", entry.format(package, name=package.name))
    toy = find.objectives()["Toy"]()
    assert "spread" in metrics.all() and repr(from_spec(to_spec(toy))) == "Toy(beta=4.0)"
    monkeypatch.delenv("VAELIB_MODULES")
    assert "Toy" not in find.objectives()


@pytest.mark.parametrize("entry", ["empty", "no_such.py", "no_such"])
def test_a_path_without_a_module_is_told(entry, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("VAELIB_MODULES", str(tmp_path / entry))
    with pytest.raises(ValueError, match=f"{entry}' cannot be imported: there is no file /.*py"):
        metrics.all()


def test_an_objective_a_data_set_and_a_metric_are_found_trained_and_scored(vaelib):
    told = vaelib("list")
    for part in ("Toy", "β-VAE whose price is halved.", "Bars", "spread"):
        assert part in told
    folder = vaelib.place / "run"
    vaelib("train", "--objective", "Toy", "-o", "beta=3", "--data", "Bars", "--network", "MLP",
           "--network-option", "hidden=8", "--steps", "3", "--folder", folder)  # fmt: skip
    assert "spread" in vaelib("evaluate", folder, "--metrics", "spread", "--samples", "32")
    spec = json.loads((folder / "config.json").read_text("utf-8"))
    assert spec["objective"] == {"type": "toy:Toy", "beta": 3.0}
    with pytest.raises(ValueError, match="if you trust its module, name it in VAELIB_MODULES"):
        _ = Run(folder).config


def test_a_study_of_them_runs_and_a_row_is_made_again_from_its_config(vaelib, monkeypatch):
    vaelib("study", "run", "question", "--folder", "study", "--workers", "1", "--keep", "all",
           "--quiet")  # fmt: skip
    rows = read(vaelib.place / "study" / TABLE)
    assert rows["seed"].tolist() == [0, 1] and rows["uncorrelated.spread"].notna().all()
    (first,) = (vaelib.place / "study").glob("*-0-*")
    # from its config alone, in a new folder
    (vaelib.place / "again").mkdir()
    (vaelib.place / "again" / "config.json").write_bytes((first / "config.json").read_bytes())
    vaelib("resume", "again", "--quiet")
    vaelib("evaluate", "again", "--metrics", "spread", "--samples", "32")
    again, name = Run(vaelib.place / "again"), "model.safetensors"
    assert (first / name).read_bytes() == (again.folder / name).read_bytes()
    assert Run(first).scores["uncorrelated"]["scores"] == again.scores["uncorrelated"]["scores"]


def test_own_images_are_trained_on(vaelib):
    images = np.random.default_rng(0).integers(0, 256, (120, 32, 32), np.uint8)
    np.savez(vaelib.place / "my.npz", images=images, factors=np.arange(120) % 4)
    vaelib("train", "--data", "my.npz", "--network", "MLP", "--network-option", "hidden=8",
           "--steps", "2", "--batch-size", "4", "--folder", "own", "--quiet")  # fmt: skip
    assert "mig" in vaelib("evaluate", "own", "--metrics", "mig")


def test_a_shipped_checkpoint_begins_again_as_its_log_says(tmp_path):
    """The first steps, from its config.json, on the same machine and versions bit for bit; here up
    to the rounding of another processor. All of it: tools/make_checkpoints.py NAME."""
    shipped = Run(ROOT / "data" / "checkpoints" / "dsprites_beta_4")
    config = replace(shipped.config, steps=15, device="cpu")
    runs = [train(config, tmp_path / name, progress=False) for name in "ab"]
    logs = [run.log.drop(columns="seconds") for run in runs]
    assert logs[0].equals(logs[1])
    wanted = shipped.log.drop(columns="seconds").iloc[0]
    np.testing.assert_allclose(logs[0].iloc[0], wanted, rtol=1e-4, atol=1e-3)


def test_scores_say_themselves_what_they_are(vaelib):
    (entry,) = json.loads((vaelib.place / "run" / "scores.json").read_text("utf-8")).values()
    for words in ("32 images of Bars()", "(height, place) are uncorrelated", "without a unit"):
        assert words in entry["about"]
