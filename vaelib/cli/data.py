"""`vaelib data`: list, fetch, check."""

from __future__ import annotations

import argparse
from pathlib import Path

from vaelib.cli import find
from vaelib.cli.command import add_command


def add(commands: argparse._SubParsersAction) -> None:
    parser = add_command(
        commands,
        "data",
        "list, download and check data sets",
        "dSprites is drawn by vaelib itself and needs no file. The official files can be used too.",
        "vaelib data fetch dsprites\nvaelib data check data/dsprites.npz",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    _add_list(actions)
    _add_fetch(actions)
    _add_check(actions)


def _add_list(actions: argparse._SubParsersAction) -> None:
    parser = add_command(
        actions, "list", "data sets, and the files that are here",
        "List the data sets, and the files in the data folder.", "vaelib data list",
    )  # fmt: skip
    parser.set_defaults(command=show)


def _add_fetch(actions: argparse._SubParsersAction) -> None:
    parser = add_command(
        actions, "fetch", "download an official file",
        "Download an official file to the data folder and check its hash. What is here is not\n"
        "downloaded again.", "vaelib data fetch dsprites",
    )  # fmt: skip
    parser.add_argument(
        "name", metavar="NAME", help="which file; an unknown name lists those that there are"
    )
    parser.set_defaults(command=fetch)


def _add_check(actions: argparse._SubParsersAction) -> None:
    parser = add_command(
        actions, "check", "see whether a file is whole and what it claims to be",
        "Read a file of dSprites as training would: its hash is compared with the official one,\n"
        "or each image with the drawn one. Says what is wrong when it is refused.",
        "vaelib data check data/dsprites.npz",
    )  # fmt: skip
    parser.add_argument("path", metavar="PATH", help="the file")
    parser.set_defaults(command=check)


def show(args: argparse.Namespace) -> int:
    from vaelib.paths import data_dir

    for name, cls in find.datasets().items():
        factors = ", ".join(
            f"{n} {s}" for n, s in zip(cls.factor_names, cls.factor_sizes, strict=True)
        )
        print(f"{name}: {find.summary(cls)}\n  factors: {factors}")
    print(f"\nData folder: {data_dir()}")
    for path in sorted(data_dir().glob("*.*")):
        if path.suffix in (".npz", ".hdf5", ".h5", ".npy"):
            print(f"  {path.name}  {path.stat().st_size / 1e6:.1f} MB")
    return 0


def fetch(args: argparse.Namespace) -> int:
    from vaelib.datasets.fetch import fetch

    print(fetch(args.name))
    return 0


def check(args: argparse.Namespace) -> int:
    import numpy as np

    from vaelib.datasets import DSprites

    path = Path(args.path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    data = DSprites(str(path))
    data.render(np.zeros((1, len(data.factor_sizes)), dtype=np.int64))  # opens and checks the file
    print(f"{path}: whole, and all {len(data):,} images are those of dSprites")
    return 0
