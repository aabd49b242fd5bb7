"""Scores of codes and of runs: which metrics, on which distribution, with what uncertainty.

>>> from vaelib.sanity import identity
>>> table = score(identity(), ["mig", "pairwise_mig"])
>>> table["mig"], len(summary(table)["pairwise_mig"]) < len(table["pairwise_mig"])
({'mig': 1.0}, True)
>>> score_without(identity(), "a", ["mig"])
{'mig': {'mig': 1.0}}
>>> standard_errors(identity(), 10, ["mig"])["mig"]["mig"] < 0.01
True
>>> list(sanity_scores(identity(), metrics=["mig"]))
['perfect', 'pair rotated by 45°', 'random']
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm.auto import tqdm

from vaelib import metrics as suite
from vaelib import sanity
from vaelib.files import read_json, readable, write_json
from vaelib.metrics._checks import UnfitFactors
from vaelib.types import Codes

if TYPE_CHECKING:
    from vaelib.datasets.base import FactorData
    from vaelib.runs import Run

SAMPLES = 15_000  # metrics that train a predictor take 10,000 of them to train, 5,000 to test
UNSUPERVISED = ("unsupervised_scores",)  # metrics that ask for no factor
Table = dict[str, dict[str, float]]  # {metric: {value: number}}


def score(
    codes: Codes, metrics: Sequence[str] | None = None, seed: int = 0, progress: bool = False
) -> Table:
    """{metric: {value: number}} for the metrics named, or for all of them (None or ["all"]).

    `seed` goes to every metric that draws at random, so two models scored on the same images
    are compared on the same draws. All metrics are all that these codes allow: one that needs more
    factors than vary, or factors of fewer values, is left out, unless it is named. ValueError
    names an unknown metric and lists what there is, or says what a metric lacks.
    """
    named = metrics is not None and list(metrics) != ["all"]
    nothing_varies = (codes.factors == codes.factors[:1]).all()
    table = {}
    for name, metric in _bar(suite.chosen(metrics).items(), "scores", progress):
        try:
            table[name] = _call(name, metric, codes, seed)
        except UnfitFactors:
            if named or nothing_varies:
                raise
    return table


def score_without(
    codes: Codes, factor: str, metrics: Sequence[str] | None = None, seed: int = 0
) -> Table:
    """`score` as if `factor` were not asked for; {} when it is missing or fewer than two remain.

    For dSprites `orientation`: squares and ellipses look the same after a turn, so that no code
    can know it fully.
    """
    rest = [name for name in codes.names if name != factor]
    if len(rest) < 2 or len(rest) == len(codes.names):
        return {}
    return score(codes.select(*rest), metrics, seed)


def summary(table: Table) -> Table:
    """`table` without the values of single pairs of factors ("a+b", "a|b"): for reading."""
    return {
        metric: {name: v for name, v in values.items() if not set("+|") & set(name)}
        for metric, values in table.items()
    }


def standard_errors(
    codes: Codes,
    resamples: int,
    metrics: Sequence[str] | None = None,
    seed: int = 0,
    progress: bool = False,
) -> Table:
    """The standard error of every score: its spread over random halves of the samples.

    Halves without replacement (Politis & Romano 1994; the delete-half jackknife) and not the
    usual bootstrap, whose repeated samples would stand in training and test parts at once; the
    standard deviation over halves estimates that of the whole. It measures the sample of images,
    not the seed of training. ValueError for fewer than 2 resamples.
    """
    if resamples < 2:
        raise ValueError(f"standard errors need at least 2 resamples, got {resamples}")
    rng = np.random.default_rng(seed)
    tables = []
    for _ in _bar(range(resamples), "resamples", progress):
        half = rng.permutation(len(codes))[: len(codes) // 2]
        tables.append(score(codes[half], metrics, seed))
    keys = [{(name, value) for name in table for value in table[name]} for table in tables]
    if any(each != keys[0] for each in keys):
        raise ValueError(
            f"a factor varies in some halves of the {len(codes)} samples only: give more samples, "
            "or leave out the factor"
        )
    return {
        name: {value: float(np.std([t[name][value] for t in tables], ddof=1)) for value in values}
        for name, values in tables[0].items()
    }


def sanity_scores(
    codes: Codes,
    data: FactorData | None = None,
    metrics: Sequence[str] | None = None,
    seed: int = 0,
) -> dict[str, Table]:
    """Scores of a perfect, a rotated and a random code, and with `data` of PCA, by name.

    All on the samples of `codes`, to stand beside its scores in a table.
    """
    images = None if data is None else data.render(codes.factors)
    rows = sanity.rows(codes, images, seed)
    if data is not None and data.scored:
        rows = {name: row.select(*data.scored) for name, row in rows.items()}
    return {name: score(row, metrics, seed) for name, row in rows.items()}


def evaluate(
    run: Run,
    data: FactorData | None = None,
    metrics: Sequence[str] | None = None,
    n: int = SAMPLES,
    seed: int = 0,
    bootstrap: int = 0,
    progress: bool = False,
) -> dict[str, Any]:
    """Encode `n` images of `data`, score the codes, add them to the run's scores.json.

    `data` is by default the run's data set with uncorrelated factors, the only distribution on
    which models trained on different correlations can be compared. Of images without known factors
    only the metrics that need none are computed. Returns samples, seed, seconds, scores, and where
    the data have an orientation the scores without it; with `bootstrap` >= 2 the standard errors
    from that many resamples. All is filed under `data.distribution`, followed by the repr of data
    that the run does not come from.

    All metrics take some ten seconds of CPU time for 15,000 images, half of them for the trees of
    `dci`; the scores without orientation reuse those of the other factors and add about a second.
    A resample costs nearly as much as the whole, so ask for standard errors of few metrics.

    >>> from vaelib.datasets import Blobs
    >>> from vaelib.networks import MLP
    >>> from vaelib.train import TrainConfig, train
    >>> run = train(TrainConfig(Blobs(size=32), network=MLP(16), steps=2), progress=False)
    >>> list(evaluate(run, metrics=["mig"], n=200)["scores"])
    ['mig']
    """
    from vaelib.datasets.fixed_sample import apart
    from vaelib.runs import encode

    data = run.config.data.uncorrelated() if data is None else data
    metrics = metrics if data.scored else UNSUPERVISED
    start = time.perf_counter()
    codes = encode(run, data, n=n, rng=apart(run.config.data, data, seed))
    entry: dict[str, Any] = {"samples": len(codes), "seed": seed, "seconds": 0.0}
    entry["about"] = _about(data, codes)
    entry["scores"] = score(codes, metrics, seed, progress)
    if without := score_without(codes, "orientation", metrics, seed):
        entry["without_orientation"] = without
    if bootstrap:
        entry["standard_errors"] = standard_errors(codes, bootstrap, metrics, seed, progress)
    entry["seconds"] = round(time.perf_counter() - start, 3)
    _add(Path(run.folder) / "scores.json", _name(run.config.data, data), entry)
    return entry


def _name(trained: FactorData, data: FactorData) -> str:
    """The distribution, and of data that the run does not come from, which they are."""
    from vaelib.datasets.wrapped import Wrapped

    own = [trained.uncorrelated(), trained]
    while isinstance(own[-1], Wrapped):  # the distribution behind a sample, say
        own.append(own[-1].data)
    known = repr(data) in map(repr, own)
    return data.distribution if known else f"{data.distribution}: {data}"


def _about(data: FactorData, codes: Codes) -> str:
    """What an entry of scores.json says of itself, for readers without vaelib."""
    return (
        f"Scores of the posterior means of {len(codes)} images of {data}, whose factors "
        f"({', '.join(codes.names)}) are {data.distribution}: {{metric: {{value: number}}}}, "
        "numbers without a unit, most from 0 to 1 with 1 the best (`vaelib list metrics` tells of "
        "each); a+b and a|b are values of one pair of factors. seed: of the images drawn; seconds: "
        "that the scoring took."
    )


def _call(name: str, metric: Any, codes: Codes, seed: int) -> dict[str, float]:
    draws = "seed" in inspect.signature(metric).parameters
    found = metric(codes, seed=seed) if draws else metric(codes)
    try:
        values = {str(key): float(value) for key, value in found.items()}
    except (AttributeError, TypeError, ValueError):
        raise ValueError(f"metric {name} must return {{name: number}}, got {found!r}") from None
    if not values or not np.isfinite(list(values.values())).all():
        raise ValueError(f"metric {name} must return one finite number or more, got {values}")
    return values


def _bar(items: Any, title: str, progress: bool) -> Any:
    return tqdm(items, desc=title, leave=False, disable=not progress)


def _add(path: Path, distribution: str, entry: dict[str, Any]) -> None:
    """Merge `entry` into the file: scores of the same samples stay, others are replaced."""
    table = read_json(path) if path.exists() else {}
    with readable(path, "holds no scores"):
        merged = _merge(table.get(distribution, {}), entry)
    write_json(path, {**table, distribution: merged})


def _merge(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    # Files of early versions lack `about`: theirs are of the same samples all the same.
    if any(old.get(key, new[key]) != new[key] for key in ("samples", "seed", "about")):
        return new
    tables = {key: {**old[key], **new.get(key, {})} for key in old if isinstance(old[key], dict)}
    return {**new, **tables}
