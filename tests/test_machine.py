import json
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch

from vaelib import machine, paths


def with_flags(monkeypatch, flags, bfloat16_seconds=1.0):
    monkeypatch.setattr(machine, "_cpuinfo", lambda field: flags)
    times = {torch.bfloat16: bfloat16_seconds, torch.float32: 1.0}
    monkeypatch.setattr(machine, "probe", times.__getitem__)


@pytest.mark.parametrize(
    ("flags", "bfloat16_seconds", "dtype"),
    [
        ("fpu avx2", 0.1, torch.float32),  # emulated, so not even tried
        ("avx512f avx512_bf16", 0.7, torch.bfloat16),
        ("avx512f avx512_bf16", 1.2, torch.float32),
        ("amx_tile amx_bf16", 9.9, torch.bfloat16),  # made for it, so not tried
    ],
)
def test_precision_follows_the_chip(monkeypatch, flags, bfloat16_seconds, dtype):
    with_flags(monkeypatch, flags, bfloat16_seconds)
    cpu = torch.device("cpu")
    assert machine.pick_precision("auto", cpu) == dtype
    assert machine.pick_precision("float32", cpu) == torch.float32
    assert machine.pick_precision("bfloat16", cpu) == torch.bfloat16


def test_the_probe_takes_less_than_two_seconds_and_is_asked_once(monkeypatch):
    machine.probe.cache_clear()
    began = time.process_time()
    assert machine.probe(torch.float32) > 0
    assert time.process_time() - began < 2
    assert machine.probe(torch.float32) is machine.probe(torch.float32)


def test_the_plan_without_speedups_is_what_torch_does_by_itself(monkeypatch):
    with_flags(monkeypatch, "amx_bf16")
    fast, plain = machine.plan("cpu"), machine.plan("cpu", speedups=False)
    assert (fast.dtype, fast.layout) == (torch.bfloat16, torch.channels_last)
    assert (plain.dtype, plain.layout) == (torch.float32, torch.contiguous_format)
    called = []
    monkeypatch.setattr(machine, "keep_memory", lambda: called.append(1))
    plain.begin()
    assert not called
    fast.begin()
    assert called
    assert "bfloat16, channels_last" in str(fast) and "float32, contiguous" in str(plain)


def test_a_precision_that_was_asked_for_is_kept_without_speedups(monkeypatch):
    with_flags(monkeypatch, "")
    assert machine.plan("cpu", "bfloat16", speedups=False).dtype == torch.bfloat16


def test_a_cpu_without_proc_counts_as_plain(monkeypatch):
    monkeypatch.setattr(machine, "_cpuinfo", lambda field: "")
    assert machine.pick_precision("auto", torch.device("cpu")) == torch.float32
    assert machine.cpu_name()  # falls back to what Python knows


def test_devices(monkeypatch):
    assert machine.pick_device("cpu") == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert machine.pick_device("auto") == torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert machine.pick_device("auto") == torch.device("mps")


def test_the_description_is_plain_json_and_names_the_processor():
    found = machine.describe()
    assert json.loads(json.dumps(found)) == found
    assert torch.__version__ == found["torch"] and "threads" in found["cpu"]


def test_paths_follow_the_environment(monkeypatch, tmp_path):
    assert paths.in_clone() and paths.data_dir().name == "data"
    assert paths.shipped_dir() == paths.data_dir() / "checkpoints"
    monkeypatch.setenv("VAELIB_DATA", str(tmp_path / "d"))
    monkeypatch.setenv("VAELIB_RUNS", str(tmp_path / "r"))
    assert paths.data_dir() == tmp_path / "d" and paths.runs_dir() == tmp_path / "r"
    assert paths.shipped_dir().parent.name == "data"  # what is shipped does not move


def test_outside_a_clone_the_users_cache_is_used(monkeypatch, tmp_path):
    monkeypatch.setattr(paths, "_ROOT", tmp_path)
    monkeypatch.delenv("VAELIB_DATA", raising=False)
    monkeypatch.delenv("VAELIB_RUNS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert paths.data_dir() == tmp_path / "cache" / "vaelib"
    assert paths.runs_dir().name == "runs" and not paths.runs_dir().is_absolute()
    assert paths.shipped_dir().parent.name == "vaelib"


@pytest.mark.parametrize("module", ["vaelib", "vaelib.cli", "vaelib.types", "vaelib.datasets"])
def test_importing_loads_nothing_heavy(module):
    heavy = "{'torch', 'pandas', 'sklearn', 'matplotlib', 'h5py', 'ipywidgets'}"
    code = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def stepped(optimizer, parameters, steps=3):
    rng = torch.Generator().manual_seed(0)
    for _ in range(steps):
        for parameter in parameters:
            parameter.grad = torch.empty_like(parameter).normal_(generator=rng)
        optimizer.step()
    return [parameter.detach() for parameter in parameters]


def layers():
    torch.manual_seed(0)
    made = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 4), torch.nn.Linear(8, 2))
    return list(made.to(memory_format=torch.channels_last).parameters())


def test_adam_in_one_kernel_takes_the_same_steps():
    plain, fast = machine.plan("cpu", speedups=False), machine.plan("cpu", "float32")
    one, other = layers(), layers()
    usual = plain.adam(one, 1e-2)
    ours = fast.adam(other, 1e-2)
    assert not usual.param_groups[0]["fused"]
    assert bool(ours.param_groups[0]["fused"]) == machine.has_fused_adam(fast.device)
    for expected, found in zip(stepped(usual, one), stepped(ours, other), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def test_a_torch_without_that_kernel_gets_the_usual_adam(monkeypatch):
    machine.has_fused_adam.cache_clear()
    adam = torch.optim.Adam

    def old(parameters, lr=1e-3, betas=(0.9, 0.999), fused=None):
        if fused:
            raise RuntimeError("`fused=True` requires all the params to be CUDA")
        return adam(parameters, lr=lr, betas=betas)

    monkeypatch.setattr(torch.optim, "Adam", old)
    assert not machine.plan("cpu", "float32").adam(layers(), 1e-2).param_groups[0]["fused"]
    machine.has_fused_adam.cache_clear()


def test_networks_are_compiled_for_long_trainings_on_a_gpu_only(monkeypatch):
    modes = []

    class Network(torch.nn.Module):
        def compile(self, mode):
            modes.append(mode)

    monkeypatch.setattr(machine, "find_spec", lambda name: name)
    cpu = machine.plan("cpu", "float32")
    gpu = replace(cpu, device=torch.device("cuda"))
    cpu.compile([Network()], 10**6)
    replace(gpu, speedups=False).compile([Network()], 10**6)
    gpu.compile([Network()], 100)
    assert modes == []
    gpu.compile([Network(), Network()], 10**6)
    assert modes == ["reduce-overhead"] * 2


def test_the_first_device_may_be_numbered():
    machine.check_present(torch.device("cpu:0"))
    with pytest.raises(ValueError, match="one of this machine, cpu.*, got cpu:1"):
        machine.check_present(torch.device("cpu:1"))
