"""What this machine has, and what to make of it: device, precision, memory layout, allocator."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn

ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")}  # environment
PRECISIONS = ("auto", "float32", "bfloat16")
GRAPHS_FROM = 20_000  # steps; compiling takes about half a minute, which a short run never regains


@dataclass(frozen=True)
class Plan:
    """How a training is carried out here. :func:`plan` makes one that suits the machine."""

    device: torch.device
    dtype: torch.dtype  # in which the networks compute
    layout: torch.memory_format  # of images and weights
    speedups: bool  # all else that is done here: allocator, fused Adam, TF32, CUDA graphs

    def begin(self) -> None:
        """Set what holds for the whole process."""
        if self.speedups:
            keep_memory()
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True

    @contextmanager
    def seeded(self, seed: int) -> Iterator[None]:
        """Torch's own generators begin at `seed` in here, and are as before after it.

        For parts of the user's, dropout say; vaelib's draw from generators of the run.
        """
        gpu = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(gpu):
            torch.default_generator.manual_seed(seed)  # torch.manual_seed would touch other devices
            for device in gpu:
                with torch.cuda.device(device):
                    torch.cuda.manual_seed(seed)
            if self.device.type == "mps":
                torch.mps.manual_seed(seed)  # which is not put back
            yield

    def autocast(self) -> AbstractContextManager[Any]:
        if self.dtype == torch.float32:  # not every torch knows autocast for every device
            return nullcontext()
        return torch.autocast(self.device.type, self.dtype)

    def adam(
        self, parameters: Iterable[nn.Parameter], learning_rate: float, beta2: float = 0.999
    ) -> torch.optim.Adam:
        """Adam; with speed-ups as one kernel where there is one: a CPU's step is 3 % shorter."""
        fused = True if self.speedups and has_fused_adam(self.device) else None
        return torch.optim.Adam(parameters, lr=learning_rate, betas=(0.9, beta2), fused=fused)

    def compile(self, networks: Iterable[nn.Module], steps: int) -> None:
        """For a long training on a GPU: record the kernels once, then replay them (CUDA graphs)."""
        pays = self.speedups and self.device.type == "cuda" and steps >= GRAPHS_FROM
        for network in networks if pays and find_spec("triton") else ():
            with suppress(RuntimeError):  # a Python newer than those that torch compiles for
                network.compile(mode="reduce-overhead")

    def __str__(self) -> str:
        name = cpu_name() if self.device.type == "cpu" else str(self.device)
        layout = str(self.layout).removeprefix("torch.").removesuffix("_format")
        dtype = str(self.dtype).removeprefix("torch.")
        kept = ", large memory blocks kept" if self.speedups and self.device.type == "cpu" else ""
        return f"{name}, threads: {torch.get_num_threads()}, {dtype}, {layout}{kept}"


def plan(device: str = "auto", precision: str = "auto", speedups: bool = True) -> Plan:
    """The fastest way that gives the same results up to rounding; without `speedups`, torch's own.

    A precision other than `auto` is taken as it is. ValueError for an unknown device or precision,
    and for a device that this machine does not have.
    """
    where = pick_device(device)
    check_present(where)
    if speedups:
        return Plan(where, pick_precision(precision, where), torch.channels_last, True)
    dtype = torch.float32 if precision == "auto" else pick_precision(precision, where)
    return Plan(where, dtype, torch.contiguous_format, False)


def pick_device(name: str = "auto") -> torch.device:
    """`auto` takes CUDA, then Apple's MPS, then the CPU; any other name is torch's own."""
    if name != "auto":
        try:
            return torch.device(name)
        except RuntimeError as error:
            allowed = "auto, cpu, cuda, cuda:N or mps"
            raise ValueError(f"device must be {allowed}, got {name!r}") from error
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def check_present(device: torch.device) -> None:
    """ValueError for a device that this machine does not have."""
    cuda = [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    here = ["cpu", *(["cuda", *cuda] if cuda else []), *["mps"] * torch.backends.mps.is_available()]
    if str(device).removesuffix(":0") not in here:  # the first, by its other name
        raise ValueError(f"device must be one of this machine, {', '.join(here)}, got {device}")


def check_precision(name: str) -> None:
    """ValueError for a name that is none of the :data:`PRECISIONS`."""
    if name not in PRECISIONS:
        raise ValueError(f"precision must be one of {PRECISIONS}, got {name!r}")


def pick_precision(name: str, device: torch.device) -> torch.dtype:
    """The type in which the networks compute; `auto` takes bfloat16 where it is faster here."""
    check_precision(name)
    if name == "auto":
        return torch.bfloat16 if _bfloat16_pays(device) else torch.float32
    return torch.bfloat16 if name == "bfloat16" else torch.float32


def _bfloat16_pays(device: torch.device) -> bool:
    """By what the chip says; where it has only part of what it takes, by trying."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)  # before, it is emulated
    if device.type != "cpu" or not {"amx_bf16", "avx512_bf16"} & cpu_flags():
        return False  # it would be emulated
    return "amx_bf16" in cpu_flags() or probe(torch.bfloat16) < 0.95 * probe(torch.float32)


@cache
def probe(dtype: torch.dtype) -> float:
    """Seconds of the passes of a small network on the CPU, the best of six: about half a second."""
    layers = nn.Conv2d(16, 64, 4, 2, 1), nn.ReLU(), nn.Conv2d(64, 64, 4, 2, 1), nn.Flatten()
    network = nn.Sequential(*layers).to(memory_format=torch.channels_last)
    images = torch.zeros(64, 16, 16, 16)
    times = []
    for _ in range(6):
        began = time.process_time()
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            outputs = network(images)
        outputs.float().sum().backward()
        times.append(time.process_time() - began)
    return min(times)


@cache
def has_fused_adam(device: torch.device) -> bool:
    """Whether this torch has Adam as one kernel for the device; on a CPU since version 2.4."""
    try:
        torch.optim.Adam([torch.zeros(1, device=device, requires_grad=True)], fused=True)
    except RuntimeError:
        return False
    return True


def cpu_flags() -> set[str]:
    """The CPU's feature flags on Linux; empty elsewhere."""
    return set(_cpuinfo("flags").split())


def cpu_name() -> str:
    """The processor's name as it gives it."""
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def _cpuinfo(field: str) -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(field)), "")


def keep_memory() -> None:
    """Ask glibc to reuse large blocks instead of returning them to the system.

    Activations are megabytes each; by default every one is mapped and unmapped, and zeroing the
    pages anew costs up to half of a training step on a CPU. No effect where glibc is not used.
    """
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
        return
    m_trim_threshold, m_mmap_threshold = -1, -3  # from malloc.h
    libc = ctypes.CDLL(None)
    libc.mallopt(m_mmap_threshold, 1 << 30)
    libc.mallopt(m_trim_threshold, (1 << 31) - 1)


def end_with(parent: int, every: float = 1.0) -> None:
    """Let this process end when the one with the number `parent`, which began it, does."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(every)
        os._exit(1)

    if os.name == "posix":  # elsewhere a process keeps the number of a parent that is gone
        threading.Thread(target=watch, daemon=True).start()


def describe(plan: Plan | None = None) -> dict[str, str]:
    """Versions, hardware and how it was used, to stand beside results."""
    from vaelib import __version__

    found = {
        "vaelib": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": f"{cpu_name()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads",
    }
    if torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name()
    return found | ({"plan": str(plan)} if plan else {})
