"""What every objective must do, whatever it is about: new files are found and tested too."""

import json
import math
from dataclasses import dataclass, fields

import numpy as np
import pytest
import torch

from vaelib.checkpoint import load_tensors, save_tensors
from vaelib.datasets import DSprites
from vaelib.datasets.pairs import Pairs
from vaelib.networks import MLP
from vaelib.objectives import FOUND, BetaVAE, Objective
from vaelib.objectives.free_bits import PerLatent
from vaelib.objectives.l_vae import R1
from vaelib.objectives.pair_weights import IfSignificant, OnePartner, Relaxed, WeakThenTighten
from vaelib.objectives.partner_prior import PartnerKL
from vaelib.objectives.terms import CorrelatedKL, PairPenalty, Support, WeightedKL
from vaelib.spec import build, from_spec, to_spec
from vaelib.train import TrainConfig, train
from vaelib.vae import VAE

D, B = 4, 8
QUICK = WeakThenTighten(OnePartner(IfSignificant(Relaxed())), measure_steps=5, tighten_steps=20)
OPTIONS = {  # the defaults, made small; and the other forms that a class has
    "FactorVAE": [{"critic_width": 16}],
    "FactorizedSupport": [{}, {"bank": 20, "pairs": 3}],
    "LVAE": [{}, {"reading": R1()}],
    "PairwiseBeta": [
        {},
        {"weights": QUICK, "terms": (CorrelatedKL(), PairPenalty(), Support(bank=20))},
        {"weights": QUICK, "terms": (WeightedKL(), Support(bank=0))},
        {"weights": QUICK, "terms": (CorrelatedKL(sparsity=1.0),)},
    ],
}
CASES = [(cls, o) for name, cls in FOUND.items() for o in OPTIONS.get(name, [{}])]
every_objective = pytest.mark.parametrize(
    "cls, options", CASES, ids=[f"{c.__name__}-{i}" for i, (c, _) in enumerate(CASES)]
)


def made(cls, options):
    return from_spec(to_spec(build(cls, options)))  # a fresh copy: terms hold state


def data_for(objective):
    try:
        objective.check_data(DSprites())
        return DSprites()
    except ValueError:
        return Pairs(DSprites(), k=1)


def prepared(cls, options, seed=0):
    torch.manual_seed(seed)
    objective, rng = made(cls, options), torch.Generator().manual_seed(seed)
    vae = VAE(MLP(hidden=16), (1, 64, 64), D)
    objective.prepare(vae, 1000, rng)
    batch = data_for(objective).sample(B, np.random.default_rng(seed)).to("cpu")
    return objective, vae, batch, rng


def steps(objective, vae, batch, rng, n):
    """n training steps on one batch; the last loss and terms."""
    adam = torch.optim.Adam(vae.parameters(), 3e-3)
    for step in range(n):
        out = objective.encode_decode(vae, batch.images, rng)
        loss, terms = objective(batch, out, step)
        adam.zero_grad()
        loss.backward()
        adam.step()
        objective.learn(batch, out, step)
    return loss, terms


def test_the_objectives_of_the_papers_are_found():
    assert set(FOUND) >= {
        "BetaVAE", "CapacityVAE", "LVAE", "PerLatentBeta", "BetaTCVAE", "FactorVAE", "DIPVAEI",
        "DIPVAEII", "ControlVAE", "DynamicVAE", "SigmaVAE", "FactorizedSupport", "AdaGVAE",
        "AdaMLVAE", "PairwiseBeta",
    }  # fmt: skip
    assert all(issubclass(cls, Objective) and cls.__doc__ for cls in FOUND.values())


WEIGHTS = [
    (cls, part.name)
    for cls in [*FOUND.values(), WeightedKL, Support, CorrelatedKL, PartnerKL]
    for part in fields(cls)
    if part.name in ("beta", "gamma", "off_diagonal", "diagonal", "sparsity")
]


@pytest.mark.parametrize(("cls", "weight"), WEIGHTS)
@pytest.mark.parametrize("value", [-1.0, math.nan])
def test_a_negative_weight_is_refused(cls, weight, value):
    with pytest.raises(ValueError, match=rf"{weight}.* must be at least 0.*, got .*{value}"):
        cls(**{weight: value})


@pytest.mark.parametrize(
    ("cls", "weight"), [found for found in WEIGHTS if found[0] is not FOUND["FactorizedSupport"]]
)
def test_an_infinite_weight_is_refused(cls, weight):
    with pytest.raises(ValueError, match=f"{weight} must be at least 0 and finite, got inf"):
        cls(**{weight: math.inf})


NUMBERS = [
    (cls, field.name)
    for cls in [*FOUND.values(), Relaxed, IfSignificant, WeakThenTighten, PartnerKL, PerLatent]
    + [WeightedKL, Support, CorrelatedKL, PairPenalty]
    for field in fields(cls)
    if field.type in ("float", "int")
]


@pytest.mark.parametrize(("cls", "name"), NUMBERS)
@pytest.mark.parametrize("value", ["4", None, [1, 2], torch.tensor(4.0), torch.ones(2)], ids=repr)
def test_what_is_no_number_is_refused_by_name(cls, name, value):
    with pytest.raises(ValueError, match=f"{name} must be a .*number.*, got "):
        cls(**{name: value})


def test_a_number_of_numpy_becomes_pythons_and_python_s_stays_as_it_was_written():
    assert repr(FOUND["BetaVAE"](np.float32(0.5))) == "BetaVAE(beta=0.5)"
    assert repr(FOUND["BetaVAE"](4)) == "BetaVAE(beta=4)"  # as in the keys of runs


@every_objective
def test_the_loss_is_finite_and_the_sum_of_its_terms(cls, options):
    loss, terms = steps(*prepared(cls, options), n=4)
    assert loss.isfinite() and loss.ndim == 0
    assert all(term.ndim == 0 for term in terms.values())
    torch.testing.assert_close(torch.stack(list(terms.values())).sum(), loss)


@every_objective
def test_gradients_reach_every_weight_of_encoder_and_decoder(cls, options):
    objective, vae, batch, rng = prepared(cls, options)
    steps(objective, vae, batch, rng, n=2)
    vae.zero_grad()
    objective(batch, objective.encode_decode(vae, batch.images, rng), 2)[0].backward()
    for name, weight in vae.named_parameters():
        assert weight.grad is not None and weight.grad.isfinite().all(), name
        assert weight.grad.abs().sum() > 0, name


@every_objective
def test_the_loss_falls_on_a_batch_that_is_repeated(cls, options):
    state = prepared(cls, options)
    first, _ = steps(*state, n=1)
    last, _ = steps(*state, n=25)
    assert last < 0.7 * first


@every_objective
def test_the_configuration_survives_a_round_trip(cls, options):
    objective = made(cls, options)
    spec = json.loads(json.dumps(to_spec(objective)))
    assert repr(from_spec(spec)) == repr(objective)
    assert to_spec(from_spec(spec)) == to_spec(objective)


@every_objective
def test_training_changes_neither_repr_nor_configuration(cls, options):
    objective, *rest = prepared(cls, options)
    label, spec = repr(objective), to_spec(objective)
    steps(objective, *rest, n=3)
    assert repr(objective) == label and to_spec(objective) == spec and "\n" not in label


@every_objective
def test_the_log_has_the_same_numbers_from_the_first_row_on(cls, options):
    objective, *rest = prepared(cls, options)
    _, first_terms = steps(objective, *rest, n=1)
    first = objective.extra_log()
    _, terms = steps(objective, *rest, n=5)
    last = objective.extra_log()
    assert list(first) == list(last) and list(first_terms) == list(terms)
    assert not set(last) & set(terms) and not set(last) & {"step", "seconds", "loss", "kl"}
    assert all(isinstance(v, float) and np.isfinite(v) for v in (first | last).values())


@every_objective
def test_the_state_is_saved_and_restored(cls, options, tmp_path):
    """Saved, loaded into a fresh objective, both go on alike: the state is all there is."""
    objective, vae, batch, rng = prepared(cls, options)
    steps(objective, vae, batch, rng, n=12)
    save_tensors(tmp_path / "objective.safetensors", objective.state_dict())
    fresh, *_ = prepared(cls, options, seed=1)
    fresh.load_state_dict(load_tensors(tmp_path / "objective.safetensors")[0])

    state = rng.get_state()
    out = objective.encode_decode(vae, batch.images, rng)
    loss, terms = objective(batch, out, 12)
    rng.set_state(state)
    objective.encode_decode(vae, batch.images, rng)
    fresh_rng = getattr(fresh, "rng", None)
    if fresh_rng is not None:
        fresh_rng.set_state(rng.get_state())
    fresh_loss, fresh_terms = fresh(batch, out, 12)
    assert torch.equal(loss, fresh_loss)
    assert all(torch.equal(terms[name], fresh_terms[name]) for name in terms)


class Stop(Exception):
    pass


def stop_at(step):
    def on_log(row):
        if row["step"] == step:
            raise Stop

    return on_log


@every_objective
def test_a_stopped_run_resumes_bit_for_bit(cls, options, tmp_path):
    objective = made(cls, options)
    config = TrainConfig(
        data=data_for(objective), objective=objective, network=MLP(hidden=8), latent_dim=D,
        steps=40, batch_size=B, log_every=10, checkpoint_every=20, device="cpu",
    )  # fmt: skip
    whole = train(config, tmp_path / "whole", progress=False)
    with pytest.raises(Stop):
        train(config, tmp_path / "cut", stop_at(30), progress=False)
    cut = train(config, tmp_path / "cut", progress=False)
    for file in ("model", "objective"):
        paths = [run.folder / f"{file}.safetensors" for run in (whole, cut)]
        assert paths[0].exists() == paths[1].exists()
        if paths[0].exists():
            a, b = (load_tensors(path)[0] for path in paths)
            assert a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
    assert whole.log.drop(columns="seconds").equals(cut.log.drop(columns="seconds"))


@dataclass(eq=False)
class Picky(FOUND["BetaVAE"]):
    def check_data(self, data):
        raise ValueError("not this data")


def test_an_objective_can_refuse_data_before_anything_is_trained():
    with pytest.raises(ValueError, match="not this data"):
        TrainConfig(objective=Picky())


def own(**methods):
    global Own  # where its configuration finds it
    Own = dataclass(eq=False)(type("Own", (FOUND["BetaVAE"],), {"__module__": __name__, **methods}))
    return Own()


@pytest.mark.parametrize(
    ("methods", "says"),
    [
        ({"penalty": lambda *_: torch.tensor(0.0)}, r"penalty must return {name: tensor of shape"),
        ({"penalty": lambda *_: {"kl2": torch.zeros(B)}}, r"term kl2 .* of shape \(\), got \(8,\)"),
        ({"penalty": lambda *_: {"kl2": 0.5}}, r"term kl2 must be a tensor of shape \(\), got 0.5"),
        ({"penalty": lambda *_: {"reconstruction": torch.tensor(0.0)}}, "name reconstruction, got"),
        ({"penalty": lambda *_: {"kl": torch.tensor(0.0)}}, "other names than kl: .*loss"),
        ({"extra_log": lambda _: {"loss": 1.0, "x": 2.0}}, "other names than loss: .*kl_0"),
        ({"extra_log": lambda self: {f"n{self.noted.get('n')}": 0.0}, "learn": lambda self, *_: (
            self.noted.update(n=_[-1]))}, r"the same names at each step, .* in \['n1'\]"),
    ],
)  # fmt: skip
def test_a_return_of_an_own_objective_that_breaks_the_log_or_the_loss_is_told(
    methods, says, tmp_path
):
    how = {"latent_dim": D, "steps": 2, "batch_size": B, "log_every": 1}
    config = TrainConfig(objective=own(**methods), network=MLP(8), **how)
    with pytest.raises(ValueError, match=says):
        train(config, tmp_path, progress=False)


def test_an_own_post_init_need_not_call_that_of_objective():
    def post_init(self):
        self.critic = torch.nn.Linear(2, 1)
        self.register_buffer("mean", torch.zeros(2))

    assert set(own(__post_init__=post_init).state_dict()) == {
        "critic.weight", "critic.bias", "mean",
    }  # fmt: skip


def test_numbers_of_numpy_become_pythons_and_a_bool_is_none():
    assert repr(BetaVAE(np.float64(4))) == repr(BetaVAE(4.0)) == "BetaVAE(beta=4.0)"
    assert type(BetaVAE(np.int64(4)).beta) is int
    with pytest.raises(ValueError, match="beta must be a number, got True"):
        BetaVAE(True)


def test_a_number_that_a_step_does_not_log_is_nan_there(tmp_path):
    def learn(self, batch, out, step):
        self.noted = {"x": 1.0} if step == 0 else {}

    config = TrainConfig(
        objective=own(learn=learn), network=MLP(8), latent_dim=D, steps=2, batch_size=B, log_every=1
    )
    log = train(config, tmp_path, progress=False).log
    assert log["x"].iloc[0] == 1 and np.isnan(log["x"].iloc[1])
