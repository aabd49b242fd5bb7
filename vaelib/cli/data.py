"""`vaelib data`: list, fetch, check."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from vaelib.cli import find
from vaelib.cli.command import add_command, add_group, add_options

if TYPE_CHECKING:
    from vaelib.datasets import FactorData


def add(commands: argparse._SubParsersAction) -> None:
    """List, download and check data sets.

    dSprites and some other worlds are drawn by vaelib itself and need no file. The official
    files of several data sets can be read too, and so can your own images.

    vaelib data fetch shapes3d
    vaelib data check shapes3d
    vaelib data check my.npz
    """
    actions = add_group(commands, "data", add)
    add_command(actions, "list", show)
    parser = add_command(actions, "fetch", fetch)
    text = "which file; an unknown name lists those that there are"
    parser.add_argument("name", metavar="NAME", help=text)
    parser = add_command(actions, "check", check)
    parser.add_argument("what", metavar="NAME", help="a data set, a file, or a folder")
    add_options(parser, "the data set, such as size=64", "--data-option")


def show(args: argparse.Namespace) -> int:
    """Data sets, and the files that are here.

    List the data sets, and the files in the data folder.

    vaelib data list
    """
    from vaelib.paths import data_dir

    for name, cls in find.data().items():
        print(f"{name}: {find.summary(cls)}\n  {_factors(cls())}")
    print("ArrayData: your own images, `--data PATH`; chapter 9 shows how.")
    print(f"\nData folder: {data_dir()}")
    for path in sorted(data_dir().glob("[!.]*.*")):  # without a dot: finished
        if path.suffix in (".npz", ".hdf5", ".h5", ".npy", ".gz"):
            print(f"  {path.name}  {path.stat().st_size / 1e6:.1f} MB")
    return 0


def _factors(data: FactorData) -> str:
    """The factors and whether the file is here, on one line each."""
    try:
        pairs = zip(data.factor_names, data.factor_sizes, strict=True)
        lines = ["factors: " + ", ".join(f"{n} {s}" for n, s in pairs)]
    except FileNotFoundError:  # there are several releases, and the file says which
        lines = ["factors: " + ", ".join(data.factor_names)]
    try:
        needed = [path.name for path in getattr(data, "sources", list)()]
        lines += [f"file: {needed[0]} is here"] if needed else []
    except FileNotFoundError:
        lines.append("file: not here; see `vaelib data fetch --help`")
    return "\n  ".join(lines)


def fetch(args: argparse.Namespace) -> int:
    """Download an official file.

    Download an official file to the data folder and check its hash. What is here is not
    downloaded again. By size: dsprites 26 MB, shapes3d 0.3 GB, smallnorb 0.3 GB, cars3d and
    mpi3d (mpi3d_toy, mpi3d_realistic, mpi3d_real) more.

    vaelib data fetch shapes3d
    """
    from vaelib.datasets.fetch import fetch

    print(fetch(args.name))
    return 0


def check(args: argparse.Namespace) -> int:
    """See whether a file is whole and what is in it.

    Read a data set as training would, and say what it is or what is wrong with it. An
    official file is known by its hash and its layout; dSprites is compared with the drawn
    images; of your own file the images and factors are described.

    vaelib data check shapes3d
    vaelib data check my.npz --data-option size=64
    """
    from vaelib.cli.training import named_data

    data = named_data(args.what, args.data_option)
    print(f"{data}: {_verdict(data)}")
    return 0


def _verdict(data: FactorData) -> str:
    from vaelib.datasets import ArrayData, DSprites
    from vaelib.datasets.official import OfficialFile

    if isinstance(data, OfficialFile):
        return f"{len(data):,} images, {data.verdict()}"
    if isinstance(data, ArrayData):
        return data.describe()
    data.try_sample()  # opens and checks a file too
    if isinstance(data, DSprites) and data.path:
        return f"whole, and all {len(data):,} images are those of dSprites"
    whose = "vaelib" if type(data).__module__.startswith("vaelib.") else "its own code"
    return f"drawn by {whose}, {len(data):,} images; no file is needed"
