"""What was tried to make the fast recipe faster, and what each change does.

    python -m benchmarks.recipes                          # the table of what is there
    python -m benchmarks.recipes --train Muon --seeds 0   # all recipes, where none is named

Each trains for as long as the fast recipe takes for `--steps` steps: a dearer step means fewer
steps, with a schedule that fits them. What counts is the loss at the end on images that are never
trained on, for β = 1 −ELBO. Costs are CPU time on one thread, in turns with the fast recipe.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from statistics import mean, stdev
from typing import Any

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from benchmarks._held_out import Without, held_out_loss
from benchmarks._results import Rows, keep, kept, table, write_readme
from benchmarks._stepper import Stepper, in_turn
from benchmarks._tried import RECIPES, Recipe
from vaelib.datasets import DSprites
from vaelib.networks import Fast
from vaelib.objectives import BetaVAE
from vaelib.runs import images_of
from vaelib.schedules import Cosine
from vaelib.train import TrainConfig

FAST = TrainConfig(
    data=Without(DSprites()), network=Fast(), learning_rate=2e-3, schedule=Cosine(),
    precision="auto", device="cpu",
)  # fmt: skip


class Attempt(Stepper):
    """A training by a recipe."""

    def __init__(self, recipe: Recipe, beta: float, steps: int, seed: int):
        config = replace(FAST, objective=BetaVAE(beta), steps=steps, seed=seed, **recipe.changes)
        super().__init__(config)
        self.recipe, self.tested = recipe, self.vae
        if recipe.initialise:
            recipe.initialise(self.vae)
        if recipe.optimizers:
            self.optimizers = recipe.optimizers(self.vae, config.learning_rate)
        if recipe.average:
            follow = get_ema_multi_avg_fn(recipe.average)
            self.average = AveragedModel(self.vae, multi_avg_fn=follow)
            self.tested = self.average.module

    def advance(self) -> None:
        super().advance()
        if self.recipe.average:
            self.average.update_parameters(self.vae)

    def batch_size(self) -> int:
        done = self.step / self.config.steps
        return self.recipe.batch_size(done) if self.recipe.batch_size else super().batch_size()


def cost(recipe: Recipe, rounds: int, steps: int = 5) -> float:
    """CPU time of a step, of that of the fast recipe: the mean over a whole short training."""
    total = 3 + rounds * steps
    both = {"fast": Attempt(RECIPES["fast"], 1.0, total, 0), "own": Attempt(recipe, 1.0, total, 0)}
    times = in_turn(both, rounds, steps)
    return float(np.mean(times["own"] / times["fast"]))


def test_loss(attempt: Attempt) -> float:
    """On the images that were set aside, in nats per image."""
    for optimizer in attempt.optimizers:
        getattr(optimizer, "eval", lambda: None)()  # schedule-free's averaged weights
    data = attempt.config.data
    images = images_of(data.data, data.data.factors(data.test_index)).split(64)
    reconstruction, kl = held_out_loss(attempt.tested, images).tolist()
    return reconstruction + attempt.config.objective.beta * kl


def measure(name: str, beta: float, seed: int, steps: int, rounds: int) -> dict[str, Any]:
    """A row: one recipe with one seed, for as long as the fast recipe takes for `steps`."""
    recipe = RECIPES[name]
    ratio = 1.0 if name.startswith("fast") else cost(recipe, rounds)
    own = max(1, round(steps * recipe.longer / ratio))
    attempt = Attempt(recipe, beta, own, seed)
    attempt.run(own)
    found = {"β": beta, "recipe": name, "seed": seed, "of": steps, "× a fast step": ratio}
    return found | {"steps": own, "test loss": test_loss(attempt)}


def summary(rows: Rows) -> Rows:
    """A row a recipe, β and length: means over seeds; the difference from fast, paired by seed."""
    fast = {_pair(row): row["test loss"] for row in rows if row["recipe"] == "fast"}
    found = []
    for beta, of, name in dict.fromkeys(_cell(row) for row in rows):
        own = [row for row in rows if _cell(row) == (beta, of, name)]
        gains = [row["test loss"] - fast[_pair(row)] for row in own if _pair(row) in fast]
        found.append({
            "β": beta, "as long as": of, "recipe": name, "what": RECIPES[name].why,
            "× a fast step": mean(row["× a fast step"] for row in own),
            "steps": round(mean(row["steps"] for row in own)), "seeds": len(own),
            "test loss": mean(row["test loss"] for row in own), "against fast": _spread(gains),
        })  # fmt: skip
    return sorted(found, key=lambda row: (row["β"], row["as long as"], row["test loss"]))


def _cell(row: dict[str, Any]) -> tuple:
    return row["β"], row["of"], row["recipe"]


def _pair(row: dict[str, Any]) -> tuple:
    return row["β"], row["seed"], row["of"]


def _spread(values: list[float]) -> str:
    """Mean ± standard error."""
    if len(values) < 2:
        return f"{values[0]:+.1f}" if values else ""
    return f"{mean(values):+.1f} ± {stdev(values) / len(values) ** 0.5:.1f}"


def trials(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """A row for each recipe that this torch and its surroundings have."""
    for beta in options.beta:
        for seed in options.seeds:
            for name in options.train or RECIPES:
                try:
                    yield measure(name, beta, seed, options.steps, options.rounds)
                except (ImportError, AttributeError) as error:
                    print(f"{name}: {error}")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("benchmarks.recipes", description=__doc__.split("\n")[0])
    parser.add_argument("--train", nargs="*", choices=RECIPES, metavar="RECIPE")
    parser.add_argument("--beta", type=float, nargs="+", default=[1.0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--steps", type=int, default=600, help="of the fast recipe")
    parser.add_argument("--rounds", type=int, default=8, help="of the timing")
    parser.add_argument("--short", action="store_true", help="only see that it runs")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if options.short:
        options.train, options.steps, options.rounds = None, 2, 1
        print(table(summary(list(trials(options)))))
        return
    rows = (kept("recipes") or {"rows": []})["rows"]
    for row in trials(options) if options.train is not None else ():
        rows = [r for r in rows if (_pair(r), r["recipe"]) != (_pair(row), row["recipe"])] + [row]
        keep("recipes", rows)
        print(table([row]), flush=True)
    print(table(summary(rows)) if rows else "nothing is trained yet: --train")
    if rows:
        write_readme("recipes", table(summary(rows)))


if __name__ == "__main__":
    main()
