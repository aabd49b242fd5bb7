"""What a reader follows: links lead somewhere, and the README's commands work as they stand."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import jupytext
import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = [p for p in (ROOT / "notebooks").rglob("*.ipynb") if "checkpoints" not in str(p)]
TEXTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "data" / "README.md", *NOTEBOOKS]
LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]*)(?:#([^)\s]+))?\)")
BUILT = ("chapters/", "project/", "api/")  # pages that `make docs` makes


def prose(path: Path) -> str:
    """The text without code."""
    if path.suffix == ".ipynb":
        cells = [c.source for c in jupytext.read(path).cells if c.cell_type == "markdown"]
        text = "\n\n".join(cells)
    else:
        text = path.read_text(encoding="utf-8")
    return re.sub(r"```.*?```|`[^`\n]*`|\$[^$\n]*\$", "", text, flags=re.DOTALL)


def anchors(path: Path) -> set[str]:
    """The headings of a page as GitHub names them."""
    heads = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_inside_the_repository_lead_somewhere(path):
    for target, anchor in LINK.findall(prose(path)):
        if path.parent.name == "docs" and target.startswith(BUILT):
            continue  # Sphinx looks at these
        page = (path.parent / target).resolve() if target else path
        assert page.exists(), f"{path.name} links to {target}"
        if anchor and page.suffix in (".md", ".ipynb"):
            assert anchor in anchors(page), f"{path.name} links to {target}#{anchor}"


def plain_commands() -> list[str]:
    """The three lines of the README that do without make."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = text.split("Without make", 1)[1].split("```")[1].strip().splitlines()
    assert len(lines) == 3
    return lines


def test_commands_without_make(tmp_path):
    """As they stand, in a copy; pip takes what is installed here, and the report only its help."""
    names = ("pyproject.toml", "constraints.txt", "README.md", "LICENSE")
    for name in names:
        shutil.copy(ROOT / name, tmp_path)
    for name in ("vaelib", "tools"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    offline = {"PIP_NO_DEPS": "1", "PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0"}
    for number, line in enumerate(plain_commands()):
        word, *rest = shlex.split(line)
        word = word.replace("bin", "Scripts") if os.name == "nt" else word
        rest += ["--help"] * (number == 2)
        word = sys.executable if word == "python3" else str(tmp_path / word)
        done = subprocess.run([word, *rest], cwd=tmp_path, env={**os.environ, **offline},
                              capture_output=True, text=True, timeout=120)  # fmt: skip
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        if number == 0:
            lend_packages(tmp_path / ".venv")
    assert "usage: vaelib report" in done.stdout


def lend_packages(venv: Path) -> None:
    """The new environment sees the packages of this one, as if they had been downloaded."""
    python = next(path for path in venv.glob("*/python*") if path.is_file())
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    folder = subprocess.check_output([python, "-c", where], text=True, timeout=60).strip()
    lent = sysconfig.get_path("purelib")
    (Path(folder) / "lent.pth").write_text(f"{lent}\n", encoding="utf-8")
