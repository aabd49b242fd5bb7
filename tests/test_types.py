import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from vaelib.types import Batch, Codes, Posterior


def test_kl_is_torchs_closed_form():
    mean, logvar = torch.randn(7, 3), torch.randn(7, 3)
    expected = kl_divergence(Normal(mean, (0.5 * logvar).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(Posterior(mean, logvar).kl(), expected)


def test_samples_have_the_posteriors_moments_and_follow_the_generator():
    posterior = Posterior(torch.full((200_000, 1), 2.0), torch.full((200_000, 1), -1.0))
    z = posterior.sample(torch.Generator().manual_seed(0))
    assert abs(z.mean() - 2.0) < 0.01 and abs(z.var() - np.exp(-1)) < 0.01
    assert torch.equal(z, posterior.sample(torch.Generator().manual_seed(0)))


def test_sampling_is_differentiable_in_mean_and_logvar():
    mean = torch.zeros(5, 2, requires_grad=True)
    logvar = torch.zeros(5, 2, requires_grad=True)
    z = Posterior(mean, logvar).sample(torch.Generator().manual_seed(1))
    z.sum().backward()
    torch.testing.assert_close(mean.grad, torch.ones(5, 2))
    torch.testing.assert_close(logvar.grad, 0.5 * z.detach())  # dz/dlogvar = ε·σ/2, σ = 1


def test_batch_scales_to_one():
    images = np.array([[[[0, 255]]]], np.uint8)
    batch = Batch(images, np.zeros((1, 1), int), max_value=255).to("cpu")
    assert batch.images.tolist() == [[[[0.0, 1.0]]]] and batch.images.dtype == torch.float32
    assert batch.to("cpu").images.max() == 1.0  # a second call scales no second time


@pytest.mark.parametrize(
    ("means", "factors", "says"),
    [
        (np.zeros((3, 2)), np.zeros((4, 1), int), "same N"),
        (np.zeros(3), np.zeros((3, 1), int), "means \\(N, D\\)"),
        (np.zeros((0, 2)), np.zeros((0, 1), int), "need samples"),
        (np.full((3, 2), np.nan), np.zeros((3, 1), int), "finite"),
        (np.zeros((3, 2)), np.full((3, 1), 0.5), "integers"),
        (np.array([["a"]]), np.zeros((1, 1), int), "finite numbers"),
    ],
)
def test_codes_refuse_what_is_not_codes(means, factors, says):
    with pytest.raises(ValueError, match=says):
        Codes(means, factors)


def test_codes_need_a_name_for_each_factor():
    with pytest.raises(ValueError, match="as many names"):
        Codes(np.zeros((3, 2)), np.zeros((3, 2), int), ("shape",))


def test_large_codes_are_told_in_one_line():
    codes = Codes(np.zeros((9000, 10)), np.zeros((9000, 2), int), ("shape", "scale"))
    assert repr(codes) == "Codes(means (9000, 10), factors (9000, 2), names ('shape', 'scale'))"


def test_rows_by_value_find_each_row_once():
    factors = np.random.default_rng(0).integers(0, 4, (50, 2))
    codes = Codes(np.zeros((50, 1)), factors)
    for k, groups in enumerate(codes.rows_by_value):
        assert sorted(np.concatenate(groups).tolist()) == list(range(50))
        for rows in groups:
            assert len(set(factors[rows, k])) == 1


def test_split_select_and_rows():
    codes = Codes(np.arange(6.0).reshape(3, 2), np.arange(6).reshape(3, 2), ("a", "b"))
    head, tail = codes.split(2 / 3)
    assert (len(head), len(tail)) == (2, 1) and tail.means.tolist() == [[4.0, 5.0]]
    assert codes.select("b").factors.tolist() == [[1], [3], [5]]
    with pytest.raises(ValueError, match="among"):
        codes.select("c")
