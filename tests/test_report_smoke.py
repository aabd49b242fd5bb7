"""The first two chapters as a reader reports on them, in the preset that only tests."""

import csv
import json
import os
import subprocess
import sys

import pytest
from bs4 import BeautifulSoup
from test_report import loads

CHAPTERS = ("01_data_exploration", "02_beta_vae")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    reports = tmp_path_factory.mktemp("reports")
    command = [sys.executable, "-m", "vaelib", "report", *CHAPTERS, "--preset", "smoke",
               "-p", "beta", "8", "-p", "sigma", "0.2", "--folder", str(reports), "--quiet",
               "--name", "smoke"]  # fmt: skip
    environment = {name: v for name, v in os.environ.items() if name != "VAELIB_FAST"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return reports / "smoke"


def test_every_page_stands_alone(folder):
    pages = [folder / "index.html", *(folder / "notebooks" / f"{c}.html" for c in CHAPTERS)]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        loaded = [address for address in loads(text) if not address.startswith("data:")]
        assert [a for a in loaded if not (page.parent / a).is_file()] == []
        for link in BeautifulSoup(text, "html.parser").find_all("a", href=True):
            address = link["href"].partition("#")[0]
            if address and "://" not in address:
                assert (page.parent / address).exists(), f"{page.name} → {address}"


def test_the_index_has_chapters_parameters_scores_and_pictures(folder):
    index = BeautifulSoup((folder / "index.html").read_text(encoding="utf-8"), "html.parser")
    text = index.get_text(" ")
    for words in ("Data exploration", "β-VAE", "smoke", "torch", "cpu", "correlated"):
        assert words in text
    assert len(index.find_all("img")) >= 10


def test_parameters_reached_the_run_and_its_scores(folder):
    parameters = json.loads((folder / "params.json").read_text(encoding="utf-8"))
    assert "0.2" in json.dumps(parameters)
    with open(folder / "scores.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {float(row["beta"]) for row in rows} >= {8.0}
    for row in rows:
        assert 0 <= float(row["mig"]) <= 1 and row["distribution"] in ("correlated", "uncorrelated")
