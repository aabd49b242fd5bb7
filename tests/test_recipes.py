"""The named correlations of HFS and of Träuble et al."""

import pytest

from vaelib.datasets import MPI3D, Correlated, DSprites, Shapes3D
from vaelib.datasets.recipes import (
    HFS,
    HFS_SIGMAS,
    TRAEUBLE,
    TRAEUBLE_SIGMAS,
    confounder,
    hfs,
    traeuble,
)

DATA = DSprites()
NAMES = {
    "dsprites": DATA.factor_names,
    "shapes3d": Shapes3D.factor_names,
    "mpi3d": MPI3D.factor_names,
}
SIZES = {"single": 1, "double": 2, "triple": 3}


@pytest.mark.parametrize("name", HFS["dsprites"])
def test_hfs_sets_of_dsprites_can_be_drawn(name):
    for sigma in (None, *HFS_SIGMAS[name.split("_")[0]]):
        data = Correlated(DATA, hfs("dsprites", name, sigma))
        assert data.distribution == "correlated"
        for pair in data.pairs:
            assert data.joint(*pair).sum() == pytest.approx(1)


@pytest.mark.parametrize("data", HFS)
def test_hfs_sets_are_what_their_names_say(data):
    for name, pairs in HFS[data].items():
        kind, _, factor = name.partition("_")
        assert {f for pair in pairs for f in pair} <= set(NAMES[data])
        if kind == "confounder":
            assert all(pair[0] == factor for pair in pairs) and len(pairs) == len(NAMES[data]) - 1
        else:
            assert len(pairs) == SIZES[kind] and len({f for p in pairs for f in p}) == 2 * len(
                pairs
            )


def test_default_sigmas():
    assert hfs("dsprites", "single_2") == {("pos_x", "pos_y"): 0.1}
    assert set(hfs("dsprites", "confounder_pos_x").values()) == {0.2}
    assert hfs("dsprites", "double_1", 0.04) == {("shape", "pos_x"): 0.04, ("scale", "pos_y"): 0.04}


def test_traeuble_pairs():
    assert traeuble("B", 0.4) == {("orientation", "pos_x"): 0.4}
    for sigma in TRAEUBLE_SIGMAS:
        Correlated(DATA, traeuble("B", sigma))
    assert all(set(pair) <= set(NAMES[data]) for data, pair in TRAEUBLE.values())


def test_confounder_of_any_data_set():
    assert confounder("shape", DATA.factor_names) == hfs("dsprites", "confounder_shape")


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match=r"one of \['dsprites', 'mpi3d', 'shapes3d'\]"):
        hfs("celeba", "single_1")
    with pytest.raises(ValueError, match="single_1.*got 'triple_1'"):
        hfs("dsprites", "triple_1")
    with pytest.raises(ValueError, match="one of .*'E'"):
        traeuble("F")
    with pytest.raises(ValueError, match="one of .*'pos_y'.*'colour'"):
        confounder("colour", DATA.factor_names)
