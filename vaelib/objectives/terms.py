"""Summands of :class:`~vaelib.objectives.pairwise_beta.PairwiseBeta`, to be combined in a list.

>>> from vaelib.types import Posterior
>>> z, ones = torch.rand(64, 2), torch.ones(2, 2)
>>> out = VAEOutput(Posterior(z, torch.zeros(64, 2)), z, z)
>>> pairs = PairState(0.2 * ones, 2 * ones, relaxation=0.5 * ones)
>>> terms: list[Term] = [WeightedKL(), PairPenalty(), Support(), FlatMarginals(), CorrelatedKL()]
>>> for term in terms:
...     term.prepare(latent_dim=2)
>>> [name for term in terms for name in term(out, pairs)]
['weighted_kl', 'pair_dependence', 'support', 'flat_marginals', 'correlated_kl', 'prior_sparsity']
>>> kurtosis(z).shape, correlated_kl(out.posterior, torch.eye(2)).shape
(torch.Size([2]), torch.Size([64]))
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from vaelib.checks import numbers
from vaelib.log_file import named_pairs
from vaelib.objectives.base import at_least_zero
from vaelib.support import Bank, all_pairs, hausdorff
from vaelib.turning import kurtosis
from vaelib.types import Posterior, VAEOutput

UNIFORM_KURTOSIS = 1.8


@dataclass(frozen=True)
class PairState:
    """What a term may use, symmetric (D, D) each with a diagonal of 0."""

    dependence: Tensor  # of this batch, in nats; gradients reach the model
    beta: Tensor  # the price of each pair
    relaxation: Tensor  # 1 − β_ij / max β


class Term(nn.Module, ABC):
    """A summand. Subclasses are `@dataclass(eq=False)`; buffers and optimisers are saved."""

    def __post_init__(self) -> None:
        nn.Module.__init__(self)
        numbers(self)

    def prepare(self, latent_dim: int) -> None:
        """Build what depends on the number of latents, once before training."""

    @abstractmethod
    def forward(self, out: VAEOutput, pairs: PairState) -> dict[str, Tensor]:
        """Summands of the loss, {name: ()}, in nats per image."""

    def learn(self, out: VAEOutput) -> None:
        """Called after the model's step."""

    def turned(self, matrix: Tensor) -> None:
        """Called when latents z became matrix·z, (D, D): what is known of them turns along."""

    def optimizers(self) -> dict[str, Optimizer]:
        return {}

    def extra_log(self) -> dict[str, float]:
        return {}


@dataclass(eq=False)
class WeightedKL(Term):
    """β·KL(q(z|x) ‖ N(0, I)), as in β-VAE. It asks β nats for each nat of total correlation too."""

    beta: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_zero(self, "beta")

    def forward(self, out: VAEOutput, pairs: PairState) -> dict[str, Tensor]:
        return {"weighted_kl": self.beta * out.posterior.kl().sum(1).mean()}


@dataclass(eq=False)
class PairPenalty(Term):
    """Σ_{i<j} (β_ij − included)·Î_ij.

    `included` is the price that the KL term asks already (its β), so that β_ij is the whole price
    of a pair's dependence, as β is that of the total correlation in BetaTCVAE. Uniform β_ij =
    included leaves a β-VAE. The pairs' sum is not the total correlation: dependence of higher order
    counts differently.
    """

    included: float = 1.0

    def forward(self, out: VAEOutput, pairs: PairState) -> dict[str, Tensor]:
        extra = (pairs.beta - self.included) * pairs.dependence
        return {"pair_dependence": extra.triu(1).sum()}


class _OfMeans(Term):
    """A term that also looks at the last `bank` posterior means, a field of the subclass."""

    bank: int

    def prepare(self, latent_dim: int) -> None:
        self.means = Bank(self.bank, latent_dim)

    def learn(self, out: VAEOutput) -> None:
        self.means.add(out.posterior.mean)

    def turned(self, matrix: Tensor) -> None:
        self.means.turn(matrix)


@dataclass(eq=False)
class Support(_OfMeans):
    """γ Σ_{i<j} (1 − β_ij/β_max)·HFS_ij, on the `pairs` most relaxed pairs.

    A signal for the axes in the plane of a relaxed pair, where the relaxed penalty gives none. The
    Hausdorff distance (Roth et al. 2023, arXiv 2210.07347) is of means divided by their standard
    deviation, so that shrinking a latent gains nothing; the last `bank` means count too.
    """

    gamma: float = 8.0
    pairs: int = 5
    bank: int = 1024  # means

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_zero(self, "gamma", "bank")
        if self.pairs < 1:
            raise ValueError(f"pairs must be at least 1, got {self.pairs}")

    def forward(self, out: VAEOutput, pairs: PairState) -> dict[str, Tensor]:
        mean = out.posterior.mean
        held = self.means.held()
        scale = torch.cat([mean, held]).std(0, correction=0).clamp_min(1e-6)
        every = all_pairs(mean.shape[1], mean.device)
        relaxed, chosen = pairs.relaxation[tuple(every.T)].topk(min(self.pairs, len(every)))
        distances = hausdorff(mean / scale, every[chosen], held / scale if self.bank else None)
        return {"support": self.gamma * (relaxed * distances).sum()}


@dataclass(eq=False)
class FlatMarginals(_OfMeans):
    r"""γ Σ_j w_j²·max(0, kurt(μ_j) − 1.8): latents should be spread as evenly as factors are.

    A signal of the axes that survives correlation. Correlation ties factors together but leaves
    each alone as it was: about uniform, with kurtosis 1.8. Two mixtures at right angles are more
    peaked together, whether the factors are correlated or not, so the flattest code lies on the
    axes. This is the oldest contrast of independent component analysis, for sources flatter than a
    Gaussian, put to a new use. It assumes that the factors are about uniform each; flatter ones
    (two or three values) pay nothing. At σ = 0.1 the sum of two factors is as flat as each: no
    signal is left.

    kurt is of the posterior means of the batch and the last `bank` ones, which take no gradient;
    the gradient is scaled up to that of a batch of that size. The weight w_j is the share of the
    latent's variance that tells images apart, without gradient: an idle latent pays nothing.
    """

    gamma: float = 2.0  # nats for each unit of kurtosis
    bank: int = 1024  # means

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_zero(self, "gamma", "bank")

    def forward(self, out: VAEOutput, pairs: PairState) -> dict[str, Tensor]:
        mean = out.posterior.mean
        points = torch.cat([mean, self.means.held()])
        peaked = kurtosis(points)
        informed = points.var(0, correction=0).detach()
        share = informed / (informed + out.posterior.logvar.exp().mean(0).detach())
        excess = share.square() * (peaked - UNIFORM_KURTOSIS).clamp_min(0)
        gain = len(points) / len(mean)  # the bank dilutes the batch's pull
        held = excess.detach()
        return {"flat_marginals": self.gamma * (held + gain * (excess - held)).sum()}


@dataclass(eq=False)
class CorrelatedKL(Term):
    r"""β·KL(q(z|x) ‖ N(0, R)) + λ Σ_{i<j} |R_ij| with a learned correlation matrix R; in place of
    WeightedKL.

    Removes the price of a true correlation from the KL: with the best R it does not change when the
    plane of a pair is rotated, so it pulls neither to the axes nor away. λ → `sparsity`. R is
    m·LLᵀ + (1 − m)·I with unit rows in the triangle L, so |R_ij| ≤ m and R is never near-singular;
    at first, and after a turn, it is I, where the term is the ordinary KL. m → `most`: with a large
    one, two latents that say the same cost no more than one; a smaller one still refunds a
    correlation of factors.
    """

    beta: float = 1.0
    sparsity: float = 0.05  # nats for each unit of |R_ij|; ours
    learning_rate: float = 1e-3  # of R; ours
    most: float = 0.95  # the greatest |R_ij|

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_zero(self, "beta", "sparsity")
        if not 0 <= self.most < 1:
            raise ValueError(f"most must be at least 0 and below 1, got {self.most}")

    def prepare(self, latent_dim: int) -> None:
        self.triangle = nn.Parameter(torch.zeros(latent_dim, latent_dim))
        self.adam = Adam([self.triangle], self.learning_rate)

    @torch.no_grad()
    def turned(self, matrix: Tensor) -> None:
        self.triangle.zero_()  # it was learned for other axes
        self.adam.state.clear()

    def correlation(self) -> Tensor:
        """R, (D, D)."""
        identity = torch.eye(len(self.triangle), device=self.triangle.device)
        rows = nn.functional.normalize(self.triangle.tril(-1) + identity, dim=1)
        return self.most * rows @ rows.T + (1 - self.most) * identity

    def forward(self, out: VAEOutput, pairs: PairState) -> dict[str, Tensor]:
        r = self.correlation()
        return {
            "correlated_kl": self.beta * correlated_kl(out.posterior, r).mean(),
            "prior_sparsity": self.sparsity * r.triu(1).abs().sum(),
        }

    def learn(self, out: VAEOutput) -> None:
        self.adam.step()
        self.adam.zero_grad()

    def optimizers(self) -> dict[str, Optimizer]:
        return {"prior": self.adam}

    @torch.no_grad()
    def extra_log(self) -> dict[str, float]:
        return named_pairs("prior", self.correlation())


def correlated_kl(posterior: Posterior, r: Tensor) -> Tensor:
    """KL(N(μ, diag σ²) ‖ N(0, R)) of each image, (B,), in nats."""
    triangle = torch.linalg.cholesky(r.to(posterior.mean))
    inverse = torch.cholesky_inverse(triangle)
    log_det = 2 * triangle.diagonal().log().sum()
    variances = (posterior.logvar.exp() * inverse.diagonal()).sum(1)
    distance = ((posterior.mean @ inverse) * posterior.mean).sum(1)
    return 0.5 * (variances + distance - len(r) + log_det - posterior.logvar.sum(1))
