"""What do a pre-trained transformer and its adapters do with correlated factors?

>>> plan = Adaptive(seeds=(0,)).plan()
>>> [run.method for run in plan if run.phase == "first"]
['adapters', 'conv', 'adapters, tied', 'fine-tuned', 'from scratch']
>>> plain(plan[0].config.network).adapters
24
>>> world(("pos_x", "pos_y"), 0.2).data == small()
True
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

from vaelib.datasets import DSprites, FactorData, Pooled
from vaelib.networks import Fast, Network
from vaelib.objectives import CapacityVAE, Objective, PixelWeighted
from vaelib.pretrained import Adapters, Everything, Pretrained, Trained
from vaelib.schedules import Cosine
from vaelib.studies.base import Pair, Planned, Study, correlated
from vaelib.train import TrainConfig
from vaelib.vit import MaskedAutoencoding, ViT


@dataclass(frozen=True)
class Adaptive(Study):
    """Frozen ViT with adapters, full fine-tuning, a ViT from scratch and a conv VAE, on dSprites
    whose positions are correlated; then the same models on a new correlation.

    Phase `first`: all see as many images of pos_x–pos_y at σ, and CapacityVAE gives all the same
    KL. The pre-training saw uncorrelated images, which may tell the answer (the leak), or only the
    correlated ones (`tied`). Phases `change-N`: the trained models go on with another pair for N
    steps; `earlier.` is what they then lose on the images of before. 32×32 pixels, each counted 4
    times. Nothing was chosen on these seeds.
    """

    seeds: tuple[int, ...] = (100, 101, 102)
    pretraining: int = 1_500  # steps of masked pre-training
    steps: int = 1_500  # of the first phase
    change_steps: tuple[int, ...] = (100, 500)  # after the change
    pair: Pair = ("pos_x", "pos_y")  # the first correlation
    new_pair: Pair = ("scale", "pos_y")  # the one after the change
    sigma: float = 0.2  # of both
    capacity: float = 16.0  # nats of all models
    fast: float = 3e-3  # the learning rate of adapters, at its peak
    slow: float = 1e-3  # of all weights

    hypothesis = (
        "With under 15 % of its weights trained, a transformer pre-trained on uncorrelated images "
        "reconstructs correlated images at the same KL as well as a conv VAE trained on them, and "
        "separates the pair better on uncorrelated test data; pre-trained on the correlated images "
        "it does not. After a change of the correlation adapters forget less than full "
        "fine-tuning and the conv VAE."
    )
    metrics = ("mig", "pairwise_mig", "plane_angle", "fast_adaptation")
    samples = 5_000
    score = "uncorrelated.pairwise_mig.pair"
    reference = "adapters"

    def plan(self) -> list[Planned]:
        phases = (self.first, self.change)
        return [run for phase in phases for seed in self.seeds for run in phase(seed)]

    def first(self, seed: int) -> list[Planned]:
        """All methods on the first correlation."""
        return [
            Planned(config, method, "", "first", self.pair, self.sigma)
            for method, config in self.trained(seed).items()
        ]

    def change(self, seed: int) -> list[Planned]:
        """Those that are trained by now go on with another pair."""
        before = self.trained(seed)
        trained = {"adapters": Adapters(), "fine-tuned": Everything(), "conv": Everything()}
        return [
            self.changed(method, before[method], part, steps)
            for steps, (method, part) in product(self.change_steps, trained.items())
        ]

    def changed(self, method: str, source: TrainConfig, part: Trained, steps: int) -> Planned:
        network = Pretrained(plain(source.network), source, part)
        objective = self.objective(1)  # the models have their capacity already
        config = self.config(source.seed, self.new_pair, network, objective, steps)
        return Planned(config, method, "", f"change-{steps}", self.new_pair, self.sigma)

    def trained(self, seed: int) -> dict[str, TrainConfig]:
        """The runs of the first phase by method."""
        free, tied = self.masked(seed, small()), self.masked(seed, world(self.pair, self.sigma))
        vit, objective = ViT(adapters=24), self.objective(max(1, 2 * self.steps // 3))
        networks: dict[str, Network] = {
            "adapters": Pretrained(vit, free, Adapters()),
            "conv": Fast(),
            "adapters, tied": Pretrained(vit, tied, Adapters()),
            "fine-tuned": Pretrained(vit, free, Everything()),
            "from scratch": vit,
        }
        return {
            name: self.config(seed, self.pair, network, objective, self.steps)
            for name, network in networks.items()
        }

    def masked(self, seed: int, data: FactorData) -> TrainConfig:
        """Masked pre-training on these images."""
        config = self.config(seed, self.pair, ViT(), MaskedAutoencoding(), self.pretraining)
        return replace(config, data=data, learning_rate=2 * self.slow)

    def config(
        self, seed: int, pair: Pair, network: Network, objective: Objective, steps: int
    ) -> TrainConfig:
        adapted = isinstance(network, Pretrained) and network.trained == Adapters()
        return TrainConfig(
            world(pair, self.sigma), objective, network, schedule=Cosine(min(200, steps // 10)),
            steps=steps, learning_rate=self.fast if adapted else self.slow, seed=seed,
        )  # fmt: skip

    def objective(self, rise: int) -> Objective:
        """The same KL for all, which it reaches in so many steps."""
        return PixelWeighted(CapacityVAE(30.0, self.capacity, rise), 4)


def small() -> FactorData:
    return Pooled(DSprites())


def world(pair: Pair, sigma: float) -> FactorData:
    return correlated(small(), pair, sigma)


def plain(network: Network) -> Network:
    """The network itself, without where its weights come from."""
    return network.network if isinstance(network, Pretrained) else network
