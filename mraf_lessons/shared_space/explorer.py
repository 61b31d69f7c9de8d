"""A threshold on the cosine of face and voice: choose fold and language, and move it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets
import numpy as np
from numpy.typing import NDArray

from mraf.errors import RunError
from mraf.related.shared_space.trials import Rates
from mraf_lessons.kit.explorer import Control, Explorer, inputs
from mraf_lessons.kit.recording import Recording, record
from mraf_lessons.kit.style import Figure
from mraf_lessons.shared_space.figures import at_threshold

QUESTION = "Where are FAR and FRR the same? Who would want them unequal?"
Scored = tuple[NDArray[Any], NDArray[Any], Rates]


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
        self.scored = scored
        folds, languages = (list(dict.fromkeys(part)) for part in zip(*scored, strict=True))
        self.fold = inputs(widgets.Dropdown, "Fold", options=folds)
        self.language = inputs(widgets.Dropdown, "Language", options=languages)
        self.threshold = inputs(
            widgets.FloatSlider, "Threshold", min=-1.0, max=1.0, step=0.05, value=0.1,
            readout_format=".2f",
        )  # fmt: skip
        controls = [
            Control(self.threshold, QUESTION),
            Control(self.fold, "Do other strangers need another threshold?"),
            Control(self.language, "Does a language never heard shift both curves, or just one?"),
        ]
        super().__init__(controls, self._drawn)

    def _drawn(self) -> Figure:
        return self._of(self.fold.value, self.language.value, self.threshold.value)

    def _of(self, fold: str, language: str, threshold: float) -> Figure:
        if (fold, language) not in self.scored:
            raise RunError(f"{fold} has no trials in {language}.")
        title = f"{fold}, {language}"
        return at_threshold(*self.scored[fold, language], threshold, title)

    def recorded(self) -> Recording:
        """The first fold at every tenth of a threshold, to answer without a kernel."""
        grid = [f"{value:.1f}" for value in np.arange(-0.5, 1.0, 0.1)]
        fold = self.fold.options[0]
        languages = [language for name, language in self.scored if name == fold]
        return record(
            lambda language, threshold: self._of(fold, language, float(threshold)),
            {"Language": languages, "Threshold": grid},
            QUESTION,
        )
