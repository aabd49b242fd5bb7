"""The study of adapters: its design, and one run of each kind from the plan to its row."""

import json

from vaelib.pretrained import Adapters, Everything, Pretrained, trained_fraction
from vaelib.spec import from_spec, to_spec
from vaelib.studies.adaptive import Adaptive
from vaelib.studies.base import only
from vaelib.studies.run import carry_out, jobs_for
from vaelib.studies.table import row_of
from vaelib.vae import VAE

TINY = Adaptive(seeds=(0,), pretraining=2, steps=4, change_steps=(2,))


def test_the_plan_compares_like_with_like():
    plan = Adaptive().plan()
    first = [run for run in plan if run.phase == "first"]
    assert len({run.config.steps for run in first}) == 1  # as many images
    assert len({json.dumps(to_spec(run.config.objective)) for run in first}) == 1  # the same KL
    assert len({run.config.key for run in plan}) == len(plan)
    assert {run.config.seed for run in plan} == {100, 101, 102}
    again = [from_spec(json.loads(json.dumps(to_spec(run.config)))).key for run in plan]
    assert again == [run.config.key for run in plan]


def test_only_the_pretraining_images_differ_where_the_leak_is_measured():
    first = {run.method: run.config for run in TINY.first(0)}
    free, tied = first["adapters"], first["adapters, tied"]
    assert free.data == tied.data and free.network.network == tied.network.network
    assert free.network.source.data.uncorrelated() is free.network.source.data
    assert tied.network.source.data == tied.data


def test_after_the_change_each_goes_on_from_its_own_run():
    first = {run.method: run.config for run in TINY.first(0)}
    parts = {"adapters": Adapters(), "fine-tuned": Everything(), "conv": Everything()}
    for run in TINY.change(0):
        network = run.config.network
        assert network.source.key == first[run.method].key
        assert network.trained == parts[run.method]
        assert run.config.data.pairs == {TINY.new_pair: TINY.sigma}


def test_adapters_are_less_than_15_percent():
    network = next(r.config.network for r in TINY.plan() if r.method == "adapters")
    vae = VAE(network, (1, 32, 32), 10)
    network.trained.freeze(vae)
    assert isinstance(network, Pretrained) and trained_fraction(vae) < 0.15


class Here:
    """The work in this process."""

    def start(self):
        from concurrent.futures import ThreadPoolExecutor

        return ThreadPoolExecutor(1)


def test_runs_share_their_sources_and_tell_what_was_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr(Adaptive, "metrics", ("plane_angle",))
    monkeypatch.setattr(Adaptive, "score", "uncorrelated.plane_angle.pair")
    monkeypatch.setattr(Adaptive, "samples", 200)
    monkeypatch.setattr("vaelib.studies.work.ELBO_IMAGES", 500)
    plan = only(TINY.plan(), ["adapters*"])
    outcomes = carry_out(jobs_for(TINY, plan, tmp_path), Here(), progress=False)
    assert [outcome.error for outcome in outcomes] == [""] * 3
    made = sorted(path.parent.name for path in tmp_path.glob("*/first/*/model.safetensors"))
    assert len(made) == 2 and all("Masked" in name for name in made)  # no run was done twice
    rows = [row_of(p, o.result) for p, o in zip(plan, outcomes, strict=True)]
    same = [row["earlier.kl"] == row["correlated.kl"] for row in rows]
    assert [row["phase"] for row in rows] == ["first", "first", "change-2"]
    assert same == [False, True, False]  # the second was pre-trained on what it is trained on
