"""The network in the page, by views: no kernel answers, only the browser."""

from dataclasses import replace

import anywidget
import traitlets

from mraf.data.clips import FeatureSet
from mraf.data.splits import Split
from mraf.errors import RunError
from mraf.evaluation.predict import forward
from mraf.export.export import COMPONENT, packed, script
from mraf.model import Logits, Output
from mraf.training.runs import Run
from mraf.variants.build import build
from mraf_lessons.kit.explorer import show
from mraf_lessons.one_page.figures import three_heads

RENDER = """
export default {
  render({ model, el }) { explore(el, JSON.parse(model.get("exported")), [model.get("view")]); },
};
"""
LINK = '<p><a href="../docs/live/index.html">The live page</a> needs no kernel.</p>'
VIEWS = ("reliability", "follow", "token", "temperature")  # as in mraf/export/views.js


class LiveExplorer(anywidget.AnyWidget):
    """A few held-out clips of a run, and what the network makes of them in one of the `VIEWS`.

    Where nothing can move (GitHub, a notebook that was opened and not run), one sees a picture.
    Raises RunError for another view, or where a weight of the run does not fit into float16.
    """

    _esm = "\n".join(map(script, COMPONENT)) + RENDER
    exported = traitlets.Unicode().tag(sync=True)
    view = traitlets.Unicode().tag(sync=True)

    def __init__(self, run: Run, split: Split, view: str) -> None:
        if view not in VIEWS:
            raise RunError(f"no view is called {view!r}; there are: {', '.join(VIEWS)}.")
        super().__init__(exported=packed(run, [split.english, split.cross]), view=view)
        first = split.english[split.english.labels == split.english.labels.min()][:1]
        self.figure = three_heads(_still(run, first, view), int(first.labels[0]))

    def _ipython_display_(self) -> None:
        more = f'<div class="mraf-live" data-view="{self.view}">{LINK}</div>'
        show(self._repr_mimebundle_(), self.figure, more)


def _still(run: Run, clip: FeatureSet, view: str) -> dict[str, Output]:
    """What the picture shows where nothing moves: two conditions of the clip."""
    there, none = (forward(run.model, one) for one in (clip, clip.without_faces()))
    if view == "token":
        told = replace(run.config.model, missing_face="zero", missing_reliability="learned")
        reader = build(told).eval()
        reader.load_state_dict(run.model.state_dict(), strict=False)
        return {"the token": none, "zeros, scored": forward(reader, clip.without_faces())}
    if view == "temperature":
        return {f"T = {t}": there._replace(logits=Logits(*(z / t for z in there.logits)))
                for t in (1, 4)}  # fmt: skip
    return {"with its face": there, "without it": none}
