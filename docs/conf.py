"""Sphinx: `make docs` writes docs/_build/html/index.html.

Three folders are made before each build and ignored by git: docs/api, a page for each group of
contents.MODULES; docs/chapters, the notebooks with their stored outputs; docs/project, texts of the
repository.
"""

from __future__ import annotations

import inspect
import json
import re
import shutil
import sys
from dataclasses import is_dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE), str(ROOT / "tools")]

import contents  # noqa: E402
import project as about  # noqa: E402

from vaelib.cli.fields import fields_of  # noqa: E402

project, author, release = "vaelib", "The vaelib authors", about.VERSION
copyright = author
extensions = ["sphinx.ext.autodoc", "sphinx.ext.viewcode", "myst_nb"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"vaelib {release}"

default_role = "literal"  # docstrings write code in single backticks
autodoc_default_options = {
    "members": True,
    "member-order": "bysource",
    "show-inheritance": True,
    "ignore-module-all": True,  # a name is documented where it is defined
}
autodoc_typehints_format = "short"
nb_execution_mode = "off"  # the outputs that are stored are those that were checked
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "amsmath", "deflist"]
myst_heading_anchors = 4

TEXTS = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
TEXTS["data/README.md"] = "data.md"
HERE_TOO = ("#the-chapters",)  # headings of README.md that docs/index.md has
PAGES = {"README.md": "index.md", "docs/glossary.md": "glossary.md"}
FORMULA = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
BAR = re.compile(r"(^|[\s(·])\|(?=\S)")  # the first of |x|, which would be a substitution
LINK = re.compile(r"\]\((?![a-z]+:|#)([^)\s#]+)(#[^)\s]*)?\)")


def setup(app) -> None:
    for folder in ("api", "chapters", "project"):
        shutil.rmtree(HERE / folder, ignore_errors=True)
    for name, text in api().items():
        write(HERE / "api" / f"{name}.rst", text)
    for path in (ROOT / "notebooks").rglob("*.ipynb"):
        if ".ipynb_checkpoints" not in path.parts:
            place = HERE / "chapters" / path.relative_to(ROOT / "notebooks")
            write(place, linked(path))
    for name, copy in TEXTS.items():
        write(HERE / "project" / copy, linked(ROOT / name))
    app.connect("autodoc-process-docstring", in_rst)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def api() -> dict[str, str]:
    """The pages of docs/api: a group each, all other modules, and the index of these."""
    pages = {}
    for group, names in contents.MODULES.items():
        parts = [f"{title(f'vaelib.{n}', '-')}.. automodule:: vaelib.{n}\n" for n in names]
        pages[re.sub(r"\W+", "_", group.lower())] = "\n".join([title(group, "="), *parts])
    lines = [f"`{name}`\n   {contents.summary(name)}\n" for name in contents.others()]
    pages["behind_the_scenes"] = "\n".join([title("Behind the scenes", "="), *lines])
    order = "".join(f"   {name}\n" for name in pages)
    pages["index"] = title("Modules", "=") + f".. toctree::\n   :maxdepth: 2\n\n{order}"
    return pages


def title(text: str, line: str) -> str:
    return f"{text}\n{line * len(text)}\n\n"


def linked(path: Path) -> str:
    """A text whose links lead to the pages here, or else into the repository on the web."""

    def follow(found: re.Match) -> str:
        target = (path.parent / found[1]).resolve().relative_to(ROOT).as_posix()
        if path.suffix == target[-6:] == ".ipynb":
            return found[0]
        if target in PAGES and (target != "README.md" or found[2] in (None, *HERE_TOO)):
            depth = max(1, len(path.relative_to(ROOT).parents[:-1]))  # every page lies in a folder
            return f"]({'../' * depth}{PAGES[target]})"
        return f"]({about.REPOSITORY}/blob/{about.REF}/{target}{found[2] or ''})"

    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return LINK.sub(follow, text)
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = [LINK.sub(follow, line) for line in cell["source"]]
    return json.dumps(notebook)


def in_rst(app, what, name, thing, options, lines: list[str]) -> None:
    """A docstring as Sphinx reads it: formulas, and a dataclass's fields with their comments."""
    parts = FORMULA.split("\n".join(lines))  # text and formulas in turn
    parts[::2] = [escaped(text) for text in parts[::2]]
    parts[1::2] = [f"\n.. math::\n\n{indented(text)}\n\n" for text in parts[1::2]]
    if inspect.isclass(thing) and is_dataclass(thing):
        fields = [f":param {f.name}: {escaped(f.help)}" for f in fields_of(thing) if f.help]
        parts += ["\n\n", "\n".join(fields), "\n"]
    lines[:] = "".join(parts).splitlines()


def escaped(text: str) -> str:
    """|x| is an absolute value, not a substitution."""
    return BAR.sub(r"\1\|", text)


def indented(text: str) -> str:
    return "\n".join(f"   {line.strip()}" for line in text.strip().splitlines())
