"""Files of the official layout are read within bounds of memory, all others are refused."""

import io
import pickle
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pytest

from vaelib.datasets import DSprites
from vaelib.datasets.array_files import DataFileError
from vaelib.datasets.dsprites_files import NAME, open_file

MEGABYTES = 700


@dataclass(frozen=True)
class Small(DSprites):
    """The first values of each factor: 4,608 images, of which 4 may differ."""

    factor_sizes = (3, 6, 4, 8, 8)


SMALL = Small()


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    monkeypatch.setenv("VAELIB_DATA", str(folder))
    return folder


def all_factors(world):
    return world.factors(np.arange(len(world)))


def official_arrays(world):
    """The three arrays of the official file and its pickled description."""
    factors = all_factors(world)
    classes = np.concatenate([np.zeros((len(world), 1), np.int64), factors], axis=1)
    return {
        "imgs": world.render(factors)[:, 0],
        "latents_values": classes.astype(np.float64),
        "latents_classes": classes,
        "metadata": np.array({"title": "dSprites dataset"}, dtype=object),
    }


def write_npz(path, arrays):
    np.savez_compressed(path, **arrays)
    return path


def write_hdf5(path, arrays, chunks=(512, 2, 4)):
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            name = name.replace("latents_", "latents/")
            if name == "imgs":
                file.create_dataset(name, data=array, chunks=chunks, compression="gzip")
            elif array.dtype != object:
                file[name] = array
    return path


WRITERS = {".npz": write_npz, ".hdf5": write_hdf5}


@pytest.fixture(params=WRITERS)
def write(request, tmp_path):
    """Writes a file of the small world; keywords replace arrays, None leaves one out."""

    def write(**changes):
        arrays = official_arrays(SMALL) | changes
        arrays = {name: array for name, array in arrays.items() if array is not None}
        return WRITERS[request.param](tmp_path / f"file{request.param}", arrays)

    return write


def nothing_left(data):
    return not data.exists() or not list(data.iterdir())


def test_a_good_file_gives_its_images(write, data):
    path = write()
    table = open_file(str(path), SMALL)
    assert np.array_equal(table, SMALL.packed(all_factors(SMALL)))
    assert isinstance(table, np.memmap) and not table.flags.writeable
    (stored,) = data.glob("*.npy")
    written = stored.stat().st_mtime_ns
    open_file(str(path), SMALL)
    assert stored.stat().st_mtime_ns == written  # read once


def test_through_the_data_set(write):
    world = Small(str(write()))
    factors = world.sample_factors(100, np.random.default_rng(0))
    assert np.array_equal(world.render(factors), SMALL.render(factors))
    copy = pickle.loads(pickle.dumps(world))
    assert np.array_equal(copy.render(factors), SMALL.render(factors))
    assert len(pickle.dumps(world)) < 500


def test_a_name_is_looked_for_in_the_data_folder(data):
    data.mkdir()
    write_npz(data / f"{NAME}.npz", official_arrays(SMALL))
    assert len(open_file(f"{NAME}.npz", SMALL)) == len(SMALL)
    assert Small(Path(f"{NAME}.npz")).render(all_factors(SMALL)[:3]).shape == (3, 1, 64, 64)


def test_a_few_pixels_may_differ_as_in_the_official_file(write):
    images = official_arrays(SMALL)["imgs"]
    images[[5, 99, 2000, 4000], 30, 30] ^= 1
    table = open_file(str(write(imgs=images)), SMALL)
    assert np.unpackbits(table[99]).reshape(64, 64)[30, 30] == images[99, 30, 30]


def many_wrong(images):
    images[np.arange(0, 4608, 900), 30, 30] ^= 1
    return images


def one_very_wrong(images):
    images[7, 20:25, 30] ^= 1
    return images


WRONG_IMAGES = {
    "too many images differ": (many_wrong, "not those of dSprites"),
    "one image differs too much": (one_very_wrong, "not those of dSprites"),
    "upside down": (lambda images: images[:, ::-1], "not those of dSprites"),
    "shuffled": (lambda images: np.roll(images, 1, axis=0), "not those of dSprites"),
    "grey values": (lambda images: images * 255, "must be 0 or 1, got 255"),
    "too few": (lambda images: images[:-1], r"must have shape \(4608, 64, 64\)"),
    "another size": (lambda images: images[:, ::2, ::2], r"got \(4608, 32, 32\)"),
    "floats": (lambda images: images.astype(np.float32), "dtype kind 'u'.*float32"),
}


@pytest.mark.parametrize("case", WRONG_IMAGES)
def test_other_images_are_refused(write, data, case):
    change, message = WRONG_IMAGES[case]
    path = write(imgs=change(official_arrays(SMALL)["imgs"]))
    with pytest.raises(DataFileError, match=message):
        open_file(str(path), SMALL)
    assert nothing_left(data)


def test_another_order_is_refused(write):
    classes = official_arrays(SMALL)["latents_classes"]
    classes[:, [4, 5]] = classes[:, [5, 4]]
    with pytest.raises(DataFileError, match=r"row 1 must be \[0, 0, 0, 0, 0, 1\].*1, 0\]"):
        open_file(str(write(latents_classes=classes)), SMALL)


@pytest.mark.parametrize("name", ["imgs", "latents_classes"])
def test_missing_arrays_are_named(write, name):
    with pytest.raises(DataFileError, match=f"needs an array '{name[:4]}.*it has .*'"):
        open_file(str(write(**{name: None})), SMALL)


@pytest.mark.parametrize("kept", [0.999, 0.5, 0.02])
def test_a_truncated_file_is_refused(write, data, kept):
    path = write()
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(DataFileError, match="damaged or cut short"):
        open_file(str(path), SMALL)
    assert nothing_left(data)


def test_a_damaged_file_is_refused(write, data):
    path = write()
    whole = bytearray(path.read_bytes())
    middle = len(whole) // 3
    whole[middle : middle + 64] = bytes(64)
    path.write_bytes(whole)
    with pytest.raises(DataFileError, match="damaged or cut short|not those of dSprites"):
        open_file(str(path), SMALL)
    assert nothing_left(data)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (b"\n<!DOCTYPE html><html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"PK\x03\x04 and no zip", "damaged or cut short"),
        (b"\x1f\x8b\x08\x00", "neither an npz nor an hdf5"),
    ],
)
def test_what_is_no_data_file_is_refused(tmp_path, content, message):
    path = tmp_path / f"{NAME}.npz"
    path.write_bytes(content)
    with pytest.raises(DataFileError, match=message):
        DSprites(str(path)).render(np.zeros((1, 5), dtype=int))


def test_a_missing_file_says_how_to_get_it():
    with pytest.raises(FileNotFoundError, match="vaelib data fetch dsprites"):
        DSprites("nowhere.npz").render(np.zeros((1, 5), dtype=int))


class Bomb:
    """Leaves a trace when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_metadata_is_never_unpickled(tmp_path):
    trace = tmp_path / "trace"
    bomb = np.array(Bomb(trace), dtype=object)
    path = write_npz(tmp_path / "a.npz", official_arrays(SMALL) | {"metadata": bomb})
    open_file(str(path), SMALL)
    objects = np.full(SMALL.factor_sizes, bomb.item(), dtype=object)
    path = write_npz(tmp_path / "b.npz", official_arrays(SMALL) | {"imgs": objects})
    with pytest.raises(DataFileError, match="pickled objects"):
        open_file(str(path), SMALL)
    assert not trace.exists()


def test_headers_that_python_2_wrote(tmp_path):
    """The official npz is of 2017: sizes may end in L there."""
    arrays = official_arrays(SMALL)
    path = tmp_path / "old.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("imgs", "latents_classes"):
            member = io.BytesIO()
            np.lib.format.write_array(member, arrays[name], version=(1, 0))
            content = member.getvalue().replace(b"(4608,", b"(4608L,", 1).replace(b" \n", b"\n", 1)
            archive.writestr(f"{name}.npy", content)
    assert len(open_file(str(path), SMALL)) == len(SMALL)


def test_fortran_order_is_refused(tmp_path):
    arrays = official_arrays(SMALL)
    arrays["imgs"] = np.asfortranarray(arrays["imgs"])
    with pytest.raises(DataFileError, match="Fortran order"):
        open_file(str(write_npz(tmp_path / "f.npz", arrays)), SMALL)


def test_a_header_that_promises_more_than_there_is(tmp_path):
    arrays = official_arrays(SMALL)
    path = tmp_path / "short.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("imgs", "latents_classes"):
            member = io.BytesIO()
            np.lib.format.write_array(member, arrays[name], version=(1, 0))
            archive.writestr(f"{name}.npy", member.getvalue()[: None if name != "imgs" else -4096])
    with pytest.raises(DataFileError, match="ends after"):
        open_file(str(path), SMALL)


READ = """
import sys, time
from pathlib import Path
import numpy as np
start = time.perf_counter()
from vaelib.datasets import DSprites
data = DSprites(sys.argv[1])
try:
    batch = data.sample(500, np.random.default_rng(0))
    print(time.perf_counter() - start)
    print(np.array_equal(batch.images, DSprites().render(batch.factors)))
    data.packed(data.factors(np.arange(0, len(data), 7)))  # touches every page of the table
except ValueError as error:
    print(error)
# not ru_maxrss: that starts at the peak of the process which started this one
status = Path("/proc/self/status").read_text()
print(int(status.split("VmHWM:")[1].split()[0]) / 1024)
"""


def read_elsewhere(path):
    """Lines that a fresh process prints on reading the file; its peak memory in MB, the last."""
    done = subprocess.run([sys.executable, "-c", READ, path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_whole_npz_in_little_memory(tmp_path, data):
    """All 737,280 images, written here as in the official file and read in a fresh process."""
    world, path = DSprites(), tmp_path / f"{NAME}.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("imgs.npy", "w", force_zip64=True) as member:
            header = {"descr": "|u1", "fortran_order": False, "shape": (len(world), 64, 64)}
            np.lib.format.write_array_header_1_0(member, header)
            for start in range(0, len(world), 8192):
                factors = world.factors(np.arange(start, min(start + 8192, len(world))))
                member.write(world.render(factors))
        with archive.open("latents_classes.npy", "w") as member:
            classes = np.pad(all_factors(world), [(0, 0), (1, 0)])
            np.lib.format.write_array(member, classes)
    _, same, peak = read_elsewhere(path)
    assert same == "True" and float(peak) < MEGABYTES
    (stored,) = data.glob("*.npy")
    assert stored.stat().st_size < 378e6
    seconds, same, peak = read_elsewhere(path)  # from the table now
    assert same == "True" and float(peak) < MEGABYTES and float(seconds) < 5


def test_slabs_of_the_whole_hdf5_in_little_memory(tmp_path):
    """A file of the official size and chunks; it is black, which the first slab shows."""
    world, path = DSprites(), tmp_path / f"{NAME}.hdf5"
    with h5py.File(path, "w") as file:
        file.create_dataset("imgs", (len(world), 64, 64), "u1", chunks=(23040, 2, 4))
        file["latents/classes"] = np.pad(all_factors(world), [(0, 0), (1, 0)])
    message, peak = read_elsewhere(path)
    assert "23040 of the first 23040 differ" in message
    assert float(peak) < MEGABYTES
