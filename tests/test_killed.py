"""Runs that hold more than a model, killed in mid-step: critics, controllers, learned weights."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from test_train import assert_same_weights, step_reached

from vaelib.runs import Run

SCRIPT = """
    import sys, torch
    torch.set_num_threads(1)
    from vaelib.datasets import Correlated, DSprites, FixedSample
    from vaelib.flattening import DensityFlattening
    from vaelib.networks import MLP
    from vaelib.objectives import LVAE, BetaVAE, ControlVAE, FactorVAE, PairTurns, PairwiseBeta
    from vaelib.objectives.pair_weights import WeakThenTighten
    from vaelib.objectives.terms import CorrelatedKL, FlatMarginals, PairPenalty, Support
    from vaelib.sampling import UniformSampling
    from vaelib.train import TrainConfig, train

    folder, name = sys.argv[1:]
    everything = (CorrelatedKL(), PairPenalty(), Support(bank=64), FlatMarginals(bank=64))
    objective = {
        "FactorVAE": FactorVAE(critic_width=32),
        "ControlVAE": ControlVAE(),
        "LVAE": LVAE(),
        "PairwiseBeta": PairwiseBeta(
            weights=WeakThenTighten(measure_steps=50, tighten_steps=50), terms=everything
        ),
        "PairTurns": PairTurns(PairwiseBeta(), after=50, every=20, bank=64, gain=0.0),
        "flattening": BetaVAE(),
    }[name]
    pair = {("pos_x", "pos_y"): 0.2}
    config = TrainConfig(
        data=FixedSample(Correlated(DSprites(), pair), 300), objective=objective,
        network=MLP(hidden=32), latent_dim=3, steps=300, batch_size=16, log_every=10,
        sampling=DensityFlattening(every=20) if name == "flattening" else UniformSampling(),
        checkpoint_every=20, device="cpu",
    )
    train(config, folder, progress=False)
"""
NAMES = ["FactorVAE", "ControlVAE", "LVAE", "PairwiseBeta", "PairTurns", "flattening"]


@pytest.mark.parametrize("name", NAMES)
def test_a_killed_run_resumes_bit_for_bit(tmp_path, name):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def command(folder):
        return [sys.executable, str(script), str(tmp_path / folder), name]

    subprocess.run(command("whole"), check=True, env=environment)
    process = subprocess.Popen(command("killed"), env=environment)
    deadline = time.monotonic() + 60
    while step_reached(tmp_path / "killed") < 100:
        assert time.monotonic() < deadline and process.poll() is None, "it must be running"
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not Run(tmp_path / "killed").finished
    subprocess.run(command("killed"), check=True, env=environment)

    whole, killed = Run(tmp_path / "whole"), Run(tmp_path / "killed")
    assert_same_weights(whole, killed)
    assert whole.log.drop(columns="seconds").equals(killed.log.drop(columns="seconds"))
    for file in whole.folder.glob("*.safetensors"):  # what the objective learned, and the weights
        assert file.read_bytes() == (killed.folder / file.name).read_bytes()
