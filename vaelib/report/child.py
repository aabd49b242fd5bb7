"""The process that executes one notebook: `python -m vaelib.report.child`, started by execution.py.

It reads one JSON line from its standard input (source, target, parameters, cell_timeout), executes,
and tells of each cell on its standard output, one JSON line each. The input stays open as a
lifeline: when the parent ends, by kill -9 too, it closes, and this process ends its kernel and
itself, so that nothing goes on writing behind a report that is started again.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from functools import cache
from typing import Any, TextIO

import papermill
from ipykernel.kernelspec import make_ipkernel_cmd
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager


class ThisPython(KernelSpecManager):
    """Always the Python that runs now: a `python3` kernel of another installation is not taken."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return KernelSpec(argv=make_ipkernel_cmd(), display_name=kernel_name, language="python")


def execute(request: dict[str, Any], kernel: AsyncKernelManager) -> None:
    """Run the notebook with papermill; the cells run are on disk after each one."""
    cells = papermill.iorw.load_notebook_node(request["source"]).cells
    total = sum(cell.cell_type == "code" and bool(cell.source.strip()) for cell in cells)
    tell(cells=total + bool(request["parameters"]))  # papermill adds a cell with the parameters
    papermill.execute_notebook(
        request["source"],
        request["target"],
        parameters=request["parameters"],
        kernel_name="python3",  # whatever the notebook says, or does not say
        language="python",
        cwd=request["cwd"],
        progress_bar=False,
        start_timeout=120,
        execution_timeout=request["cell_timeout"],
        km=kernel,
        on_cell_executed=lambda **_: tell(done=1),
    )


def tell(**message: Any) -> None:
    print(json.dumps(message), file=to_parent(), flush=True)


@cache
def to_parent() -> TextIO:
    """A pipe for the parent alone: what the kernel and libraries print goes to standard error."""
    pipe = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return pipe


def end_with_parent(kernel: AsyncKernelManager) -> None:
    """Wait for the standard input to close, then end the kernel and this process at once."""
    while os.read(0, 1024):
        pass
    end(kernel)
    os._exit(1)


def end(kernel: AsyncKernelManager) -> None:
    """Kill the kernel; papermill leaves a kernel that was handed to it running."""
    process = getattr(kernel.provisioner, "process", None)
    if process is not None:
        process.kill()
    kernel.cleanup_connection_file()


def main() -> int:
    to_parent()
    request = json.loads(sys.stdin.readline())
    kernel = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=ThisPython())
    threading.Thread(target=end_with_parent, args=(kernel,), daemon=True).start()
    try:
        execute(request, kernel)
    except papermill.PapermillExecutionError as error:
        tell(error=f"{error.ename}: {error.evalue}".strip(": "))
    except Exception as error:  # a dead kernel, a cell over its time, a damaged file
        reason = str(error).strip().splitlines()
        tell(error=f"{type(error).__name__}: {reason[0] if reason else ''}".strip(": "))
    else:
        tell(finished=True)
        return 0
    finally:
        end(kernel)
    return 1


if __name__ == "__main__":
    sys.exit(main())
