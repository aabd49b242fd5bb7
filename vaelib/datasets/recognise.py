"""Which data set is in a file or a folder."""

from __future__ import annotations

from pathlib import Path

from vaelib.datasets.array_data import ArrayData
from vaelib.datasets.array_files import is_zarr, open_arrays
from vaelib.datasets.cars3d import Cars3D
from vaelib.datasets.dsprites import DSprites
from vaelib.datasets.mpi3d import MPI3D, SIZES
from vaelib.datasets.official import find
from vaelib.datasets.shapes3d import Shapes3D
from vaelib.datasets.small_norb import SmallNORB


def recognise(path: str) -> tuple[type, str]:
    """The class that reads this path, and the field of the class that takes it.

    The files of dSprites, 3D Shapes, MPI3D, SmallNORB and Cars3D are known by what is in them;
    everything else is somebody's own, :class:`ArrayData`. FileNotFoundError, DataFileError.
    """
    found = find(path)
    cls = _of_folder(found) if found.is_dir() and not is_zarr(found) else _of_file(found)
    return cls, "images" if cls is ArrayData else "path"


def _of_folder(folder: Path) -> type:
    if any(folder.glob("smallnorb-*.mat*")):
        return SmallNORB
    return Cars3D if any(folder.glob("*.mat")) else ArrayData


def _of_file(path: Path) -> type:
    if path.name.endswith((".tar.gz", ".tgz", ".tar")):
        return Cars3D
    with open_arrays(path) as file:
        names = set(file.names())
        if "imgs" in names and file.find("imgs")[0][1:] == (64, 64):
            return DSprites
        shape = file.find("images")[0] if "images" in names else ()
        if names >= {"images", "labels"} and "factors" not in names and shape[1:] == (64, 64, 3):
            return Shapes3D
        shape = shape if names == {"images"} else ()
    return MPI3D if shape[1:] == (64, 64, 3) and shape[0] in SIZES else ArrayData
