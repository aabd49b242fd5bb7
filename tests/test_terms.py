"""What objectives have in common: their KL in nats, what wrappers hand on, what gradients see."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
import torch
from outputs import output, random_output
from torch.distributions import Normal, kl_divergence

from vaelib.datasets import Blobs, Pairs
from vaelib.networks import MLP
from vaelib.objectives import (
    DIPVAEI,
    DIPVAEII,
    LVAE,
    AdaGVAE,
    AdaMLVAE,
    Annealed,
    BetaTCVAE,
    ControlVAE,
    DynamicVAE,
    FactorVAE,
    FreeBits,
    Objective,
    PairTurns,
    PixelWeighted,
    SigmaVAE,
)
from vaelib.objectives.ada_gvae import shared_latents
from vaelib.objectives.partner_prior import PartnerKL
from vaelib.types import Batch
from vaelib.vae import VAE

BATCH = Batch(torch.zeros(6, 1, 2, 2, dtype=torch.float64), torch.zeros(6, 1), 1)


def nats(out):
    """KL to N(0, 1) by torch.distributions: summed over latents, mean over images."""
    q = Normal(out.posterior.mean, out.posterior.std)
    return kl_divergence(q, Normal(0.0, 1.0)).sum(1).mean()


def ready(objective, dim=3):
    vae = VAE(MLP(4), (1, 32, 32), dim)
    objective.prepare(vae, 1000, torch.Generator().manual_seed(0))
    return objective


@pytest.mark.parametrize(
    ("objective", "beta"),
    [(AdaGVAE(4.0), 4), (AdaMLVAE(4.0), 4), (DIPVAEI(), 1), (DIPVAEII(), 1), (FactorVAE(), 1),
     (SigmaVAE(), 1)],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_the_kl_is_the_sum_over_latents_and_the_mean_over_images(objective, beta):
    out = random_output()
    terms = ready(objective).double().penalty(BATCH, out, 0)
    kl = next(term for name, term in terms.items() if name.endswith("kl"))
    torch.testing.assert_close(kl, beta * nats(out))


@dataclass(eq=False)
class Spy(Objective):
    """Remembers what it was called with."""

    seen: dict = field(default_factory=dict)

    def check_data(self, data):
        self.seen["data"] = data

    def prepare(self, vae, data_size, rng):
        self.seen["data_size"] = data_size

    def encode_decode(self, vae, images, rng):
        return "its own pass"

    def penalty(self, batch, out, step):
        self.seen["step"] = step
        return {"weighted_kl": out.posterior.kl().sum(1).mean()}

    def learn(self, batch, out, step):
        self.seen["learned"] = step


@pytest.mark.parametrize(
    "wrap", [Annealed, FreeBits, PairTurns, lambda spy: PixelWeighted(spy, 4)],
    ids=["Annealed", "FreeBits", "PairTurns", "PixelWeighted"],
)  # fmt: skip
def test_wrappers_hand_everything_on(wrap):
    spy = Spy()
    wrapped, data = wrap(spy), Blobs(size=32)
    vae = VAE(MLP(4), (1, 32, 32), 3)
    wrapped.prepare(vae, 1234, torch.Generator().manual_seed(0))
    out = output(torch.ones(6, 3), torch.zeros(6, 3))
    batch = Batch(torch.zeros(6, 1, 2, 2), torch.zeros(6, 1), 1)
    wrapped.check_data(data)
    wrapped(batch, out, 17)
    wrapped.learn(batch, out, 18)
    assert spy.seen == {"data": data, "data_size": 1234, "step": 17, "learned": 18}
    assert wrapped.encode_decode(vae, batch.images, None) == "its own pass"


@pytest.mark.parametrize("objective", [AdaGVAE(), AdaMLVAE()], ids=["AdaGVAE", "AdaMLVAE"])
@pytest.mark.parametrize("wrap", [Annealed, FreeBits, PairTurns], ids=lambda w: w.__name__)
def test_a_wrapped_objective_still_needs_its_pairs(wrap, objective):
    wrap(objective).check_data(Pairs(Blobs(size=32)))
    with pytest.raises(ValueError, match="pairs"):
        wrap(objective).check_data(Blobs(size=32))


def test_what_is_shared_is_seen_from_the_first_image():
    """δ = KL(q(z|x¹) ‖ q(z|x²)), in this direction: here the other one would share otherwise."""
    first = SimpleNamespace(mean=torch.tensor([[0.0, 0.0]]), logvar=torch.tensor([[0.0, 4.0]]))
    second = SimpleNamespace(mean=torch.tensor([[2.5, 0.0]]), logvar=torch.tensor([[0.0, 0.0]]))
    one, two = (Normal(p.mean, (0.5 * p.logvar).exp()) for p in (first, second))
    there, back = kl_divergence(one, two), kl_divergence(two, one)
    middle = [0.5 * (delta.max() + delta.min()) for delta in (there, back)]
    assert (there < middle[0]).tolist() != (back < middle[1]).tolist()
    assert shared_latents(first, second).tolist() == (there < middle[0]).tolist()


@pytest.mark.parametrize("controller", [ControlVAE(), DynamicVAE()], ids=["Control", "Dynamic"])
def test_a_controller_sets_a_price_and_takes_no_gradient(controller):
    out = random_output()
    (term,) = ready(controller).double().penalty(BATCH, out, 0).values()
    (gradient,) = torch.autograd.grad(term, out.posterior.mean, retain_graph=True)
    (plain,) = torch.autograd.grad(nats(out), out.posterior.mean)
    torch.testing.assert_close(gradient, plain * (term / nats(out)).detach())


def test_a_controller_logs_the_set_point_of_its_step():
    controller = ready(ControlVAE(capacity=9.0, start=1.0, rise=2.0, rise_every=10)).double()
    controller.learn(BATCH, random_output(), 25)
    assert controller.extra_log()["capacity"] == 5.0


def test_total_correlation_is_trained_away_and_not_only_told():
    """The gradient of the loss is linear in β, and the dependence has a part in it."""
    gradients = []
    for beta in (1.0, 2.0, 6.0):
        out = random_output()
        loss = sum(ready(BetaTCVAE(beta)).double().penalty(BATCH, out, 0).values())
        gradients.append(torch.autograd.grad(loss, out.posterior.mean)[0])
    one, two, six = gradients
    assert (two - one).abs().max() > 1e-3
    torch.testing.assert_close(six - one, 5 * (two - one))


def test_the_weights_of_lvae_have_their_own_learning_rate():
    (optimizer,) = ready(LVAE(weight_learning_rate=0.125)).optimizers().values()
    assert {group["lr"] for group in optimizer.param_groups} == {0.125}


def mirrored(r, offset=0.0, n=20_000):
    """Codes of two latents with correlation r around `offset`, nearly without noise."""
    z = torch.randn(n, 2, generator=torch.Generator().manual_seed(0))
    mean = torch.stack([z[:, 0], r * z[:, 0] + (1 - r**2) ** 0.5 * z[:, 1]], 1) + offset
    return output(mean, torch.full_like(mean, -12.0))


@pytest.mark.parametrize(("r", "tie"), [(-0.95, -0.7), (0.95, 0.7), (-0.4, -0.4)])
def test_a_tie_is_bounded_on_both_sides(r, tie):
    prior = PartnerKL(most=0.7, decay=0.0)
    prior.prepare(2)
    prior.learn(mirrored(r))
    assert prior.correlation()[0, 1].item() == pytest.approx(tie, abs=0.02)


def test_ties_are_around_the_mean_of_the_prior():
    prior = PartnerKL(most=0.9, decay=0.0)
    prior.prepare(2)
    prior.learn(mirrored(0.0, offset=1.0))  # E[zz'] = 1, E[z²] = 2
    assert prior.correlation()[0, 1].item() == pytest.approx(0.5, abs=0.02)


def test_ties_follow_slowly():
    prior = PartnerKL(most=0.9, decay=0.75)
    prior.prepare(2)
    prior.learn(mirrored(0.8))
    assert prior.moments[0, 1].item() == pytest.approx(0.25 * 0.8, abs=0.01)
