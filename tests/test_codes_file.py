import numpy as np
import pytest
from hand_made import noisy

from vaelib.codes_file import read_codes, write_codes

MEANS, FACTORS = np.zeros((5, 2), np.float32), np.zeros((5, 3), np.uint8)


def saved(path, **arrays):
    np.savez(path, **arrays)
    return path


def test_codes_come_back(tmp_path):
    codes = noisy(50)
    write_codes(tmp_path / "codes.npz", codes)
    found = read_codes(tmp_path / "codes.npz")
    assert np.array_equal(found.means, codes.means)
    assert np.array_equal(found.factors, codes.factors)
    assert found.names == codes.names == ("a", "b", "c")
    assert [path.name for path in tmp_path.iterdir()] == ["codes.npz"]


def test_names_may_be_missing_and_types_may_vary(tmp_path):
    half = MEANS.astype(np.float16)
    found = read_codes(saved(tmp_path / "a.npz", means=half, factors=FACTORS.astype(float)))
    assert found.names == ("factor_0", "factor_1", "factor_2")
    assert found.means.dtype == np.float64 and found.factors.dtype == np.int64


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"means": MEANS}, r"lacks \['factors'\].*holds \['means'\]"),
        ({"codes": MEANS, "factors": FACTORS}, r"lacks \['means'\]"),
        ({"means": MEANS[:4], "factors": FACTORS}, "same N"),
        ({"means": MEANS * np.nan, "factors": FACTORS}, "finite"),
        ({"means": MEANS, "factors": FACTORS + 0.5}, "integers"),
        ({"means": MEANS, "factors": FACTORS, "names": np.array(["a"])}, "3 factors"),
        ({"means": MEANS, "factors": FACTORS, "names": np.arange(3)}, "K strings, got int"),
        ({"means": MEANS, "factors": FACTORS.astype("U1")}, "integers"),
        ({"means": MEANS + 1j, "factors": FACTORS}, "finite numbers"),
        ({"means": MEANS, "factors": FACTORS + 1e300}, "within"),
        ({"means": MEANS, "factors": FACTORS + np.uint64(2**63)}, "within"),
        ({"means": MEANS, "factors": FACTORS, "names": np.array(["a", "b", "a"])}, "differ"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name_and_the_reason(tmp_path, arrays, says):
    path = saved(tmp_path / "codes.npz", **arrays)
    with pytest.raises(ValueError, match=says) as caught:
        read_codes(path)
    assert str(path) in str(caught.value)


def test_pickled_arrays_are_never_opened(tmp_path):
    class Trap:
        def __reduce__(self):
            return (exec, ("raise SystemExit('executed')",))

    trap = np.empty(1, object)
    trap[0] = Trap()
    path = saved(tmp_path / "trap.npz", means=trap, factors=FACTORS)
    with pytest.raises(ValueError, match="pickled objects"):
        read_codes(path)


def test_damaged_and_foreign_files_are_refused(tmp_path):
    write_codes(tmp_path / "whole.npz", noisy(500))
    whole = (tmp_path / "whole.npz").read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    np.save(tmp_path / "array.npy", MEANS)
    wrong = {
        "truncated": whole[: len(whole) // 2],
        "flipped": bytes(flipped),
        "empty": b"",
        "text": b"means,factors\n1,2\n",
        "array": (tmp_path / "array.npy").read_bytes(),
    }
    for name, content in wrong.items():
        path = tmp_path / f"{name}.npz"
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"{name}.npz is (not an .npz file|damaged)"):
            read_codes(path)
    with pytest.raises(ValueError, match="no file"):
        read_codes(tmp_path / "missing.npz")
