"""A threshold on the cosine of face and voice: choose fold and language, and move it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from mraf.errors import RunError
from mraf_lessons.kit.explorer import Explorer, Values, choice, slider
from mraf_lessons.kit.style import Figure
from mraf_lessons.shared_space.figures import at_threshold
from mraf_related.metrics import Curve

Scored = tuple[NDArray[Any], NDArray[Any], Curve]


class ThresholdExplorer(Explorer):
    """Move the threshold above which a face and a voice are taken for one person's.

    Args:
        scored: by fold and language: cosines (N,), whether both are of one person (N,), and their
            rates at every threshold.
    Raises:
        RunError: nothing is scored.
    """

    def __init__(self, scored: Mapping[tuple[str, str], Scored]) -> None:
        if not scored:
            raise RunError("no trials to look at: give at least one fold and language.")
        folds, languages = (list(dict.fromkeys(part)) for part in zip(*scored, strict=True))
        controls = {
            "threshold": slider(
                "Threshold", "Where are FAR and FRR the same? Who would want them unequal?",
                0.1, low=-1.0, shown=".2f",
            ),
            "fold": choice("Fold", folds, "Do other strangers need another threshold?"),
            "language": choice(
                "Language", languages, "Does a language never heard shift both curves, or just one?"
            ),
        }  # fmt: skip

        def draw(found: Values, on: Figure | None) -> Figure:
            threshold, fold, language = found.values()
            if (fold, language) not in scored:
                raise RunError(f"{fold} has no trials in {language}.")
            return at_threshold(*scored[fold, language], threshold, f"{fold}, {language}", on)

        super().__init__(controls, draw)
