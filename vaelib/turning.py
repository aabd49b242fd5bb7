"""Turn pairs of latents to the axes of their factors, without changing what the model draws.

>>> rng = torch.Generator().manual_seed(0)
>>> factors = torch.rand(4_000, 2, generator=rng) - 0.5
>>> turned = factors @ rotation(2, 0, 1, 0.6).T
>>> found = flattest_rotation(turned)
>>> bool((found @ rotation(2, 0, 1, 0.6)).abs().sum() < 2.05)  # nearly a permutation
True
>>> from vaelib.networks import Fast
>>> vae = VAE(Fast(32, 64), (1, 32, 32), latent_dim=2)
>>> x = torch.zeros(1, 1, 32, 32)
>>> before = vae.reconstruct(x)
>>> by: Turn = find_turn(turned, width=torch.tensor([0.1, 0.1]), gain=0.1)
>>> turn(vae, by)
>>> torch.allclose(vae.reconstruct(x), before, atol=1e-6)
True
>>> bool((kurtosis(factors) < kurtosis(turned)).all())  # mixtures are more peaked
True
>>> points = turned - turned.mean(0)
>>> gained, angle = flattest_angle(*points.T)
>>> gained > 1, round(angle, 1), len(outer_layers(vae))
(True, -0.6, 2)
>>> end = descend(points, torch.eye(2), gain=0.0)
>>> bool(contrast(points @ end.T).sum() < contrast(points).sum())
True
>>> like_identity(torch.tensor([[0.0, -1.0], [1.0, 0.0]])).tolist()
[[1.0, 0.0], [0.0, 1.0]]
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from vaelib.vae import VAE

ANGLES = torch.arange(-45, 45.5, 1.0).deg2rad()  # further turns only swap or mirror latents
MOST_TURNS = 10  # of planes, a latent; two or three are the rule
PEAKED = 3.0  # kurtosis: that of a Gaussian, which every rotation leaves as it is
COPIES = 0.3  # for each unit of log variance: what keeps two latents from becoming the same one


@dataclass(frozen=True)
class Turn:
    """Latents z become new_width · rotation · z/width: a rotation in units of posterior widths."""

    rotation: Tensor  # (D, D), orthogonal
    width: Tensor  # (D,), the typical posterior standard deviation of each latent before
    new_width: Tensor  # (D,), and after

    @property
    def matrix(self) -> Tensor:
        """New means from old ones, (D, D)."""
        return self.new_width[:, None] * self.rotation / self.width


def find_turn(means: Tensor, width: Tensor, gain: float) -> Turn:
    r"""The turn to the flattest code, from posterior means (N, D) and widths (D,).

    In units of its posterior width, a latent is as fine everywhere and beside every other latent:
    there a rotation of posteriors leaves them diagonal, so a decoder that is rotated back draws the
    same. The new widths are those that give each latent the variance of the prior, 1.

    Only latents whose means vary take part, and a pair only if it gets flatter by `gain`. Latents
    more peaked than a Gaussian stay as they are: what such a latent holds is not flat to begin with
    (few steps of unequal size, say), mixed with another one it looks flatter, and a right code
    would be turned away.
    """
    variance = means.var(0, correction=0)
    varying = variance > 0.1 * (variance + width.square())
    active = (varying & (kurtosis(means) < PEAKED)).nonzero()[:, 0]
    rotation = torch.eye(len(width), dtype=means.dtype, device=means.device)
    if not len(active):
        return Turn(rotation, width, width)
    found = flattest_rotation(means[:, active] / width[active], gain)
    rotation[active[:, None], active] = found
    spread = (means / width) @ rotation.T
    new_width = width.clone()
    new_width[active] = (spread[:, active].var(0, correction=0) + 1).rsqrt()
    return Turn(rotation, width, new_width)


def flattest_rotation(points: Tensor, gain: float = 0.0) -> Tensor:
    """The rotation (D, D) of points (N, D) to the least sum of :func:`contrast`.

    Factors that are about uniform have kurtosis 1.8, and two mixtures at right angles are more
    peaked together, correlated or not: so the flattest axes are the factors'. That is independent
    component analysis of flat sources (Comon 1994), which needs no independence here. Planes are
    turned one by one, always the one that gains most and none that gains at most `gain`. That can
    end in a valley: two latents that both nearly copy the widest one are flat as well. So the
    search also begins at the principal axes, and their end is taken if it is better by more than
    `gain`.
    """
    points = points - points.mean(0)
    covariance = points.T @ points / len(points)
    here = descend(points, torch.eye(points.shape[1]).to(points), gain)
    there = descend(points, torch.linalg.eigh(covariance).eigenvectors.T, gain)
    total_here, total_there = (float(contrast(points @ r.T).sum()) for r in (here, there))
    return like_identity(there) if total_here - total_there > gain else here


def descend(points: Tensor, start: Tensor, gain: float) -> Tensor:
    """From the rotation `start` plane by plane to where no plane of centred points gains more."""
    d, total = len(start), start
    for _ in range(MOST_TURNS * d):
        seen = points @ total.T
        found = [
            (*flattest_angle(seen[:, i], seen[:, j]), i, j) for i, j in combinations(range(d), 2)
        ]
        best, angle, i, j = max(found, default=(0.0, 0.0, 0, 0))
        if best <= gain:
            break
        total = rotation(d, i, j, angle).to(points) @ total
    return total


def contrast(points: Tensor) -> Tensor:
    """Kurtosis + 0.3·log variance of centred points (N, …), (…).

    The second part tells copies from axes: of a wide latent and a narrow one, two mixtures are
    flat, and vary more together than the axes do. Much more of it would turn a correlated pair
    towards its diagonals: 0.5 by 13° where two positions of dSprites are tied by σ = 0.2.
    """
    return _contrast(points.pow(4).mean(0), points.square().mean(0))


def kurtosis(points: Tensor) -> Tensor:
    """E[(x − μ)⁴]/σ⁴ of each column, (N, D) → (D,): 3 for a Gaussian, 1.8 for a uniform."""
    square = (points - points.mean(0)).square()
    return square.square().mean(0) / square.mean(0).square().clamp_min(1e-12)


def _contrast(fourth: Tensor, second: Tensor) -> Tensor:
    variance = second.clamp_min(1e-12)
    return fourth / variance.square() + COPIES * variance.log()


def flattest_angle(a: Tensor, b: Tensor) -> tuple[float, float]:
    """What the best rotation of centred points (a, b), (N,) each, gains, and by which angle."""
    fourth = [(a ** (4 - k) * b**k).mean() for k in range(5)]
    second = [(a ** (2 - k) * b**k).mean() for k in range(3)]
    angles = ANGLES.to(a)
    cos, sin = angles.cos(), angles.sin()

    def one(c: Tensor, s: Tensor) -> Tensor:
        """The contrast of c·a − s·b, at every angle: its moments are sums of the pair's."""
        moments = [
            sum(math.comb(n, k) * c ** (n - k) * (-s) ** k * m for k, m in enumerate(known))
            for n, known in ((4, fourth), (2, second))
        ]
        return _contrast(*moments)

    both = one(cos, sin) + one(sin, -cos)
    best, now = int(both.argmin()), len(angles) // 2
    return float(both[now] - both[best]), float(angles[best])


def like_identity(found: Tensor) -> Tensor:
    """The rows of a rotation (D, D) in the order and with the signs that change least."""
    _, columns = linear_sum_assignment(-found.abs().T.cpu().numpy())
    ordered = found[columns]
    return torch.where(ordered.diagonal() < 0, -1.0, 1.0)[:, None] * ordered + 0.0  # no -0


def rotation(dim: int, i: int, j: int, angle: float) -> Tensor:
    """The rotation (D, D) by `angle` radians in the plane of axes i and j."""
    found = torch.eye(dim)
    found[i, i] = found[j, j] = math.cos(angle)
    found[i, j], found[j, i] = -math.sin(angle), math.sin(angle)
    return found


@torch.no_grad()
def turn(vae: VAE, by: Turn) -> None:
    """Write the turn into the encoder's last layer and the decoder's first one.

    What is drawn from a mean stays the same up to rounding. The logarithms of the posterior
    variances are averaged with weights rotation²: exact where a posterior has the typical widths.

    ValueError when these layers are not linear.
    """
    head, told = outer_layers(vae)
    for tell in vae.when_turned:
        tell()
    mean_weight, logvar_weight = head.weight.chunk(2)
    mean_bias, logvar_bias = head.bias.chunk(2)
    matrix, shares = by.matrix.to(head.weight), by.rotation.square().to(head.weight)
    old, new = (2 * width.log().to(head.weight) for width in (by.width, by.new_width))
    mean_weight.copy_(matrix @ mean_weight)
    mean_bias.copy_(matrix @ mean_bias)
    logvar_weight.copy_(shares @ logvar_weight)
    logvar_bias.copy_(shares @ (logvar_bias - old) + new)
    told.weight.copy_(told.weight @ torch.linalg.inv(by.matrix.double()).to(told.weight))


def outer_layers(vae: VAE) -> tuple[nn.Linear, nn.Linear]:
    """The layers next to the latents: the encoder's last and the decoder's first."""
    sequences = [half for half in (vae.encoder, vae.decoder) if isinstance(half, nn.Sequential)]
    if len(sequences) == 2:
        head, told = vae.encoder[-1], vae.decoder[0]
        if isinstance(head, nn.Linear) and isinstance(told, nn.Linear):
            return head, told
    raise ValueError(
        "latents can be turned where the encoder ends and the decoder begins with a linear layer, "
        f"got {type(vae.encoder).__name__} and {type(vae.decoder).__name__}"
    )
