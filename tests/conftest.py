"""What all tests share: few threads, no windows, and folders of their own for those that ask."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

# Before torch, NumPy or matplotlib are imported, and inherited by the processes that tests start:
# one thread adds up in the same order on every machine, and is no slower for small models.
for _library in ("OMP", "MKL", "OPENBLAS"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"
os.environ["MPLBACKEND"] = "Agg"
os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")  # otherwise jupyter_core warns


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    """As in a notebook; pyplot warns of more than 20, and a warning is an error here."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture
def runs_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that takes the runs of this test (VAELIB_RUNS)."""
    return _folder(tmp_path / "runs", "VAELIB_RUNS", monkeypatch)


@pytest.fixture
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in the place of data/ (VAELIB_DATA)."""
    return _folder(tmp_path / "data", "VAELIB_DATA", monkeypatch)


def _folder(folder: Path, variable: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder.mkdir()
    monkeypatch.setenv(variable, str(folder))
    return folder


@pytest.fixture(scope="module")
def browser():
    """One Chromium for the tests of a file; without one the tests that need it are skipped.

    Not one for all: as long as it runs, its driver's event loop stands in the way of other tests'.
    """
    found = [path for name in CHROMIUMS if (path := shutil.which(name))]
    if not found:
        pytest.skip(f"no browser: none of {', '.join(CHROMIUMS)} is on the path")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as started:
        # no sandbox: Chromium refuses to make one for root, who runs tests in containers
        yield started.chromium.launch(executable_path=found[0], args=["--no-sandbox"])


@pytest.fixture
def tab(browser):
    """A tab that is offline and at its end has met no error and asked no network for anything."""
    context = browser.new_context(offline=True, viewport={"width": 1000, "height": 800})
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: errors.append(request.url) if is_remote(request) else None)
    yield page
    context.close()
    assert not errors


def is_remote(request) -> bool:
    return request.url.split(":")[0] not in ("file", "data", "blob", "about")
