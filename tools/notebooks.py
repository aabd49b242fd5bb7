"""Pair the notebooks with their scripts and execute them: `make notebooks`.

    python tools/notebooks.py                     all of them
    python tools/notebooks.py 02_beta_vae         one
    python tools/notebooks.py --no-execute        only pair, outputs stay

notebooks/NAME.ipynb and notebooks/py/NAME.py hold the same cells. Where they differ, the file that
was changed last wins and both are written. Badges and the install cell get the address and the
version of pyproject.toml. An executed notebook replaces the old one only when all its cells ran.
"""

from __future__ import annotations

import argparse
import base64
import io
import os
import re
import sys
import time
from pathlib import Path

import jupytext
import nbformat
import project
from jupytext.combine import combine_inputs_with_outputs
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
BAR = re.compile(r"\d+%\|")  # a progress bar as text: " 40%|████      | …"
INSTALL_TAG = "install"  # the cell that gets project.install_cell()
CELL_SECONDS = 900
COLOURS = 128  # of a stored picture
BADGE = re.compile(r"\[!\[[^\]]*\]\([^)]*colab-badge\.svg\)\]\([^)]*/notebooks/([^)]*)\.ipynb\)")


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 1 when a notebook failed; the others are done all the same."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="such as 02_beta_vae or solutions/02_beta_vae")
    parser.add_argument("--no-execute", action="store_true", help="only pair; outputs stay")
    chosen = parser.parse_args(arguments)
    stamp_readme()
    failed = [name for name in chosen.names or names() if not update(name, not chosen.no_execute)]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def names() -> list[str]:
    """All notebooks, those that exist in one form only too; solutions last."""
    scripts = (p.relative_to(NOTEBOOKS / "py") for p in (NOTEBOOKS / "py").rglob("*.py"))
    notebooks = (p.relative_to(NOTEBOOKS) for p in NOTEBOOKS.rglob("*.ipynb"))
    found = {p.with_suffix("").as_posix() for p in [*scripts, *notebooks]}
    return sorted((n for n in found if ".ipynb_checkpoints" not in n), key=lambda n: ("/" in n, n))


def update(name: str, execute: bool) -> bool:
    """Pair one notebook and execute it; whether that went well."""
    notebook = paired(name)
    started = time.perf_counter()
    if execute:
        print(f"{name}: executing", flush=True)
        try:
            run(notebook, NOTEBOOKS / Path(name).parent)
        except Exception as error:  # whatever a notebook raises: the next one still gets its turn
            print(f"{name}: {error}", file=sys.stderr)
            return False
    tidy(notebook)
    write(name, notebook)
    print(f"{name}: {time.perf_counter() - started:.0f} s", flush=True)
    return True


def paired(name: str) -> NotebookNode:
    """The cells of the form that was changed last, with the outputs that are stored."""
    script, stored = NOTEBOOKS / "py" / f"{name}.py", NOTEBOOKS / f"{name}.ipynb"
    if not script.exists() and not stored.exists():
        raise SystemExit(f"no notebook {name!r}; there are {', '.join(names())}")
    if not script.exists() or (stored.exists() and changed(stored) > changed(script)):
        notebook = jupytext.read(stored)
    else:
        notebook = jupytext.read(script)
        if stored.exists():
            notebook = combine_inputs_with_outputs(notebook, jupytext.read(stored))
    notebook.metadata["kernelspec"] = KERNEL
    stamp(name, notebook)
    return notebook


def changed(path: Path) -> float:
    """When a file was written. After a checkout this says nothing, but then both forms agree."""
    return path.stat().st_mtime


def stamp_readme() -> None:
    """Today's address and version in the badges of the table of chapters."""
    readme = ROOT / "README.md"
    old = readme.read_text(encoding="utf-8")
    new = BADGE.sub(lambda found: project.badge(found[1]), old)
    if new != old:
        replace(readme, new)


def stamp(name: str, notebook: NotebookNode) -> None:
    """Today's address and version in the badge and in the install cell."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = BADGE.sub(project.badge(name), cell.source)
        elif INSTALL_TAG in cell.metadata.get("tags", []):
            cell.source = project.install_cell()


def run(notebook: NotebookNode, folder: Path) -> None:
    """Execute all cells in `folder`; raises at the first error or time-out of a cell."""
    os.environ.pop("VAELIB_FAST", None)  # what is stored for readers has the full budget
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name=KERNEL["name"],
        store_widget_state=False,
        record_timing=False,
        coalesce_streams=True,  # prints in a row are one output, however they arrived
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        client.execute()
    except (CellTimeoutError, DeadKernelError) as error:
        raise RuntimeError(f"{type(error).__name__}: {error}") from error


def tidy(notebook: NotebookNode) -> None:
    """Only what readers and hosts need: no widget state, nothing that changes with each run."""
    kept = {"kernelspec": KERNEL, "language_info": {"name": "python", "pygments_lexer": "ipython3"}}
    notebook.metadata = nbformat.from_dict(kept)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({k: v for k, v in cell.metadata.items() if k == "tags"})
        if "outputs" in cell:
            cell.outputs = [output for output in cell.outputs if not is_bar(output)]
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            data.pop("application/vnd.jupyter.widget-view+json", None)
            if "image/png" in data:
                data["image/png"] = smaller(data["image/png"])


def smaller(png: str) -> str:
    """A picture (base64) in COLOURS colours: a third of the bytes of what matplotlib writes."""
    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    buffer = io.BytesIO()
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    text = base64.b64encode(buffer.getvalue()).decode()
    return min(png, text, key=len)


def is_bar(output: NotebookNode) -> bool:
    """Whether an output is a progress bar, as a widget's text or as a line written over itself."""
    text = output.get("text", "") or output.get("data", {}).get("text/plain", "")
    return BAR.search(text) is not None


def write(name: str, notebook: NotebookNode) -> None:
    """Both forms, each by a temporary file."""
    script, stored = NOTEBOOKS / "py" / f"{name}.py", NOTEBOOKS / f"{name}.ipynb"
    nbformat.validate(notebook)
    replace(stored, nbformat.writes(notebook, version=4) + "\n")
    settings = jupytext.config.load_jupytext_config(str(stored))
    text = jupytext.writes(notebook, fmt="py:percent", config=settings)
    replace(script, text)


def replace(path: Path, text: str) -> None:
    """Write `text` to `path`, or leave the old file whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


if __name__ == "__main__":
    sys.exit(main())
