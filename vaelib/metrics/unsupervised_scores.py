"""How much the latents depend on each other, without looking at any factor."""

from __future__ import annotations

import numpy as np

from vaelib import information
from vaelib.metrics._checks import canonical, enough
from vaelib.types import Codes

SMALLEST = 1e-12  # eigenvalue of the correlation matrix that a fully dependent direction gets


def unsupervised_scores(codes: Codes) -> dict[str, float]:
    """Dependence between the means of the latents; 0 is independence, and there is no "good" end.

    {"gaussian_total_correlation"}: KL of a Gaussian with the codes' covariance from the product of
    its marginals, in nats. {"gaussian_wasserstein_correlation"}: their squared Wasserstein-2
    distance, and {"gaussian_wasserstein_correlation_norm"}: the same over the total variance.
    {"mutual_info_score"}: mean mutual information of two latents cut into 20 bins, in nats.

    Blind spots: none of them knows a factor; random codes are best. The Gaussian ones see linear
    dependence only, and a mean may be independent where samples are not. Counting in 20 bins
    adds about 0.01 nats at 15,000 samples.

    Limit cases: an identity code of independent factors about 0; a constant code or a single
    latent 0; every latent twice: total correlation 13.5 nats per doubled latent, which stands
    for infinity (eigenvalues of the correlation matrix are not let under 1e-12).

    >>> from vaelib.sanity import constant, doubled, identity
    >>> values = [unsupervised_scores(codes()) for codes in (identity, constant, doubled)]
    >>> [round(value["gaussian_total_correlation"], 1) for value in values]
    [0.0, 0.0, 40.4]

    Needs at least 100 samples; constant latents are left out of all but
    {"mutual_info_score"}, whose mean counts them with 0. Equal to disentanglement_lib's.
    Source: Locatello et al. 2019, arXiv 1811.12359, appendix.
    """
    enough(codes, "unsupervised_scores", samples=100)
    means = canonical(codes.means)
    means = means[:, np.ptp(means, axis=0) > 0]
    if means.shape[1] < 2:
        names = ("total_correlation", "wasserstein_correlation", "wasserstein_correlation_norm")
        return {**{f"gaussian_{name}": 0.0 for name in names}, "mutual_info_score": 0.0}
    covariance = np.cov(means.T)
    distance = _wasserstein(covariance)
    return {
        "gaussian_total_correlation": _total_correlation(covariance),
        "gaussian_wasserstein_correlation": distance,
        "gaussian_wasserstein_correlation_norm": distance / float(np.trace(covariance)),
        "mutual_info_score": _mutual_information(codes.means),
    }


def _total_correlation(covariance: np.ndarray) -> float:
    """-½ log det of the correlation matrix, in nats."""
    scale = np.sqrt(np.diag(covariance))
    eigenvalues = np.linalg.eigvalsh(covariance / np.outer(scale, scale))
    return float(max(0.0, -0.5 * np.log(np.maximum(eigenvalues, SMALLEST)).sum()))


def _wasserstein(covariance: np.ndarray) -> float:
    """2 tr Σ - 2 tr (Σ^½ diag(Σ) Σ^½)^½: Olkin & Pukelsheim 1982, for two centred Gaussians."""
    scale = np.sqrt(np.diag(covariance))
    eigenvalues = np.linalg.eigvalsh(covariance * np.outer(scale, scale))  # similar: same roots
    root = np.sqrt(np.maximum(eigenvalues, 0)).sum()
    return float(max(0.0, 2 * np.trace(covariance) - 2 * root))


def _mutual_information(means: np.ndarray) -> float:
    """The mean over all pairs of latents; a constant latent gives 0 with each of the others."""
    d = means.shape[1]
    binned = information.bins(means)
    total = sum(
        information.mutual_information(binned[:, [j]], binned[:, j + 1 :]).sum()
        for j in range(d - 1)
    )
    return float(2 * total / (d * (d - 1)))
