"""Downloads of data sets: hash checked, with a progress bar, nothing half-written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vaelib.datasets.cars3d import Cars3D
from vaelib.datasets.dsprites_files import NAME, NPZ
from vaelib.datasets.mpi3d import MPI3D
from vaelib.datasets.official import OfficialFile
from vaelib.datasets.shapes3d import Shapes3D
from vaelib.datasets.small_norb import SmallNORB
from vaelib.paths import data_dir


@dataclass(frozen=True)
class Download:
    """A file on the network. `digest` is `algorithm:hex`, as pooch writes it."""

    file: str  # where it goes in the data folder
    url: str
    digest: str
    licence: str


def _official(
    cls: type[OfficialFile], folder: str, licence: str, place: str = ""
) -> list[Download]:
    """The files of a data set that lie in one folder of the network."""
    return [
        Download(f"{place}{file}", f"{folder}/{file}", digest, licence)
        for file, digest in cls.digests.items()
    ]


_MPI3D = {
    download.file.removesuffix(".npz"): [download]
    for download in _official(
        MPI3D,
        "https://storage.googleapis.com/disentanglement_dataset/Final_Dataset",
        "CC BY 4.0",
    )
}
DOWNLOADS: dict[str, list[Download]] = {
    "dsprites": [
        Download(
            f"{NAME}.npz",
            f"https://github.com/google-deepmind/dsprites-dataset/raw/master/{NAME}.npz",
            f"{NPZ.algorithm}:{NPZ.official}",
            "Apache 2.0",
        )
    ],
    "shapes3d": _official(Shapes3D, "https://storage.googleapis.com/3d-shapes", "Apache 2.0"),
    **_MPI3D,
    "mpi3d": _MPI3D["mpi3d_real"],
    "smallnorb": _official(
        SmallNORB,
        "https://cs.nyu.edu/~ylclab/data/norb-v1.0-small",
        "for research only, may not be sold",
        "smallnorb/",
    ),
    "cars3d": _official(Cars3D, "http://www.scottreed.info/files", "no licence found"),
}


def fetch(name: str, tries: int = 3) -> Path:
    """Download this data set to the data folder, unless it is there.

    Returns the path that the data set takes: of the file or, if there are several, of their folder.
    A broken connection is tried again. ValueError: no such name. RuntimeError, with what to do by
    hand: no connection, or the file that came has another hash (it is thrown away).
    """
    if name not in DOWNLOADS:
        raise ValueError(f"data sets to download are {sorted(DOWNLOADS)}, got {name!r}")
    paths = [_fetch(wanted, tries) for wanted in DOWNLOADS[name]]
    return paths[0] if len(paths) == 1 else paths[0].parent


def _fetch(wanted: Download, tries: int) -> Path:
    import pooch

    downloads = pooch.create(
        path=data_dir(),
        base_url="",
        registry={wanted.file: wanted.digest},
        urls={wanted.file: wanted.url},
        retry_if_failed=tries - 1,
    )
    try:
        loader = pooch.HTTPDownloader(progressbar=True, timeout=30)
        return Path(downloads.fetch(wanted.file, downloader=loader))
    except (OSError, ValueError) as error:  # of requests; of a wrong hash
        raise RuntimeError(_by_hand(wanted, error)) from error


def _by_hand(wanted: Download, error: Exception) -> str:
    return (
        f"could not download {wanted.file}: {error}\n"
        f"By hand: open {wanted.url} in a browser, save the file as {data_dir() / wanted.file} "
        f"and run the command again; it checks the file ({wanted.digest}, {wanted.licence})."
    )
