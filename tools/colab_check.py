"""Run the chapters as Colab would: its package versions, no repository around, one notebook alone.

    python tools/colab_check.py /tmp/colab --python python3.13          all chapters
    python tools/colab_check.py /tmp/colab 02_beta_vae                  one, the folder made before

The folder gets a virtual environment with the versions of tools/colab_requirements.txt (several
GB: PyPI's torch is the CUDA build). Each notebook is copied alone into an empty folder and executed
from top to bottom, its install cell included; git is told to take this clone for the repository's
address, so that what is committed here is what gets installed. A chapter passes when no cell fails,
it takes at most 180 seconds, nothing but vaelib was installed or changed, and every widget but a
progress bar has a page or a picture beside it for those who see no widgets.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import project
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = ROOT / "tools" / "colab_requirements.txt"
SECONDS = 180
PATIENCE = 900  # seconds that one cell may take before it is given up: the machine may be busy
WIDGET = "application/vnd.jupyter.widget-view+json"
STATES = "application/vnd.jupyter.widget-state+json"
PAGES = {"text/html", "image/png"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where all of it goes; kept for the next call")
    parser.add_argument("names", nargs="*", help="chapters such as 02_beta_vae (default: all)")
    parser.add_argument("--python", default=sys.executable, help="interpreter; Colab's is 3.13")
    chosen = parser.parse_args()
    folder = chosen.folder.resolve()
    python = environment(folder, chosen.python)
    names = chosen.names or sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
    simulate(folder, python)
    failed = [name for name in names if not passes(name, folder, python)]
    print(f"failed: {', '.join(failed)}" if failed else "all pass")
    return 1 if failed else 0


def environment(folder: Path, interpreter: str) -> Path:
    """The Python of folder/venv, made where it is missing."""
    python = folder / "venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([interpreter, "-m", "venv", folder / "venv"], check=True)
        install = [sys.executable, "-m", "uv", "pip", "install", "--python", python]
        subprocess.run([*install, "-r", REQUIREMENTS], check=True)
    return python


def simulate(folder: Path, python: Path) -> None:
    """A kernel of that Python, a home of its own, and this clone in the place of the web's."""
    kernel = folder / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True, exist_ok=True)
    start = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    about = {"argv": start, "display_name": "Colab", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(about), encoding="utf-8")
    bare, home = folder / "repository.git", folder / "home"
    shutil.rmtree(bare, ignore_errors=True)
    subprocess.run(["git", "clone", "-q", "--bare", ROOT, bare], check=True)
    reference = f"refs/heads/{project.REF}"  # pip finds it, whether the web has a branch or a tag
    subprocess.run(["git", "-C", bare, "update-ref", reference, "HEAD"], check=True)
    home.mkdir(exist_ok=True)
    rule = f'[url "{bare.as_uri()}"]\n\tinsteadOf = {project.REPOSITORY}\n'
    (home / ".gitconfig").write_text(rule, encoding="utf-8")
    for name in [name for name in os.environ if name.startswith(("VAELIB_", "PYTHON"))]:
        del os.environ[name]
    os.environ |= {"JUPYTER_PATH": str(folder / "jupyter"), "HOME": str(home)}
    os.environ["PATH"] = f"{python.parent}{os.pathsep}{os.environ['PATH']}"


def passes(name: str, folder: Path, python: Path) -> bool:
    """Whether the chapter runs as it should; what is wrong is printed."""
    subprocess.run([python, "-m", "pip", "-q", "uninstall", "-y", "vaelib"], check=True)
    before, started, spent = installed(python), time.perf_counter(), cpu_seconds()
    alone = folder / "content"
    shutil.rmtree(alone, ignore_errors=True)
    alone.mkdir()
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    problems = []
    try:
        client = NotebookClient(notebook, timeout=PATIENCE, kernel_name="python3")
        client.execute(cwd=str(alone))
    except Exception as error:  # whatever a cell raises: the other chapters still get their turn
        problems.append(str(error))
    seconds, spent = time.perf_counter() - started, cpu_seconds() - spent
    nbformat.write(notebook, folder / f"{name}.ipynb")
    changed = {line.split("==")[0].split(" ")[0] for line in before ^ installed(python)}
    problems += [f"took {seconds:.0f} s, at most {SECONDS}"] * (seconds > SECONDS)
    problems += [f"changed: {sorted(changed)}"] * (changed != {"vaelib"})
    problems += [f"a widget alone in cell {number}" for number in widgets_alone(notebook)]
    verdict = "; ".join(problems) or "passes"
    print(f"{name}: {seconds:.0f} s, {spent:.0f} s of CPU, {verdict}", flush=True)
    return not problems


def cpu_seconds() -> float:
    """What ended children have used: the kernel is one."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def installed(python: Path) -> set[str]:
    listed = subprocess.check_output([python, "-m", "pip", "freeze"], text=True)
    return set(listed.splitlines())


def widgets_alone(notebook: nbformat.NotebookNode) -> list[int]:
    """Numbers of cells with a widget that has nothing beside it; progress bars may stand alone."""
    models = notebook.metadata.get("widgets", {}).get(STATES, {}).get("state", {})
    found = []
    for number, cell in enumerate(notebook.cells):
        shown = [output.get("data", {}) for output in cell.get("outputs", [])]
        widgets = [models.get(data[WIDGET]["model_id"], {}) for data in shown if WIDGET in data]
        pictured = any(PAGES & set(data) for data in shown)
        if not pictured and not all(is_progress(widget, models) for widget in widgets):
            found.append(number)
    return found


def is_progress(widget: dict, models: dict) -> bool:
    """tqdm's: a row with a bar in it."""
    children = widget.get("state", {}).get("children", [])
    names = [models.get(c.removeprefix("IPY_MODEL_"), {}).get("model_name") for c in children]
    return "FloatProgressModel" in names


if __name__ == "__main__":
    sys.exit(main())
