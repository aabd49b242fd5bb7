"""What others hand over runs nothing here; pages escape what they show; no pickle, eval, shell."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_notebook

from vaelib.datasets import Blobs
from vaelib.datasets.fetch import DOWNLOADS
from vaelib.explorer import explore
from vaelib.networks import MLP
from vaelib.runs import Run
from vaelib.spec import to_spec
from vaelib.train import TrainConfig, train

ROOT = Path(__file__).resolve().parents[1]
SOURCES = [p for folder in ("vaelib", "tools", "benchmarks") for p in (ROOT / folder).rglob("*.py")]
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "shelve", "marshal", "cloudpickle", "telnetlib"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_METHODS = {("os", "system"), ("os", "popen"), ("torch", "load"), ("tempfile", "mktemp")}
FORBIDDEN_METHODS |= {("joblib", "load"), ("pd", "read_pickle"), ("yaml", "load")}
BEGUN = {"papermill": {"status": "failed"}}
EVIL = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


def dangers(source):
    """The lines of `source` that could run what a file says."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [a.name for a in node.names] + [getattr(node, "module", None) or ""]
            found += [(node.lineno, n) for n in names if n.split(".")[0] in FORBIDDEN_MODULES]
        if isinstance(node, ast.Call):
            found += [(node.lineno, what) for what in _call_dangers(node)]
    return found


def _call_dangers(call):
    name = call.func
    if isinstance(name, ast.Name) and name.id in FORBIDDEN_CALLS:
        yield name.id
    if isinstance(name, ast.Attribute) and isinstance(name.value, ast.Name):
        if (name.value.id, name.attr) in FORBIDDEN_METHODS:
            yield f"{name.value.id}.{name.attr}"
    for keyword in call.keywords:
        if keyword.arg in ("shell", "allow_pickle"):
            if not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False):
                yield keyword.arg


def test_no_pickle_no_eval_no_shell():
    found = {str(path.relative_to(ROOT)): dangers(path.read_text("utf-8")) for path in SOURCES}
    assert len(found) > 150 and {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "line",
    [
        "import pickle", "from pickle import loads", "eval('1')", "exec(x)", "os.system(x)",
        "subprocess.run(x, shell=True)", "np.load(f, allow_pickle=flag)", "torch.load(f)",
    ],
)  # fmt: skip
def test_the_search_for_dangers_finds_each(line):
    assert dangers(line)


def test_every_module_can_be_imported_without_doing_anything(tmp_path):
    """A configuration may name any module of vaelib: importing one must not act."""
    names = sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "vaelib").rglob("*.py")
        if path.name != "__init__.py"
    )
    code = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    importlib.import_module(name)\n"
        "print(1)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *names], capture_output=True, text=True, timeout=200,
        cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": "", "MPLBACKEND": "Agg",
                           "MPLCONFIGDIR": str(tmp_path), "JUPYTER_PLATFORM_DIRS": "1"},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr


# Runs of others


@pytest.fixture
def handed_over(tmp_path, monkeypatch):
    """A run folder with a module of its own beside it, which must never be imported."""
    (tmp_path / "evil.py").write_text("raise SystemExit('executed')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("VAELIB_MODULES", raising=False)
    folder = tmp_path / "run"
    folder.mkdir()

    def write(change):
        spec = to_spec(TrainConfig(Blobs(size=32)))
        (folder / "config.json").write_text(json.dumps({**spec, **change}))
        return Run(folder)

    return write


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"objective": {"type": "evil:Objective"}}, "is not in vaelib.*VAELIB_MODULES"),
        ({"type": "evil:Config"}, "is not in vaelib"),
        ({"objective": {"type": "vaelib.objectives.beta_vae.torch.os:system"}}, "no class"),
        ({"objective": {"type": "vaelib.runs:torch.hub.load"}}, "must name a dataclass"),
        ({"objective": {"type": "vaelib.datasets.fetch:fetch"}}, "must name a dataclass"),
        ({"objective": {"type": "vaelib.report.build:Settings"}}, "objective of TrainConfig must"),
        ({"data": {"type": "vaelib.networks:MLP"}}, "data of TrainConfig must be FactorData"),
        ({"type": "vaelib.networks:MLP", "hidden": 8}, "fields"),
    ],
)
def test_a_configuration_of_others_runs_nothing(handed_over, change, says):
    with pytest.raises(ValueError, match=says):
        _ = handed_over(change).config


def test_a_module_that_the_user_names_is_imported(handed_over, tmp_path, monkeypatch):
    (tmp_path / "kind.py").write_text(
        "from dataclasses import dataclass\nfrom vaelib.objectives import BetaVAE\n"
        "@dataclass(eq=False)\nclass Kind(BetaVAE):\n    'Kind.'\n"
    )
    run = handed_over({"objective": {"type": "kind:Kind", "beta": 2.0}})
    with pytest.raises(ValueError, match="not in vaelib"):
        _ = run.config
    monkeypatch.setenv("VAELIB_MODULES", str(tmp_path / "kind.py"))
    assert run.config.objective.beta == 2.0


# Pages


def scripts(html):
    """What would run: scripts that hold the evil text, and handlers."""
    page = BeautifulSoup(html, "html.parser")
    found = [s for s in page.find_all("script") if (s.string or "").strip() == "alert(1)"]
    return found + [t for t in page.find_all(True) if t.get("onerror") == "alert(2)"]


def test_an_explorer_shows_evil_titles_and_names_as_text(tmp_path):
    config = TrainConfig(Blobs(size=32), network=MLP(8), latent_dim=2, steps=1, batch_size=4)
    run = train(config, tmp_path / "run", progress=False)
    made = explore(run, run, title=EVIL, names=(EVIL, EVIL + "2"), samples=100)
    assert "alert(1)" in made.html and not scripts(made.html)
    assert not scripts(made._repr_mimebundle_()["text/html"])


def test_an_evil_title_does_nothing_in_a_browser(tmp_path, tab):
    config = TrainConfig(Blobs(size=32), network=MLP(8), latent_dim=2, steps=1, batch_size=4)
    run = train(config, tmp_path / "run", progress=False)
    page = explore(run, title=EVIL, names=(EVIL,), samples=100).save(tmp_path / "page.html")
    said = []
    tab.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    tab.goto(page.as_uri())
    tab.wait_for_timeout(500)
    assert said == [] and tab.title() == EVIL


def test_a_report_shows_evil_names_and_errors_as_text(tmp_path):
    from vaelib.report.build import Report
    from vaelib.report.html import fill
    from vaelib.report.page import _links, render
    from vaelib.report.parameters import Parameter

    links = _links(EVIL, EVIL, [EVIL])
    notebook = new_notebook(cells=[new_code_cell("1", id="a", metadata=BEGUN)])
    pages = [render(notebook, "title", {}, EVIL, links)]
    table = {"head": [EVIL], "rows": [[EVIL]]}
    pages += [
        fill(
            "index",
            report=Report(tmp_path / EVIL, {"x": {"page": EVIL, "error": EVIL, "seconds": 1.0}}),
            fast=True,
            offered={EVIL: [Parameter(EVIL, EVIL, EVIL)]},
            lead=EVIL,
            titles={"x": EVIL},
            figures={"x": [{"file": EVIL, "cell": EVIL, "caption": "A caption"}]},
            scores={EVIL: {EVIL: (table, EVIL)}},
            facts={EVIL: EVIL},
            command=EVIL,
            files=[EVIL],
        )
    ]
    study = SimpleNamespace(
        name=lambda: EVIL, hypothesis=EVIL, score=EVIL, reference=EVIL, lower_is_better=False,
        rivals=[EVIL],
    )  # fmt: skip
    phase = {"name": EVIL, "strengths": table, "differences": table}
    phase |= {"verdicts": [EVIL], "claims": {0.2: EVIL}}
    figure = {"png": b"", "caption": EVIL}
    pages += [
        fill(
            "study", study=study, about=[EVIL], done=EVIL, only=EVIL, phases=[phase],
            figures=dict.fromkeys(("scores", "settings", "training", "planes"), [figure]),
            best={EVIL: EVIL}, seeds=table, failures=[(EVIL, EVIL)], facts={EVIL: EVIL}, links=[],
        )
    ]  # fmt: skip
    for page in pages:
        assert "alert(1)" in page and not scripts(page)


def test_what_is_downloaded_is_known_by_its_hash():
    for download in (d for downloads in DOWNLOADS.values() for d in downloads):
        algorithm, digits = download.digest.split(":")
        assert len(digits) == {"md5": 32, "sha256": 64}[algorithm]
        # an address without encryption only where its host has no other
        assert download.url.startswith(("https://", "http://www.scottreed.info/"))
