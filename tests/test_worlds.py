"""The worlds that are drawn: their geometry, colours and randomness, by closed forms."""

from __future__ import annotations

import time

import numpy as np
import pytest

from vaelib.datasets import (
    Blobs,
    ColorDSprites,
    Correlated,
    DSprites,
    NoisyDSprites,
    Shapes3DLike,
)
from vaelib.datasets import room as module
from vaelib.datasets.room import SOLIDS, capsule, cube, cylinder, sphere
from vaelib.datasets.shapes3d_like import HUES, SKY

ROOM = Shapes3DLike()
WORLDS = [Blobs(), Blobs(size=32), ColorDSprites(), NoisyDSprites(), ROOM]
all_worlds = pytest.mark.parametrize("data", WORLDS, ids=repr)


@all_worlds
def test_images_are_a_function_of_the_factors(data):
    factors = data.sample_factors(9, np.random.default_rng(0))
    images = data.render(factors)
    assert images.shape == (9, *data.image_shape) and images.dtype == np.uint8
    assert images.max() > 200 and images.flags.c_contiguous
    assert np.array_equal(data.render(factors[::-1]), images[::-1])
    assert data.render(factors[:0]).shape == (0, *data.image_shape)
    with pytest.raises(ValueError, match="must be in 0"):
        data.render(factors + 99)


# Blobs


def test_a_blob_is_the_gaussian_that_it_says():
    data = Blobs(size=32, positions=5, radius=0.1)
    image = data.render(np.array([[1, 3]]))[0, 0]
    x0, y0, radius = 32 * 0.375, 32 * 0.625, 3.2
    for row, column in [(0, 0), (19, 12), (20, 11), (25, 6)]:
        gap = (column + 0.5 - x0) ** 2 + (row + 0.5 - y0) ** 2
        assert image[row, column] == round(255 * np.exp(-gap / 2 / radius**2))


@pytest.mark.parametrize("wrong", [{"size": 1}, {"positions": 1}, {"radius": 0.0}])
def test_blobs_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match="blobs need"):
        Blobs(**wrong)


# dSprites in colour


def test_sprites_are_where_they_are_without_colour():
    factors = DSprites().sample_factors(50, np.random.default_rng(0))
    sprites = DSprites().render(factors).astype(bool).repeat(3, axis=1)
    coloured, noisy = (cls().render(factors) for cls in (ColorDSprites, NoisyDSprites))
    assert (coloured[sprites] >= 128).all() and not coloured[~sprites].any()
    assert (noisy[sprites] == 255).all()
    for image in coloured.transpose(0, 2, 3, 1):
        assert len(np.unique(image.reshape(-1, 3), axis=0)) == 2  # one colour, and black


def test_colours_and_noise_are_uniform_and_independent():
    factors = DSprites().sample_factors(3000, np.random.default_rng(1))
    colours = ColorDSprites().render(factors).max(axis=(2, 3)).astype(float)
    assert colours.min() == 128 and colours.max() == 255
    assert np.abs(colours.mean(axis=0) - 191.5).max() < 4 * 37 / np.sqrt(3000)
    assert np.abs(np.corrcoef(colours.T) - np.eye(3)).max() < 0.08
    noise = NoisyDSprites().render(factors[:40])[:, :, :2]  # rows that no sprite reaches
    counts = np.bincount(noise.ravel(), minlength=256)
    expected = noise.size / 256
    assert ((counts - expected) ** 2 / expected).sum() < 255 + 5 * np.sqrt(2 * 255)


def test_neighbours_and_seeds_have_other_colours():
    factors = np.array([[0, 0, 0, 0, 0], [0, 0, 0, 0, 1]])
    first, second = NoisyDSprites().render(factors)
    other = NoisyDSprites(seed=1).render(factors[:1])[0]
    for image in (second, other):
        assert np.corrcoef(first[:, :4].ravel(), image[:, :4].ravel())[0, 1] < 0.1


# The room


def rays_at(solid, distance=5.0, height=0.1, scale=1.0, side=0.0):
    """The hit of one ray that flies along +y at this height."""
    origin, direction = np.array([[side, -distance, height]]), np.array([[0.0, 1.0, 0.0]])
    hits = solid(origin, direction, scale)
    return hits.distance[0], hits.normal[0]


@pytest.mark.parametrize(
    ("solid", "reach", "height"),
    [(cube, 0.098, 0.1), (cylinder, 0.101, 0.1), (sphere, 0.107, 0.107), (capsule, 0.086, 0.177)],
)
def test_a_ray_meets_each_solid_where_its_surface_is(solid, reach, height):
    distance, normal = rays_at(solid, height=height)
    assert distance == pytest.approx(5 - reach)
    np.testing.assert_allclose(normal, [0, -1, 0], atol=1e-12)
    assert rays_at(solid, height=1.25 * height, scale=1.25)[0] == pytest.approx(5 - 1.25 * reach)
    assert np.isinf(rays_at(solid, side=1.01 * reach, height=height)[0])
    assert np.isinf(rays_at(solid, distance=-5.0, height=height)[0])  # it lies behind


@pytest.mark.parametrize(
    ("solid", "top"), [(cube, 0.196), (cylinder, 0.204), (sphere, 0.214), (capsule, 0.354)]
)
def test_each_solid_stands_on_the_floor_and_is_as_high_as_it_should_be(solid, top):
    origin = np.array([[0.0, 0.0, 3.0], [0.0, 0.0, -3.0]])
    hits = solid(origin, np.array([[0.0, 0, -1], [0.0, 0, 1]]), 1.0)
    assert hits.distance == pytest.approx([3 - top, 3])
    np.testing.assert_allclose(hits.normal, [[0, 0, 1], [0, 0, -1]], atol=1e-12)


@pytest.mark.parametrize("solid", SOLIDS)
def test_no_ray_that_meets_a_solid_is_left_out_as_too_far(solid):
    rng = np.random.default_rng(0)
    origins = rng.normal(size=(20_000, 3)) + [0, 0, 0.5]
    directions = rng.normal(0, 0.15, size=(20_000, 3)) + [0, 0, 0.15] - origins
    met = np.flatnonzero(np.isfinite(solid(origins, directions, 1.25).distance))
    assert len(met) > 1000
    assert set(met) <= set(module._near(origins, directions, 1.25).tolist())


def test_colours_of_the_room_are_those_of_the_factors():
    factors = np.array([[f, (f + 3) % 10, (f + 6) % 10, 4, 1, 7] for f in range(10)])
    images = ROOM.render(factors).astype(int)
    for f, image in enumerate(images):
        assert np.array_equal(image[:, 2, 32], SKY)
        assert np.abs(image[:, 24, 4] - 255 * 0.99 * HUES[(f + 3) % 10]).max() <= 3
        assert np.abs(image[:, 62, 32] - np.minimum(255, 255 * 1.02 * HUES[f])).max() <= 1
        seen = image[:, 38, 32] / max(1, image[:, 38, 32].max())
        assert np.abs(seen - HUES[(f + 6) % 10]).max() < 0.02
    assert np.allclose(HUES[[0, 5]], [[1, 0, 0], [0, 1, 1]])


def test_layers_give_the_light_of_each_pixel_once():
    """Sky, floor, shadow, walls and object cover each pixel; shades stay below the brightest."""
    found = module.layers((sphere,), np.array([1.0]), np.array([12.0]))[0, 0, 0].astype(float)
    sky, floor, shadow, walls, thing, e80, e100 = found
    covered = sky + floor + shadow + np.where(walls > 0, 1, 0)
    assert (thing + e100 <= 1.0001).all() and (0.8 * thing + e80 <= 1.0001).all()
    assert (e80 <= 0).all() and (e100 <= e80 + 1e-6).all()
    empty = thing == 0
    assert np.allclose((sky + floor + shadow)[empty & (walls == 0)], 1)
    assert (covered[~empty] <= 2).all() and 5 < shadow.sum() < 200


def test_the_camera_goes_from_left_to_right_and_things_grow():
    plain = np.array([0, 3, 6, 3, 0, 7])
    sides = []
    for orientation in (0, 14):
        image = ROOM.render(np.array([[*plain[:5], orientation]]))[0]
        sides.append(image[1, 22].astype(int))  # the green walls, one row
    assert sides[0][-1] < sides[0][0] - 40 and sides[1][0] < sides[1][-1] - 40  # the shaded wall
    sizes = [(ROOM.render(np.array([[0, 3, 6, s, 2, 7]]))[0, 2] > 200)[26:].sum() for s in range(8)]
    assert (np.diff(sizes) > 0).all()
    images = ROOM.render(np.array([[0, 3, 6, 4, shape, 7] for shape in range(4)]))
    assert len({image.tobytes() for image in images}) == 4


def test_the_room_is_fast_enough():
    ROOM.render(np.zeros((1, 6), int))  # the layers
    factors = ROOM.sample_factors(64, np.random.default_rng(0))
    start = time.process_time()
    for _ in range(10):
        ROOM.render(factors)
    assert 640 / (time.process_time() - start) > 2500  # 10,000 on a free core


# Small worlds are scored on each image once


@pytest.mark.parametrize(
    "data", [Blobs(size=32), Correlated(Blobs(size=32), {("pos_x", "pos_y"): 0.4})]
)
def test_no_image_of_a_small_world_is_drawn_twice_to_be_scored(data):
    """Else a predictor would be tested on what it was trained on."""
    rng = np.random.default_rng(0)
    found = data.index(data.sample_distinct(15_000, rng))
    assert len(np.unique(found)) == len(found) > 300
    assert data.distribution == "uncorrelated" or len(found) < len(data)
    few = data.sample_distinct(50, rng)
    assert len(few) == 50 and data.check(few) is not None


def test_what_is_left_of_a_small_correlated_world_is_correlated():
    data = Correlated(Blobs(size=32), {("pos_x", "pos_y"): 0.2})
    found = data.sample_distinct(15_000, np.random.default_rng(0))
    assert 0.5 < np.corrcoef(found.T)[0, 1] < 0.85


def test_large_worlds_are_drawn_independently():
    drawn = DSprites().sample_distinct(100, np.random.default_rng(0))
    assert np.array_equal(drawn, DSprites().sample_factors(100, np.random.default_rng(0)))
