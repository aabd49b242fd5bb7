"""What this machine has, and what to make of it: device, precision, allocator."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from pathlib import Path

import torch

PRECISIONS = ("auto", "float32", "bfloat16")


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


def pick_precision(name: str, device: torch.device) -> torch.dtype:
    """The type in which the networks compute; `auto` takes bfloat16 where the chip has it."""
    if name not in PRECISIONS:
        raise ValueError(f"precision must be one of {PRECISIONS}, got {name!r}")
    if name == "auto":
        return torch.bfloat16 if _has_bfloat16(device) else torch.float32
    return torch.bfloat16 if name == "bfloat16" else torch.float32


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and bool({"amx_bf16", "avx512_bf16"} & cpu_flags())


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


def describe() -> dict[str, str]:
    """Versions and hardware, to stand beside results."""
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
    return found
