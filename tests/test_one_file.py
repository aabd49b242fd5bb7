"""An objective is one new file: command line, training and report find it by themselves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from test_report import write

from vaelib.runs import Run

ROOT = Path(__file__).resolve().parents[1]
TOY = '''
"""Toy: the KL of the first latents costs more."""

from dataclasses import dataclass

import torch

from vaelib.objectives.base import Objective


@dataclass(eq=False)
class Toy(Objective):
    """A price that falls from latent to latent."""

    top: float = 3.0  # of the first latent

    def penalty(self, batch, out, step):
        price = torch.linspace(self.top, 1.0, out.z.shape[1])
        return {"priced_kl": (price * out.posterior.kl()).sum(1).mean()}
'''
NOTEBOOK = """
from pathlib import Path
from vaelib.networks import MLP
from vaelib.objectives import Toy
from vaelib.train import TrainConfig, load_or_train
run = load_or_train(TrainConfig(objective=Toy(top=2.0), network=MLP(hidden=8), latent_dim=2,
                                steps=4, batch_size=4), progress=False)
print(run.label)
"""


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    """Runs `vaelib …` of a copy of the package that has one file more."""
    place = tmp_path_factory.mktemp("copy with toy")
    ignored = shutil.ignore_patterns("__pycache__", "checkpoints")
    shutil.copytree(ROOT / "vaelib", place / "vaelib", ignore=ignored)
    (place / "vaelib" / "objectives" / "toy.py").write_text(TOY)
    environment = {**os.environ, "PYTHONPATH": str(place), "VAELIB_RUNS": str(place / "runs")}

    def run(*arguments):
        line = [sys.executable, "-m", "vaelib", *map(str, arguments)]
        done = subprocess.run(
            line, capture_output=True, text=True, env=environment, cwd=place, timeout=300
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_the_command_line_lists_it_with_its_options(command):
    told = command("list")
    assert "Toy" in told and "A price that falls from latent to latent." in told


def test_it_trains_and_is_scored(command, tmp_path):
    folder = tmp_path / "run"
    command("train", "--objective", "toy", "-o", "top=2.5", "--network", "MLP", "--network-option",
            "hidden=8", "--latent-dim", "3", "--steps", "3", "--folder", folder)  # fmt: skip
    told = command("evaluate", folder, "--metrics", "mig")
    assert "mig" in told
    log = (folder / "log.csv").read_text().splitlines()[0]
    assert "priced_kl" in log.split(",")
    with pytest.raises(ValueError, match="toy"):  # without the file
        _ = Run(folder).config


def test_a_report_shows_it(command, tmp_path):
    notebook = write(tmp_path / "toy.ipynb", NOTEBOOK)
    command("report", notebook, "--folder", tmp_path, "--name", "toy", "--metrics", "mig")
    index = BeautifulSoup((tmp_path / "toy" / "index.html").read_text("utf-8"), "html.parser")
    assert "Toy" in index.get_text(" ")
    assert "Toy(top=2.0)" in (tmp_path / "toy" / "notebooks" / "toy.html").read_text("utf-8")
