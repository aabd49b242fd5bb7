"""Whether what is faster is as good: bfloat16, the network Fast, another start, another Adam.

    python -m benchmarks.quality                                # the tables of what is there
    python -m benchmarks.quality --train "Fast, float32"        # all variants, where none is named

β = 4 on dSprites at 64×64, batch 64, 3,000 steps with a falling rate. Each pair shares its
seeds, so the differences are paired. The test ELBO is that of 2,048 images never trained on, in
nats per image; MIG and DCI (disentanglement) are those of 5,000 images.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch
from scipy.stats import t

from benchmarks._held_out import Without, held_out_loss
from benchmarks._results import Rows, keep, table, write_readme
from vaelib.datasets import DSprites
from vaelib.evaluate import evaluate
from vaelib.networks import Burgess, Fast, HeInit
from vaelib.objectives import BetaVAE
from vaelib.paths import runs_dir
from vaelib.runs import Run, images_of
from vaelib.schedules import Cosine
from vaelib.train import TrainConfig, train

BASE = TrainConfig(
    data=Without(DSprites()), objective=BetaVAE(4.0), learning_rate=1e-3, schedule=Cosine(),
    steps=3000, device="cpu",
)  # fmt: skip
VARIANTS = {
    "Fast, float32": {"network": Fast(), "precision": "float32"},
    "Fast, bfloat16": {"network": Fast(), "precision": "bfloat16"},
    "Burgess, bfloat16": {"network": Burgess(), "precision": "bfloat16"},
    "Fast, bfloat16, β₂ 0.95": {"network": Fast(), "precision": "bfloat16", "beta2": 0.95},
    "HeInit, bfloat16, β₂ 0.95": {"network": HeInit(), "precision": "bfloat16", "beta2": 0.95},
}
QUESTIONS = {
    "bfloat16 for float32": ("Fast, bfloat16", "Fast, float32"),
    "Fast for Burgess": ("Fast, bfloat16", "Burgess, bfloat16"),
    "β₂ 0.95 for 0.999": ("Fast, bfloat16, β₂ 0.95", "Fast, bfloat16"),
    "HeInit and β₂ 0.95 for neither": ("HeInit, bfloat16, β₂ 0.95", "Fast, bfloat16"),
}
MEASURES = ("test ELBO", "MIG", "DCI")


def config(variant: str, seed: int, steps: int = BASE.steps) -> TrainConfig:
    return replace(BASE, seed=seed, steps=steps, **VARIANTS[variant])


def folder(variant: str, seed: int) -> Path:
    return runs_dir() / "quality" / f"{variant.replace(', ', '-').replace(' ', '-').lower()}-{seed}"


def measure(run: Run, images: int = 5_000) -> dict[str, float]:
    """The run's measures, scored once."""
    data = run.config.data
    if "uncorrelated" not in run.scores:
        evaluate(run, data.data, ("mig", "dci"), images)
    scores = run.scores["uncorrelated"]["scores"]
    test = images_of(data.data, data.data.factors(data.test_index)).split(64)
    elbo = -float(held_out_loss(run.vae, test).sum())
    found = elbo, scores["mig"]["mig"], scores["dci"]["disentanglement"]
    return dict(zip(MEASURES, found, strict=True))


def spread(values: list[float]) -> tuple[float, float]:
    """Mean and standard error."""
    return mean(values), stdev(values) / len(values) ** 0.5 if len(values) > 1 else float("nan")


def by_variant(rows: Rows) -> Rows:
    """Mean ± standard error over seeds."""
    found = []
    for variant in VARIANTS:
        own = [row for row in rows if row["variant"] == variant]
        if own:
            about = {"variant": variant, "seeds": len(own), "steps": own[0]["steps"]}
            found.append(about | {m: _shown(*spread([row[m] for row in own])) for m in MEASURES})
    return found


def answers(rows: Rows) -> Rows:
    """For each question the mean difference of the pairs, and whether it may be one of chance."""
    values = {(row["variant"], row["seed"]): row for row in rows}
    found = []
    for question, (new, old) in QUESTIONS.items():
        seeds = [seed for variant, seed in values if variant == new and (old, seed) in values]
        for m in MEASURES if seeds else ():
            pairs = [values[new, seed][m] - values[old, seed][m] for seed in seeds]
            difference, error = spread(pairs)
            found.append({
                "question": question, "measure": m, "pairs": len(pairs),
                "difference": _shown(difference, error, "+"),
                "answer": verdict(difference, error, len(pairs)),
            })  # fmt: skip
    return found


def verdict(difference: float, error: float, pairs: int) -> str:
    """Whether the 95 % interval (Student's t) of a mean difference of pairs leaves out 0."""
    if pairs < 2:
        return "one pair only"
    reach = float(t.ppf(0.975, pairs - 1)) * error
    return "better" if difference > reach else "worse" if difference < -reach else "not told apart"


def _shown(value: float, error: float, sign: str = "") -> str:
    digits = 1 if error > 0.1 else 3
    return f"{value:{sign}.{digits}f} ± {error:.{digits}f}"


def runs(seeds: list[int]) -> dict[tuple[str, int], Run]:
    """Those that are finished."""
    paths = {(v, s): folder(v, s) for s in seeds for v in VARIANTS}
    return {k: Run(p) for k, p in paths.items() if (p / "model.safetensors").exists()}


def row(variant: str, seed: int, run: Run, images: int = 5_000) -> dict[str, Any]:
    about = {"variant": variant, "seed": seed, "steps": run.config.steps}
    return about | measure(run, images)


def short() -> Rows:
    """Each for two steps."""
    with tempfile.TemporaryDirectory() as root:
        trained = {v: train(config(v, 0, 2), f"{root}/{v}", progress=False) for v in VARIANTS}
        return [row(v, 0, run, images=200) for v, run in trained.items()]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("benchmarks.quality", description=__doc__.split("\n")[0])
    parser.add_argument("--train", nargs="*", choices=VARIANTS, metavar="VARIANT")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--short", action="store_true", help="only see that it runs")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    for variant in () if options.train is None else options.train or VARIANTS:
        for seed in options.seeds:
            measure(train(config(variant, seed), folder(variant, seed), progress=False))
            print(f"{variant}, seed {seed}: trained", flush=True)
    rows = (
        short() if options.short else [row(*key, run) for key, run in runs(options.seeds).items()]
    )
    if not rows:
        print("nothing is trained yet: --train")
        return
    text = f"{table(by_variant(rows))}\n\n{table(answers(rows))}"
    print(text)
    if not options.short:
        keep("quality", rows)
        write_readme("quality", text)


if __name__ == "__main__":
    main()
