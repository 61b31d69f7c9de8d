"""The loss explorer: Eq. 15–17 one term at a time, with the weights and temperatures in hand."""

from __future__ import annotations

from functools import partial
from typing import Any

import ipywidgets as widgets
import numpy as np
from numpy.typing import NDArray

from mraf_lessons.kit.explorer import Control, Explorer, inputs, slider, yes_or_no
from mraf_lessons.training.explorer_figures import pulled, softened, weighted
from mraf_lessons.training.view import Reach, pull, soften, weigh


class LossExplorer(Explorer):
    """One part of the objective under the reader's hands; made by one of

    - ``distillation``: the softened teacher and its student (Eq. 16);
    - ``centre``: the centre loss and its pull (Eq. 17);
    - ``branches``: the weights of the terms, and whom they teach (Eq. 15 and 17).
    """

    @classmethod
    def distillation(cls, teacher: NDArray[Any], student: NDArray[Any]) -> LossExplorer:
        """Logits z_c^AV and z_c^A of one clip, shape (C,)."""
        controls = {
            "temperature": Control(
                inputs(widgets.FloatLogSlider, "Temperature T", base=2, min=0, max=4, step=0.25,
                       value=2.0, readout_format=".3g"),
                "When does the teacher's second guess show? When is all alike?",
            ),
            "learned": slider(
                "Student learned", "What is left to say when the two agree? At which T?"
            ),
            "factor": yes_or_no(
                "The factor T²", "Without it, how loud is a teacher at T = 8?",
                idle=lambda values: "" if values["temperature"] != 1 else "At T = 1 it is 1.",
            ),
        }  # fmt: skip
        return cls(controls, softened, partial(soften, teacher, student))

    @classmethod
    def centre(cls, points: NDArray[Any], group: NDArray[np.int64]) -> LossExplorer:
        """Points in the plane (N, 2) and their classes (N,)."""
        controls = {
            "ce_weight": slider(
                "Cross-entropy", "What happens to the three classes at 0?", 0.3, shown=".2f"
            ),
            "center_weight": slider(
                "Centre loss", "Does more of it bring the classes together or apart?", 0.3,
                shown=".2f",
            ),
            "trained": yes_or_no(
                "Centres trained",
                "They start at zero. Where does a class go whose centre stays there?",
                idle=lambda values: "" if values["center_weight"] else "There is no centre loss.",
            ),
            "step": Control(
                inputs(widgets.IntSlider, "Step", min=0, max=150, step=5, value=150),
                "Which comes first: do the classes get narrow, or do they part?",
            ),
        }  # fmt: skip
        return cls(controls, pulled, partial(pull, points, group))

    @classmethod
    def branches(cls, reach: Reach) -> LossExplorer:
        """The gradients of a batch, to be weighed; the weights start as in training."""
        asked = {
            "face": ("Face head, λ_f", "At 0, who still teaches the face encoder?"),
            "voice": ("Voice head, λ_a", "At 0, what does the voice encoder lose?"),
            "fused": ("Fused head, λ_c", "Which parts does only this one teach?"),
            "kd": ("Distillation, λ_kd", "Which parts of the face does more of it reach?"),
            "center": ("Centres, λ_center", "At 0, which part is left where it started?"),
        }
        controls = {
            name: slider(*said, weight, high=max(2.0, weight), step=0.1, shown=".2f")
            for (name, said), weight in zip(asked.items(), reach.weights, strict=True)
        }
        return cls(controls, weighted, partial(weigh, reach))
