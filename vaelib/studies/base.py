"""Study: a hypothesis, and the runs that put it to the test.

>>> from vaelib.objectives import BetaVAE
>>> @dataclass(frozen=True)
... class Two(Study):
...     hypothesis = "more pressure, fewer nats"
...
...     def plan(self):
...         configs = {f"beta={b}": TrainConfig(objective=BetaVAE(b)) for b in (1.0, 8.0)}
...         return [Planned(config, "BetaVAE", name) for name, config in configs.items()]
>>> [run.config.objective for run in only(whole_plan(Two()), ["beta=8*"])]
[BetaVAE(beta=8.0)]
>>> from vaelib.datasets import DSprites
>>> correlated(DSprites(), ("pos_x", "pos_y"), 0.2).distribution
'correlated'
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from functools import cache

from vaelib.datasets import Correlated, FactorData
from vaelib.train import TrainConfig

NUMBERS = {"tuple[int, ...]": int, "tuple[float, ...]": (int, float)}  # fields, by annotation
Pair = tuple[str, str]  # of factors


@dataclass(frozen=True)
class Planned:
    """One run of a study, and its place in the design."""

    config: TrainConfig
    method: str  # what is compared
    setting: str = ""  # its hyper-parameters, where several are tried
    phase: str = "main"  # `select`: for choosing settings only, never for a claim
    pair: Pair | None = None  # the correlated factors
    sigma: float = math.inf  # how strongly: 0.1 strong, inf not at all

    @property
    def labels(self) -> dict[str, str | float | int]:
        """The place in the design, as columns of a table."""
        return {
            "phase": self.phase,
            "pair": "+".join(self.pair or ()),
            "sigma": self.sigma,
            "method": self.method,
            "setting": self.setting,
            "seed": self.config.seed,
        }

    @property
    def words(self) -> list[str]:
        """What `--only` looks at, as in select, pos_x+pos_y, sigma=0.2, BetaVAE, beta=4, seed=0."""
        found = self.labels | {"sigma": f"sigma={self.sigma:g}", "seed": f"seed={self.config.seed}"}
        return [str(word) for word in found.values() if word != ""]


class Study(ABC):
    """A question put to many runs.

    A subclass is a frozen dataclass in a file of its own, which gives the study its name. Its
    docstring says what is done, `hypothesis` what is expected; its fields (seeds, steps, …) can be
    changed on the command line with `-o`.
    """

    hypothesis: str
    metrics: Sequence[str] = ("mig", "dci")  # of vaelib.metrics
    samples: int = 15_000  # images that are encoded for the metrics
    score: str = "uncorrelated.mig"  # the column of the table that settings are chosen by
    reference: str = ""  # the method that all others are compared with, pair by pair and seed
    rivals: Sequence[str] = ()  # those among them that the hypothesis names; () stands for all
    lower_is_better: bool = False  # of `score`

    def __post_init__(self) -> None:
        for part in fields(self):
            value = getattr(self, part.name)
            if str(part.type).startswith("tuple") and not isinstance(value, tuple | list):
                raise ValueError(f"{part.name} must be several values, as (1,), got {value!r}")
            if (kind := NUMBERS.get(str(part.type))) and not (value and _all_are(kind, value)):
                raise ValueError(f"{part.name} must hold numbers, {part.type}, got {value!r}")

    @abstractmethod
    def plan(self) -> list[Planned]:
        """The runs, in the order in which they are to be done."""

    @classmethod
    def name(cls) -> str:
        return cls.__module__.rpartition(".")[2]


def _all_are(kind: type | tuple[type, ...], values: Sequence[object]) -> bool:
    return all(isinstance(v, kind) and not isinstance(v, bool) for v in values)


def whole_plan(study: Study) -> list[Planned]:
    """All runs of a study; ValueError for none, and when none is of the method it refers to."""
    plan, name = study.plan(), type(study).__name__
    if not plan:
        raise ValueError(f"{name} plans no run with these options: {study}")
    methods = dict.fromkeys(run.method for run in plan)
    if study.reference and study.reference not in methods:
        raise ValueError(
            f"reference of {name} must be a method of its plan, of {', '.join(methods)}, got "
            f"{study.reference!r}"
        )
    return plan


@cache  # the joint of the factors is worked out once
def correlated(data: FactorData, pair: Pair, sigma: float) -> FactorData:
    """`data` with this pair correlated; as they are at σ = ∞."""
    return data if math.isinf(sigma) else Correlated(data, {pair: sigma})


def only(plan: Sequence[Planned], wanted: Sequence[str]) -> list[Planned]:
    """The planned runs that every word of `wanted` fits: a pattern, or several with | in between.

    `["report", "sigma=0.2", "BetaVAE|FactorVAE", "seed=10*"]`. ValueError when none is left, with
    the words that there are.
    """
    chosen = [run for run in plan if all(_fits(run, word) for word in wanted)]
    if not chosen:
        there = dict.fromkeys(word for run in plan for word in run.words)
        raise ValueError(
            f"no run of the study fits {list(wanted)}; there is {', '.join(there) or 'none'}"
        )
    return chosen


def _fits(run: Planned, word: str) -> bool:
    return any(fnmatchcase(own, part) for own in run.words for part in word.split("|"))
