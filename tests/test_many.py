import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from vaelib import machine, many, stacked
from vaelib.checkpoint import load_tensors
from vaelib.datasets import Correlated, DSprites, Pairs
from vaelib.diverged import TrainingDiverged
from vaelib.many import train_many
from vaelib.networks import Burgess
from vaelib.objectives import AdaGVAE, BetaVAE, FactorVAE, PixelWeighted
from vaelib.runs import Run
from vaelib.stacked import alike, train_stacked
from vaelib.train import TrainConfig, train

SMALL = TrainConfig(
    network=Burgess(channels=4, hidden=8), latent_dim=3, steps=9, batch_size=8, log_every=3,
    checkpoint_every=4, device="cpu",
)  # fmt: skip
CONFIGS = [
    SMALL,
    replace(SMALL, seed=1, objective=FactorVAE(), learning_rate=1e-3),
    replace(SMALL, seed=2, data=Correlated(DSprites(), {("pos_x", "pos_y"): 0.2})),
]


def weights(run):
    return load_tensors(run.folder / "model.safetensors")[0]


def assert_alike(one, other):
    assert one.config.key == other.config.key
    for name, value in weights(one).items():
        torch.testing.assert_close(weights(other)[name], value, rtol=1e-3, atol=1e-5)
    columns = [c for c in one.log if c != "seconds"]
    np.testing.assert_allclose(one.log[columns], other.log[columns], rtol=1e-3, atol=1e-4)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    return [train(c, folder / str(i), progress=False) for i, c in enumerate(CONFIGS)]


def test_processes_give_the_same_runs_in_the_same_order(tmp_path, alone):
    runs = train_many(CONFIGS, [tmp_path / str(i) for i in range(3)], workers=2, progress=False)
    for one, other in zip(alone, runs, strict=True):
        assert all(torch.equal(weights(one)[n], weights(other)[n]) for n in weights(one))


def test_stacked_runs_are_those_that_train_alone(tmp_path, alone):
    runs = train_stacked(CONFIGS, [tmp_path / str(i) for i in range(3)])
    for one, other in zip(alone, runs, strict=True):
        assert_alike(one, other)
    assert runs[1].folder.joinpath("objective.safetensors").exists()  # FactorVAE's critic


@dataclass(eq=False)
class Drawing(BetaVAE):
    """An objective of a user's that draws from torch's own generator."""

    def penalty(self, batch, out, step):
        return {"luck": torch.rand(()) * super().penalty(batch, out, step)["weighted_kl"]}


def test_what_draws_from_torch_itself_is_repeated_in_a_stack(tmp_path):
    configs = [replace(SMALL, seed=seed, objective=Drawing()) for seed in (0, 1)]
    stacks = []
    for name in "ab":
        before = torch.get_rng_state()
        stacks.append(train_stacked(configs, [tmp_path / f"{name}{i}" for i in (0, 1)]))
        assert torch.equal(before, torch.get_rng_state()), "the program's own draws stay"
        torch.rand(3)
    for one, other in zip(*stacks, strict=True):
        assert all(torch.equal(weights(one)[n], weights(other)[n]) for n in weights(one))


def test_a_class_of_the_program_that_runs_is_refused_for_processes(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "__main__", sys.modules[__name__])
    monkeypatch.setattr(Drawing, "__module__", "__main__")
    with pytest.raises(ValueError, match="test_many:Drawing is defined in the program that runs"):
        train_many([replace(SMALL, objective=Drawing())], [tmp_path / "run"], progress=False)
    assert not (tmp_path / "run").exists()


def test_a_stacked_training_that_was_cut_goes_on_alone_and_stacked(tmp_path, alone, monkeypatch):
    folders = [tmp_path / str(i) for i in range(3)]
    plain = stacked.Training.learn

    def learn(self, batch, out, step):
        if step == 6:
            raise KeyboardInterrupt
        plain(self, batch, out, step)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(stacked.Training, "learn", learn)
        train_stacked(CONFIGS, folders)
    assert_alike(alone[0], train(CONFIGS[0], folders[0], progress=False))
    runs = train_stacked(CONFIGS, folders)
    assert_alike(alone[1], runs[1])
    assert_alike(alone[2], runs[2])


def test_what_cannot_be_stacked_is_told_apart():
    weak = replace(SMALL, data=Pairs(DSprites()), objective=AdaGVAE())
    assert alike(CONFIGS[0]) == alike(CONFIGS[1]) == alike(CONFIGS[2])
    different = [weak, replace(SMALL, latent_dim=4), replace(SMALL, batch_size=16)]
    assert len({alike(config) for config in [SMALL, *different]}) == 4
    wrapped = replace(weak, objective=PixelWeighted(AdaGVAE(), 4))
    for configs in ([SMALL, weak], [weak], [wrapped]):
        with pytest.raises(ValueError, match="stacked runs may differ in"):
            train_stacked(configs, ["a", "b"][: len(configs)])
    two = [replace(SMALL, objective=PixelWeighted(BetaVAE(beta), 4)) for beta in (1.0, 2.0)]
    assert alike(two[0]) == alike(two[1])  # wrappers keep the pass of what they are around


def test_stacked_runs_hold_their_folders(tmp_path, monkeypatch):
    """As long as they train: another training there would spoil both."""
    plain, held, most = Run.held, [], []

    @contextmanager
    def noted(self):
        with plain(self):
            held.append(self.folder.name)
            yield
            most.append(len(held))
            held.remove(self.folder.name)

    monkeypatch.setattr(Run, "held", noted)
    runs = train_stacked(CONFIGS[:2], [tmp_path / "a", tmp_path / "b"])
    assert most == [2, 1] and not held and all(run.finished for run in runs)


class Halt(Exception):
    pass


def cut(config, folder, after):
    """A training that ends after so many steps."""

    def stop(row):
        if row["step"] >= after:
            raise Halt

    with pytest.raises(Halt):
        train(config, folder, on_log=stop, progress=False)


def test_runs_at_different_steps_are_not_stacked(tmp_path):
    """Each keeps what it has."""
    folders = [tmp_path / "half", tmp_path / "fresh"]
    cut(CONFIGS[0], folders[0], 6)
    state = list((folders[0] / "state").glob("*"))
    with pytest.raises(ValueError, match=r"same step, got \[0, 4\]: train each alone"):
        train_stacked(CONFIGS[:2], folders)
    assert state and list((folders[0] / "state").glob("*")) == state


def test_a_damaged_state_is_no_reason_to_leave_steps_out(tmp_path):
    configs = [replace(config, steps=20) for config in CONFIGS[:2]]
    folders = [tmp_path / "a", tmp_path / "b"]
    for config, folder in zip(configs, folders, strict=True):
        cut(config, folder, 9)
    (folders[0] / "state" / "step-0000008.safetensors").write_bytes(b"cut")
    with pytest.warns(UserWarning), pytest.raises(ValueError, match=r"same step, got \[4, 8\]"):
        train_stacked(configs, folders)


def test_on_a_gpu_what_was_begun_is_not_stacked_with_what_was_not(tmp_path, monkeypatch):
    cut(CONFIGS[0], tmp_path / "0", 6)
    groups = []
    monkeypatch.setattr(many.machine, "pick_device", lambda name: torch.device("cuda"))
    monkeypatch.setattr(many, "_train_together", lambda jobs: groups.append(len(jobs)))
    monkeypatch.setattr(many, "Run", lambda folder: folder)
    train_many(CONFIGS, [tmp_path / str(i) for i in range(3)], progress=False)
    assert sorted(groups) == [1, 2]


def test_a_killed_worker_takes_no_other_with_it(tmp_path, monkeypatch):
    killed, plain = replace(SMALL, steps=3), many._train_alone

    def train_unless_killed(config, folder):
        if config.key == killed.key:
            os._exit(1)
        plain(config, folder)

    monkeypatch.setattr(many, "_train_alone", train_unless_killed)
    folders = [tmp_path / str(i) for i in range(3)]
    with pytest.raises(RuntimeError, match="1 of 3 runs failed:\n.*0: TerminatedWorkerError"):
        train_many([killed, *CONFIGS[:2]], folders, workers=2, progress=False)
    assert all((folder / "model.safetensors").exists() for folder in folders[1:])


def test_on_a_gpu_runs_that_are_alike_train_together(tmp_path, monkeypatch):
    groups, alone = [], []
    monkeypatch.setattr(many.machine, "pick_device", lambda name: torch.device("cuda"))
    monkeypatch.setattr(many, "train_stacked", lambda configs, folders: groups.append(configs))
    monkeypatch.setattr(many, "train", lambda config, folder, progress: alone.append(config))
    monkeypatch.setattr(many, "Run", lambda folder: folder)
    weak = replace(SMALL, data=Pairs(DSprites()), objective=AdaGVAE())
    configs = [*CONFIGS, replace(SMALL, latent_dim=4), weak]
    train_many(configs, [tmp_path / str(i) for i in range(5)], progress=False)
    assert list(map(len, groups)) == [3]
    assert {config.key for config in alone} == {config.key for config in configs[3:]}


def test_a_failed_run_stops_no_other_and_is_named(tmp_path):
    wild = replace(SMALL, objective=BetaVAE(beta=1e30), learning_rate=1e9)
    folders = [tmp_path / "wild", tmp_path / "tame"]
    with pytest.raises(RuntimeError, match="1 of 2 runs failed:\n.*wild: TrainingDiverged"):
        train_many([wild, SMALL], folders, workers=1, progress=False)
    assert (tmp_path / "tame" / "model.safetensors").exists()
    with pytest.raises(TrainingDiverged):
        train_stacked([wild], [tmp_path / "stacked"])


def test_twice_the_same_run_is_refused():
    with pytest.raises(ValueError, match="2 configurations need as many different folders, got 1"):
        train_many([SMALL, SMALL])
    with pytest.raises(ValueError, match="workers must be at least 1, got 0"):
        train_many([SMALL], workers=0)


def test_one_bar_shows_the_steps_of_all(tmp_path, capsys):
    jobs = [(SMALL, tmp_path / "done"), (SMALL, tmp_path / "cut"), (SMALL, tmp_path / "new")]
    train(SMALL, tmp_path / "done", progress=False)
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / "log.csv").write_text("step,loss\n3,1.0\n6,0.5\n")
    assert [many.steps_done(*job) for job in jobs] == [9, 6, 0]
    with many.watched(jobs, progress=True):
        pass
    said = capsys.readouterr().err
    assert "15/27" in said and "1 finished" in said and "3 runs" in said


def test_workers_have_one_thread():
    assert set(machine.ONE_THREAD.values()) == {"1"} and "OMP_NUM_THREADS" in machine.ONE_THREAD
    assert os.environ["OMP_NUM_THREADS"] == "1"
