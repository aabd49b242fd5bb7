"""A room with one object in it, cast ray by ray: what lies behind each pixel, and how it is lit.

Colours are left out here: a layer says how much of the light of a pixel comes from the sky, the
floor, the walls or the object. Lengths are in half widths of the room, x right, y back, z up; the
object stands at the origin and the camera goes around it. The measures were fitted to the panels
of the official notebook of 3D Shapes, the light too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

SIZE = 64  # pixels
RAYS = 3  # a pixel, each way
FOCAL = 77.6  # pixels: a field of view of 45°
HEIGHT, PITCH = 0.193, np.radians(0.7)  # of the camera, which looks slightly upwards
ORBIT = 0.765  # from the camera to the object
SIDE, BACK, TOP = 1.0, 1.09, 0.579  # where the walls stand, and how high they are
LEFT_SHADE, RIGHT_SHADE, BACK_SHADE = 0.72, 0.66, 0.99
LIGHT = np.array([-0.36, 0.20, 1.30]) / np.linalg.norm([-0.36, 0.20, 1.30])  # towards the lamp
AMBIENT, DIFFUSE, SPECULAR, SHININESS = 0.92, 0.39, 0.25, 20

LAYERS = ("sky", "floor", "shadow", "walls", "object", "excess_80", "excess_100")


@dataclass(frozen=True)
class Hits:
    """Where rays meet a surface first."""

    distance: np.ndarray  # (n,), in lengths of the ray's direction; inf where they miss
    normal: np.ndarray  # (n, 3), of length 1


Solid = Callable[[np.ndarray, np.ndarray, float], Hits]  # origins, directions (n, 3), scale


def layers(solids: tuple[Solid, ...], scales: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    """The layers of every geometry, (scales, solids, degrees, 7, 64 × 64) float32.

    A channel of the object's colour is its value `v` times the layer `object`. No pixel can be
    brighter than 1: where v is 0.8 or 1 (other values never get so bright), the light above 1 is
    taken off again by the layers `excess_80` and `excess_100`, which are negative.
    """
    sizes = (len(scales), len(solids), len(degrees), len(LAYERS), SIZE * SIZE)
    found = np.empty(sizes, np.float32)
    for o, angle in enumerate(np.radians(degrees)):
        eye, rays = _rays(angle)
        room = _Room(eye, rays)
        for k, solid in enumerate(solids):
            for s, scale in enumerate(scales):
                found[s, k, o] = _geometry(eye, rays, room, solid, scale)
    return found


def _rays(angle: float) -> tuple[np.ndarray, np.ndarray]:
    """The camera's place (3,) and the directions of its rays (4096 × 9, 3), pixel by pixel."""
    steps = (np.arange(SIZE)[:, None] + (np.arange(RAYS) + 0.5) / RAYS - SIZE / 2) / FOCAL
    up, right = -steps[:, None, :, None], steps[None, :, None, :]  # rows, columns, sub-rays
    right, up = (a.ravel() for a in np.broadcast_arrays(right, up))
    forward = np.cos(PITCH) - up * np.sin(PITCH)
    cos, sin = np.cos(angle), np.sin(angle)
    directions = np.stack(
        [
            cos * right - sin * forward,
            sin * right + cos * forward,
            np.sin(PITCH) + up * np.cos(PITCH),
        ],
        axis=1,
    )
    return np.array([ORBIT * sin, -ORBIT * cos, HEIGHT]), directions


class _Room:
    """What the rays of one camera meet in the empty room."""

    def __init__(self, eye: np.ndarray, rays: np.ndarray):
        x, y, z = rays.T
        with np.errstate(divide="ignore"):
            side = (np.where(x > 0, SIDE, -SIDE) - eye[0]) / x
            back = np.where(y > 0, (BACK - eye[1]) / y, np.inf)
            floor = np.where(z < 0, -eye[2] / z, np.inf)
        wall = np.minimum(side, back)
        shade = np.where(back < side, BACK_SHADE, np.where(x > 0, RIGHT_SHADE, LEFT_SHADE))
        self.on_floor = floor < wall
        over = ~self.on_floor & (eye[2] + wall * z > TOP)
        self.sky = over.astype(np.float32)
        self.walls = np.where(self.on_floor | over, 0, shade).astype(np.float32)
        # (n, 3), the eye where it is not the floor
        self.floor_points = eye + np.where(self.on_floor, floor, 0)[:, None] * rays


def _geometry(
    eye: np.ndarray, rays: np.ndarray, room: _Room, solid: Solid, scale: float
) -> np.ndarray:
    """The seven layers of one scale, solid and camera, (7, 4096)."""
    hit, light = _object(eye, rays, solid, scale)
    free = np.ones(len(rays), bool)
    free[hit] = False
    dark = _shadow(room, free, solid, scale)
    lit = room.on_floor & free
    lit[dark] = False
    found = np.zeros((len(LAYERS), len(rays)), np.float32)
    found[0], found[3] = room.sky * free, room.walls * free
    found[1] = lit
    found[2, dark] = 1
    found[4, hit] = light
    found[5, hit] = np.minimum(0.8 * light, 1) - 0.8 * light
    found[6, hit] = np.minimum(light, 1) - light
    return found.reshape(len(LAYERS), SIZE * SIZE, RAYS**2).mean(axis=2)


def _object(
    eye: np.ndarray, rays: np.ndarray, solid: Solid, scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """The rays (n,) that meet the object, and the light that they see there (n,)."""
    near = _near(np.broadcast_to(eye, rays.shape), rays, scale)
    hits = solid(np.broadcast_to(eye, (len(near), 3)), rays[near], scale)
    met = np.isfinite(hits.distance)
    normal, seen = hits.normal[met], rays[near][met]
    view = -seen / np.linalg.norm(seen, axis=1, keepdims=True)
    facing = normal @ LIGHT
    mirrored = 2 * facing[:, None] * normal - LIGHT
    gloss = np.where(facing > 0, (view * mirrored).sum(1).clip(0), 0) ** SHININESS
    return near[met], AMBIENT + DIFFUSE * facing.clip(0) + SPECULAR * gloss


def _shadow(room: _Room, free: np.ndarray, solid: Solid, scale: float) -> np.ndarray:
    """The rays (n,) that end on a place of the floor from which the object hides the lamp."""
    places = np.flatnonzero(room.on_floor & free)
    points = room.floor_points[places]
    towards = np.broadcast_to(LIGHT, points.shape)
    near = _near(points, towards, scale)
    hits = solid(points[near], towards[near], scale)
    return places[near[np.isfinite(hits.distance)]]


def _near(origins: np.ndarray, directions: np.ndarray, scale: float) -> np.ndarray:
    """The rays (m,) that pass the object closely enough to meet any of the solids."""
    centre, radius = np.array([0, 0, 0.17 * scale]), 0.22 * scale  # of a ball around all of them
    gap = np.cross(directions, centre - origins)
    return np.flatnonzero((gap**2).sum(1) <= radius**2 * (directions**2).sum(1))


# The solids. All stand on the floor at the origin.


def cube(origins: np.ndarray, directions: np.ndarray, scale: float) -> Hits:
    half = 0.098 * scale
    o = origins - [0, 0, half]
    with np.errstate(divide="ignore", invalid="ignore"):
        first = (-np.sign(directions) * half - o) / directions  # of the nearer face on each axis
        last = (np.sign(directions) * half - o) / directions
    axis = np.where(directions == 0, -np.inf, first).argmax(1)
    rows = np.arange(len(o))
    inside = (np.abs(o) <= half) | (directions != 0)
    entry = first[rows, axis]
    leave = np.where(directions == 0, np.inf, last).min(1)
    normal = np.zeros_like(o)
    normal[rows, axis] = -np.sign(directions[rows, axis])
    return Hits(np.where((entry <= leave) & (entry > 0) & inside.all(1), entry, np.inf), normal)


def cylinder(origins: np.ndarray, directions: np.ndarray, scale: float) -> Hits:
    radius, half = 0.101 * scale, 0.102 * scale
    o = origins - [0, 0, half]
    wall = _tube(o, directions, radius, half)
    with np.errstate(divide="ignore", invalid="ignore"):
        lid = (-np.sign(directions[:, 2]) * half - o[:, 2]) / directions[:, 2]
        over = o[:, :2] + lid[:, None] * directions[:, :2]
        on_lid = (lid > 0) & ((over**2).sum(1) <= radius**2)
    flat = np.zeros_like(o)
    flat[:, 2] = -np.sign(directions[:, 2])
    return _first(wall, Hits(np.where(on_lid, lid, np.inf), flat))


def sphere(origins: np.ndarray, directions: np.ndarray, scale: float) -> Hits:
    radius = 0.107 * scale
    return _ball(origins - [0, 0, radius], directions, radius)


def capsule(origins: np.ndarray, directions: np.ndarray, scale: float) -> Hits:
    radius, half = 0.086 * scale, 0.091 * scale
    o = origins - [0, 0, radius + half]
    ends = (_ball(o - [0, 0, z], directions, radius) for z in (-half, half))
    return _first(_tube(o, directions, radius, half), *ends)


SOLIDS: tuple[Solid, ...] = (cube, cylinder, sphere, capsule)


def _ball(o: np.ndarray, d: np.ndarray, radius: float) -> Hits:
    t = _entry((d**2).sum(1), (o * d).sum(1), (o**2).sum(1) - radius**2)
    return Hits(t, (o + np.where(np.isfinite(t), t, 0)[:, None] * d) / radius)


def _tube(o: np.ndarray, d: np.ndarray, radius: float, half: float) -> Hits:
    """An upright tube without lids."""
    flat, along = o[:, :2], d[:, :2]
    t = _entry((along**2).sum(1), (flat * along).sum(1), (flat**2).sum(1) - radius**2)
    point = o + np.where(np.isfinite(t), t, 0)[:, None] * d
    return Hits(np.where(np.abs(point[:, 2]) <= half, t, np.inf), point / radius * [1, 1, 0])


def _entry(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """The smaller root of a t² + 2 b t + c where it is real and positive, else inf."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (-b - np.sqrt(b**2 - a * c)) / a
    return np.where(t > 0, t, np.inf)  # NaN too


def _first(*hits: Hits) -> Hits:
    distances = np.stack([h.distance for h in hits])
    rows = np.arange(distances.shape[1])
    nearest = distances.argmin(0)
    normals = np.stack([h.normal for h in hits])
    return Hits(distances[nearest, rows], normals[nearest, rows])
