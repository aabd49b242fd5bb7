"""Downloads, from a server on this machine: checked, tried again, explained when they fail."""

import hashlib
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from vaelib.datasets import fetch as module
from vaelib.datasets.dsprites_files import NAME, NPZ
from vaelib.datasets.fetch import DOWNLOADS, fetch

CONTENT = b"pixels" * 1000


@pytest.fixture
def server():
    """Serves CONTENT; `server.failures` says how often it breaks off before."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked += 1
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            broken = self.server.asked <= self.server.failures
            self.wfile.write(CONTENT[:100] if broken else CONTENT)

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.asked = server.failures = 0
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch, server):
    monkeypatch.setenv("VAELIB_DATA", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    url = f"http://127.0.0.1:{server.server_address[1]}/{NAME}.npz"
    digest = f"md5:{hashlib.md5(CONTENT).hexdigest()}"
    (official,) = DOWNLOADS["dsprites"]
    local = replace(official, url=url, digest=digest)
    second = replace(local, file="twins/second.npz")
    twins = [replace(local, file="twins/first.npz"), second]
    monkeypatch.setattr(module, "DOWNLOADS", {"dsprites": [local], "twins": twins})
    return tmp_path


def test_a_file_comes_once(data, server):
    path = fetch("dsprites")
    assert path == data / f"{NAME}.npz" and path.read_bytes() == CONTENT
    assert fetch("dsprites") == path and server.asked == 1
    assert [p.name for p in data.iterdir()] == [path.name]


def test_a_wrong_file_in_its_place_is_replaced(data):
    (data / f"{NAME}.npz").write_bytes(b"half of it")
    assert fetch("dsprites").read_bytes() == CONTENT


def test_a_broken_download_is_tried_again(server):
    server.failures = 1
    assert fetch("dsprites", tries=2).read_bytes() == CONTENT and server.asked == 2


def test_a_wrong_hash_leaves_nothing_and_says_what_to_do(data, monkeypatch):
    wrong = replace(module.DOWNLOADS["dsprites"][0], digest=f"md5:{'0' * 32}")
    monkeypatch.setattr(module, "DOWNLOADS", {"dsprites": [wrong]})
    with pytest.raises(RuntimeError, match=r"By hand: open http.*save the file as"):
        fetch("dsprites", tries=1)
    assert list(data.iterdir()) == []


def test_no_connection_says_what_to_do(data, server):
    server.shutdown()
    server.server_close()
    with pytest.raises(RuntimeError, match="(?s)could not download.*By hand") as caught:
        fetch("dsprites", tries=1)
    assert str(data / f"{NAME}.npz") in str(caught.value)


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match=r"\['dsprites', 'twins'\], got 'celeba'"):
        fetch("celeba")


def test_the_reader_knows_the_hash_that_is_downloaded():
    (official,) = DOWNLOADS["dsprites"]
    assert official.digest == f"{NPZ.algorithm}:{NPZ.official}"
    assert official.url.endswith(f"/{NAME}.npz")


def test_a_data_set_of_several_files_is_a_folder(data):
    assert fetch("twins") == data / "twins"
    assert sorted(p.name for p in (data / "twins").iterdir()) == ["first.npz", "second.npz"]


def test_each_official_file_has_its_address_and_hash():
    assert len(DOWNLOADS["smallnorb"]) == 6 and DOWNLOADS["mpi3d"] == DOWNLOADS["mpi3d_real"]
    for download in (d for downloads in DOWNLOADS.values() for d in downloads):
        algorithm, digits = download.digest.split(":")
        assert len(digits) == {"md5": 32, "sha256": 64}[algorithm]
        assert download.url.startswith("http") and download.url.endswith(Path(download.file).name)
