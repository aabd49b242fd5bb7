import json
import math
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field

import pytest

import vaelib.datasets
import vaelib.objectives
from vaelib import own
from vaelib.datasets import Correlated, DSprites, FactorData
from vaelib.objectives import BetaVAE, Objective
from vaelib.objectives.pair_weights import IfSignificant, Relaxed
from vaelib.objectives.terms import WeightedKL
from vaelib.spec import brief, build, discover, find_type, from_spec, to_spec
from vaelib.train import TrainConfig


@dataclass(frozen=True)
class Inner:
    value: float = math.inf
    names: tuple[str, ...] = ("a", "b")


@dataclass(frozen=True)
class Outer:
    inner: Inner = field(default_factory=Inner)
    many: tuple[Inner, ...] = ()
    table: dict[str, float] = field(default_factory=dict)


def test_a_spec_is_an_import_path_and_keywords():
    expected = {"type": "vaelib.objectives.beta_vae:BetaVAE", "beta": 8.0}
    assert to_spec(BetaVAE(beta=8.0)) == expected
    assert isinstance(from_spec(expected), BetaVAE) and from_spec(expected).beta == 8.0


def test_nested_dataclasses_lists_dicts_and_infinity_survive_strict_json(monkeypatch):
    monkeypatch.setenv("VAELIB_MODULES", "test_spec")  # else only parts of vaelib are built
    value = Outer(Inner(-math.inf), (Inner(1.5), Inner()), {"x": 2.0, "y": math.inf})
    text = json.dumps(to_spec(value), allow_nan=False)
    again = from_spec(json.loads(text))
    assert again.inner.value == -math.inf and again.many[0].value == 1.5
    assert again.table == {"x": 2.0, "y": math.inf}
    assert to_spec(again) == to_spec(value)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"type": "vaelib.objectives.beta_vae:GammaVAE"}, "GammaVAE' must name a dataclass"),
        ({"type": "vaelib.no_such_module:Thing"}, "no class"),
        ({"type": "vaelib..spec:Thing"}, "no class"),
        ({"type": "no_such_module:Thing"}, "not in vaelib.*name it in VAELIB_MODULES"),
        ({"type": ""}, "not in vaelib"),
        ({"type": ["vaelib"]}, "written module:Class"),
        ({"type": "os:system"}, "must name a dataclass"),
        ({"type": "subprocess:Popen", "args": ["ls"]}, "must name a dataclass"),
        ({"type": "vaelib.spec:math.factorial"}, "must name a dataclass"),  # no traversal
        ({"type": "vaelib.spec.sys:exit"}, "no class"),
        ({"type": "vaelib.runs:Codes"}, "where it is defined"),
        ({"type": "test_spec:Inner"}, "builds on a class of vaelib"),  # imported, but not a part
        ({"type": "vaelib.objectives.beta_vae:BetaVAE", "beta": "4"}, "must be float, got '4'"),
        ({"type": "vaelib.objectives.beta_vae:BetaVAE", "beta": True}, "must be float, got True"),
        ({"type": "vaelib.datasets.pooled:Pooled"}, "Pooled cannot be made of"),
        (
            {"type": "vaelib.datasets.pooled:Pooled", "data": {"type": "vaelib.networks:Fast"}},
            "data of Pooled must be FactorData",
        ),
        ({"type": "vaelib.objectives.beta_vae:BetaVAE", "betta": 1.0}, r"fields \['beta'\].*betta"),
    ],
)
def test_bad_specs_are_refused_and_run_nothing(spec, says):
    with pytest.raises(ValueError, match=says):
        from_spec(spec)


def test_things_that_are_no_configuration_are_refused():
    with pytest.raises(ValueError, match="dataclasses and plain values"):
        to_spec({"f": print})


def test_build_names_the_fields_that_there_are():
    with pytest.raises(ValueError, match=r"Inner has the fields \['value', 'names'\], got \['x'\]"):
        build(Inner, {"x": 1})


def test_discover_finds_concrete_classes_only():
    assert discover(vaelib.objectives, Objective)["BetaVAE"] is BetaVAE
    assert "Objective" not in discover(vaelib.objectives, Objective)
    assert discover(vaelib.datasets, FactorData)["DSprites"] is DSprites
    assert "FactorData" not in discover(vaelib.datasets, FactorData)
    assert find_type("vaelib.datasets.dsprites:DSprites") is DSprites
    assert not own.is_final(dict[str, float], dict)  # which Python 3.10 calls a type


def test_brief_shows_at_any_depth_what_is_not_the_default():
    assert brief(Relaxed()) == "Relaxed()"
    nested = IfSignificant(Relaxed(beta_max=8.0))
    assert brief(nested) == "IfSignificant(weights=Relaxed(beta_max=8.0))"
    correlated = Correlated(DSprites(), {("pos_x", "pos_y"): 0.2})  # fields without a default: all
    assert brief(correlated) == "Correlated(data=DSprites(), pairs={('pos_x', 'pos_y'): 0.2})"
    assert brief((WeightedKL(2.0),)) == "(WeightedKL(beta=2.0),)"


class Undecorated(BetaVAE):
    def __init__(self, beta=1.0, extra=3.0):
        super().__init__(beta)
        self.extra = extra


def test_a_part_whose_own_fields_would_be_left_out_is_refused():
    with pytest.raises(ValueError, match="Undecorated must be a dataclass: write @dataclass"):
        to_spec(Undecorated(extra=9.0))


def test_whole_numbers_where_floats_belong_name_the_same_run():
    assert to_spec(BetaVAE(4)) == to_spec(BetaVAE(4.0))
    one, two = (TrainConfig(objective=BetaVAE(b), learning_rate=b) for b in (1, 1.0))
    assert one.key == two.key


SCRIPT = """
from dataclasses import dataclass
from vaelib.datasets import Blobs
from vaelib.networks import MLP
from vaelib.objectives import BetaVAE
from vaelib.train import TrainConfig, train

@dataclass(eq=False)
class Mine(BetaVAE):
    extra: float = 3.0

if __name__ == "__main__":
    run = train(TrainConfig(Blobs(32), Mine(extra=9), MLP(4), steps=1), "run", progress=False)
    print(run.config.objective)
"""


def test_a_class_of_a_script_is_found_when_the_script_is_imported_later(tmp_path):
    (tmp_path / "mine.py").write_text(SCRIPT, "utf-8")
    ran = subprocess.run(
        [sys.executable, "mine.py"], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert ran.stdout == "Mine(beta=4.0, extra=9.0)\n"
    again = subprocess.run(
        [sys.executable, "mine.py"], cwd=tmp_path, capture_output=True, text=True
    )
    assert again.returncode == 0 and not again.stderr
    os.utime(tmp_path / "mine.py", (time.time() + 10,) * 2)
    edited = subprocess.run(
        [sys.executable, "mine.py"], cwd=tmp_path, capture_output=True, text=True
    )
    assert "mine.py was changed after run was trained with it: remove that folder" in edited.stderr
    command = [sys.executable, "-m", "vaelib", "evaluate", "run", "--metrics", "mig"]
    later = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "VAELIB_MODULES": "mine.py"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert later.returncode == 0 and "Mine" in later.stdout, later.stderr
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 2
