"""Damaged and hostile files, a few hundred; tests/fuzz.py tries thousands."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from vaelib.codes_file import read_codes
from vaelib.datasets import ArrayData
from vaelib.files import MOST_TEXT, DataFileError, read_json

FUZZ = Path(__file__).with_name("fuzz.py")


def test_hundreds_of_damaged_files_are_read_or_refused_with_a_reason():
    # in a process of its own, which may fork because it has no threads
    command = [sys.executable, str(FUZZ), "360", "--seed", "1"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(": 0 wrong") == 12


def test_texts_that_end_beyond_the_file_are_refused_unread():
    """5798: a table of texts of 32 GB by its header, for which room was made."""
    command = [sys.executable, str(FUZZ), "1", "--seed", "5798", "--kind", "own.h5"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, timeout=100)
    assert done.returncode == 0 and "own.h5: 0 wrong" in done.stdout, done.stdout


def promise(path, name, shape, real):
    """An npz file with an array that promises `shape` and holds `real` zeros, packed."""
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
            header = {"descr": "|u1", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(member, header)
            member.write(bytes(real))
    return path


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ((2, 60_000, 60_000), "'images' .* takes 7,200,000,000 bytes by its header"),
        ((10**12, 32, 32), "'images' .* takes 1,024,000,000,000,000 bytes by its header"),
        ((2, 9_000, 9_000), "a row of 'images' .* takes 81,000,000 bytes by its header"),
    ],
)
def test_an_array_is_refused_by_its_promise_before_it_fills_the_memory(tmp_path, shape, says):
    path = promise(tmp_path / "bomb.npz", "images", shape, 1 << 28)
    with pytest.raises(DataFileError, match=says):
        ArrayData(str(path))


def test_codes_larger_than_any_are_refused(tmp_path):
    path = promise(tmp_path / "bomb.npz", "means", (10**9, 4), 1 << 20)
    promise(path, "factors", (10**9, 4), 1 << 20)
    with pytest.raises(DataFileError, match="takes 4,000,000,000 bytes by its header"):
        read_codes(path)


def test_an_hdf5_file_that_promises_what_was_never_written_is_refused(tmp_path):
    with h5py.File(tmp_path / "bomb.h5", "w") as file:
        file.create_dataset("images", (10**9, 64, 64), "u1", chunks=(64, 64, 64))
    with pytest.raises(DataFileError, match="'images' .* by its header"):
        ArrayData(str(tmp_path / "bomb.h5"))


def test_an_hdf5_text_is_refused_by_its_length_before_it_fills_the_memory(tmp_path):
    path = tmp_path / "own.h5"
    with h5py.File(path, "w") as file:
        file["images"], file["factors"] = np.ones((4, 32, 32), np.uint8), np.arange(4)
        file["names"] = ["four"]
        start = file["names"].id.get_offset()
    assert ArrayData(str(path)).factor_names == ("four",)
    data = bytearray(path.read_bytes())
    data[start : start + 4] = (3 << 30).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(DataFileError, match="a text of '/names' .* takes 3,221,225,472 bytes"):
        ArrayData(str(path))


def test_a_file_of_gigabytes_is_no_json(tmp_path):
    with open(tmp_path / "config.json", "wb") as file:
        file.truncate(MOST_TEXT * 40)  # 2.7 GB that take no room
    with pytest.raises(DataFileError, match=r"not a JSON object \(2,684,354,560 bytes"):
        read_json(tmp_path / "config.json")


@pytest.mark.parametrize("name", ["../secret.png", "/etc/secret.png"])
def test_a_table_names_no_picture_outside_of_its_folder(tmp_path, name):
    (tmp_path / "factors.csv").write_text(f"file,size\n{name},1\n{name},2\n")
    with pytest.raises(DataFileError, match="outside of its folder"):
        ArrayData(str(tmp_path))
