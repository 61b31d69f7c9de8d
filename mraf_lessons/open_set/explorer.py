"""A threshold under the reader's hands: who is let in, who is refused, and under which name."""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets as widgets
import numpy as np

from mraf.errors import RunError
from mraf.related.metrics import Trials
from mraf_lessons.kit.explorer import Control, Explorer, inputs
from mraf_lessons.kit.recording import Recording, record
from mraf_lessons.kit.style import Figure
from mraf_lessons.open_set.figures import ThresholdPicture, threshold

QUESTION = (
    "Where are both errors equal? What does a door need that lets one stranger in a hundred in?"
)


class DoorExplorer(Explorer):
    """Move a threshold over the confidences of a system.

    Args:
        systems: by name, what is judged; all on the same clips.
    Raises:
        RunError: no system.
    """

    def __init__(self, systems: Mapping[str, Trials]) -> None:
        if not systems:
            raise RunError("no system to be shown; give at least one.")
        self.systems = systems
        self._pictures = {name: ThresholdPicture(trials) for name, trials in systems.items()}
        self.threshold = inputs(
            widgets.FloatSlider, "Threshold", min=0.0, max=1.0, step=0.02, value=0.5,
            readout_format=".0%",
        )  # fmt: skip
        self.system = inputs(widgets.Dropdown, "System", options=list(systems))
        controls = [
            Control(self.threshold, f"From the lowest confidence to the highest. {QUESTION}"),
            Control(self.system, "Which one has more room between the two humps?"),
        ]
        super().__init__(controls, self._drawn)

    def _drawn(self) -> Figure:
        name = self.system.value
        value = threshold_at(self.systems[name], self.threshold.value)
        return self._pictures[name].show(value)

    def recorded(self) -> Recording:
        """Some thresholds of every system, to answer without a kernel."""
        shares = {f"{share:.0%}": share for share in np.linspace(0.1, 0.9, 9)}
        return record(
            lambda name, share: threshold(
                self.systems[name], threshold_at(self.systems[name], shares[share])
            ),
            {"System": list(self.systems), "Threshold": list(shares)},
            QUESTION,
        )


def threshold_at(trials: Trials, share: float) -> float:
    """The threshold part of the way from the lowest confidence to the highest."""
    low, high = float(trials.score.min()), float(trials.score.max())
    return low + share * (high - low)
