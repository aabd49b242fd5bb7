"""What travels through vaelib. Every shape is written here, once.

B is the batch size, C, H, W the image's channels, height and width in pixels, K the number of
factors of the world, D the number of latents of the model, N the number of encoded samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Images with the factors that made them.

    A data set returns NumPy arrays; :meth:`to` turns them into tensors for training.

    >>> white = np.full((2, 1, 4, 4), 255, np.uint8)
    >>> Batch(white, np.zeros((2, 3), int), max_value=255).to("cpu").images.max()
    tensor(1.)
    """

    images: np.ndarray | Tensor  # (B, C, H, W) uint8 in 0..max_value, or float in [0, 1]
    factors: np.ndarray | Tensor  # (B, K) int, the index of each factor's value
    max_value: int = 1  # the integer that stands for white: 1 (binary) or 255; 1 for floats

    def to(self, device: str | torch.device) -> Batch:
        """The same batch as tensors on `device`, images float32 in [0, 1]."""
        import torch

        images = torch.as_tensor(self.images).to(device, torch.float32)
        factors = torch.as_tensor(self.factors).to(device, torch.int64)
        return Batch(images if self.max_value == 1 else images / self.max_value, factors)

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class Posterior:
    """q(z|x): an independent Gaussian for each latent (Kingma & Welling 2013, arXiv 1312.6114).

    >>> import torch
    >>> Posterior(torch.tensor([[0.0, 2.0]]), torch.zeros(1, 2)).kl()
    tensor([[0., 2.]])
    """

    mean: Tensor  # (B, D)
    logvar: Tensor  # (B, D), natural logarithm of the variance

    @property
    def std(self) -> Tensor:  # (B, D)
        return (0.5 * self.logvar).exp()

    def sample(self, rng: torch.Generator | None = None) -> Tensor:
        """One reparameterised sample, (B, D): gradients reach mean and logvar."""
        import torch

        noise = torch.empty_like(self.mean).normal_(generator=rng)
        return self.mean + self.std * noise

    def kl(self) -> Tensor:
        """KL(q(z_j|x) ‖ N(0, 1)) of each image and latent, (B, D), in nats."""
        return 0.5 * (self.mean.square() + self.logvar.exp() - 1.0 - self.logvar)


@dataclass(frozen=True)
class VAEOutput:
    """One pass through a VAE.

    >>> import torch
    >>> z, x = torch.zeros(1, 2), torch.zeros(1, 1, 4, 4)
    >>> VAEOutput(Posterior(z, z), z, x).posterior.std
    tensor([[1., 1.]])
    """

    posterior: Posterior  # (B, D) each
    z: Tensor  # (B, D), a sample of the posterior
    logits: Tensor  # (B, C, H, W), Bernoulli logits of the reconstruction


@dataclass(frozen=True)
class Codes:
    """Encoded samples: all that a metric sees. Samples come first, always.

    Raises ValueError when the two arrays disagree in length, when a value is not finite,
    or when `names` and the columns of `factors` differ in number.

    >>> codes = Codes(np.eye(3), np.array([[0, 1], [1, 1], [2, 0]]), ("shape", "scale"))
    >>> len(codes), codes.select("scale").factors.T, [len(part) for part in codes.split()]
    (3, array([[1, 1, 0]]), [2, 1])
    >>> codes
    Codes(means (3, 3), factors (3, 2), names ('shape', 'scale'))
    """

    means: np.ndarray  # (N, D) float, the posterior means
    factors: np.ndarray  # (N, K) int, the index of each factor's value
    names: tuple[str, ...] = ()  # K factor names; () names them factor_0 …

    def __post_init__(self) -> None:
        means, factors = np.asarray(self.means), np.asarray(self.factors)
        if means.ndim != 2 or factors.ndim != 2 or len(means) != len(factors):
            raise ValueError(
                "codes need means (N, D) and factors (N, K) with the same N, "
                f"got {means.shape} and {factors.shape}"
            )
        if means.size == 0 or factors.size == 0:
            raise ValueError(f"codes need samples, got {means.shape} and {factors.shape}")
        if means.dtype.kind not in "fiu" or not np.isfinite(means).all():
            raise ValueError("means must be finite numbers, got NaN, infinity or another type")
        if factors.dtype.kind not in "fiu" or (factors != np.floor(factors)).any():
            raise ValueError("factors must be integers (the index of each factor's value)")
        if (largest := np.abs(factors.astype(float)).max()) > 2**53:
            raise ValueError(f"factors must be integers within ±2**53, got {largest:.0e}")
        names = tuple(str(n) for n in self.names) or tuple(
            f"factor_{k}" for k in range(factors.shape[1])
        )
        if len(names) != factors.shape[1]:
            raise ValueError(f"{factors.shape[1]} factors need as many names, got {names}")
        if len(set(names)) < len(names):
            raise ValueError(f"factors need names that differ, got {names}")
        object.__setattr__(self, "means", means.astype(np.float64, copy=False))
        object.__setattr__(self, "factors", factors.astype(np.int64, copy=False))
        object.__setattr__(self, "names", names)

    def __repr__(self) -> str:
        shapes = f"means {self.means.shape}, factors {self.factors.shape}"
        return f"Codes({shapes}, names {self.names})"

    def __len__(self) -> int:
        return len(self.means)

    def split(self, fraction: float = 2 / 3) -> tuple[Codes, Codes]:
        """The first `fraction` of the samples and the rest, for metrics that train a predictor."""
        cut = round(len(self) * fraction)
        return self[:cut], self[cut:]

    def __getitem__(self, rows: slice | np.ndarray) -> Codes:
        """The codes of these rows (a slice, indices or a mask)."""
        return Codes(self.means[rows], self.factors[rows], self.names)

    def select(self, *names: str) -> Codes:
        """The same samples with these factors only, in this order."""
        unknown = [n for n in names if n not in self.names]
        if unknown or not names:
            raise ValueError(f"factors must be among {self.names}, got {names}")
        return Codes(self.means, self.factors[:, [self.names.index(n) for n in names]], names)

    @cached_property
    def rows_by_value(self) -> tuple[tuple[np.ndarray, ...], ...]:
        """For each factor, for each of its values that occurs: the rows that have it.

        This is the look-up by which interventional metrics hold a factor fixed.
        """
        return tuple(_rows_by_value(column) for column in self.factors.T)


def _rows_by_value(column: np.ndarray) -> tuple[np.ndarray, ...]:
    order = np.argsort(column, kind="stable")
    starts = np.flatnonzero(np.diff(column[order])) + 1
    return tuple(np.split(order, starts))
