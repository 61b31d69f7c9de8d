"""One clip on its way through the network, step by step."""

from functools import lru_cache

from mraf.data.clips import FeatureSet
from mraf.model import MRAF
from mraf_lessons.kit.explorer import Explorer, number, yes_or_no
from mraf_lessons.missing_token.explorer_figures import clip_step
from mraf_lessons.missing_token.steps import Step, forward_steps


class FollowOneClip(Explorer):
    """Press the arrow keys on the slider to see what a network does next with a clip."""

    def __init__(self, model: MRAF, clips: FeatureSet) -> None:
        @lru_cache
        def steps(face: bool, clip: int) -> tuple[Step, ...]:
            chosen = clips[clip - 1 : clip]
            return forward_steps(model, chosen if face else chosen.without_faces())

        controls = {
            "step": number("Step", len(steps(True, 1)),
                           "Before you press: which shape will the next values have?"),
            "face": yes_or_no("The face is there", "Which values of the voice does a missing face "
                              "change, and which not?"),
            "clip": number("Clip", len(clips),
                           "Which steps look alike for all clips, and which do not?"),
        }  # fmt: skip
        super().__init__(
            controls,
            lambda found, on: clip_step(found[0], found[1], on),
            lambda step, face, clip: (steps(face, clip), step),
        )

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of the clip that is shown, as numbers."""
        steps: tuple[Step, ...] = self.found[0]
        return steps
