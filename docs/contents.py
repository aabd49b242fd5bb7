"""What the documentation shows, and in which order: chapters, and the modules that users import.

Every other module of vaelib comes to the page "Behind the scenes", with its summary alone. The
tests read these lists too: each public name of a module in MODULES has an example that runs.
"""

from __future__ import annotations

import importlib
import pkgutil

import vaelib

MODULES = {
    "Data": [
        "datasets.base",
        "datasets.dsprites",
        "datasets.dsprites_in_colour",
        "datasets.shapes3d_like",
        "datasets.blobs",
        "datasets.array_data",
        "datasets.shapes3d",
        "datasets.mpi3d",
        "datasets.small_norb",
        "datasets.cars3d",
    ],
    "Data out of data": [
        "datasets.correlated",
        "datasets.recipes",
        "datasets.pairs",
        "datasets.fixed_sample",
        "datasets.pooled",
        "datasets.styles",
    ],
    "Models and training": [
        "types",
        "vae",
        "networks",
        "layers",
        "schedules",
        "sampling",
        "train",
        "diverged",
        "many",
        "runs",
    ],
    "Objectives": [
        "objectives.base",
        "objectives.beta_vae",
        "objectives.capacity_vae",
        "objectives.control_vae",
        "objectives.dynamic_vae",
        "objectives.per_latent_beta",
        "objectives.l_vae",
        "objectives.beta_tc_vae",
        "objectives.factor_vae",
        "objectives.dip_vae",
        "objectives.factorized_support",
        "objectives.ada_gvae",
        "objectives.sigma_vae",
        "objectives.pixel_weighted",
        "objectives.free_bits",
        "objectives.annealed",
        "objectives.wrapper",
        "objectives.pairwise_beta",
        "objectives.pair_turns",
        "objectives.pair_weights",
        "objectives.terms",
        "objectives.partner_prior",
        "dependence",
        "turning",
        "density",
        "flattening",
    ],
    "Transformers and adapters": [
        "vit",
        "vit.network",
        "vit.blocks",
        "vit.pooling",
        "vit.masked",
        "vit.maps",
        "pretrained",
    ],
    "Metrics": [
        "evaluate",
        "codes_file",
        "sanity",
        "information",
        "metrics",
        "metrics.mig",
        "metrics.sap",
        "metrics.dci",
        "metrics.modularity",
        "metrics.explicitness",
        "metrics.infomec",
        "metrics.irs",
        "metrics.beta_vae_score",
        "metrics.factor_vae_score",
        "metrics.downstream_accuracy",
        "metrics.unfairness",
        "metrics.pairwise_mig",
        "metrics.entanglement_threshold",
        "metrics.plane_angle",
        "metrics.fast_adaptation",
        "metrics.unsupervised_scores",
        "metrics.udr",
    ],
    "Looking at a model": [
        "traversal",
        "plots.palette",
        "plots.images",
        "plots.factors",
        "plots.training",
        "plots.sweeps",
        "plots.studies",
        "plots.attention",
        "pixels",
        "animation",
        "flipbook",
        "live",
        "widgets",
        "explorer.page",
        "explorer.widget",
        "metric_lab",
    ],
    "Studies": [
        "studies",
        "studies.base",
        "studies.run",
        "studies.backends",
        "studies.table",
        "studies.statistics",
        "studies.claims",
        "studies.burgess",
        "studies.traeuble",
        "studies.correlated",
        "studies.methods",
        "studies.adaptive",
        "studies.smoke",
    ],
    "Configurations, files and places": [
        "spec",
        "paths",
        "fast",
    ],
}


def shown() -> list[str]:
    """The modules whose members are documented, by their full names."""
    return [f"vaelib.{name}" for names in MODULES.values() for name in names]


def existing() -> list[str]:
    """All modules of the package; packages that only gather others' names are left out."""
    found = pkgutil.walk_packages(vaelib.__path__, "vaelib.")
    return sorted(info.name for info in found if not info.name.endswith("__main__"))


def others() -> list[str]:
    """The modules of which only the summary is shown."""
    return [name for name in existing() if name not in shown()]


def summary(name: str) -> str:
    """The first line of a module's docstring."""
    return (importlib.import_module(name).__doc__ or "").strip().splitlines()[0]
