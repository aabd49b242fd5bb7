"""What each network costs a step and how far a short training takes it.

    python -m benchmarks.network_quality --steps 1500 --seeds 0 1

One thread and CPU time, batch 64, β = 1, dSprites at 64×64. The loss is −ELBO in nats per image,
a mean over the last tenth of the logged steps.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from statistics import mean

import torch

from vaelib import machine
from vaelib.networks import MLP, Burgess, Fast, Locatello, Network
from vaelib.objectives import BetaVAE
from vaelib.train import TrainConfig, train

NETWORKS = (Burgess(), Fast(channels=32), Fast(), Locatello(), MLP())


def measure(network: Network, steps: int, seed: int) -> tuple[float, float]:
    """CPU milliseconds a step, and the loss at the end."""
    config = TrainConfig(
        network=network, objective=BetaVAE(beta=1.0), steps=steps, seed=seed,
        log_every=max(1, steps // 100), checkpoint_every=steps, device="cpu",
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        log = train(config, folder, progress=False).log
        spent = time.process_time() - began
    return 1000 * spent / steps, log["loss"].tail(max(1, len(log) // 10)).mean()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--short", action="store_true", help="only see that it runs")
    chosen = parser.parse_args(arguments)
    steps = 2 if chosen.short else chosen.steps
    torch.set_num_threads(1)
    print(f"{machine.cpu_name()}, one thread, {steps} steps, seeds {chosen.seeds}")
    reference = None
    for network in NETWORKS:
        found = [measure(network, steps, seed) for seed in chosen.seeds]
        milliseconds = mean(cost for cost, _ in found)
        reference = reference or milliseconds
        losses = " ".join(f"{loss:7.1f}" for _, loss in found)
        print(
            f"{network!r:36} {milliseconds:6.1f} ms a step, {milliseconds / reference:5.2f} × "
            f"Burgess; loss {losses}",
            flush=True,
        )


if __name__ == "__main__":
    main()
