"""Run a command and end it, with all its children, after a number of seconds.

    python tools/time_limit.py 600 python -m pytest

Exits with the command's status, or with 124 after the limit, as coreutils' `timeout` does (which
macOS lacks).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys


def run(seconds: float, command: list[str]) -> int:
    """The exit status of `command`, or 124 when it was ended after `seconds`."""
    process = subprocess.Popen(command, start_new_session=True)
    try:
        return process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        print(f"ended after {seconds:g} s: {' '.join(command)}", file=sys.stderr)
        return 124
    finally:  # kernels and workers that are left, also after Ctrl-C
        end(process)


def end(process: subprocess.Popen) -> None:
    """End what is left of the process's group: first politely, so that it can say where it was."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(timeout=10)
        except (ProcessLookupError, PermissionError):  # all are gone
            return
        except subprocess.TimeoutExpired:
            continue


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(run(float(sys.argv[1]), sys.argv[2:]))
