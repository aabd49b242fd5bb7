"""The parameters cell: what it declares, what is refused, and which value wins."""

import json
import math

import pytest

from vaelib.report.parameters import describe, read, read_source, resolve
from vaelib.report.values import Limits, parse

CELL = """
# any comment
beta: float = 4.0  # weight of the KL, nats per nat [0, 1000]
sigma: float = float("inf")  # strength of the correlation (smoke 0.4) [0.01, inf]
steps: int = 1_500  # training steps [1, 1000000] (smoke 40, full 30000)
data: str = "dsprites"  # which world {dsprites, shapes3d}
live: bool = False  # draw while training
betas: list[float] = [1.0, 4.0]  # the sweep (smoke 1, full 1;4;8) [0, 1000]
other = 3
"""


@pytest.fixture
def cell():
    return {parameter.name: parameter for parameter in read_source(CELL)}


def test_a_line_is_read_whole(cell):
    steps = cell["steps"]
    assert (steps.type, steps.default, steps.help) == ("int", 1500, "training steps")
    assert (steps.limits.low, steps.limits.high) == (1, 1_000_000)
    assert steps.presets == {"smoke": 40, "full": 30_000}
    assert cell["data"].limits.choices == ("dsprites", "shapes3d")
    assert cell["sigma"].default == math.inf
    assert cell["betas"].presets == {"smoke": [1.0], "full": [1.0, 4.0, 8.0]}
    assert list(cell) == ["beta", "sigma", "steps", "data", "live", "betas"]  # typed lines only


def test_presets_and_limits_stand_in_either_order():
    one, other = (
        read_source(f"n: int = 5  # how many {tail}")[0]
        for tail in ("(smoke 1) [1, 9]", "[1, 9] (smoke 1)")
    )
    assert one == other


def test_brackets_that_are_words_stay_in_the_help():
    (parameter,) = read_source("kl: float = 1.0  # the rate (in nats) per image [nats]")
    assert parameter.help == "the rate (in nats) per image [nats]"
    assert str(parameter.limits) == ""


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("int", "1e3", 1000),
        ("int", "8", 8),
        ("int", 1000.0, 1000),
        ("float", "8", 8.0),
        ("float", "inf", math.inf),
        ("float", 8, 8.0),
        ("bool", "false", False),
        ("bool", "False", False),
        ("bool", "yes", True),
        ("bool", True, True),
        ("str", "07", "07"),
        ("list[int]", "1,2, 3", [1, 2, 3]),
        ("list[float]", [1, "2.5"], [1.0, 2.5]),
    ],
)
def test_a_value_gets_its_declared_type(kind, text, value):
    result = parse(kind, text)
    assert result == value and type(result) is type(value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("int", "1.5"), ("int", "inf"), ("int", True), ("int", "many"), ("int", ""), ("int", None),
        ("float", "nan"), ("float", True), ("float", "4,5"), ("bool", "2"), ("bool", 1),
        ("str", 7), ("list[int]", 3), ("list[int]", "1,x"), ("complex", "1"),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_refused(kind, text):
    with pytest.raises(ValueError, match="must be"):
        parse(kind, text)


def test_limits_include_their_ends_and_hold_for_each_item():
    limits = Limits.read("float", "[0, 10]")
    assert [limits.check(v) for v in (0, 10)] == [0, 10]
    for wrong in (-1e-9, 10.5, math.inf, [1, 11]):
        with pytest.raises(ValueError, match=r"must be in \[0, 10\]"):
            limits.check(wrong)


def test_explicit_beats_preset_beats_default(cell):
    offered = {"02": list(cell.values())}
    assert resolve(offered, "quick", {})["02"]["steps"] == 1500
    assert resolve(offered, "smoke", {})["02"]["steps"] == 40
    assert resolve(offered, "smoke", {"steps": "77"})["02"]["steps"] == 77
    assert resolve(offered, "full", {})["02"]["beta"] == 4.0  # no preset of its own


def test_a_preset_may_go_beyond_what_a_reader_may_give():
    offered = {"03": read_source("steps: int = 900  # of training [100, 9000] (smoke 20)")}
    assert resolve(offered, "smoke", {}) == {"03": {"steps": 20}}
    with pytest.raises(ValueError, match="steps: must be in"):
        resolve(offered, "smoke", {"steps": 20})


def test_a_parameter_goes_to_every_notebook_that_has_it():
    offered = {
        "a": read_source("beta: float = 1.0\nseed: int = 0"),
        "b": read_source("beta: float = 2.0"),
    }
    assert resolve(offered, "quick", {"beta": 8}) == {
        "a": {"beta": 8.0, "seed": 0},
        "b": {"beta": 8.0},
    }
    assert resolve(offered, "quick", {"seed": 3}) == {
        "a": {"beta": 1.0, "seed": 3},
        "b": {"beta": 2.0},
    }


def test_all_problems_are_told_at_once_with_what_there_is(cell):
    given = {"betta": 8, "beta": "-1", "steps": "many", "data": "mnist"}
    with pytest.raises(ValueError) as caught:
        resolve({"02_beta_vae": list(cell.values())}, "quick", given)
    text = str(caught.value)
    assert "no notebook has a parameter 'betta'" in text
    assert "beta: must be in [0, 1000], got -1.0" in text
    assert "steps: must be a whole number, got 'many'" in text
    assert "data: must be one of {dsprites, shapes3d}, got 'mnist'" in text
    assert describe({"02_beta_vae": list(cell.values())}) in text


def test_the_list_says_type_range_default_and_help(cell):
    line = next(row for row in describe({"02": list(cell.values())}).splitlines() if "steps" in row)
    for part in ("int", "[1, 1000000]", "default 1500", "training steps", "smoke 40, full 30000"):
        assert part in line


def test_an_unknown_preset_is_refused():
    with pytest.raises(ValueError, match="smoke, quick, full"):
        resolve({}, "slow", {})


@pytest.mark.parametrize(
    "line",
    [
        "beta: float = 'four'",
        "beta: float = 4.0  # weight [0, 1]",  # the default is out of its range
        "beta: float = 4.0  # weight (smoke much) [0, 5]",
        "beta: complex = 4.0",
        "steps: int = 10 * 3",
        "steps: int = 1  # (smoke 1; full 2)",
    ],
)
def test_a_wrong_declaration_names_its_notebook(line, tmp_path):
    cell = {"cell_type": "code", "source": line, "outputs": [], "execution_count": None}
    cell |= {"metadata": {"tags": ["parameters"]}, "id": "a"}
    book = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path = tmp_path / "07_wrong.ipynb"
    path.write_text(json.dumps(book))
    with pytest.raises(ValueError, match="the parameters cell of 07_wrong.ipynb"):
        read(path)
