"""One file, one metric: a function of the file's name that takes Codes and returns named floats.

A new metric is one new file in this folder. A module whose name starts with an underscore is a
helper. `metrics.mig(codes)` calls a metric; `metrics.all()` lists those that score one model.

>>> "mig" in all(), list(chosen(["mig", "sap"]))
(True, ['mig', 'sap'])
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from vaelib import own

if TYPE_CHECKING:  # for editors and type checkers; a test says which line lacks
    from vaelib.metrics.beta_vae_score import beta_vae_score as beta_vae_score
    from vaelib.metrics.dci import dci as dci
    from vaelib.metrics.downstream_accuracy import downstream_accuracy as downstream_accuracy
    from vaelib.metrics.entanglement_threshold import (
        entanglement_threshold as entanglement_threshold,
    )
    from vaelib.metrics.explicitness import explicitness as explicitness
    from vaelib.metrics.factor_vae_score import factor_vae_score as factor_vae_score
    from vaelib.metrics.fast_adaptation import fast_adaptation as fast_adaptation
    from vaelib.metrics.infomec import infomec as infomec
    from vaelib.metrics.irs import irs as irs
    from vaelib.metrics.mig import mig as mig
    from vaelib.metrics.modularity import modularity as modularity
    from vaelib.metrics.pairwise_mig import pairwise_mig as pairwise_mig
    from vaelib.metrics.plane_angle import plane_angle as plane_angle
    from vaelib.metrics.sap import sap as sap
    from vaelib.metrics.udr import udr as udr
    from vaelib.metrics.unfairness import unfairness as unfairness
    from vaelib.metrics.unsupervised_scores import unsupervised_scores as unsupervised_scores

Scores = dict[str, float]

_names = sorted(info.name for info in pkgutil.iter_modules(__path__) if info.name[0] != "_")
for _name in _names:
    _module = importlib.import_module(f"{__name__}.{_name}")
    globals()[_name] = getattr(_module, _name)  # the function hides its module


def all() -> dict[str, Callable[..., Scores]]:
    """The metrics of one model by name, the user's too: those whose first argument is `codes`."""
    yours = own.functions()
    if other := [name for name, metric in yours.items() if not _scores_one_model(metric)]:
        text = f"the first argument of a metric must be named codes, not so in {other}: left out"
        warnings.warn(text, stacklevel=2)
    if both := sorted(yours.keys() & set(_names)):
        raise ValueError(
            f"{own.VARIABLE}: {', '.join(both)} is a name of vaelib already: rename yours"
        )
    found = {name: globals()[name] for name in _names} | yours
    return {name: metric for name, metric in found.items() if _scores_one_model(metric)}


def chosen(names: Sequence[str] | None) -> dict[str, Callable[..., Scores]]:
    """The metrics of these names, or all (None or ["all"]). ValueError lists what there is."""
    found = all()
    if names is None or list(names) == ["all"]:
        return found
    if unknown := [name for name in names if name not in found]:
        raise ValueError(f"metrics must be among {', '.join(found)}, got {', '.join(unknown)}")
    return {name: found[name] for name in names}


def _scores_one_model(function: Callable[..., Scores]) -> bool:
    return next(iter(inspect.signature(function).parameters), "") == "codes"
