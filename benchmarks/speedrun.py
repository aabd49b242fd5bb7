"""How soon a recipe reaches the test loss that the field's usual configuration ends with.

    python -m benchmarks.speedrun                       # the table of what is there
    python -m benchmarks.speedrun --train reference fast --beta 1 4 --seeds 0 1 2

The reference is the network of Burgess et al. 2018, batch 64, Adam at 5e-4, float32, a plain loop,
20,000 steps. The loss is −ELBO for β = 1 and the β-VAE loss else, in nats per image, on 2,048
images that are never trained on.

Steps and time are measured apart. The runs, which can be stopped and go on, say how many steps a
recipe needs. What a step costs is measured side by side: all recipes take turns in one sitting,
each in its own process on one thread, in CPU time, so that other work on the machine disturbs
little. The reference's curve is trained with the exact speed-ups, to save time; its step is timed
without them. The curves stay in results/*/speedrun_curves.csv, so that recipes that are trained
later are compared with the same reference.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmarks._held_out import HeldOutLoss, Without
from benchmarks._results import folder as results_folder
from benchmarks._results import keep, table, write_readme
from benchmarks._stepper import Apart, in_turn
from vaelib.datasets import DSprites
from vaelib.files import write_text
from vaelib.networks import Burgess, Fast, HeInit
from vaelib.objectives import BetaVAE
from vaelib.paths import runs_dir
from vaelib.runs import Run
from vaelib.schedules import Cosine
from vaelib.train import TrainConfig, train

Curves = list[tuple[np.ndarray, np.ndarray]]  # steps and losses, one a seed
COLUMNS = ["recipe", "beta", "seed", "step", "test_loss"]


@dataclass(frozen=True)
class Recipe:
    """What differs from the reference, and why it was tried."""

    why: str
    changes: dict[str, Any] = field(default_factory=dict)

    def config(self, beta: float, seed: int) -> TrainConfig:
        return replace(REFERENCE, objective=BetaVAE(beta=beta), seed=seed, **self.changes)


REFERENCE = TrainConfig(
    data=Without(DSprites()), network=Burgess(), sampling=HeldOutLoss(), steps=20_000,
    log_every=500, checkpoint_every=1000, device="cpu",
)  # fmt: skip
RECIPES = {
    "reference": Recipe("the field's usual configuration"),
    "leaner network": Recipe("networks.Fast, else the same", {"network": Fast()}),
    "larger rate": Recipe(
        "and a rate of 2e-3 that falls to 0 in 6,000 steps",
        {"network": Fast(), "learning_rate": 2e-3, "schedule": Cosine(), "steps": 6000},
    ),
    "fast": Recipe(
        "and bfloat16 where the chip is faster in it",
        {
            "network": Fast(), "learning_rate": 2e-3, "schedule": Cosine(), "steps": 6000,
            "precision": "auto",
        },
    ),
    "sprint": Recipe(
        "and weights that begin wider (HeInit), an Adam that forgets sooner (β₂ = 0.95), and no "
        "more steps than the target needs: the rate falls to 0 in 1,500",
        {
            "network": HeInit(), "learning_rate": 2e-3, "schedule": Cosine(), "steps": 1500,
            "precision": "auto", "beta2": 0.95, "sampling": HeldOutLoss(every=100),
            "log_every": 100,
        },
    ),
}  # fmt: skip


def folder(name: str, beta: float, seed: int):
    return runs_dir() / "speedrun" / f"{name.replace(' ', '-')}-{beta:g}-{seed}"


def trained(name: str, beta: float, seed: int) -> pd.DataFrame | None:
    """The curve of a run: step and test_loss, with what it is of; None where it is not finished."""
    path = folder(name, beta, seed)
    if not (path / "model.safetensors").exists():
        return None
    run = Run(path)
    log = run.log[run.log["step"] % run.config.sampling.every == 0]
    loss = log["test_reconstruction"] + beta * log["test_kl"]
    about = {"recipe": name, "beta": beta, "seed": seed}
    return pd.DataFrame({"step": log["step"], "test_loss": loss}).assign(**about)[COLUMNS]


def gather(betas: list[float], seeds: list[int]) -> pd.DataFrame:
    """All curves: those of the file, and in their place those that are trained here."""
    path = results_folder() / "speedrun_curves.csv"
    before = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=COLUMNS)
    here = [trained(*which) for which in product(RECIPES, betas, seeds)]
    curves = {tuple(key): curve for table in (before, *(h for h in here if h is not None))
              for key, curve in table.groupby(COLUMNS[:3])}  # fmt: skip
    return pd.concat([before[:0], *curves.values()], ignore_index=True)


def of(curves: pd.DataFrame, name: str, beta: float) -> Curves:
    """The curves of a recipe at a β, one a seed."""
    own = curves[(curves["recipe"] == name) & (curves["beta"] == beta)]
    parts = [part for _, part in own.groupby("seed")]
    return [(part["step"].to_numpy(), part["test_loss"].to_numpy()) for part in parts]


def steps_to(target: float, steps: np.ndarray, losses: np.ndarray) -> int | None:
    """The first tested step with a loss of at most `target`."""
    reached = np.flatnonzero(losses <= target)
    return int(steps[reached[0]]) if len(reached) else None


def step_costs(names: list[str], rounds: int, steps: int = 10) -> dict[str, float]:
    """CPU milliseconds of a step of each recipe, the median over rounds."""
    configs = {name: RECIPES[name].config(1.0, 0) for name in names}
    configs["reference"] = replace(RECIPES["reference"].config(1.0, 0), speedups=False)
    configs = {n: replace(c, data=DSprites(), sampling=UNTESTED) for n, c in configs.items()}
    steppers = {name: Apart(config) for name, config in configs.items()}
    times = in_turn(steppers, rounds, steps)
    for stepper in steppers.values():
        stepper.stop()
    return {name: 1000 * float(np.median(values)) for name, values in times.items()}


UNTESTED = TrainConfig().sampling


def rows(curves: pd.DataFrame, costs: dict[str, float]) -> list[dict[str, Any]]:
    """One row a recipe and β that are trained, where the reference is."""
    found = []
    for beta in sorted(curves["beta"].unique()):
        reference = of(curves, "reference", beta)
        for name, cost in costs.items():
            own = reference if name == "reference" else of(curves, name, beta)
            if own and reference:
                found.append({"β": beta, "recipe": name} | row(own, reference, cost, costs))
    return found


def row(own: Curves, reference: Curves, cost: float, costs: dict[str, float]) -> dict[str, Any]:
    """Means over seeds. The target is the reference's mean last loss.

    A reference that hardly improves at the end flatters the others; so the last column compares
    the times in which both first come within 5 % of the target.
    """
    target = float(np.mean([losses[-1] for _, losses in reference]))
    last = float(np.mean([steps[-1] for steps, _ in reference]))
    needed = last if own is reference else mean_steps(target, own)
    near = [mean_steps(1.05 * target, curves) for curves in (reference, own)]
    seconds = needed * cost / 1000 if needed else None
    dearer = costs["reference"] / cost
    return {
        "seeds": len(own), "target": target, "of the reference at": int(last),
        "final test loss": float(np.mean([losses[-1] for _, losses in own])),
        "at step": int(np.mean([steps[-1] for steps, _ in own])), "ms a step": cost,
        "steps to target": int(needed) if needed else "not reached", "seconds to target": seconds,
        "times faster": dearer * last / needed if needed else None,
        "within 5 %": dearer * near[0] / near[1] if all(near) else None,
    }  # fmt: skip


def mean_steps(target: float, curves: Curves) -> float | None:
    """Steps to the target, None where a seed does not reach it."""
    needed = [steps_to(target, *one) for one in curves]
    return None if None in needed else float(np.mean(needed))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("benchmarks.speedrun", description=__doc__.split("\n")[0])
    parser.add_argument("--train", nargs="*", default=[], choices=RECIPES, metavar="RECIPE")
    parser.add_argument("--beta", type=float, nargs="+", default=[1.0, 4.0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--rounds", type=int, default=5, help="of the timing")
    parser.add_argument("--short", action="store_true", help="only see that it runs")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    for name in options.train:
        for beta in options.beta:
            for seed in options.seeds:
                train(RECIPES[name].config(beta, seed), folder(name, beta, seed))
    amount = (1, 1) if options.short else (options.rounds, 10)
    costs = step_costs(list(RECIPES), *amount)
    curves = gather(options.beta, options.seeds)
    found = rows(curves, costs)
    tried = "\n".join(f"- **{name}**: {recipe.why}" for name, recipe in RECIPES.items())
    print(table(found) if found else f"not trained yet; ms a step: {costs}")
    if found and not options.short:
        keep("speedrun", found)
        write_text(results_folder() / "speedrun_curves.csv", curves.to_csv(index=False))
        write_readme("speedrun", f"{tried}\n\n{table(found)}")


if __name__ == "__main__":
    main()
