import math

import numpy as np
import pytest
import torch
from outputs import images_for, random_output

from vaelib.networks import MLP
from vaelib.objectives import FactorizedSupport
from vaelib.support import LEVELS, Bank, all_pairs, hausdorff
from vaelib.vae import VAE


def naive(points, pairs, bank=()):
    """max over all combinations, min over all that occurs, by loops."""
    points = [*points, *bank]
    found = []
    for i, j in pairs.tolist():
        distances = [
            min((a[i] - z[i]) ** 2 + (b[j] - z[j]) ** 2 for z in points)
            for a in points
            for b in points
        ]
        found.append(max(distances))
    return torch.stack(found)


@pytest.mark.parametrize("bank", [None, 5])
def test_value_and_gradient_against_naive_loops(bank):
    rng = torch.Generator().manual_seed(0)
    points = torch.randn(9, 4, generator=rng, dtype=torch.float64, requires_grad=True)
    extra = None if bank is None else torch.randn(bank, 4, generator=rng, dtype=torch.float64)
    pairs = all_pairs(4)
    found = hausdorff(points, pairs, extra)
    expected = naive(points, pairs, [] if bank is None else extra)
    torch.testing.assert_close(found, expected)
    for k in range(len(pairs)):
        a, b = (torch.autograd.grad(v[k], points, retain_graph=True)[0] for v in (found, expected))
        torch.testing.assert_close(a, b)


def test_a_full_grid_has_the_product_as_its_support():
    grid = torch.cartesian_prod(torch.arange(5.0), torch.arange(5.0))
    assert hausdorff(grid, all_pairs(2)).item() == 0


def test_a_diagonal_misses_the_corner():
    line = torch.linspace(0, 1, 11)[:, None].expand(-1, 2).contiguous()
    assert hausdorff(line, all_pairs(2)).item() == pytest.approx(0.5)  # (0, 1) to (.5, .5)


def test_the_bank_counts_as_in_the_batch_but_takes_no_gradient():
    points = torch.tensor([[0.0, 0.0], [1.0, 1.0]], requires_grad=True)
    bank = torch.tensor([[0.0, 1.0], [1.0, 0.0]], requires_grad=True)
    assert hausdorff(points, all_pairs(2)).item() == 1.0
    found = hausdorff(points, all_pairs(2), bank)
    found.backward()
    assert found.item() == 0 and bank.grad is None


def test_more_values_than_are_combined_give_nearly_the_distance_of_all_combinations():
    rng = torch.Generator().manual_seed(1)
    points, bank = (torch.randn(n, 2, generator=rng) for n in (20, 12))
    points[:, 1] += points[:, 0]
    bank[:, 1] += bank[:, 0]
    found, exact = hausdorff(points, all_pairs(2), bank), naive(points, all_pairs(2), bank)
    assert len(points) > LEVELS
    assert 0.8 * exact <= found <= exact


def band(n, sigma, rng):
    """n pairs of factors with p ∝ exp(−(c1 − c2)² / 2σ²), each axis standardised."""
    c = rng.uniform(0, 1, (20 * n, 2))
    c = c[rng.random(len(c)) < np.exp(-((c[:, 0] - c[:, 1]) ** 2) / (2 * sigma**2))][:n]
    return (c - c.mean(0)) / c.std(0)


def test_weak_correlation_prefers_the_axes_strong_the_diagonal_and_a_bank_helps_between():
    """Why a bank: at σ = .2 a batch of 64 takes the rotated code for the better one."""
    rng, turn = np.random.default_rng(0), np.array([[1, -1], [1, 1]]) / 2**0.5

    def preference(sigma, bank):  # distance of the true axes − distance of the rotated code
        found = []
        for _ in range(16):
            codes = band(64 + bank, sigma, rng)
            rotated = codes @ turn
            for sign, c in ((1, codes), (-1, rotated / rotated.std(0))):
                c = torch.from_numpy(c)
                distance = hausdorff(c[:64], all_pairs(2), c[64:] if bank else None)
                found.append(sign * distance.item())
        return 2 * np.mean(found)

    assert preference(0.4, 0) < -0.5
    assert preference(0.1, 0) > 0.5
    assert preference(0.2, 0) > 0.2
    assert preference(0.2, 1024) < -0.2


def test_bank_keeps_the_latest():
    bank = Bank(5, 1)
    assert bank.held().shape == (0, 1)
    bank.add(torch.tensor([[1.0], [2.0], [3.0]]))
    assert bank.held().flatten().tolist() == [1, 2, 3]
    bank.add(torch.tensor([[4.0], [5.0], [6.0]]))
    assert sorted(bank.held().flatten().tolist()) == [2, 3, 4, 5, 6]
    bank.add(torch.arange(10.0, 20.0)[:, None])
    assert sorted(bank.held().flatten().tolist()) == [15, 16, 17, 18, 19]
    empty = Bank(0, 1)
    empty.add(torch.ones(3, 1))
    assert empty.held().shape == (0, 1)


def prepared(dim, **options):
    objective = FactorizedSupport(**options)
    objective.prepare(VAE(MLP(hidden=4), (1, 32, 32), dim), 1000, torch.Generator().manual_seed(0))
    return objective.double()


def test_the_objective_sums_over_its_pairs():
    out = random_output()
    terms = prepared(3, beta=2.0, gamma=5.0).penalty(images_for(out), out, 0)
    expected = 5.0 * naive(out.posterior.mean, all_pairs(3)).sum()
    torch.testing.assert_close(terms["support"], expected)
    torch.testing.assert_close(terms["weighted_kl"], 2.0 * out.posterior.kl().sum(1).mean())


def test_fewer_pairs_are_drawn_anew_each_step():
    out = random_output(dim=6)
    objective = prepared(6, pairs=2, gamma=1.0)
    single = naive(out.posterior.mean, all_pairs(6)).tolist()
    seen = {objective.penalty(images_for(out), out, t)["support"].item() for t in range(30)}
    sums = {round(a + b, 6) for k, a in enumerate(single) for b in single[k + 1 :]}
    assert len(seen) > 10 and {round(s, 6) for s in seen} <= sums


def test_the_means_of_earlier_steps_enter_the_bank():
    objective = prepared(3, bank=10, gamma=1.0)
    first, second = random_output(), random_output(seed=1)
    batch = images_for(first)
    objective.learn(batch, first, 0)
    together = objective.penalty(batch, second, 1)["support"]
    expected = naive(second.posterior.mean, all_pairs(3), first.posterior.mean)
    torch.testing.assert_close(together, expected.sum())


def test_bad_values_are_refused():
    for bad in ({"pairs": 0}, {"gamma": math.inf}, {"beta": -1.0}, {"bank": 0.5}):
        with pytest.raises(ValueError, match=f"{next(iter(bad))} must be"):
            FactorizedSupport(**bad)
    with pytest.raises(ValueError, match="two latents or more, got 1"):
        prepared(1)


def test_a_large_batch_is_searched_pair_by_pair():
    """All 45 pairs at once would take 45·300³ numbers, 4.9 GB."""
    points, pairs = torch.randn(300, 10), all_pairs(10)
    found = hausdorff(points, pairs)
    for (i, j), distance in zip(pairs.tolist()[::11], found[::11], strict=True):
        squares = (points[:, None] - points).square()  # (B, B, D)
        expected = (squares[:, None, :, i] + squares[None, :, :, j]).amin(2).max()
        torch.testing.assert_close(distance, expected)
