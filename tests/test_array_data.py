"""One's own images: from files, folders, arrays and torch Datasets; and all that is refused."""

from __future__ import annotations

import csv
import json
import pickle

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
import zarr
from PIL import Image
from torch.utils.data import DataLoader, TensorDataset

from vaelib.cli import main
from vaelib.datasets import ArrayData, Correlated, DSprites, FixedSample, Pairs, Pooled, keep
from vaelib.datasets.array_files import DataFileError
from vaelib.datasets.recognise import recognise
from vaelib.datasets.resize import to_square
from vaelib.evaluate import evaluate
from vaelib.networks import MLP
from vaelib.runs import Run, encode
from vaelib.spec import from_spec, to_spec
from vaelib.train import TrainConfig, train

pytestmark = pytest.mark.usefixtures("data_folder")
SIZES = (3, 4, 5)
NAMES = ("shape", "pos_x", "pos_y")
FACTORS = np.stack(np.unravel_index(np.arange(60), SIZES), axis=1)


def random_bytes(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


IMAGES = random_bytes(60, 32, 32, 3)
FIRST = IMAGES.transpose(0, 3, 1, 2)  # channels first


def npz(tmp_path, **arrays):
    np.savez_compressed(tmp_path / "my.npz", **arrays)
    return tmp_path / "my.npz"


def hdf5(tmp_path, **arrays):
    with h5py.File(tmp_path / "my.h5", "w") as file:
        for name, array in arrays.items():
            file[name] = array.astype(object) if array.dtype.kind == "U" else array
    return tmp_path / "my.h5"


# Where images come from

writers = pytest.mark.parametrize("write", [npz, hdf5])


@writers
@pytest.mark.parametrize("images", [IMAGES, FIRST], ids=["last", "first"])
def test_files_give_their_images_and_factors(tmp_path, write, images):
    data = ArrayData(write(tmp_path, images=images, factors=FACTORS, names=np.array(NAMES)))
    assert (data.factor_names, data.factor_sizes) == (NAMES, SIZES)
    assert data.image_shape == (3, 32, 32) and len(data) == 60 and data.scored == NAMES
    assert np.array_equal(data.render(FACTORS), FIRST)
    batch = data.sample(20, np.random.default_rng(0))
    assert np.array_equal(batch.images, FIRST[data.index(batch.factors)])
    assert data.distribution == "uncorrelated" and data.uncorrelated() is data
    assert recognise(data.images) == (ArrayData, "images")


@writers
def test_words_and_floats_are_factors_too(tmp_path, write):
    size = np.tile([0.5, 2.0, 10.0], 20)
    words = np.repeat(["red", "blue"], 30)
    data = ArrayData(write(tmp_path, images=IMAGES, factors=np.column_stack([words, size])))
    assert data.factor_names == ("factor_0", "factor_1", "copy") and data.scored == NAMES[:0] + (
        "factor_0",
        "factor_1",
    )
    assert data.values("factor_0").tolist() == ["blue", "red"]
    assert data.values("factor_1").tolist() == [0.5, 2.0, 10.0]  # numbers, not "0.5" "10.0" "2.0"
    assert data.combinations[0].tolist() == [1, 0, 0] and data.factor_sizes[2] == 10


@pytest.mark.parametrize(
    ("images", "white"),
    [
        (IMAGES[..., 0] > 127, 1),
        ((IMAGES[..., 0] > 127).astype(np.int64), 1),
        (IMAGES[..., 0] / 255, 1),
        (IMAGES[..., 0].astype(np.float32) / 255, 1),
        (IMAGES[..., 0].astype(np.int32), 255),
    ],
)
def test_all_kinds_of_numbers_become_bytes(images, white):
    data = ArrayData(images)
    expected = np.rint(images.astype(np.float64) * 255 / white)
    assert np.array_equal(data.render(data.combinations)[:, 0], expected)


def pictures(folder, listed=range(6), mode="RGB"):
    folder.mkdir()
    for i in range(6):
        Image.fromarray(IMAGES[i]).convert(mode).save(folder / f"img_{i}.png")
    with (folder / "factors.csv").open("w", newline="") as file:
        rows = [
            ["file", "side", "colour"],
            *([f"img_{i}.png", i % 3, "rb"[i // 3]] for i in listed),
        ]
        csv.writer(file).writerows(rows)
    return folder


def test_a_zarr_folder_gives_its_images_and_factors(tmp_path):
    path = tmp_path / "my.zarr"
    zarr.save_group(str(path), images=IMAGES, factors=FACTORS)
    data = ArrayData(path)
    assert data.factor_sizes == SIZES and np.array_equal(data.render(FACTORS), FIRST)
    assert recognise(data.images) == (ArrayData, "images")
    again = from_spec(to_spec(data))
    assert again == data
    files = [p for p in sorted((path / "images").rglob("*")) if p.is_file()]
    # what describes the array is named .zarray by zarr 2, zarr.json by zarr 3
    chunk = next(p for p in files if not p.name.startswith((".", "zarr.")))
    chunk.write_bytes(b"cut")
    with pytest.raises(ValueError, match="has changed"):
        from_spec(to_spec(data)).render(FACTORS)
    with pytest.raises(DataFileError, match="damaged"):
        ArrayData(path).render(FACTORS)


def test_a_zarr_folder_without_images_or_with_pickles_is_refused(tmp_path):
    zarr.save_group(str(tmp_path / "other.zarr"), pictures=IMAGES)
    with pytest.raises(DataFileError, match="needs an array 'images', it has .*pictures"):
        ArrayData(tmp_path / "other.zarr")
    evil, ran = tmp_path / "evil.zarr", tmp_path / "ran"
    (evil / "images").mkdir(parents=True)
    (evil / ".zgroup").write_text('{"zarr_format": 2}')
    header = {"zarr_format": 2, "shape": [4], "chunks": [4], "dtype": "|O", "order": "C",
              "compressor": None, "fill_value": None, "filters": [{"id": "pickle"}]}  # fmt: skip
    (evil / "images" / ".zarray").write_text(json.dumps(header))
    command = f"open({str(ran)!r}, 'w')"
    (evil / "images" / "0").write_bytes(b"cbuiltins\neval\n(V" + command.encode() + b"\ntR.")
    with pytest.raises(DataFileError, match="evil"):
        ArrayData(evil)
    assert not ran.exists()


def test_a_folder_of_pictures_with_a_table(tmp_path):
    data = ArrayData(pictures(tmp_path / "mine"))
    assert data.factor_names == ("side", "colour") and data.factor_sizes == (3, 2)
    assert data.values("colour").tolist() == ["b", "r"]
    assert np.array_equal(data.render(np.array([[1, 0]]))[0], FIRST[4])
    assert recognise(str(tmp_path / "mine")) == (ArrayData, "images")
    some = ArrayData(pictures(tmp_path / "some", listed=[5, 0, 1, 3]))
    assert len(some) == 4 and np.array_equal(some.render(some.combinations[:1])[0], FIRST[5])


def test_a_folder_without_a_table_and_with_pictures_of_all_kinds(tmp_path):
    (pictures(tmp_path / "mine", mode="L") / "factors.csv").unlink()
    assert ArrayData(tmp_path / "mine").image_shape == (1, 32, 32)
    clear = np.zeros((50, 40, 4), np.uint8)
    Image.fromarray(clear).save(tmp_path / "mine" / "clear.png")
    (tmp_path / "mine" / "note.txt").write_text("no picture")
    data = ArrayData(tmp_path / "mine", size=64)
    assert data.image_shape == (3, 64, 64) and data.scored == () and len(data) == 7
    assert (data.render(np.array([[0]])) == 255).all()  # transparent is white
    with pytest.raises(ValueError, match="must all have one shape.*size=64|are 50×40 pixels"):
        ArrayData(tmp_path / "mine")


def test_pictures_are_read_as_they_are_seen(tmp_path):
    """Transparent palettes, and photographs that say which side is up."""
    palette = Image.fromarray(np.zeros((32, 32), np.uint8), mode="P")
    palette.putpalette([200, 0, 0] + [0] * 765)
    palette.save(tmp_path / "a.png", transparency=0)
    upright = np.zeros((32, 32, 3), np.uint8)
    upright[:16] = 255
    turned = Image.Exif()
    turned[0x0112] = 3  # upside down
    Image.fromarray(upright[::-1, ::-1]).save(tmp_path / "b.jpg", exif=turned, quality=95)
    clear, photograph = ArrayData(tmp_path).render(np.array([[0], [1]]))
    assert (clear == 255).all()
    assert photograph[:, :14].min() > 200 and photograph[:, 18:].max() < 50


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
def test_pictures_of_more_than_eight_bits_are_refused(tmp_path, dtype):
    """Pillow would make white of all above 255."""
    for name in ("a.tiff", "b.tiff"):
        Image.fromarray(np.full((32, 32), 1000, dtype)).save(tmp_path / name)
    with pytest.raises(DataFileError, match="a.tiff has more than 8 bits a channel"):
        ArrayData(tmp_path)


def test_what_is_wrong_with_a_table_is_told_with_its_line(tmp_path):
    folder = pictures(tmp_path / "mine")
    table = folder / "factors.csv"
    header, *rows = table.read_text().splitlines()
    table.write_text(header + "\n")
    with pytest.raises(DataFileError, match="a row for each picture below its header, got none"):
        ArrayData(folder)
    table.write_text("\n".join([header, "", rows[0], "", rows[1] + ",more"]))
    with pytest.raises(DataFileError, match="line 5 has 4"):
        ArrayData(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows[1:], "the first line of .* must be a header.*got the picture img_0.png"),
        (lambda rows: [*rows[:2], "img_1.png,,r", *rows[3:]], "line 3: the factor 'side' must"),
        (lambda rows: ["file,0,1", *rows[1:]], "got '0'; 'shape' would do"),
        (
            lambda rows: [*rows[:2], "", "img_1.png,n/a,r", *rows[3:]],
            "line 4: the factor 'side' must be a number as in other rows, got 'n/a'",
        ),
    ],
)
def test_a_table_without_a_header_or_a_value_is_told(change, said, tmp_path):
    folder = pictures(tmp_path / "mine")
    table = folder / "factors.csv"
    table.write_text("\n".join(change(table.read_text().splitlines())))
    with pytest.raises(ValueError, match=said):
        ArrayData(folder)


def test_own_arrays_with_names_of_others_are_own(tmp_path):
    own = npz(tmp_path, images=IMAGES, labels=np.arange(6) % 3)
    assert recognise(str(own)) == (ArrayData, "images")
    with pytest.raises(DataFileError, match="must be named 'factors', got 'labels'"):
        ArrayData(own)


def test_names_without_factors_are_refused():
    with pytest.raises(ValueError, match="names .*digit.* need factors"):
        ArrayData(FIRST, names=("digit",))


def test_a_group_that_is_named_images_is_told(tmp_path):
    with h5py.File(tmp_path / "group.h5", "w") as file:
        file.create_group("images")
    with pytest.raises(DataFileError, match="needs an array 'images'"):
        recognise(str(tmp_path / "group.h5"))


def test_a_torch_dataset_is_kept_as_a_file(data_folder):
    images, labels = torch.from_numpy(FIRST.copy()), torch.arange(60) % 4
    data = ArrayData(TensorDataset(images, labels), names=("digit",))
    assert data.scored == ("digit",) and data.factor_sizes == (4, 15)
    assert np.array_equal(data.render(data.combinations), FIRST)
    assert ArrayData(TensorDataset(images)).scored == ()
    assert len(list(data_folder.glob("own-*.h5"))) == 2
    ArrayData(TensorDataset(images, labels), names=("digit",))
    assert len(list(data_folder.glob("own-*.h5"))) == 2  # the same content, the same file
    triples = TensorDataset(images, labels, labels)
    with pytest.raises(ValueError, match="pairs|images or"):
        ArrayData(triples)
    with pytest.raises(ValueError, match="factors .* belong in its items"):
        ArrayData(list(FIRST), FACTORS, NAMES)  # not left out in silence


COLUMNS = {"size": [0.5, 2, 10] * 20, "colour": ["red", "blue"] * 30}


@pytest.mark.parametrize("kind", [dict, pd.DataFrame], ids=["dict", "frame"])
def test_columns_by_name_give_the_names(kind):
    data = ArrayData(FIRST, kind(COLUMNS))
    assert data.scored == ("size", "colour") and data.distribution == "uncorrelated"
    assert data.values("size").tolist() == [0.5, 2, 10]
    assert data.values("colour").tolist() == ["blue", "red"]


def test_objects_that_are_numbers_and_words_are_factors():
    mixed = pd.DataFrame(COLUMNS).to_numpy()
    assert mixed.dtype == object
    assert ArrayData(FIRST, mixed).values("factor_0").tolist() == [0.5, 2, 10]


def test_a_single_name_may_stand_alone():
    assert ArrayData(FIRST, FACTORS[:, 0], names="digit").scored == ("digit",)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float32])
def test_tensors_may_have_gradients_and_any_kind_of_floats(kind):
    images = torch.from_numpy(FIRST.copy()).div(255).gt(0.5).to(kind).requires_grad_()
    expected = ArrayData(FIRST > 127).render(np.arange(60)[:, None])
    for given in (images, TensorDataset(images)):
        assert np.array_equal(ArrayData(given).render(np.arange(60)[:, None]), expected)


def test_items_are_written_many_at_a_time(monkeypatch, data_folder):
    """And make the same file where they fit it, for its fingerprint is in configurations."""
    writes, whole = [], keep._append
    monkeypatch.setattr(keep, "_append", lambda *args: (writes.append(args[1]), whole(*args)))
    items = TensorDataset(torch.from_numpy(FIRST.copy()), torch.from_numpy(FACTORS))
    many = ArrayData(items)
    assert sorted(writes) == ["factors"] * 2 + ["images"] * 2
    (data_folder / many.images).unlink()
    monkeypatch.setattr(keep, "_gathered", iter)
    assert ArrayData(items) == many and len(writes) == 4 + 120


def test_what_can_be_sliced_is_an_array(tmp_path):
    with h5py.File(hdf5(tmp_path, pixels=IMAGES)) as file:
        data = ArrayData(file["pixels"], factors=FACTORS, names=NAMES)
    assert np.array_equal(data.render(FACTORS), FIRST)


def test_a_configuration_knows_its_data_again(tmp_path):
    path = npz(tmp_path, images=IMAGES, factors=FACTORS)
    data = ArrayData(path, size=32)
    spec = json.loads(json.dumps(to_spec(data)))
    assert set(spec) == {"type", "images", "size", "fingerprint"}
    back = from_spec(spec)
    assert back == data and hash(back) == hash(data) and repr(back) == repr(data)
    copy = pickle.loads(pickle.dumps(data))
    assert np.array_equal(copy.render(FACTORS), data.render(FACTORS))
    npz(tmp_path, images=IMAGES[::-1], factors=FACTORS)
    with pytest.raises(ValueError, match="has changed"):
        _ = from_spec(spec).render(FACTORS)


# Sizes


def test_smaller_images_are_means_of_areas():
    images = random_bytes(4, 3, 96, 96)
    half = images.reshape(4, 3, 48, 2, 48, 2).mean(axis=(3, 5))
    assert np.abs(to_square(images, 48) - half).max() <= 0.5001
    to_64 = to_square(images, 64)[0, 0].astype(float)  # 1.5 pixels: whole, half, half, whole
    block = images[0, 0, :3, :3].astype(float)
    first = (block[0, 0] + (block[0, 1] + block[1, 0]) / 2 + block[1, 1] / 4) / 2.25
    assert to_64[0, 0] == pytest.approx(first, abs=0.5001)
    assert to_square(images, 64).mean() == pytest.approx(images.mean(), abs=0.1)


def test_larger_images_are_linear_between_pixel_middles():
    ramp = np.tile(np.arange(0, 80, 10, dtype=np.uint8), (8, 1))[None, None]
    large = to_square(ramp, 32)[0, 0]
    inside = (np.arange(32) + 0.5) / 4 * 10 - 5
    assert np.array_equal(large[0], np.rint(inside.clip(0, 70)))
    with Image.fromarray(random_bytes(8, 8)) as small:
        ours = to_square(np.asarray(small)[None, None], 32)[0, 0].astype(int)
        theirs = np.asarray(small.resize((32, 32), Image.Resampling.BILINEAR), int)
    assert np.abs(ours - theirs).max() <= 1


def test_the_middle_square_is_taken():
    wide = random_bytes(2, 1, 32, 50)
    assert np.array_equal(to_square(wide, 32), wide[..., 9:41])


def test_what_a_size_cuts_off_and_what_scores_cannot_read_is_told(tmp_path, capsys):
    factors = np.stack([np.arange(600) % 585, np.arange(600) % 3], axis=1)
    path = npz(tmp_path, images=random_bytes(600, 24, 40), factors=factors, names=["x", "shape"])
    assert main(["data", "check", str(path), "--data-option", "size=32"]) == 0
    said = capsys.readouterr().out
    assert "cropped from 24×40 to 24×24 pixels" in said
    assert "\n  x has 585 values in 600 images: scores cannot read it" in said
    assert "shape has" not in said
    told = ArrayData(random_bytes(60, 24, 24), FACTORS, size=32).describe()
    assert "cropped" not in told and "cannot" not in told


# What is refused

MANY = np.zeros((100_000, 32, 32), np.uint8)
WRONG = {
    "other keys": ({"x": IMAGES}, "needs an array 'images', it has .'x'.*np.savez"),
    "floats in 0..255": ({"images": IMAGES.astype(float)}, "floats in .0, 1.*divide by 255"),
    "NaN": ({"images": np.where(IMAGES > 250, np.nan, 0.5)}, "NaN or infinity"),
    "negative": ({"images": IMAGES / 127.5 - 1}, "must be floats in .0, 1., got -1..1"),
    "16 bits": ({"images": IMAGES.astype(np.uint16) * 200}, "integers in 0..255"),
    "words": ({"images": np.full((9, 32, 32), "a")}, "must be numbers"),
    "complex": ({"images": np.ones((9, 32, 32), complex)}, "must be numbers"),
    "black": ({"images": np.zeros((9, 32, 32))}, "all images are black"),
    "one image": ({"images": IMAGES[:1]}, "2 images or more, got 1"),
    "no image": ({"images": IMAGES[:0]}, "2 images or more, got 0"),
    "images last": ({"images": IMAGES[..., 0].transpose(1, 2, 0)}, "32×60"),
    "many images last": ({"images": MANY[:5000].transpose(1, 2, 0)}, "axes must be in the order"),
    "four channels": ({"images": random_bytes(9, 32, 32, 4)}, "C = 1 or 3"),
    "flat": ({"images": random_bytes(9, 1024)}, r"must be \(N, H, W\)"),
    "28 pixels": ({"images": random_bytes(9, 28, 28)}, "28×28 pixels.*size=64"),
    "too few factors": ({"factors": FACTORS[:-1]}, "60 images and 59 rows of factors"),
    "cube of factors": ({"factors": FACTORS[..., None]}, r"must be \(N, K\)"),
    "one value": ({"factors": FACTORS * [0, 1, 1]}, "'factor_0' has the one value 0"),
    "NaN factors": ({"factors": np.where(FACTORS == 2, np.nan, 1)}, "NaN or infinite"),
    "names with spaces": ({"names": np.array(["a", "pos x", "c"])}, "got 'pos x'; 'pos_x' would"),
    "no name": ({"names": np.array(["a", "", "c"])}, "got ''"),
    "name twice": ({"names": np.array(["a", "b", "a"])}, "'a': that name is taken"),
    "our name": ({"names": np.array(["a", "copy", "c"])}, "'copy': that name is taken"),
    "too few names": ({"names": np.array(["a", "b"])}, "3 factors need as many names, got 2"),
    "no column": ({"factors": FACTORS[:, :0]}, "need a column"),
    "objects": ({"images": np.array([{}] * 9)}, "pickled objects.*astype.str"),
    "a word among numbers": (
        {"factors": np.where(FACTORS == [9, 3, 9], "NA", FACTORS.astype(str))},
        "row 16: the factor 'factor_1' must be a number as in other rows, got 'NA'",
    ),
    "100,000 classes": (
        {"images": MANY, "factors": np.arange(100_000)},
        "'factor' has 100,000 different values in 100,000 images, at most 1,000",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_files_get_a_clear_message(tmp_path, case, capsys, data_folder, runs_folder):
    changes, message = WRONG[case]
    arrays = {"images": IMAGES, "factors": FACTORS} | changes
    if case in ("other keys", "100,000 classes") or "images" in changes:
        arrays = changes
    path = npz(tmp_path, **arrays)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        ArrayData(path)
    assert not list(data_folder.glob("own-*"))
    assert main(["train", "--data", str(path), "--quiet"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("vaelib: ") and "Traceback" not in said
    assert not list(runs_folder.iterdir())


@writers
@pytest.mark.parametrize("kept", [0.98, 0.5])
def test_truncated_files_are_refused(tmp_path, write, kept):
    path = write(tmp_path, images=IMAGES, factors=FACTORS)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(DataFileError, match="damaged or cut short"):
        ArrayData(path)


def test_wrong_folders_get_a_clear_message(tmp_path):
    folder = pictures(tmp_path / "mine")
    (folder / "img_3.png").unlink()
    with pytest.raises(DataFileError, match="names img_3.png, which is not there"):
        ArrayData(folder)
    (folder / "img_3.png").write_bytes(b"no picture")
    with pytest.raises(DataFileError, match="img_3.png is no picture"):
        ArrayData(folder)
    whole = (folder / "img_4.png").read_bytes()
    (folder / "img_3.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataFileError, match="img_3.png is damaged"):
        ArrayData(folder)
    for text in ("", "file\na.png\n", "file,side\nimg_0.png,1,2\n"):
        (folder / "factors.csv").write_text(text)
        with pytest.raises(DataFileError, match="factors.csv must"):
            ArrayData(folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataFileError, match="itself holds no pictures"):
        ArrayData(tmp_path / "empty")


NO_FACTORS = [
    (pd.DataFrame(COLUMNS | {"day": [None, "a"] * 30}), "'day' must be numbers or words, got"),
    (np.array([None, "a"] * 30), "must be numbers or words, got None"),
    (np.arange(60).astype("M8[D]"), "must be numbers or words, got .*datetime64"),
    (COLUMNS | {"colour": ["red"]}, r"columns of one length.*'colour': \(1,\)"),
    ({}, "columns of one length"),
    (5, "60 images need as many factors, got 1"),
]


def test_wrong_arguments_get_a_clear_message(tmp_path, data_folder):
    path = npz(tmp_path, images=IMAGES)
    with pytest.raises(ValueError, match="size must be one of"):
        ArrayData(path, size=50)
    with pytest.raises(ValueError, match="stand in the file"):
        ArrayData(path, factors=FACTORS)
    with pytest.raises(ValueError, match="60 images need as many factors, got 5"):
        ArrayData(IMAGES, factors=FACTORS[:5])
    for factors, message in NO_FACTORS:
        with pytest.raises(ValueError, match=message):
            ArrayData(IMAGES, factors)
    with pytest.raises(ValueError, match="tell their names already"):
        ArrayData(IMAGES, COLUMNS, names=("a", "b"))
    for no_images in (DataLoader(TensorDataset(torch.zeros(3, 32, 32))), 5):
        with pytest.raises(ValueError, match="of a DataLoader its .dataset"):
            ArrayData(no_images)
    with pytest.raises(FileNotFoundError, match="nowhere.npz"):
        ArrayData("nowhere.npz")
    with pytest.raises(ValueError, match="no images"):
        ArrayData([])
    assert not list(data_folder.glob("*.h5"))  # what is refused is not kept


# Incomplete grids

HOLES = FACTORS[np.random.default_rng(3).permutation(60)[:41]]


@pytest.fixture
def holes():
    return ArrayData(FIRST[:41], factors=HOLES, names=NAMES)


def test_a_grid_with_holes_is_looked_up(holes):
    assert len(holes) == 41 and holes.distribution == "empirical"
    assert np.array_equal(holes.render(HOLES), FIRST[:41])
    missing = np.array([row for row in FACTORS.tolist() if row not in HOLES.tolist()])
    with pytest.raises(ValueError, match="no image has {'shape': .*nearest"):
        holes.render(missing[:1])
    near = holes.nearest(missing)
    scale = np.array(SIZES) - 1
    for row, found in zip(missing, near, strict=True):
        gaps = np.abs((HOLES - row) / scale).sum(axis=1)
        assert np.abs((found - row) / scale).sum() == pytest.approx(gaps.min())
    assert np.array_equal(holes.nearest(HOLES), HOLES)
    assert np.array_equal(holes.factors(holes.index(HOLES[::-1])), HOLES[::-1])
    with pytest.raises(ValueError, match="index must be in 0..40"):
        holes.factors(np.array([41]))


def test_wrappers_keep_to_the_images_that_there_are(holes):
    rng = np.random.default_rng(0)
    there = {tuple(row) for row in HOLES.tolist()}
    for data in (FixedSample(holes, 15), Pooled(holes, 2), Correlated(holes, {NAMES[1:]: 0.2})):
        batch = data.sample(300, rng)
        assert {tuple(row) for row in batch.factors.tolist()} <= there
        assert np.array_equal(batch.images, data.render(batch.factors)) and len(data) == 41
    assert len({tuple(r) for r in FixedSample(holes, 15).sample_factors(900, rng).tolist()}) <= 15
    with pytest.raises(ValueError, match="all combinations"):
        Pairs(holes)


def test_pooled_images_are_scored_once_each(holes):
    """Else a predictor would be tested on what it was trained on."""
    found = Pooled(holes, 2).sample_distinct(1_000, np.random.default_rng(0))
    assert len(found) == len(np.unique(found, axis=0)) == 41


def test_correlation_by_weights_is_exact_on_the_cells_that_there_are(holes):
    sigma, pair = 0.3, ("pos_x", "pos_y")
    data = Correlated(holes, {pair: sigma})
    wanted = np.zeros(SIZES[1:])
    for x, y in {tuple(row[1:]) for row in HOLES.tolist()}:  # each cell once, however often it is
        wanted[x, y] = np.exp(-((x / 3 - y / 4) ** 2) / (2 * sigma**2))
    wanted /= wanted.sum()
    np.testing.assert_allclose(data.joint(*pair), wanted, atol=1e-12)
    np.testing.assert_allclose(data.joint("pos_y", "pos_x"), wanted.T, atol=1e-12)
    drawn = data.sample_factors(60_000, np.random.default_rng(1))
    counts = np.zeros(SIZES[1:])
    np.add.at(counts, tuple(drawn[:, 1:].T), 1)
    assert np.abs(counts / 60_000 - wanted).max() < 5 * np.sqrt(wanted.max() / 60_000)
    assert data.distribution == "correlated" and data.uncorrelated() is holes


def test_on_a_complete_grid_weights_give_what_conditionals_give():
    small = np.stack(np.unravel_index(np.arange(60), SIZES), axis=1)
    whole = ArrayData(FIRST, factors=small, names=NAMES)
    pairs = {("pos_x", "pos_y"): 0.3, ("shape", "pos_x"): 0.5}
    by_weights = Correlated(whole, pairs)

    class Grid(DSprites):
        factor_names, factor_sizes = NAMES, SIZES

    exact = Correlated(Grid(), pairs)
    for names in (("pos_x",), ("pos_x", "pos_y"), NAMES):
        np.testing.assert_allclose(by_weights.joint(*names), exact.joint(*names), atol=1e-12)


def test_pairs_that_no_image_has_are_refused():
    factors = np.array([[0, 2], [0, 1], [1, 0], [1, 2], [2, 0]])
    data = ArrayData(FIRST[:5], factors=factors, names=("a", "b"))
    with pytest.raises(ValueError, match="contradict each other"):
        Correlated(data, {("a", "b"): 1e-200})


def test_factors_may_have_more_combinations_than_integers_count():
    factors = np.stack([np.random.default_rng(k).permutation(660) for k in range(7)], axis=1)
    data = ArrayData(random_bytes(660, 32, 32), factors=factors)
    assert np.array_equal(data.index(factors[::-1]), np.arange(660)[::-1])
    with pytest.raises(ValueError, match="no image has {'factor_0': .*nearest"):
        data.index(factors[:1] - factors[:1])


# Training and scores


def trained(data, folder):
    config = TrainConfig(data=data, network=MLP(hidden=16), latent_dim=3, steps=4, batch_size=8)
    return train(config, folder, progress=False)


def test_images_without_factors_train_and_get_the_scores_that_need_none(tmp_path):
    data = ArrayData(random_bytes(150, 32, 32))
    run = trained(data, tmp_path / "run")
    codes = encode(run)
    assert len(codes) == 150 and codes.names == ("image",)
    entry = evaluate(run, metrics=["mig"])
    assert list(entry["scores"]) == ["unsupervised_scores"] and list(run.scores) == ["empirical"]


def test_a_model_is_read_where_its_data_are_not(tmp_path):
    path = npz(tmp_path, images=random_bytes(120, 32, 32))
    folder = trained(ArrayData(path), tmp_path / "run").folder
    path.unlink()
    assert Run(folder).vae.image_shape == (1, 32, 32)
    with pytest.raises(FileNotFoundError, match="no file"):
        encode(Run(folder))


def test_copies_are_not_scored_and_each_image_is_encoded_once(tmp_path):
    labels = np.arange(150) % 3
    run = trained(ArrayData(random_bytes(150, 32, 32), factors=labels), tmp_path / "run")
    codes = encode(run)
    assert codes.names == ("factor",) and len(codes) == 150
    assert np.bincount(codes.factors[:, 0]).tolist() == [50, 50, 50]
    assert len(encode(run, n=60)) == 60
    assert set(evaluate(run, metrics=["mig"])["scores"]) == {"mig"}


def test_a_file_is_trained_on_from_the_command_line(tmp_path, runs_folder, capsys):
    path = npz(tmp_path, images=random_bytes(120, 28, 28), factors=np.arange(120) % 2)
    tiny = ["--network", "MLP", "--network-option", "hidden=8", "--steps", "2", "--quiet"]
    told = ["train", "--data", str(path), "--data-option", "size=32", *tiny]
    assert main(told) == 0
    (run,) = runs_folder.iterdir()
    assert run.name.startswith("BetaVAE-ArrayData-0-")
    assert main(["evaluate", str(runs_folder), "--metrics", "mig"]) == 0
    assert "Scored on uncorrelated factors" in capsys.readouterr().out  # 60 of each
    assert main(["data", "check", str(path), "--data-option", "size=32"]) == 0
    said = capsys.readouterr().out
    assert "120 images of 1×32×32 pixels" in said and "factor: 2 values, 0, 1" in said


def test_versions_and_the_like_are_words(tmp_path):
    versions = np.array(["1.0", "1.1", "2.0", "1.0.1"])
    data = ArrayData(npz(tmp_path, images=random_bytes(40, 32, 32), factors=np.tile(versions, 10)))
    assert data.values("factor").tolist() == sorted(versions)
