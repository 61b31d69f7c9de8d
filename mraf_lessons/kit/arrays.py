"""What a network returns, as NumPy arrays."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from mraf.model import Output


def first_clip(output: Output) -> Any:
    """The first clip of an output: the same fields, each an array or a number without its B."""
    return _first(output)


def _first(value: Any) -> Any:
    if isinstance(value, Tensor):
        array = value[0].detach().float().cpu().numpy()
        return float(array[0]) if array.shape == (1,) else array
    return type(value)(*map(_first, value)) if isinstance(value, tuple) else value
