"""Ask a student's function and find what is said to its answer: praise, or a mistake's hint."""

import copy
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Array = NDArray[Any]
Answer = Callable[..., Any]  # what a student wrote, a function of what the exercise names
Said = Mapping[str, Any]  # praise with the right answer, then hints; a tuple holds several answers

SMALL = "Try it on a case so small that you can work it out by hand."
TAILS = "That holds 90% of the draws: 2.5% are to be left out at either end."


@dataclass(frozen=True, repr=False)
class Verdict:
    """What a check found; true only where the answer is right, and shown as one line."""

    right: bool | None  # None where nothing was answered yet
    message: str = ""  # praise with a further thought, or a hint

    def __bool__(self) -> bool:
        return self.right is True

    def __repr__(self) -> str:
        if self.right is None:
            return "… Not answered yet."
        return f"{'✓ Right.' if self.right else '✗ Not yet.'} {self.message}".rstrip()


def ask(answer: Answer, *case: Any, fresh: bool = True) -> Any:
    """What an answer returns for fresh copies of a case, or what it raises; a stub comes back.

    Where it raises of arrays, it is asked again with tensors.
    """
    if answer is None or answer is ...:
        return answer
    try:
        with np.errstate(all="ignore"):
            return answer(*(copy.deepcopy(case) if fresh else case))
    except Exception as error:
        if (tensors := _tensors(case)) is None:
            return error
        found = ask(answer, *tensors, fresh=fresh)
        of_arrays = "ndarray" not in str(error)  # else it was written for tensors
        return error if isinstance(found, Exception) and of_arrays else found


def _tensors(case: tuple[Any, ...]) -> list[Any] | None:
    """A case with its arrays of numbers as tensors, of floats in torch's own; None without any."""
    kinds = {"f": torch.get_default_dtype(), "i": torch.int64, "b": torch.bool}
    arrays = [isinstance(x, np.ndarray) and x.dtype.kind in kinds for x in case]
    if not any(arrays):
        return None
    return [
        torch.tensor(x, dtype=kinds[x.dtype.kind]) if is_array else x
        for x, is_array in zip(case, arrays, strict=True)
    ]


def refused(given: Any, hint: str) -> Verdict:
    """The verdict on what cannot be judged: a stub, an exception, or else what the hint says."""
    if given is None or given is ...:
        return Verdict(None)
    if isinstance(given, Exception):
        frames = traceback.extract_tb(given.__traceback__)[1:2]
        where = "".join(f" in `{frame.line}`" for frame in frames if frame.line)
        hint = f"It raises {type(given).__name__}{where}: {given}"
    return Verdict(False, hint)


def numbers(given: Any, kinds: str = "biuf") -> Array | None:
    """Numbers, a tensor or a sequence of them as an array of floats; None for anything else.

    Kinds are NumPy's; with "b", only booleans are taken, and stay what they are.
    """

    def plain(part: Any) -> Any:
        return part.detach().cpu() if hasattr(part, "detach") else part

    parts = [plain(part) for part in given] if isinstance(given, list | tuple) else plain(given)
    try:
        found = np.asarray(parts)
    except (TypeError, ValueError, RuntimeError):
        return None
    if found.dtype.kind not in kinds:
        return None
    return found if kinds == "b" else found.astype(float)


def judge(given: Any, said: Said, rtol: float = 1e-4, otherwise: str = SMALL) -> Verdict:
    """What is said to the known answer that is nearest to the given one, or `otherwise`.

    The tolerated difference, `rtol`, is relative to the largest number of the right answer.
    """
    known = [
        (message, np.asarray(numbers(value)))
        for message, values in said.items()
        for value in (values if isinstance(values, tuple) else (values,))
    ]
    right, found = known[0][1], numbers(given)
    if found is None:
        return refused(given, f"{_kind(right)} is expected, this is a {type(given).__name__}.")
    tolerance = rtol * float(np.abs(right).max(initial=0))

    def distance(value: Array) -> float:
        if value.shape != found.shape:
            return np.inf
        return float(np.nan_to_num(np.abs(value - found), nan=np.inf).max(initial=0))

    distances = [distance(value) for _, value in known]
    nearest = int(np.argmin(distances))
    if distances[nearest] <= tolerance:
        return Verdict(nearest == 0, known[nearest][0])
    broken = not np.isfinite(found).all()
    hints = {
        f"{_kind(right)} is expected, this is {_kind(found)}.": found.shape != right.shape,
        "There is NaN or infinity in it: where could 0 be divided by 0?": broken,
        "That is in percent; a fraction is asked for.": distance(100 * right) <= tolerance,
        otherwise: True,
    }
    return unless(hints)


def unless(hints: Mapping[str, Any], praise: str = "") -> Verdict:
    """The first hint that holds; praise where none does."""
    for hint, holds in hints.items():
        if holds:
            return Verdict(False, hint)
    return Verdict(True, praise)


def judge_interval(given: Any, said: Said, of: str, near: float, lowest: float = -1) -> Verdict:
    """What is said to the draws (`of` something) whose 95% interval is nearest to a given pair.

    An end lies between `lowest` and 1, and may be off by `near` times the right interval's width.
    """
    pair = numbers(given)
    if pair is None or pair.shape != (2,):
        return refused(given, "Return a pair of two numbers, low and high.")
    low, high = pair
    known = {message: np.percentile(draws, [2.5, 97.5]) for message, draws in said.items()}
    draws, (first, last) = next(iter(said.values())), next(iter(known.values()))
    known[TAILS] = np.percentile(draws, [5, 95])
    hints = {
        "low is above high.": low > high,
        f"({low:.3g}, {high:.3g}) is no interval of fractions.": low < lowest or high > 1,
        "All draws are equal: draw with replacement, or nothing changes.": high - low < 1e-9,
    }
    expected = (
        f"({low:.3f}, {high:.3f}); about ({first:.3f}, {last:.3f}) is expected. Take the 2.5% and "
        f"97.5% quantiles of the {of} over a thousand draws or more."
    )
    rtol = near * (last - first) / max(abs(first), abs(last))
    return unless(hints) and judge(pair, known, rtol, expected)


def _kind(value: Array) -> str:
    return f"an array of shape {value.shape}" if value.ndim else "a number"
