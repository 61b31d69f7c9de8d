"""A threshold under the reader's hands: who is let in, who is refused, and under which name."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mraf.errors import RunError
from mraf_lessons.kit.explorer import Explorer, choice, slider
from mraf_lessons.open_set.figures import ThresholdPicture
from mraf_related.metrics import Trials


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
        pictures = {name: ThresholdPicture(trials) for name, trials in systems.items()}
        controls = {
            "threshold": slider(
                "Threshold",
                "From the lowest confidence to the highest. Where are both errors equal? What does "
                "a door need that lets one stranger in a hundred in?",
                0.5,
                step=0.02,
            ),
            "system": choice(
                "System", list(systems), "Which one has more room between the two humps?"
            ),
        }

        def find(threshold: float, system: str) -> tuple[str, float]:
            score = systems[system].score
            return system, float(score.min() + threshold * np.ptp(score))

        super().__init__(
            controls,
            lambda found, on: pictures[found[0]].show(found[1]),
            find,
        )
