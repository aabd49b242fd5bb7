"""The README's picture of the explorer: python tools/explorer_picture.py (needs Chromium)."""

from __future__ import annotations

import io
import shutil
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import sync_playwright

from vaelib.explorer import explore
from vaelib.files import write_whole
from vaelib.paths import shipped_dir
from vaelib.runs import Run

TARGET = Path(__file__).resolve().parents[1] / "data" / "explorer.png"
COLOURS = 128


def main() -> None:
    explorer = explore(Run(shipped_dir() / "dsprites_beta_4"), title="A β-VAE with β = 4")
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1000, "height": 765}, device_scale_factor=1.5)
        page.goto(explorer.save(Path(folder) / "explorer.html").as_uri())
        while not page.evaluate("!!window.explorer"):  # wait_for_function may need an eval
            time.sleep(0.05)
        page.click("[aria-label='start from image 21']")
        page.wait_for_timeout(5000)  # until all rows are drawn
        shot = page.screenshot()
    picture = Image.open(io.BytesIO(shot)).convert("RGB").quantize(COLOURS, dither=0)
    write_whole(TARGET, lambda file: picture.save(file, "PNG", optimize=True))
    print(TARGET, TARGET.stat().st_size)


if __name__ == "__main__":
    main()
