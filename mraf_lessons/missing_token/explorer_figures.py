"""The figure of this lesson's explorer: a step of the forward pass."""

import re
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mraf_lessons.kit import style
from mraf_lessons.kit.live import fast_panels
from mraf_lessons.kit.panels import signed_image
from mraf_lessons.kit.style import Figure, describe, styled
from mraf_lessons.missing_token.steps import Step

LONGEST_ROW = 64  # vectors are folded into rows of at most this many numbers


@styled
def clip_step(steps: tuple[Step, ...], number: int, on: Figure | None = None) -> Figure:
    """Step `number` (from 1) of one clip's way through the network, each panel with its scale."""
    step = steps[number - 1]
    if on is not None and on.get_label() != step.title:
        on = None  # another step has other panels
    figure, panels = fast_panels(
        on, 9.6, 4.3, panels=len(step.values),
        left=0.06, right=0.97, top=0.68, bottom=0.12, wspace=0.2,
    )  # fmt: skip
    figure.set_label(step.title)
    figure.text(0.03, 0.93, f"{number}/{len(steps)}  {step.title}", fontsize=13, fontweight="bold")
    figure.text(0.03, 0.835, step.equation, fontsize=12)
    look: dict[str, Any] = {"color": style.GREY, "ha": "right", "family": "monospace"}
    figure.text(0.97, 0.845, step.module, fontsize=9, **look)
    equations = " ".join(re.findall(r"Eq\. [\d–]+", step.equation))
    where = f"{equations}; {step.module}" if equations else step.module
    said = [f"Step {number} of {len(steps)}. {step.title} ({where})."]
    for axes, (name, values) in zip(panels, step.values.items(), strict=True):
        shape = " × ".join(map(str, np.shape(values)))
        axes.set_title(f"{name}   ({shape})", fontweight="normal", fontsize=10.5, pad=8)
        if isinstance(values, tuple):
            _bars(axes, values)
            said.append(f"{name}: {values[0]:.3f} and {values[1]:.3f}.")
        elif step.title.startswith("Three heads"):
            _speakers(axes, values, step.speaker)
            top = int(values.argmax())
            said.append(f"{name}: most probable speaker {top} with {values[top]:.2f}.")
        else:
            _image(axes, values)
            said.append(f"{name}, {shape} values of size {np.sqrt(np.mean(values**2)):.3g}.")
    return describe(figure, " ".join(said).replace("$", ""))


def _bars(axes: Axes, values: tuple[float, float]) -> None:
    axes.barh([0, 1], values, 0.6, color=list(style.MODALITY.values()))
    for row, value in enumerate(values):
        inside = value > 0.85
        place, side = (value - 0.02, "right") if inside else (value + 0.02, "left")
        colour = "white" if inside else style.INK
        axes.text(place, row, f"{value:.3f}", va="center", ha=side, color=colour)
    axes.set_yticks([0, 1], list(style.MODALITY))
    axes.set(xlim=(0, 1), ylim=(1.6, -0.6))


def _speakers(axes: Axes, values: NDArray[Any], speaker: int | None) -> None:
    axes.stairs(values, np.arange(len(values) + 1) - 0.5, fill=True, color=style.GREY)
    if speaker is not None:
        axes.bar([speaker], values[speaker], 0.9, color=style.FUSED)
        axes.plot(speaker, -0.03, "^", color=style.FUSED, clip_on=False, ms=6)
    axes.set(ylim=(0, 1), xlim=(-1, len(values)), xlabel="speaker (green: the true one)")


def _image(axes: Axes, values: NDArray[Any]) -> None:
    rows = values if values.ndim == 2 else folded(values)
    attention = rows.min() >= 0 and np.allclose(rows.sum(axis=1), 1, atol=1e-3)
    limit = min(1.0, 2 / rows.shape[1]) if attention else float(np.abs(rows).max()) or 1.0
    image, scale = signed_image(axes, rows, limit), f"{-limit:.2g} to {limit:.2g}"
    if attention:
        image.set(cmap="Greys", clim=(0.0, limit))
        scale = f"0 to {limit:.2g} and more"
    folding = "" if values.ndim == 2 else f", folded into {len(rows)} rows"
    axes.set_xlabel(scale + folding, fontsize=9)


def folded(vector: NDArray[Any]) -> NDArray[Any]:
    """A vector as rows of equal length, at most `LONGEST_ROW` long."""
    length = next(n for n in range(min(LONGEST_ROW, len(vector)), 0, -1) if len(vector) % n == 0)
    return vector.reshape(-1, length)
