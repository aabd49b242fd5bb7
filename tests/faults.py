"""Work of all kinds, killed at random moments: nothing half-written, and the same result at last.

    python tests/faults.py 50            # so many kills; --seed N for other moments

Each piece of work is first done undisturbed. Then processes that do it are killed by SIGKILL after
random times, three in a row in one folder: after each kill every file there must be whole, and what
goes on from it must end as the undisturbed one. tests/test_faults.py does a few.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd

from vaelib.checkpoint import load_tensors
from vaelib.codes_file import read_codes, write_codes
from vaelib.datasets import ArrayData, DSprites, Pooled
from vaelib.datasets import fetch as fetching
from vaelib.datasets.array_files import open_arrays
from vaelib.datasets.packed import digest_of
from vaelib.evaluate import evaluate
from vaelib.explorer import explore
from vaelib.files import read_json
from vaelib.networks import MLP
from vaelib.objectives import DynamicVAE
from vaelib.runs import Run, encode, table
from vaelib.studies import Planned, Study
from vaelib.studies.run import jobs_for
from vaelib.studies.table import collect, read, write
from vaelib.studies.work import execute
from vaelib.train import TrainConfig, train

FORK = multiprocessing.get_context("fork")  # each process begins with all modules loaded
CONFIG = TrainConfig(
    Pooled(DSprites(), 2), DynamicVAE(window=5), MLP(hidden=16), latent_dim=3, steps=120,
    batch_size=8, log_every=5, checkpoint_every=6, device="cpu",
)  # fmt: skip


@dataclass(frozen=True)
class Work:
    """`do` works in a folder, and goes on where it was; `result` is what must come out of it."""

    do: Callable[[Path], object]
    result: Callable[[Path], Any]


def trained(folder: Path) -> Any:
    run = Run(folder)
    log = run.log.drop(columns="seconds").to_csv()
    return [log, *(path.read_bytes() for path in sorted(folder.glob("*.safetensors")))]


def score(shipped: Path, folder: Path) -> None:
    shutil.copytree(shipped, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("scores*"))
    for metric in ("mig", "sap", "modularity"):
        evaluate(Run(folder), metrics=[metric], n=300)


def scored(folder: Path) -> Any:
    return {name: entry["scores"] for name, entry in Run(folder).scores.items()}


@dataclass(frozen=True)
class Pair(Study):
    """Two seeds."""

    hypothesis = "It goes on."
    metrics = ("mig",)
    samples = 100

    def plan(self) -> list[Planned]:
        how = {"steps": 30, "batch_size": 4, "checkpoint_every": 5, "log_every": 5}
        where = {"latent_dim": 2, "device": "cpu"}
        return [
            Planned(TrainConfig(CONFIG.data, network=MLP(hidden=8), seed=seed, **how, **where), "a")
            for seed in (0, 1)
        ]


def study(folder: Path) -> None:
    plan = Pair().plan()
    for job in jobs_for(Pair(), plan, folder):
        assert execute(job).state == "done"
    write(collect(plan, folder, read(folder / "none.csv")), folder / "table.csv")


def study_table(folder: Path) -> str:
    return read(folder / "table.csv").drop(columns=["seconds", "finished"]).to_csv()


def keep(folder: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (1500, 64, 64), np.uint8)
    with mock.patch.dict("os.environ", VAELIB_DATA=str(folder)):
        ArrayData(images, np.arange(1500) % 5, ("five",))


def kept(folder: Path) -> Any:
    files = sorted(path for path in folder.iterdir() if path.name[0] != ".")
    return [(p.name, digest_of(p, "sha256")) for p in files if p.suffix == ".npy"]


def export(shipped: Path, folder: Path) -> None:
    run = Run(shipped)
    explore(run, samples=200).save(folder / "explorer.html")
    write_codes(folder / "codes.npz", encode(run, n=500))
    table([run]).to_csv(folder / "never looked at.txt")


def exported(folder: Path) -> Any:
    return (folder / "explorer.html").read_text("utf-8"), read_codes(folder / "codes.npz").means


def fetch(address: str, content: Path, folder: Path) -> None:
    digest = f"sha256:{digest_of(content, 'sha256')}"
    wanted = fetching.Download("file.bin", address, digest, "")
    with (
        mock.patch.dict("os.environ", VAELIB_DATA=str(folder), NO_PROXY="127.0.0.1"),
        mock.patch.object(fetching, "DOWNLOADS", {"it": [wanted]}),
    ):
        fetching.fetch("it")


def serve(content: Path, port: Any) -> None:
    """An HTTP server that hands out one file, in small pieces."""
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            data = content.read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            for start in range(0, len(data), 1 << 14):
                self.wfile.write(data[start : start + (1 << 14)])
                time.sleep(0.005)

        def log_message(self, *_):
            pass

        def handle(self):
            try:
                super().handle()
            except ConnectionError:  # the one who asked was killed
                pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        port.value = server.server_address[1]
        server.serve_forever()


@contextmanager
def works(place: Path) -> Iterator[dict[str, Work]]:
    """All kinds of work, by name, with what they need."""
    content = place / "content"
    content.write_bytes(random.Random(0).randbytes(1 << 20))
    port = FORK.Value("i", 0)
    server = FORK.Process(target=serve, args=(content, port), daemon=True)
    server.start()
    shipped = finished_run(place / "shipped")
    while not port.value:
        time.sleep(0.01)
    address = f"http://127.0.0.1:{port.value}/file.bin"
    try:
        yield {
            "train": Work(partial(train, CONFIG, progress=False), trained),
            "evaluate": Work(partial(score, shipped), scored),
            "study": Work(study, study_table),
            "keep": Work(keep, kept),
            "export": Work(partial(export, shipped), exported),
            "fetch": Work(
                partial(fetch, address, content), lambda f: (f / "file.bin").read_bytes()
            ),
        }
    finally:
        server.kill()


def finished_run(folder: Path) -> Path:
    """A finished run, trained in a process of its own: autograd and forks do not go together."""
    config = TrainConfig(CONFIG.data, network=MLP(hidden=16), latent_dim=3, steps=1, batch_size=4)
    begin(partial(train, config, progress=False), folder)
    return folder


def begin(do: Callable[[Path], object], folder: Path, seconds: float | None = None) -> bool:
    """Let a process do it, and kill it after so many seconds; whether it had finished before."""
    folder.mkdir(parents=True, exist_ok=True)
    process = FORK.Process(target=do, args=(folder,))
    process.start()
    process.join(seconds)
    process.kill()
    process.join()
    if process.exitcode not in (0, -9):
        raise AssertionError(f"{do} failed in {folder}, see above")
    return process.exitcode == 0


READERS = {
    ".json": read_json,
    ".safetensors": load_tensors,
    ".npz": read_codes,
    ".h5": lambda path: open_arrays(path).__exit__(),
    ".csv": pd.read_csv,
    ".bin": lambda path: _same_size(path, 1 << 20),
    ".html": lambda path: _ends(path, "</html>"),
}


def check_whole(folder: Path) -> None:
    """Every file, other than hidden ones and those marked as unfinished, can be read to its end."""
    for path in folder.rglob("*"):
        if path.is_file() and path.name[0] != "." and path.suffix in READERS:
            READERS[path.suffix](path)


def _ends(path: Path, end: str) -> None:
    assert path.read_text("utf-8").rstrip().endswith(end), f"{path} is cut short"


def _same_size(path: Path, size: int) -> None:
    assert path.stat().st_size == size, f"{path} is cut short"


def torture(work: Work, place: Path, kills: int, rng: random.Random) -> int:
    """So many kills of this work; returns how many resumed works gave the undisturbed result."""
    start = time.monotonic()
    assert begin(work.do, place / "whole")
    seconds, wanted, rounds = time.monotonic() - start, work.result(place / "whole"), 0
    while kills > 0:
        rounds, folder = rounds + 1, place / f"killed {rounds}"
        for _ in range(min(3, kills)):
            if begin(work.do, folder, rng.uniform(0, seconds)):
                break
            kills -= 1
            check_whole(folder)
        assert begin(work.do, folder)
        check_whole(folder)
        np.testing.assert_equal(work.result(folder), wanted)
    return rounds


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kills", type=int, nargs="?", default=50)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(arguments)
    rng = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as folder, works(Path(folder)) as found:
        place = Path(folder, "läuft β, with spaces")
        shares = np.full(len(found), args.kills // len(found))
        shares[: args.kills % len(found)] += 1
        done = {
            name: [int(share), torture(work, place / name, int(share), rng)]
            for share, (name, work) in zip(shares, found.items(), strict=True)
        }
    print(json.dumps(done), "kills and works resumed; all ended as if undisturbed")


if __name__ == "__main__":
    main(sys.argv[1:])
