"""Images a second of training: the same network at the same batch, side by side.

    python -m benchmarks.images_per_second
    bash benchmarks/peers.sh    # first, to have disent and pythae beside them

All take turns, each in its own process on one thread, in CPU time. Burgess network, batch 64,
β = 4, Adam; the last row is vaelib as `make report` uses it, with its own network.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np

from benchmarks._results import keep, table, write_readme
from benchmarks._stepper import Apart, in_turn
from vaelib import machine
from vaelib.networks import Burgess, Fast
from vaelib.train import TrainConfig

HERE = Path(__file__).parent
PEERS_PYTHON = HERE.parent / ".venv-peers" / "bin" / "python"
PEERS = {"disent 0.8.0": "disent", "pythae 0.1.2": "pythae"}
BURGESS = TrainConfig(network=Burgess(), device="cpu")
OURS = {
    "plain loop": TrainConfig(network=Burgess(), device="cpu", speedups=False),
    "vaelib, float32": BURGESS,
    "vaelib, precision auto": TrainConfig(network=Burgess(), device="cpu", precision="auto"),
    "vaelib, Fast, float32": TrainConfig(network=Fast(), device="cpu"),
    "vaelib, Fast, precision auto": TrainConfig(network=Fast(), device="cpu", precision="auto"),
}


class Peer:
    """Like :class:`~benchmarks._stepper.Apart`, with the interpreter that has the peers."""

    def __init__(self, name: str, python: Path = PEERS_PYTHON):
        command = [str(python), str(HERE / "_peers.py"), name]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, steps: int) -> float:
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def peers() -> dict[str, Peer]:
    """Those that are installed and start; a line for the others."""
    found = {}
    for title, name in PEERS.items() if PEERS_PYTHON.exists() else ():
        peer = Peer(name)
        try:
            peer.run(1)
            found[title] = peer
        except (ValueError, BrokenPipeError):
            print(f"{title} does not start here, see above", file=sys.stderr)
    if not found:
        print("no peers beside us: bash benchmarks/peers.sh installs them", file=sys.stderr)
    return found


def measure(rounds: int, steps: int) -> list[dict]:
    """A row each: milliseconds a step, images a second, the ratio to the plain loop by round."""
    steppers = {name: Apart(config) for name, config in OURS.items()} | peers()
    times = in_turn(steppers, rounds, steps)
    for stepper in steppers.values():
        stepper.stop()
    return [
        {
            "what": name,
            "ms a step": 1000 * float(np.median(values)),
            "images/s": BURGESS.batch_size / float(np.median(values)),
            "× plain loop": float(np.median(times["plain loop"] / values)),
        }
        for name, values in times.items()
    ]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("benchmarks.images_per_second")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=10, help="of each in a round")
    parser.add_argument("--short", action="store_true", help="only see that it runs")
    options = parser.parse_args(arguments)
    print(f"CPU: {machine.cpu_name()}, 1 thread each")
    rows = measure(1, 1) if options.short else measure(options.rounds, options.steps)
    print(table(rows))
    if not options.short:
        keep("images_per_second", rows)
        write_readme("images_per_second", table(rows))


if __name__ == "__main__":
    main()
