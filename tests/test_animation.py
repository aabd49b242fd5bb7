"""The traversal GIF: its pictures, its loop, and that a failure leaves no file."""

import numpy as np
import pytest
from PIL import Image

from vaelib.animation import frames, save_gif
from vaelib.traversal import Traversal

STEPS = 4


@pytest.fixture
def traversal():
    """Three latents; the image of row r, column s is flat grey of its own shade."""
    shade = np.linspace(0, 1, 3 * STEPS).reshape(3, STEPS)
    return Traversal(
        images=np.tile(shade[..., None, None, None], (1, 1, 1, 32, 32)).astype(np.float32),
        values=np.tile(np.linspace(-1, 1, STEPS), (3, 1)),
        levels=np.linspace(0, 1, STEPS),
        latents=np.array([2, 0, 1]),
        kl=np.array([2.0, 1.0, 0.01]),
        active=np.array([True, True, False]),
        anchor=np.zeros(3),
        original=np.zeros((1, 32, 32), np.float32),
    )


def cell_shades(picture, size=64, gap=8, strip=18):
    """The shade in the middle of each cell of a 2 × 2 grid, row by row."""
    places = [strip + size // 2 + i * (strip + size + gap) for i in range(2)]
    return [picture[y, size // 2 + x * (size + gap), 0] for y in places for x in range(2)]


def test_every_step_is_a_frame_there_and_back(traversal):
    pictures = frames(traversal, columns=2)
    assert len(pictures) == 2 * STEPS - 2
    for picture, step in zip(pictures, [0, 1, 2, 3, 2, 1], strict=True):
        first, second, inactive, empty = cell_shades(picture)
        assert first == traversal.images[0, step].max()
        assert second == traversal.images[1, step].max()
        assert inactive == pytest.approx(1 - 0.35 * (1 - traversal.images[2, step].max()))
        assert empty == 1


def test_the_file_holds_the_frames_and_loops(traversal, tmp_path):
    path = save_gif(traversal, tmp_path / "new" / "t.gif", seconds=1.2, columns=2)
    pictures = frames(traversal, columns=2)
    with Image.open(path) as gif:
        assert gif.n_frames == len(pictures)
        assert gif.info["loop"] == 0 and gif.info["duration"] == 200  # endless; ms a frame
        for i, picture in enumerate(pictures):
            gif.seek(i)
            read = np.asarray(gif.convert("RGB")) / 255
            np.testing.assert_allclose(cell_shades(read), cell_shades(picture), atol=0.02)


def test_a_failure_leaves_the_old_file_and_nothing_else(traversal, tmp_path, monkeypatch):
    path = tmp_path / "t.gif"
    path.write_bytes(b"old")

    def broken(self, file, *args, **kwargs):
        file.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Image.Image, "save", broken)
    with pytest.raises(OSError, match="disk full"):
        save_gif(traversal, path)
    assert [p.name for p in tmp_path.iterdir()] == ["t.gif"]
    assert path.read_bytes() == b"old"


def test_the_name_must_say_gif(traversal, tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.gif, got 't\.png'"):
        save_gif(traversal, tmp_path / "t.png")
