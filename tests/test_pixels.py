"""Images as pictures: ranges, places in the mosaic, PNG bytes."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from vaelib.pixels import caption, enlarge, mosaic, png, unit
from vaelib.types import Batch


def test_unit_reads_every_form_of_the_same_images():
    images = np.array([0, 51, 255], np.uint8).reshape(3, 1, 1, 1)
    expected = np.array([0, 0.2, 1], np.float32).reshape(3, 1, 1, 1)
    np.testing.assert_allclose(unit(images), expected)
    np.testing.assert_allclose(unit(expected), expected)
    np.testing.assert_allclose(unit(torch.from_numpy(expected)), expected)
    np.testing.assert_allclose(unit(Batch(images, np.zeros((3, 1), int), 255)), expected)


def test_a_batch_says_its_own_maximum():
    dark = Batch(np.ones((1, 1, 2, 2), np.uint8), np.zeros((1, 1), int), max_value=255)
    np.testing.assert_allclose(unit(dark), 1 / 255, rtol=1e-6)
    np.testing.assert_allclose(unit(dark.images), 1.0)  # binary images carry no such note


@pytest.mark.parametrize(
    ("images", "rule"),
    [
        (np.zeros((4, 2, 8, 8)), "C = 1 or 3"),
        (np.zeros((8, 8)), "C = 1 or 3"),
        (np.zeros((0, 1, 8, 8)), "C = 1 or 3"),
        (np.full((1, 1, 2, 2), 1.5), r"in \[0, 1\]"),
        (np.full((1, 1, 2, 2), np.nan), r"in \[0, 1\]"),
        (np.full((1, 1, 2, 2), -1), r"in \[0, 1\]"),
    ],
)
def test_unit_refuses(images, rule):
    with pytest.raises(ValueError, match=rule):
        unit(images)


@pytest.mark.parametrize("channels", [1, 3])
def test_mosaic_puts_each_image_in_its_cell(channels):
    rng = np.random.default_rng(0)
    cells = rng.random((2, 3, channels, 4, 5)).astype(np.float32)
    picture = mosaic(cells, gap=2)
    assert picture.shape == (2 * 4 + 2, 3 * 5 + 2 * 2, 3)
    covered = np.zeros(picture.shape[:2], bool)
    for row in range(2):
        for column in range(3):
            here = np.s_[row * 6 : row * 6 + 4, column * 7 : column * 7 + 5]
            covered[here] = True
            for channel in range(3):
                expected = cells[row, column, min(channel, channels - 1)]
                np.testing.assert_array_equal(picture[here][..., channel], expected)
    assert (picture[~covered] == 1).all()  # the gaps are white


def test_png_holds_the_same_pixels():
    picture = np.random.default_rng(0).random((6, 7, 3)).astype(np.float32)
    read = np.asarray(Image.open(io.BytesIO(png(picture))))
    np.testing.assert_array_equal(read, np.round(picture * 255))


def test_enlarge_makes_squares():
    picture = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    big = enlarge(picture, 3)
    assert big.shape == (6, 6, 3)
    assert (big[3:, :3] == picture[1, 0]).all()


def test_caption_writes_above_and_leaves_the_picture():
    picture = np.zeros((10, 60, 3), np.float32)
    named = caption(picture, "z3 1.82")
    strip = named[:-10]
    np.testing.assert_array_equal(named[-10:], picture)
    assert strip.max() == 1 and strip.min() < 0.5
    assert (caption(picture, "z4 1.82")[:-10] != strip).any()
