"""Tables of bits: whole or absent, whatever happens while they are written."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from vaelib.datasets.packed import fill_table, open_table

SHAPE = (1000, 16)
ROWS = np.random.default_rng(0).integers(0, 256, SHAPE, dtype=np.uint8)


def blocks(step=300):
    for start in range(0, len(ROWS), step):
        yield ROWS[start : start + step]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "table.npy"


def test_what_was_written_is_read(path):
    assert open_table(path, SHAPE) is None
    assert np.array_equal(fill_table(path, SHAPE, blocks(), "filling"), ROWS)
    table = open_table(path, SHAPE)
    assert np.array_equal(table, ROWS) and isinstance(table, np.memmap)
    assert sorted(p.name for p in path.parent.iterdir()) == ["table.json", "table.npy"]


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def flip(path):
    content = bytearray(path.read_bytes())
    content[5000] ^= 1
    path.write_bytes(content)


def forget(path):
    path.with_suffix(".json").unlink()


def garble(path):
    path.with_suffix(".json").write_text('{"sha256": ')


def empty(path):
    path.with_suffix(".json").write_text(json.dumps({}))


@pytest.mark.parametrize("damage", [cut, flip, forget, garble, empty, os.unlink])
def test_a_damaged_table_is_absent_and_written_again(path, damage):
    fill_table(path, SHAPE, blocks(), "filling")
    damage(path)
    assert open_table(path, SHAPE) is None
    fill_table(path, SHAPE, blocks(), "filling")
    assert np.array_equal(open_table(path, SHAPE), ROWS)


def test_a_table_of_another_shape_is_absent(path):
    fill_table(path, SHAPE, blocks(), "filling")
    assert open_table(path, (1000, 15)) is None


@pytest.mark.parametrize("stop", [KeyboardInterrupt, ValueError])
def test_an_interrupt_leaves_nothing(path, stop):
    def interrupted():
        yield ROWS[:300]
        raise stop

    with pytest.raises(stop):
        fill_table(path, SHAPE, interrupted(), "filling")
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("wrong", [ROWS[:-1], ROWS[:, :-1], ROWS.astype(np.int64)])
def test_wrong_blocks_leave_nothing(path, wrong):
    with pytest.raises(ValueError, match="rows"):
        fill_table(path, SHAPE, [wrong], "filling")
    assert list(path.parent.iterdir()) == []


SLOW = """
import sys, time
from pathlib import Path
import numpy as np
from vaelib.datasets.packed import fill_table
def blocks():
    yield np.zeros((500, 16), np.uint8)
    print("half", flush=True)
    time.sleep(60)
fill_table(Path(sys.argv[1]), (1000, 16), blocks(), "filling")
"""


def test_a_killed_process_leaves_no_table(path):
    child = subprocess.Popen(
        [sys.executable, "-c", SLOW, path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    with child:
        assert child.stdout.readline() == b"half\n"
        child.send_signal(signal.SIGKILL)
    assert open_table(path, SHAPE) is None and not path.exists()
    (part,) = path.parent.glob(f".*{path.name}")
    os.utime(part, (time.time() - 7200,) * 2)
    fill_table(path, SHAPE, blocks(), "filling")  # clears away what is two hours old
    assert not part.exists() and np.array_equal(open_table(path, SHAPE), ROWS)
