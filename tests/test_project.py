"""One address, one version, one list of requirements: whatever repeats them is compared here."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import jupytext
import project
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import vaelib
from vaelib import metrics, objectives

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
COLAB = r"https://colab\.research\.google\.com/github/[^)\s\"]+"
PYTHONS = ["3.10", "3.11", "3.12", "3.13", "3.14"]


def requirements() -> list[Requirement]:
    extras = PROJECT["optional-dependencies"].values()
    texts = [*PROJECT["dependencies"], *(text for extra in extras for text in extra)]
    return [Requirement(text) for text in texts]


# Requirements


def test_requirements_have_lower_bounds_only():
    for requirement in requirements():
        operators = [clause.operator for clause in requirement.specifier]
        assert operators == [">="], f"{requirement} must have one lower bound and nothing else"


def test_environment_yml_says_what_pyproject_says():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    packages = [line for line in environment["dependencies"] if isinstance(line, str)]
    conda_names = {"torch": "pytorch"}
    expected = {f"{conda_names.get(r.name, r.name)}{r.specifier}" for r in requirements()}
    assert set(packages) == expected | {f"python{PROJECT['requires-python']}", "pip"}
    assert len(packages) == len(set(packages))
    assert environment["dependencies"][-1] == {"pip": ["--editable ."]}


def pins(python: str) -> dict[str, str]:
    """Name → version of the lines of constraints.txt that hold for this Python on Linux."""
    where = {"python_version": python, "python_full_version": f"{python}.9"}
    found: dict[str, str] = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        pin = Requirement(line)
        if pin.marker is None or pin.marker.evaluate(where):
            (clause,) = pin.specifier
            assert clause.operator == "==", f"constraints.txt must pin exactly, got {line}"
            assert canonicalize_name(pin.name) not in found, f"{pin.name} is pinned twice"
            found[canonicalize_name(pin.name)] = clause.version
    return found


@pytest.mark.parametrize("python", PYTHONS)
def test_constraints_pin_every_requirement_within_its_bound(python):
    pinned = pins(python)
    for requirement in requirements():
        name = canonicalize_name(requirement.name)
        assert name in pinned, f"constraints.txt lacks {name} for Python {python}"
        assert requirement.specifier.contains(pinned[name]), f"{requirement}, got {pinned[name]}"
    assert pinned["torch"] == "2.13.0"


# Version and address


def test_version_is_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert project.VERSION == PROJECT["version"]
    assert citation["version"] == PROJECT["version"]
    assert vaelib.__version__ == PROJECT["version"], "installed from an older pyproject.toml"


def test_links_lead_to_the_tag_of_a_release_and_else_to_main():
    released = re.fullmatch(r"\d+\.\d+\.\d+", PROJECT["version"])
    assert project.REF == (f"v{PROJECT['version']}" if released else "main")


def test_the_address_is_that_of_pyproject():
    assert project.REPOSITORY == PROJECT["urls"]["Repository"]
    assert re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", project.REPOSITORY)


def test_the_address_stands_once():
    """Only text that is derived from it, in the README and the notebooks, may repeat it."""
    owner = project.REPOSITORY.split("/")[3]
    code = [p for folder in ("vaelib", "tools", "tests", "benchmarks") for p in files(folder)]
    root = [p for p in ROOT.iterdir() if p.is_file()]
    readers = [p for p in [*code, *root] if p.suffix in (".py", ".toml", ".yml", ".cff", ".md", "")]
    found = {p.name for p in readers if owner in p.read_text(encoding="utf-8")}
    assert found <= {"pyproject.toml", "README.md"}


def files(folder: str) -> list[Path]:
    return [p for p in (ROOT / folder).rglob("*") if p.is_file() and "__pycache__" not in p.parts]


def test_every_link_of_the_readme_into_the_repository_is_derived():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    badges = {project.badge_url(notebook.name) for notebook in NOTEBOOKS}
    assert set(re.findall(COLAB, readme)) == badges
    owner = project.REPOSITORY.split("/")[3]
    for url in re.findall(rf"https://github\.com/{owner}[^)\s\"@]*", readme):
        assert url.removesuffix(".git").startswith(project.REPOSITORY), url


# Notebooks: badge, install cell, kernel


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_badge_opens_this_notebook_at_this_version(path):
    cells = jupytext.read(path).cells
    assert project.badge(path.stem) in cells[0].source, "run: make notebooks"
    links = re.findall(COLAB, "\n".join(cell.source for cell in cells))
    assert set(links) == {project.badge_url(path.stem)}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_first_code_cell_installs_where_vaelib_is_missing(path):
    first = next(cell for cell in jupytext.read(path).cells if cell.cell_type == "code")
    assert first.source == project.install_cell(), "run: make notebooks"
    assert "install" in first.metadata["tags"]


def run_install_cell(monkeypatch, found) -> list[tuple[str, str]]:
    """What the cell tells IPython when `find_spec` answers `found`."""
    told: list[tuple[str, str]] = []

    class Shell:
        def run_line_magic(self, magic: str, line: str) -> None:
            told.append((magic, line))

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found)
    exec(project.install_cell(), {"get_ipython": Shell})
    return told


def test_install_cell_does_nothing_where_vaelib_is_there(monkeypatch):
    assert run_install_cell(monkeypatch, found=object()) == []


def test_install_cell_takes_this_version_and_leaves_torch_alone(monkeypatch):
    ((magic, line),) = run_install_cell(monkeypatch, found=None)
    assert magic == "pip"
    *options, what = line.split()
    assert options == ["install", "-q", "--no-deps"]
    requirement = Requirement(what)  # a requirement as pip reads it
    assert requirement.name == "vaelib"
    assert requirement.url == f"git+{project.REPOSITORY}@{project.REF}"


# Type checkers


@pytest.mark.parametrize(
    ("package", "found"),
    [
        (objectives, objectives.FOUND),
        (metrics, {name: getattr(metrics, name) for name in metrics._names}),
    ],
    ids=["objectives", "metrics"],
)
def test_editors_see_the_names_that_are_found_when_it_runs(package, found):
    (block,) = (b for b in ast.parse(inspect.getsource(package)).body if isinstance(b, ast.If))
    lines = {ast.unparse(line) for line in block.body}
    wanted = {f"from {part.__module__} import {name} as {name}" for name, part in found.items()}
    lack = f"{package.__file__} lacks {wanted - lines}, not {lines - wanted}"
    assert lines == wanted, f"under `if TYPE_CHECKING:` {lack}"


# The wheel


def build(root: Path, target: Path) -> zipfile.ZipFile:
    """The wheel that pip would build from `root`, without a network."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return zipfile.ZipFile(next(target.glob("*.whl")))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    return build(ROOT, tmp_path_factory.mktemp("wheel"))


def test_wheel_holds_the_notebooks_and_checkpoints(wheel):
    names = set(wheel.namelist())
    assert NOTEBOOKS and {f"vaelib/notebooks/{p.name}" for p in NOTEBOOKS} <= names
    shipped = [p.relative_to(ROOT / "data").as_posix() for p in files("data/checkpoints")]
    assert any(path.endswith("model.safetensors") for path in shipped)
    assert {f"vaelib/{path}" for path in shipped} <= names


def test_wheel_holds_the_package_and_nothing_else(wheel):
    names = set(wheel.namelist())
    assert {p.relative_to(ROOT).as_posix() for p in files("vaelib")} <= names
    about = f"vaelib-{PROJECT['version']}.dist-info"
    assert {name.split("/")[0] for name in names} == {"vaelib", about}
    assert "vaelib/py.typed" in names  # or type checkers do not look at its annotations
    assert "vaelib = vaelib.cli:main" in wheel.read(f"{about}/entry_points.txt").decode()


def test_installed_package_finds_what_it_carries(wheel, tmp_path):
    """Unpacked as pip does it, outside the clone."""
    wheel.extractall(tmp_path)
    script = """
import json, sys
from vaelib import paths
print(json.dumps([paths.in_clone(), str(paths.notebooks_dir()), str(paths.shipped_dir()),
                  paths.__file__]))
"""
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", script]
    output = subprocess.check_output(command, cwd=tmp_path, env=environment, text=True, timeout=60)
    clone, notebooks, shipped, module = json.loads(output)
    assert Path(module).is_relative_to(tmp_path) and not clone
    assert len(list(Path(notebooks).glob("*.ipynb"))) == len(NOTEBOOKS)
    assert len(list(Path(shipped).rglob("config.json"))) >= 1


def test_wheel_builds_where_there_are_no_notebooks_and_checkpoints(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, root)
    shutil.copytree(ROOT / "tools", root / "tools")
    (root / "vaelib").mkdir()
    shutil.copy(ROOT / "vaelib" / "__init__.py", root / "vaelib")
    names = build(root, tmp_path / "out").namelist()
    assert "vaelib/__init__.py" in names
    assert not [name for name in names if "notebooks" in name or "checkpoints" in name]


def test_editable_wheel_points_at_the_clone_and_copies_nothing(tmp_path):
    script = "import sys; from hatchling.build import build_editable; build_editable(sys.argv[1])"
    command = [sys.executable, "-c", script, str(tmp_path)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=60)
    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    assert [name for name in names if name.endswith(".pth")]
    assert not [name for name in names if name.startswith("vaelib/")]
