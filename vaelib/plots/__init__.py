"""Pictures. Each takes arrays or a frame and an optional `ax`, draws, and returns the axes.

None shows or saves anything: that is the caller's business. `with plots.style():` gives a figure of
your own the same look.
"""

from vaelib.plots.attention import attention
from vaelib.plots.factors import joint_histogram, joint_histograms, mutual_information
from vaelib.plots.images import image_grid, prior_samples, reconstructions, traversal
from vaelib.plots.palette import COLOURS, MARKERS, WIDTH, style
from vaelib.plots.studies import curves, differences, plane, sensitivity, strengths
from vaelib.plots.sweeps import rate_distortion, sweep
from vaelib.plots.training import kl_bars, latent_kl, loss_curves, losses

__all__ = [
    "COLOURS",
    "MARKERS",
    "WIDTH",
    "attention",
    "curves",
    "differences",
    "image_grid",
    "joint_histogram",
    "joint_histograms",
    "kl_bars",
    "latent_kl",
    "loss_curves",
    "losses",
    "mutual_information",
    "plane",
    "prior_samples",
    "rate_distortion",
    "reconstructions",
    "sensitivity",
    "strengths",
    "style",
    "sweep",
    "traversal",
]
