"""Official layouts, in small: each loader reads what it should and refuses the rest."""

from __future__ import annotations

import gzip
import io
import pickle
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from vaelib.datasets import MPI3D, Cars3D, Shapes3D, Shapes3DLike, SmallNORB, mpi3d
from vaelib.datasets.array_files import DataFileError
from vaelib.datasets.recognise import recognise
from vaelib.datasets.resize import to_square
from vaelib.datasets.small_norb import KINDS, PARTS

pytestmark = pytest.mark.usefixtures("data_folder")
other_hash = pytest.mark.filterwarnings("ignore:.*not the official file")


@dataclass(frozen=True)
class SmallShapes(Shapes3D):
    factor_sizes = (2, 3, 2, 2, 4, 3)


@dataclass(frozen=True)
class SmallToys(SmallNORB):
    factor_sizes = (5, 4, 2, 3, 2)


@dataclass(frozen=True)
class FewCars(Cars3D):
    factor_sizes = (4, 24, 3)


def grid(data):
    return data.factors(np.arange(len(data)))


def random_images(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


# 3D Shapes


def write_shapes(path, **changes):
    world = Shapes3DLike()
    factors = grid(SmallShapes("any"))
    values = [np.arange(10) / 10] * 3 + [np.linspace(0.75, 1.25, 8), np.arange(4.0)]
    values.append(np.linspace(-30, 30, 15))
    labels = np.column_stack([v[f] for v, f in zip(values, factors.T, strict=True)])
    arrays = {"images": world.render(factors).transpose(0, 2, 3, 1), "labels": labels} | changes
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            if array is not None:
                file.create_dataset(name, data=array, compression="gzip")
    return str(path)


@other_hash
def test_shapes3d_is_read_in_order(tmp_path, data_folder):
    data = SmallShapes(write_shapes(tmp_path / "any.h5"))
    factors = data.sample_factors(50, np.random.default_rng(0))
    assert np.array_equal(data.render(factors), Shapes3DLike().render(factors))
    (table,) = data_folder.glob("shapes3d-*.npy")
    written = table.stat().st_mtime_ns
    copy = pickle.loads(pickle.dumps(data))
    assert np.array_equal(copy.render(factors), data.render(factors))
    assert table.stat().st_mtime_ns == written and len(pickle.dumps(data)) < 500


def test_a_file_with_another_hash_is_read_with_a_warning(tmp_path):
    data = SmallShapes(write_shapes(tmp_path / "3dshapes.h5"))
    with pytest.warns(UserWarning, match="not the official file"):
        data.render(grid(data)[:1])
    assert "hash is another" in data.verdict() and "3dshapes.h5" in data.verdict()


SHAPES = Shapes3DLike().render(grid(SmallShapes("any"))).transpose(0, 2, 3, 1)
WRONG_SHAPES = {
    "other keys": (
        {"images": None, "x": SHAPES},
        r"needs an array 'images', it has \['labels', 'x",
    ),
    "no labels": ({"labels": None}, "needs an array 'labels'"),
    "too few": ({"images": SHAPES[:-1]}, r"must have shape \(288, 64, 64, 3\)"),
    "swapped axes": ({"images": SHAPES.transpose(0, 3, 1, 2)}, r"got \(288, 3, 64, 64\)"),
    "floats": ({"images": SHAPES.astype(np.float32)}, "dtype kind 'u'"),
    "shuffled": ({"labels": random_images(288, 6).astype(float)}, "not in the official order"),
}


@pytest.mark.parametrize("case", WRONG_SHAPES)
def test_other_files_are_no_shapes3d(tmp_path, data_folder, case):
    changes, message = WRONG_SHAPES[case]
    data = SmallShapes(write_shapes(tmp_path / "any.h5", **changes))
    with pytest.raises(DataFileError, match=message):
        data.render(grid(data)[:1])
    assert not list(data_folder.iterdir())


# MPI3D


@pytest.fixture
def small_mpi3d(monkeypatch):
    monkeypatch.setattr(mpi3d, "SIZES", {96: (2, 2, 2, 1, 3, 2, 2), 24: (1, 2, 2, 1, 3, 2, 1)})


@pytest.mark.usefixtures("small_mpi3d")
@pytest.mark.parametrize("count", [96, 24])
def test_mpi3d_knows_its_release_and_order(tmp_path, count):
    images = random_images(count, 64, 64, 3)
    np.savez_compressed(tmp_path / "mine.npz", images=images)
    data = MPI3D(str(tmp_path / "mine.npz"))
    assert len(data) == count and data.factor_sizes == mpi3d.SIZES[count]
    assert np.array_equal(data.render(grid(data)), images.transpose(0, 3, 1, 2))


@pytest.mark.usefixtures("small_mpi3d")
@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": random_images(95, 64, 64, 3)}, r"must be one of \[96, 24\], got 95"),
        ({"images": random_images(96, 3, 64, 64)}, r"must have shape \(96, 64, 64, 3\)"),
        ({"data": random_images(96, 64, 64, 3)}, "needs an array 'images', it has"),
    ],
)
def test_other_files_are_no_mpi3d(tmp_path, arrays, message):
    np.savez(tmp_path / "mpi3d_toy.npz", **arrays)
    with pytest.raises(DataFileError, match=message):
        MPI3D(str(tmp_path / "mpi3d_toy.npz")).render(np.zeros((1, 7), int))


@pytest.mark.usefixtures("small_mpi3d")
@pytest.mark.parametrize("kept", [0.99, 0.3])
def test_a_truncated_mpi3d_is_refused(tmp_path, data_folder, kept):
    np.savez_compressed(tmp_path / "cut.npz", images=random_images(96, 64, 64, 3))
    whole = (tmp_path / "cut.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(DataFileError, match="damaged or cut short"):
        MPI3D(str(tmp_path / "cut.npz")).render(np.zeros((1, 7), int))
    assert not list(data_folder.iterdir())


TRAIN = """
import json, sys
from pathlib import Path
import numpy as np, torch
from vaelib.datasets import MPI3D
from vaelib.datasets.row_file import RowFile
from vaelib.train import TrainConfig, train
torch.set_num_threads(1)
data = MPI3D(sys.argv[1])
folder = Path(sys.argv[1]).parent
data.__dict__["factor_sizes"] = (6, 6, 2, 3, 3, 40, 40)
rows = RowFile(folder / "table.npy", (len(data), 12288), 128)
data.__dict__["_rows"] = rows
run = train(TrainConfig(data=data, steps=3, batch_size=64), folder / "run", progress=False)
for start in range(0, len(data), 4096):  # touches 1.2 GB of the table, as a training would
    rows[np.arange(start, min(start + 384, len(data)))]
status = Path("/proc/self/status").read_text()
print(int(status.split("VmHWM:")[1].split()[0]) / 1024)
"""


def test_mpi3d_trains_in_less_than_2_gb(tmp_path):
    """A table of the full size, 12.7 GB; empty, so that it takes no room on the disk."""
    with (tmp_path / "table.npy").open("wb") as file:
        file.truncate(128 + 1_036_800 * 12288)
    (tmp_path / "mpi3d_real.npz").write_bytes(b"")
    command = [sys.executable, "-c", TRAIN, str(tmp_path / "mpi3d_real.npz")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[-1]) < 1200


# SmallNORB


def write_matrix(path, array, packed=True):
    magic = {"u1": 0x1E3D4C55, "i4": 0x1E3D4C54}[array.dtype.str[1:]]
    sizes = [*array.shape, 1, 1][: max(3, array.ndim)]
    head = np.array([magic, array.ndim, *sizes], "<i4").tobytes()
    with gzip.open(f"{path}.gz", "wb", 1) if packed else open(path, "wb") as file:
        file.write(head + array.tobytes())


def write_norb(folder, images=None, packed=True, swap=False):
    """Two halves of the grid by instance, each shuffled; returns the images by factors."""
    data = SmallToys(str(folder))
    factors = grid(data)
    images = random_images(len(data), 2, 96, 96) if images is None else images
    rng = np.random.default_rng(1)
    for part, chosen in zip(PARTS, (factors[:, 1] >= 2, factors[:, 1] < 2), strict=True):
        rows = rng.permutation(np.flatnonzero(chosen))
        info = factors[rows, 1:].astype("<i4") * [1, 1, 2, 1]
        content = {
            "dat": images[rows],
            "cat": factors[rows, 0].astype("<i4"),
            "info": (info[:, ::-1] if swap else info).astype("<i4"),
        }
        for kind in KINDS:
            write_matrix(folder / f"smallnorb-{part}-{kind}.mat", content[kind], packed)
    return data, images


@other_hash
@pytest.mark.parametrize("packed", [True, False])
def test_smallnorb_is_sorted_into_its_grid(tmp_path, packed):
    data, images = write_norb(tmp_path, packed=packed)
    assert np.array_equal(data.render(grid(data)), to_square(images[:, :1], 64))
    assert data.scored == ("category", "elevation", "azimuth", "lighting")


@other_hash
def test_a_damaged_smallnorb_is_refused(tmp_path):
    data, _ = write_norb(tmp_path, swap=True)
    with pytest.raises(DataFileError, match="must be in 0"):
        data.render(grid(data)[:1])
    write_norb(tmp_path, images=random_images(240, 2, 90, 96))
    with pytest.raises(DataFileError, match=r"must hold bytes \(N, 2, 96, 96\)"):
        data.render(grid(data)[:1])
    write_norb(tmp_path)
    path = tmp_path / f"smallnorb-{PARTS[0]}-dat.mat.gz"
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(DataFileError, match="damaged or cut short"):
        data.render(grid(data)[:1])
    path.write_bytes(gzip.compress(b"no matrix at all"))
    with pytest.raises(DataFileError, match="no matrix of NORB"):
        data.render(grid(data)[:1])
    path.unlink()
    with pytest.raises(FileNotFoundError, match="vaelib data fetch smallnorb"):
        data.render(grid(data)[:1])


# Cars3D


def write_cars(folder, count=3, name="im", shape=(128, 128, 3, 24, 4)):
    folder.mkdir(parents=True, exist_ok=True)
    cars = [np.broadcast_to(random_images(1, 1, 3, 24, 4, seed=i), shape) for i in range(count)]
    for number, car in zip((2, 10, 1), cars, strict=False):
        savemat(folder / f"car_{number:d}_mesh.mat", {name: car}, do_compression=True)
    return cars


def pack(folder, archive):
    with tarfile.open(archive, "w:gz") as tar:
        for path in sorted(folder.glob("*.mat")):
            tar.add(path, f"data/cars/{path.name}")
        tar.addfile(tarfile.TarInfo("data/sprites/other.mat"), io.BytesIO())
    return str(archive)


@pytest.mark.parametrize("packed", [True, False])
def test_cars3d_is_read_by_elevation_azimuth_and_car(tmp_path, packed):
    cars = write_cars(tmp_path / "cars")
    path = pack(tmp_path / "cars", tmp_path / "cars.tar.gz") if packed else str(tmp_path / "cars")
    data = FewCars(path)
    for car, number in ((2, 0), (0, 1), (1, 2)):  # car_1, car_2, car_10
        image = data.render(np.array([[3, 17, number]]))[0]
        assert np.array_equal(image[:, 5, 5], cars[car][0, 0, :, 17, 3])


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"count": 2}, "must hold 3 cars as .mat files, got 2"),
        ({"name": "images"}, "got no array 'im'"),
        ({"shape": (3, 128, 128, 24, 4)}, r"got \(3, 128"),
    ],
)
def test_other_cars_are_refused(tmp_path, how, message):
    if "shape" in how:
        (tmp_path / "cars").mkdir()
        savemat(tmp_path / "cars" / "a.mat", {"im": np.zeros(how["shape"], np.uint8)})
    else:
        write_cars(tmp_path / "cars", **how)
    with pytest.raises(DataFileError, match=message):
        FewCars(str(tmp_path / "cars")).render(np.zeros((1, 3), int))


def test_damaged_cars_are_refused(tmp_path):
    write_cars(tmp_path / "cars")
    (tmp_path / "cars" / "car_1_mesh.mat").write_bytes(b"MATLAB" + bytes(300))
    with pytest.raises(DataFileError, match="is damaged, or no MATLAB file"):
        FewCars(str(tmp_path / "cars")).render(np.zeros((1, 3), int))
    write_cars(tmp_path / "cars")
    archive = Path(pack(tmp_path / "cars", tmp_path / "cars.tar.gz"))
    archive.write_bytes(archive.read_bytes()[:3000])
    with pytest.raises(DataFileError, match="damaged or cut short"):
        FewCars(str(archive)).render(np.zeros((1, 3), int))


# Which is which


@pytest.mark.usefixtures("small_mpi3d")
def test_files_are_recognised_by_what_is_in_them(tmp_path):
    assert recognise(write_shapes(tmp_path / "a.h5")) == (Shapes3D, "path")
    write_norb(tmp_path)
    assert recognise(str(tmp_path)) == (SmallNORB, "path")
    write_cars(tmp_path / "cars", 1)
    assert recognise(str(tmp_path / "cars"))[0] is Cars3D
    with pytest.raises(FileNotFoundError, match="nowhere.npz"):
        recognise("nowhere.npz")


@pytest.mark.parametrize("cls", [Shapes3D, MPI3D, SmallNORB, Cars3D])
def test_a_missing_file_says_how_to_get_it(cls):
    with pytest.raises(FileNotFoundError, match=f"vaelib data fetch {cls.name}"):
        cls("nowhere").render(np.zeros((1, 3), int))
