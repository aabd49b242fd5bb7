"""Downloads of data sets: hash checked, with a progress bar, nothing half-written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vaelib.paths import data_dir


@dataclass(frozen=True)
class Download:
    """A file on the network. `digest` is `algorithm:hex`, as pooch writes it."""

    file: str
    url: str
    digest: str
    licence: str


DOWNLOADS = {
    "dsprites": Download(
        "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz",
        "https://github.com/google-deepmind/dsprites-dataset/raw/master/"
        "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz",
        "md5:7da33b31b13a06f4b04a70402ce90c2e",
        "Apache 2.0",
    ),
}


def fetch(name: str, tries: int = 3) -> Path:
    """Download this data set's file to the data folder, unless it is there; returns its path.

    A broken connection is tried again. ValueError: no such name. RuntimeError, with what to do by
    hand: no connection, or the file that came has another hash (it is thrown away).
    """
    import pooch

    if name not in DOWNLOADS:
        raise ValueError(f"data sets to download are {sorted(DOWNLOADS)}, got {name!r}")
    wanted = DOWNLOADS[name]
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
    except (
        OSError,
        ValueError,
    ) as error:  # requests' errors are OSErrors; a wrong hash, ValueError
        raise RuntimeError(_by_hand(wanted, error)) from error


def _by_hand(wanted: Download, error: Exception) -> str:
    return (
        f"could not download {wanted.file}: {error}\n"
        f"By hand: open {wanted.url} in a browser, save the file as {data_dir() / wanted.file} "
        f"and run the command again; it checks the file ({wanted.digest}, {wanted.licence})."
    )
