"""The documentation: it covers all modules, and what it shows as examples runs."""

from __future__ import annotations

import ast
import doctest
import importlib
import importlib.util
import inspect
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def load_contents():
    spec = importlib.util.spec_from_file_location("contents", ROOT / "docs" / "contents.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


contents = load_contents()
SHOWN = contents.shown()
shown = pytest.mark.parametrize("name", SHOWN)


def module_of(name: str):
    """The module itself: a metric hides the module that it is in."""
    return importlib.import_module(name)


def examples(name: str) -> list[doctest.DocTest]:
    return doctest.DocTestFinder(exclude_empty=True).find(module_of(name), name)


# What is covered


def test_every_module_has_a_place_and_a_summary():
    existing, others = contents.existing(), contents.others()
    assert len(set(SHOWN)) == len(SHOWN)
    assert set(SHOWN) <= set(existing)
    assert sorted([*SHOWN, *others]) == existing
    assert all(contents.summary(name) for name in existing)


def test_what_readers_import_is_shown():
    """In the README and the chapters; exercises explain themselves."""
    texts = [ROOT / "README.md", *(ROOT / "notebooks" / "py").rglob("*.py")]
    found = {
        name
        for text in texts
        for name in re.findall(r"^from (vaelib\.[\w.]+) import", text.read_text("utf-8"), re.M)
    }
    gathering = {"vaelib.datasets", "vaelib.objectives", "vaelib.explorer", "vaelib.exercises"}
    gathering.add("vaelib.studies.figures")  # what a study's report draws, seen in chapter 8
    assert found and not found - gathering - set(SHOWN)


# Examples


def public(name: str) -> list[str]:
    """The functions and classes that this module defines for others."""
    tree = ast.parse(inspect.getsource(module_of(name)))
    kinds = (ast.FunctionDef, ast.ClassDef)
    return [n.name for n in tree.body if isinstance(n, kinds) and n.name[0] != "_"]


@shown
def test_every_public_name_has_an_example(name):
    """It is used, in the docstring of its module or of anything in it."""
    code = "\n".join(e.source for test in examples(name) for e in test.examples)
    used = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
    used |= {node.attr for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Attribute)}
    missing = [n for n in public(name) if n not in used]
    assert not missing, f"{name}: no >>> example uses {missing}"


@shown
def test_examples_run(name, runs_folder, data_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for test in examples(name):
        runner.run(test)
    assert not runner.failures, capsys.readouterr().out
