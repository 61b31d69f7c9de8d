"""A threshold on scores under the reader's hands: whom it accepts, and what both errors become."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mraf.errors import RunError
from mraf_lessons.kit import style
from mraf_lessons.kit.explorer import Explorer, choice, slider
from mraf_lessons.kit.style import Figure, describe, percent_axis, styled
from mraf_related.metrics import Curve, Trials, curve, eer, oscr

COLOURS = (style.FUSED, style.OTHER, style.MISSING)
Names = tuple[str, str, str]  # of trials to be accepted, accepted under a wrong name, refused


def grouped(trials: Trials, names: Names) -> dict[str, NDArray[np.float64]]:
    """The scores of the trials by what becomes of them when all are accepted."""
    right, named = trials.accept, trials.named
    parts = named, right & ~named, ~right
    return {name: trials.score[part] for name, part in zip(names, parts, strict=True)}


def at_threshold(found: Curve, threshold: float) -> Curve:
    """The one point at which every trial with at least this score is accepted."""
    point = np.searchsorted(-found.threshold, -threshold, side="right") - 1
    return Curve(*(part[..., point] for part in found))


class ThresholdPicture:
    """One threshold on the scores, on both errors and on their curve; made once, then moved."""

    @styled
    def __init__(self, trials: Trials, names: Names, label: str) -> None:
        self.curve = found = curve(trials)
        self.figure = Figure(figsize=(10.4, 3.75), dpi=110)  # no search for a layout: that is slow
        places = {"left": 0.065, "right": 0.972, "bottom": 0.21, "top": 0.915, "wspace": 0.28}
        left, middle, right = self.figure.subplots(1, 3, gridspec_kw=places)
        _histograms(left, grouped(trials, names), label)
        at = found.threshold[1:]
        far, frr = found.false_accept[1:], found.false_reject[1:]
        middle.plot(at, far, color=style.MISSING, label="FAR: wrongly accepted")
        middle.plot(at, frr, color=style.FUSED, ls="--", label="FRR: wrongly refused")
        middle.set(xlabel=label, xlim=at[[-1, 0]], ylim=(0, 1), title=f"EER {eer(found):.1%}")
        middle.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2, fontsize=8)
        right.fill_between(found.false_accept, found.named, color=style.VOICE, alpha=0.15, lw=0)
        right.plot(found.false_accept, found.named, color=style.VOICE)
        right.set(xlabel="FAR: wrongly accepted", ylabel="CCR: rightly accepted")
        area = "area" if np.allclose(found.named, 1 - found.false_reject) else "area (OSCR)"
        right.set(xlim=(0, 1), ylim=(0, 1), title=f"{area} {oscr(found):.1%}")
        percent_axis(middle)
        percent_axis(right, "both")
        self._lines = [axes.axvline(at[0], color=style.INK, lw=1.4) for axes in (left, middle)]
        dots = (middle, style.MISSING), (middle, style.FUSED), (right, style.INK)
        self._dots = [axes.plot(axes.get_xlim()[:1], [0], "o", color=colour, ms=6, clip_on=False)[0]
                      for axes, colour in dots]  # fmt: skip

    @styled
    def show(self, value: float) -> Figure:
        """Move the threshold; the same figure each time."""
        point = at_threshold(self.curve, value)
        far, frr, named = point.false_accept, point.false_reject, point.named
        for line in self._lines:
            line.set_xdata([value, value])
        for dot, (x, y) in zip(self._dots, ((value, far), (value, frr), (far, named)), strict=True):
            dot.set_data([x], [y])
        text = (
            f"Threshold {value:.3f}: FAR {far:.1%}, FRR {frr:.1%}, rightly accepted {named:.1%}. "
            f"EER {eer(self.curve):.1%}, OSCR {oscr(self.curve):.1%}."
        )
        return describe(self.figure, text)


def _histograms(axes: Axes, groups: Mapping[str, NDArray[Any]], label: str) -> None:
    together = np.concatenate(list(groups.values()))
    edges = np.linspace(together.min(), together.max(), 41)
    for (name, values), colour, line in zip(groups.items(), COLOURS, ("-", "--", "-"), strict=True):
        if len(values):
            share = np.histogram(values, edges)[0] / len(values)
            axes.stairs(share, edges, label=name, color=colour, ls=line, lw=1.6)
    axes.set(xlabel=label, ylabel="share of the trials", title="accepted from the line on")
    axes.set_ylim(0, 1.3 * axes.get_ylim()[1])  # room for the legend
    axes.legend(loc="upper right", fontsize=8)
    percent_axis(axes)


class ThresholdExplorer(Explorer):
    """Move a threshold over one of several sets of trials. Raises RunError for none."""

    def __init__(self, sets: Mapping[str, Trials], names: Names, label: str) -> None:
        if not sets:
            raise RunError("no trials to be shown; give at least one set.")
        pictures = {name: ThresholdPicture(trials, names, label) for name, trials in sets.items()}
        controls = {
            "threshold": slider(
                "Threshold", "From the lowest score to the highest. Where are both errors equal? "
                "What does a door need that lets one stranger in a hundred in?", 0.5, step=0.02,
            ),
            "trials": choice("Trials", list(sets), "Which have more room between the two humps?"),
        }  # fmt: skip

        def find(threshold: float, trials: str) -> tuple[str, float]:
            score = sets[trials].score
            return trials, float(score.min() + threshold * np.ptp(score))

        super().__init__(controls, lambda found, on: pictures[found[0]].show(found[1]), find)
