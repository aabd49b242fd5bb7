"""The notebooks as files: both forms agree, hosts can show them, papermill can run them."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import jupytext
import nbformat
import pytest

from vaelib.report.parameters import read_source

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
SCRIPTS = NOTEBOOKS / "py"
CHAPTERS = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))
SOLUTIONS = sorted(f"solutions/{path.stem}" for path in (NOTEBOOKS / "solutions").glob("*.ipynb"))
MAX_BYTES = 1_600_000
CHECKED = "nbval-check-output"

chapters = pytest.mark.parametrize("name", CHAPTERS)
notebooks = pytest.mark.parametrize("name", CHAPTERS + SOLUTIONS)
BAR = re.compile(r"\d+%\||(it|step)/s]")  # a progress bar as text


def read(name: str) -> nbformat.NotebookNode:
    return jupytext.read(NOTEBOOKS / f"{name}.ipynb")


def code_cells(name: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in read(name).cells if cell.cell_type == "code"]


def outputs(name: str) -> list[nbformat.NotebookNode]:
    return [output for cell in code_cells(name) for output in cell.outputs]


def printed(output: nbformat.NotebookNode) -> str:
    return output.get("text") or output.get("data", {}).get("text/plain", "")


def tags(cell: nbformat.NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


# Pairs


def test_each_script_has_a_notebook():
    paths = (path.relative_to(SCRIPTS) for path in SCRIPTS.rglob("*.py"))
    scripts = {path.with_suffix("").as_posix() for path in paths}
    assert scripts == set(CHAPTERS + SOLUTIONS), "run: make notebooks"


@notebooks
def test_both_forms_have_the_same_cells(name):
    """Compared as read: cell types, sources and tags; outputs live in the .ipynb only."""
    script = jupytext.read(SCRIPTS / f"{name}.py")
    left, right = (
        [(cell.cell_type, cell.source, tags(cell)) for cell in notebook.cells]
        for notebook in (read(name), script)
    )
    for number, (stored, paired) in enumerate(zip(left, right, strict=False)):
        assert stored == paired, f"cell {number} differs; run: make notebooks"
    assert len(left) == len(right), "run: make notebooks"


@notebooks
def test_kernel_is_the_plain_one(name):
    """Without a kernelspec papermill stops; with that of one machine it fails elsewhere."""
    for notebook in (read(name), jupytext.read(SCRIPTS / f"{name}.py")):
        assert notebook.metadata.kernelspec.name == "python3"


@chapters
def test_each_chapter_has_solutions(name):
    assert list((NOTEBOOKS / "solutions").glob(f"{name}.*")), f"no notebooks/solutions/{name}"


# What is stored


@notebooks
def test_notebook_is_valid_and_small(name):
    nbformat.validate(nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4))
    size = (NOTEBOOKS / f"{name}.ipynb").stat().st_size
    assert size <= MAX_BYTES, f"{size:,} bytes: GitHub shows no notebook of many MB"


@notebooks
def test_outputs_are_those_of_one_run_from_top_to_bottom(name):
    counts = [cell.execution_count for cell in code_cells(name) if cell.source.strip()]
    assert counts == list(range(1, len(counts) + 1)), "run: make notebooks"


@notebooks
def test_no_cell_failed(name):
    assert not [output for output in outputs(name) if output.output_type == "error"]


@notebooks
def test_no_widget_state_is_stored(name):
    """GitHub refuses some widget states as an invalid notebook, and no host can draw them."""
    notebook = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))
    assert "widgets" not in notebook["metadata"]
    assert "papermill" not in notebook["metadata"]
    for output in outputs(name):
        assert not [kind for kind in output.get("data", {}) if "widget" in kind]


@notebooks
def test_no_progress_bars_are_stored(name):
    """Hundreds of redrawn lines, which no reader needs."""
    for output in outputs(name):
        assert "\r" not in printed(output) and not BAR.search(printed(output))


FIGURE = re.compile(r"\*Figure (\d+)\.(\d+): .{20,}\*", re.DOTALL)


def is_picture(output: nbformat.NotebookNode) -> bool:
    html = output.get("data", {}).get("text/html", "")
    return "image/png" in output.get("data", {}) or "<img" in html or "<iframe" in html


@chapters
def test_figures_are_numbered_and_explained(name):
    """Where one is numbered, each has a line below it, in order, which says what it shows."""
    cells = read(name).cells
    below = [
        FIGURE.fullmatch(after.source) if after.cell_type == "markdown" else None
        for cell, after in zip(cells, cells[1:], strict=False)
        if any(map(is_picture, cell.get("outputs", [])))
    ]
    if not any(FIGURE.search(cell.source) for cell in cells):
        return
    assert all(below), f"figure {below.index(None) + 1} has no line below it"
    numbers = [tuple(map(int, found.groups())) for found in below]
    assert numbers == [(int(name[:2]), i + 1) for i in range(len(numbers))]


@notebooks
def test_no_folder_of_the_author_is_stored(name):
    texts = [printed(output) for output in outputs(name)]
    assert not [text for text in texts if re.search(r"/(home|Users|root|tmp|work)/", text)]


@notebooks
def test_stored_numbers_come_from_full_budgets(name):
    assert "VAELIB_FAST" not in str(outputs(name)), "made in the fast mode; run: make notebooks"


# What runners need


@chapters
def test_parameters_cell_is_what_papermill_can_read_and_explain(name):
    (cell,) = [cell for cell in code_cells(name) if "parameters" in tags(cell)]
    lines = cell.source.splitlines()
    statements = ast.parse(cell.source).body
    assert statements
    for statement in statements:
        assert isinstance(statement, ast.AnnAssign), "each line must be: name: type = value  # help"
        assert "  # " in lines[statement.end_lineno - 1], "each parameter needs a comment"
    read = read_source(cell.source)  # as the report reads it; raises unless the values are plain
    assert [p.name for p in read] == [statement.target.id for statement in statements]


@chapters
def test_no_cell_fails_on_purpose(name):
    """papermill stops at a raised error: deliberate failures are caught and printed."""
    assert not [cell for cell in code_cells(name) if "raises-exception" in str(tags(cell))]


@chapters
def test_cells_that_give_the_same_each_time_are_compared(name):
    checked = [cell for cell in code_cells(name) if CHECKED in tags(cell)]
    assert checked, f"tag deterministic cells {CHECKED}"
    assert all(cell.outputs for cell in checked), f"{CHECKED} needs an output to compare"
