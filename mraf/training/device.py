"""Which device and which arithmetic a run uses."""

import platform
import re
from functools import cache
from pathlib import Path

import torch

from mraf.errors import RunError
from mraf.variants.config import Precision


def resolve_device(name: str) -> torch.device:
    """ "auto" is cuda, then mps, then cpu. Raises RunError for what this machine does not have."""
    there = {"cuda": torch.cuda.device_count(), "mps": torch.backends.mps.is_available(), "cpu": 1}
    try:
        device = torch.device(next(filter(there.get, there)) if name == "auto" else name)
    except RuntimeError:
        raise RunError(f"unknown device '{name}'; choose auto, cpu, cuda, cuda:N or mps.") from None
    if (device.index or 0) >= there.get(device.type, 0):
        raise RunError(f"device '{name}' is not available here; use --device auto or cpu.")
    return device


def resolve_precision(precision: Precision, device: torch.device) -> torch.dtype:
    """ "auto" takes bfloat16 only where `fast_bfloat16` says that it pays."""
    half = fast_bfloat16(device) if precision == "auto" else precision == "bfloat16"
    return torch.bfloat16 if half else torch.float32


def fast_bfloat16(device: torch.device) -> bool:
    """Whether it pays: CUDA from Ampere on, AMX, and AVX512-BF16 but Intel's (docs/speed.md)."""
    if device.type == "cuda":
        with torch.cuda.device(device):
            return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    kinds = ("amx_tile", "avx512_bf16")
    amx, avx = (getattr(torch.cpu, f"_is_{kind}_supported", bool)() for kind in kinds)
    return amx or (avx and "Intel" not in processor())


@cache
def processor() -> str:
    """The model of the CPU, or its architecture where the system does not tell."""
    file = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.*)", file.read_text("utf-8") if file.is_file() else "")
    return found[1].strip() if found else platform.processor() or platform.machine()
