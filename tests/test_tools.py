"""tools/: the time limit ends all processes; pairing loses nothing and writes nothing half."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

import jupytext
import nbformat
import project
import psutil
import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ROOT / "tools"


def load(name: str):
    """The module tools/NAME.py, which is no package's."""
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# time_limit


def limited(seconds: float, script: str) -> subprocess.CompletedProcess:
    command = [sys.executable, TOOLS / "time_limit.py", str(seconds), sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_limit_passes_on_status_and_output():
    done = limited(30, "print('said'); raise SystemExit(3)")
    assert (done.returncode, done.stdout) == (3, "said\n")


GRANDCHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep({sleep})
"""


@pytest.mark.parametrize(("sleep", "status"), [(60, 124), (0, 0)])
def test_limit_leaves_no_process_behind(sleep, status):
    """Neither after the limit nor after an end that forgot a child, such as a kernel."""
    started = time.monotonic()
    done = limited(1, GRANDCHILD.format(sleep=sleep))
    assert done.returncode == status
    assert time.monotonic() - started < 30
    assert gone(int(done.stdout))


def gone(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return True
    except psutil.NoSuchProcess:
        return True
    return not psutil.wait_procs([process], timeout=10)[1]


# notebooks

SCRIPT = """\
# %% [markdown]
# # A chapter
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://old/notebooks/01_a.ipynb)

# %% tags=["install"]
"an old install cell"

# %% tags=["parameters"]
beta: float = 4.0  # weight of the KL

# %% tags=["nbval-check-output"]
print(2 * beta)
"""


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """tools/notebooks.py at work in a folder of its own, with one script."""
    module = load("notebooks")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "notebooks" / "py").mkdir(parents=True)
    (tmp_path / "jupytext.toml").write_bytes((ROOT / "jupytext.toml").read_bytes())
    (tmp_path / "README.md").write_text(SCRIPT.splitlines()[2])
    script(module).write_text(SCRIPT)
    return module


def script(module) -> Path:
    return module.NOTEBOOKS / "py" / "01_a.py"


def stored(module) -> Path:
    return module.NOTEBOOKS / "01_a.ipynb"


def touch_later(path: Path, other: Path) -> None:
    later = other.stat().st_mtime + 10
    os.utime(path, (later, later))


def printed(path: Path) -> str:
    return jupytext.read(path).cells[-1].outputs[0].text


def test_notebook_is_made_from_its_script_with_outputs_and_address(tool):
    assert tool.main([]) == 0
    cells = jupytext.read(stored(tool)).cells
    assert project.badge("01_a") in cells[0].source
    assert cells[1].source == project.install_cell()
    assert printed(stored(tool)) == "8.0\n"
    assert project.badge("01_a") in (tool.ROOT / "README.md").read_text()


def test_second_run_changes_nothing(tool):
    tool.main([])
    before = stored(tool).read_bytes(), script(tool).read_bytes()
    tool.main([])
    assert (stored(tool).read_bytes(), script(tool).read_bytes()) == before


def test_the_form_that_was_changed_last_wins(tool):
    tool.main([])
    text = stored(tool).read_text()
    stored(tool).write_text(text.replace("2 * beta", "3 * beta"))
    touch_later(stored(tool), script(tool))
    tool.main(["01_a"])
    assert "print(3 * beta)" in script(tool).read_text() and printed(stored(tool)) == "12.0\n"

    script(tool).write_text(script(tool).read_text().replace("3 * beta", "5 * beta"))
    touch_later(script(tool), stored(tool))
    tool.main(["01_a"])
    assert printed(stored(tool)) == "20.0\n"


def test_pairing_alone_keeps_the_outputs_of_unchanged_cells(tool):
    tool.main([])
    script(tool).write_text(script(tool).read_text().replace("A chapter", "Another title"))
    touch_later(script(tool), stored(tool))
    assert tool.main(["--no-execute"]) == 0
    assert "Another title" in jupytext.read(stored(tool)).cells[0].source
    assert printed(stored(tool)) == "8.0\n"


def test_failing_notebook_leaves_the_stored_one_and_the_exit_code_tells(tool, capsys):
    tool.main([])
    before = stored(tool).read_bytes()
    script(tool).write_text(script(tool).read_text().replace("2 * beta", "1 / 0"))
    touch_later(script(tool), stored(tool))
    assert tool.main([]) == 1
    assert stored(tool).read_bytes() == before
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert not list(tool.NOTEBOOKS.rglob("*.part"))


def test_unknown_name_is_refused_with_the_names_there_are(tool):
    with pytest.raises(SystemExit, match="'02_b'.*there are 01_a"):
        tool.main(["02_b"])


# colab_check


def test_a_progress_bar_may_stand_alone_and_another_widget_may_not():
    check = load("colab_check")
    models = {
        "bar": {"model_name": "FloatProgressModel", "state": {}},
        "row": {"model_name": "HBoxModel", "state": {"children": ["IPY_MODEL_bar"]}},
        "box": {"model_name": "VBoxModel", "state": {"children": ["IPY_MODEL_row"]}},
    }
    outputs = [
        [{check.WIDGET: {"model_id": "row"}}],
        [{check.WIDGET: {"model_id": "box"}}],
        [{check.WIDGET: {"model_id": "box"}, "image/png": ""}],
        [{check.WIDGET: {"model_id": "forgotten"}}],
        [{"text/plain": "4"}],
    ]
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(
                outputs=[nbformat.v4.new_output("display_data", data) for data in shown]
            )
            for shown in outputs
        ],
        metadata={"widgets": {check.STATES: {"state": models}}},
    )
    assert check.widgets_alone(notebook) == [1, 3]
