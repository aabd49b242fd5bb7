"""Damaged, foreign and hostile files: each is read, or refused with an error that says why.

    python tests/fuzz.py 10000           # so many inputs; --seed N for others, --kind for one kind

An input is a good file with bits flipped, bytes cut, moved or replaced, or a JSON value or an array
exchanged for a nasty one. Reading it may give a result or raise ValueError or an error of a missing
file, made by vaelib and with words in it: nothing from inside a parser, within 10 s of CPU time and
2 GB of memory. tests/test_fuzz.py does a few hundred.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vaelib.checkpoint import load_tensors
from vaelib.codes_file import read_codes
from vaelib.datasets import ArrayData, Blobs
from vaelib.datasets.recognise import recognise
from vaelib.diverged import TrainingDiverged
from vaelib.files import DataFileError
from vaelib.log_file import LogFile
from vaelib.networks import MLP
from vaelib.objectives import PairwiseBeta
from vaelib.runs import Run, table
from vaelib.train import TrainConfig, train

SECONDS, GIGABYTES = 10, 2
# These classes, not those below them, such as UnicodeDecodeError.
ALLOWED = (ValueError, DataFileError, FileNotFoundError, TrainingDiverged)
CONFIG = TrainConfig(
    Blobs(size=32), PairwiseBeta(), MLP(hidden=8), latent_dim=2, steps=4, batch_size=4, log_every=1,
    checkpoint_every=2, device="cpu",
)  # fmt: skip


class Hang(BaseException):
    """It took too long."""


@dataclass(frozen=True)
class Kind:
    """Files of one kind: where they lie in a folder of good files, and what reads them."""

    file: str
    read: Callable[[Path], object]  # of the folder


def own_data(folder: Path, name: str) -> None:
    os.environ["VAELIB_DATA"] = str(folder / "tables")
    data = ArrayData(str(folder / name))
    data.sample(4, np.random.default_rng(0))
    recognise(str(folder / name))


def resumed(folder: Path) -> None:
    (folder / "run" / "model.safetensors").unlink()
    state = folder / "run" / "state"
    state.mkdir()
    shutil.move(folder / "state.safetensors", state / "step-0000002.safetensors")
    train(CONFIG, folder / "run", progress=False)


KINDS = {
    "codes.npz": Kind("codes.npz", lambda f: read_codes(f / "codes.npz")),
    "own.npz": Kind("own.npz", lambda f: own_data(f, "own.npz")),
    "own.h5": Kind("own.h5", lambda f: own_data(f, "own.h5")),
    "picture": Kind("pictures/1.png", lambda f: own_data(f, "pictures")),
    "factors.csv": Kind("pictures/factors.csv", lambda f: own_data(f, "pictures")),
    "config.json": Kind("run/config.json", lambda f: (Run(f / "run").config, Run(f / "run").vae)),
    "scores.json": Kind("run/scores.json", lambda f: table([Run(f / "run")])),
    "log.csv": Kind("run/log.csv", lambda f: table([Run(f / "run")])),
    "cut log.csv": Kind("run/log.csv", lambda f: LogFile(f / "run" / "log.csv", 3)),
    "weights": Kind("run/model.safetensors", lambda f: Run(f / "run").vae),
    "tensors": Kind("run/model.safetensors", lambda f: load_tensors(f / "run/model.safetensors")),
    "state": Kind("state.safetensors", resumed),
}


def good_files(folder: Path) -> None:
    """One file of each kind; trained in this process, before any fork."""
    import h5py
    from PIL import Image

    rng = np.random.default_rng(0)
    images, factors = rng.integers(0, 256, (12, 32, 32), np.uint8), np.arange(12) % 4
    arrays = {"images": images, "factors": factors, "names": np.array(["four"])}
    np.savez_compressed(folder / "own.npz", **arrays)
    with h5py.File(folder / "own.h5", "w") as file:
        file.create_dataset("images", data=images, chunks=(4, 32, 32), compression="gzip")
        file["factors"], file["names"] = factors, ["four"]
    codes = {"means": rng.normal(size=(12, 3)), "factors": np.stack([factors, factors // 2], 1)}
    np.savez(folder / "codes.npz", **codes, names=np.array(["a", "b"]))
    (folder / "pictures").mkdir()
    for i, image in enumerate(images[:4]):
        Image.fromarray(image).save(folder / "pictures" / f"{i}.png")
    rows = "".join(f"{i}.png,{i % 2},{'red' if i else 'blue'}\n" for i in range(4))
    (folder / "pictures" / "factors.csv").write_text("file,size,colour\n" + rows)
    _train(folder)


def _train(folder: Path) -> None:
    class Stop(Exception):
        pass

    def stop(row: dict[str, float]) -> None:
        if row["step"] == 3:
            state = folder / "run" / "state" / "step-0000002.safetensors"
            shutil.copy(state, folder / "state.safetensors")

    train(CONFIG, folder / "run", on_log=stop, progress=False)
    scores = {"samples": 9, "seed": 0, "seconds": 1.0, "scores": {"mig": {"mig": 0.5}}}
    (folder / "run" / "scores.json").write_text(json.dumps({"uncorrelated": scores}))


# Damage

NASTY: list[Any] = [
    None, True, 0, -1, 1e308, 10**30, float("nan"), float("inf"), "", "x" * 9999, "\x00", [], {},
    [[]], 2**31, 10**9, 0.5, ["a"] * 5, "💥", 1e-320, [1, 2, 3], "inf", {"type": 3}, {"type": ""},
    {"type": "os:system"}, {"type": "vaelib.cli.__main__:main"}, {"type": "vaelib.runs:Run"},
    {"type": "vaelib.datasets.array_data:ArrayData", "images": "/dev/zero"},
    {"type": "vaelib.train:TrainConfig"},
    {"type": "vaelib.datasets.array_data:ArrayData", "images": []},
    {"type": "vaelib.datasets.fixed_sample:FixedSample", "data": None, "n": 10**12},
]  # fmt: skip
WORDS = ("", "nan", "inf", "-1", "1e999", '"', "\x00", "💥", "=1+1", "x" * 200_000, "../a")
DEEP = ("[" * 100_000 + "]" * 100_000, '{"a":' * 900 + "1" + "}" * 900)
PROMISES = ((10**12, 32, 32), (2, 10**6, 10**6), (10**9,), (3, 32, 32))
SHAPES = [(), (0,), (12,), (12, 1), (0, 32, 32), (12, 32, 32), (12, 3, 32, 32), (1, 40_000, 40_000)]
DTYPES = ["u1", "i8", "f2", "f8", "c16", "U3", "S3", "?", "M8[s]", "O", "V4", "i4,f4"]


def bits(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 4, 64))):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def moved(data: bytes, rng: random.Random) -> bytes:
    a, b, c = sorted(rng.randrange(len(data)) for _ in range(3))
    return data[:a] + data[b:c] + data[a:b] + data[c:]


def noise(data: bytes, rng: random.Random) -> bytes:
    a = rng.choice((0, rng.randrange(len(data))))
    return data[:a] + rng.randbytes(rng.randrange(1, 400)) + data[a:][: rng.choice((0, 10**9))]


def number(data: bytes, rng: random.Random) -> bytes:
    """Four or eight bytes, as a length in a header, become a nasty number."""
    a, size = rng.randrange(len(data)), rng.choice((4, 8))
    value = rng.choice((0, 1, 2**31, 2**32 - 1, 2 ** (8 * size) - 1, 10**9))
    return data[:a] + value.to_bytes(8, "little")[:size] + data[a + size :]


def words(data: bytes, rng: random.Random) -> bytes:
    """A cell or a word of a text becomes another one."""
    parts = data.decode("latin-1").replace(",", "\x1f,\x1f").split("\x1f")
    parts[rng.randrange(len(parts))] = rng.choice(WORDS)
    return "".join(parts).encode("utf-8", "surrogatepass")


def value(data: bytes, rng: random.Random) -> bytes:
    """A value anywhere in a JSON file becomes a nasty one, or a very deep one."""
    tree = json.loads(data)
    place = [tree]
    at: Any = tree
    while isinstance(at, dict) and at and rng.random() < 0.8:
        place.append(at)
        key = rng.choice(list(at))
        at = at[key]
    if len(place) == 1:
        return json.dumps(rng.choice(NASTY)).encode()
    if rng.random() < 0.15:
        place[-1][rng.choice((key, "new", "type"))] = "DEEP"
        return json.dumps(tree).replace('"DEEP"', rng.choice(DEEP)).encode()
    place[-1][rng.choice((key, key, key, "new"))] = rng.choice(NASTY)
    return json.dumps(tree).encode()


def arrays(data: bytes, rng: random.Random) -> bytes:
    """An npz file of other arrays, among them headers that promise what is not there."""
    with np.load(io.BytesIO(data)) as file:
        there = dict(file)
    name = rng.choice([*there, "new"])
    shape, dtype = rng.choice(SHAPES), np.dtype(rng.choice(DTYPES))
    out = io.BytesIO()
    if np.prod(shape) > 10**6 or rng.random() < 0.2:  # zeros, which pack a thousand times
        there.pop(name, None)
        np.savez_compressed(out, **there)
        _add_promise(out, name, rng.choice(PROMISES))
        return out.getvalue()
    there[name] = np.zeros(shape, dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.savez_compressed(out, **there)
    return out.getvalue()


def _add_promise(out: io.BytesIO, name: str, shape: tuple[int, ...]) -> None:
    import zipfile

    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        member, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}.npy", member.getvalue() + bytes(20 << 20))


def damages(name: str) -> list[Callable[[bytes, random.Random], bytes]]:
    more = {".json": [value] * 6, ".csv": [words] * 3, ".npz": [arrays] * 3}
    return [bits, bits, cut, moved, noise, number, *more.get(Path(name).suffix, [])]


# Reading


def one(good: Path, kind: Kind, seed: int, place: Path) -> str:
    """What is wrong with how this input is met; "" when nothing is."""
    rng = random.Random(seed)
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(good, place)
    data = rng.choice(damages(kind.file))((place / kind.file).read_bytes(), rng)
    (place / kind.file).write_bytes(data)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        kind.read(place)
    except Exception as error:
        if type(error) not in ALLOWED or not str(error):
            return f"{type(error).__name__}: {str(error)[:300]}"
        if _has_cause(error, MemoryError):
            return f"it asks for more memory than there is: {error}"
    except Hang:
        return f"it takes more than {SECONDS} s"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return f"it takes {kilobytes / 1e6:.1f} GB" if kilobytes > GIGABYTES << 20 else ""


def _has_cause(error: BaseException | None, cls: type) -> bool:
    while error is not None:
        if isinstance(error, cls):
            return True
        error = error.__cause__ or error.__context__
    return False


def _hang(*_: object) -> None:
    raise Hang


def batch(good: Path, name: str, seeds: list[int], pipe: Any, place: Path) -> None:
    """Some inputs in a process of their own: a parser in C may end it."""
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGPROF, _hang)
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + (4 * GIGABYTES << 30), -1))  # reserved, not used
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # progress bars
    for seed in seeds:
        pipe.send((seed, "began"))
        pipe.send((seed, one(good, KINDS[name], seed, place)))
    pipe.close()


def fuzz(count: int, first: int, names: list[str]) -> dict[str, list[str]]:
    """What went wrong, {kind: [seed and reason]}."""
    found: dict[str, list[str]] = {}
    fork = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as folder:
        good = Path(folder, "good files, ß")
        good.mkdir()
        process = fork.Process(target=good_files, args=(good,))
        process.start()
        process.join()
        for i, name in enumerate(names):
            todo = list(range(first + i, first + count, len(names)))
            while todo:
                todo = _follow(fork, good, name, todo, found.setdefault(name, []), Path(folder))
    return found


def _follow(
    fork: Any, good: Path, name: str, seeds: list[int], found: list[str], folder: Path
) -> list[int]:
    """Read these inputs in a process until it ends; those that are left."""
    mine, theirs = fork.Pipe(duplex=False)
    process = fork.Process(target=batch, args=(good, name, seeds, theirs, folder / "one"))
    process.start()
    theirs.close()
    last, answer = seeds[0], "began"
    while True:
        try:
            last, answer = mine.recv()
        except EOFError:
            break
        if answer not in ("", "began"):
            found.append(f"{last}: {answer}")
    process.join()
    if answer == "began":
        found.append(f"{last}: it ended the process with {process.exitcode}")
    return seeds[seeds.index(last) + 1 :]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("count", type=int, nargs="?", default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=KINDS, action="append")
    args = parser.parse_args(arguments)
    found = fuzz(args.count, args.seed, args.kind or list(KINDS))
    for name, reasons in found.items():
        print(f"{name}: {len(reasons)} wrong")
        for reason in reasons[:20]:
            print(f"  {reason}")
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
