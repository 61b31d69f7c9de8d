"""Which device and which arithmetic a run uses."""

import torch

from mraf.errors import RunError
from mraf.variants.config import Precision


def resolve_device(name: str) -> torch.device:
    """ "auto" is cuda, then mps, then cpu. Raises RunError for what this machine does not have."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise RunError(f"unknown device '{name}'; choose auto, cpu, cuda, cuda:N or mps.") from None
    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not available.get(device.type, False):
        raise RunError(f"device '{name}' is not available here; use --device auto or cpu.")
    return device


def resolve_precision(precision: Precision, device: torch.device) -> torch.dtype:
    """ "auto" takes bfloat16 only where the processor multiplies it natively."""
    if precision == "auto":
        return torch.bfloat16 if fast_bfloat16(device) else torch.float32
    return torch.bfloat16 if precision == "bfloat16" else torch.float32


def fast_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 arithmetic is in hardware: CUDA from Ampere on, AVX512-BF16 or AMX CPUs."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        probe = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
        return bool(probe and probe())
    return False
