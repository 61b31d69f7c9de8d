"""The reliability explorer whose network runs in the page: no kernel answers, only the browser."""

import anywidget
import traitlets

from mraf.data.splits import Split
from mraf.evaluation.predict import forward
from mraf.export.export import COMPONENT, packed, script
from mraf.training.runs import Run
from mraf_lessons.kit.explorer import show
from mraf_lessons.one_page.figures import three_heads

RENDER = """
export default {
  render({ model, el }) { explore(el, JSON.parse(model.get("exported"))); },
};
"""
LINK = '<p><a href="../docs/live/index.html">The live page</a> needs no kernel.</p>'


class LiveExplorer(anywidget.AnyWidget):
    """A few held-out clips of a run, made worse, and what the network makes of them.

    Where nothing can move (GitHub, a notebook that was opened and not run), one sees a picture.
    Raises RunError where a weight of the run does not fit into float16.
    """

    _esm = "\n".join(map(script, COMPONENT)) + RENDER
    exported = traitlets.Unicode().tag(sync=True)

    def __init__(self, run: Run, split: Split) -> None:
        super().__init__(exported=packed(run, [split.english, split.cross]))
        first = split.english[split.english.labels == split.english.labels.min()][:1]
        there = {"with its face": first, "without it": first.without_faces()}
        outputs = {name: forward(run.model, clip) for name, clip in there.items()}
        self.figure = three_heads(outputs, int(first.labels[0]))

    def _ipython_display_(self) -> None:
        show(self._repr_mimebundle_(), self.figure, f'<div class="mraf-live">{LINK}</div>')
