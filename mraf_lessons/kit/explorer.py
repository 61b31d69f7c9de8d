"""The one pattern of all explorers: controls with a question each, and a picture that answers."""

import gc
import html
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any, NamedTuple

import ipywidgets as widgets
from IPython.display import display

from mraf.errors import MrafError
from mraf_lessons.kit.live import Screen
from mraf_lessons.kit.style import Figure, image

STILL = (
    "<p>This picture is still: open the notebook in JupyterLab and choose "
    "<em>Run ▸ Run All Cells</em> to move its controls.</p>"
)
Values = dict[str, Any]  # of all controls, by name


class Control(NamedTuple):
    """An input, the question that moving it answers, and why it changes nothing now, if so."""

    widget: Any  # widgets.ValueWidget
    question: str
    idle: Callable[[Values], str] = lambda values: ""

    def reason(self, values: Values) -> str:
        """Why it is idle at these values of all controls; "" where it is not."""
        low, high = (getattr(self.widget, end, end) for end in ("min", "max"))
        alone = low == high or len(getattr(self.widget, "options", "many")) == 1
        return self.idle(values) or ("There is one to choose from." if alone else "")


def inputs(kind: type[widgets.ValueWidget], label: str, **options: Any) -> Any:
    """A labelled input, as wide as the column of controls."""
    look = widgets.Layout(width="98%", margin="1px 0")
    return kind(description=label, style={"description_width": "105px"}, layout=look, **options)


def choice(label: str, options: Any, question: str) -> Control:
    """One of several values, or of pairs of words and value."""
    return Control(inputs(widgets.Dropdown, label, options=options), question)


def yes_or_no(label: str, question: str, **following: Any) -> Control:
    """A box, ticked at first."""
    return Control(inputs(widgets.Checkbox, label, value=True, indent=True), question, **following)


def slider(label: str, question: str, value: float = 0.0, low: float = 0.0, high: float = 1.0,
           step: float = 0.05, shown: str = ".0%", **following: Any) -> Control:  # fmt: skip
    """A slider of numbers, by default from 0 to 1 and in percent; arrow keys move it by a step."""
    look: Any = {"min": low, "max": high, "step": step, "readout_format": shown}
    return Control(inputs(widgets.FloatSlider, label, value=value, **look), question, **following)


class Explorer(widgets.Box):
    """Controls beside the picture that they move: of a pure function of their values.

    Controls are named by the keyword of `find` that they set; each is an attribute of its name.
    `picture` draws what `find` found, if it can on the figure of the last time. Where no kernel
    answers (GitHub, PDF), one sees the picture of the state that was displayed.
    """

    found: Any  # what is shown, as numbers
    figure: Figure
    _last: Figure | None = None

    def __init__(
        self, controls: Mapping[str, Control], picture: Callable[[Any, Figure | None], Figure],
        find: Callable[..., Any] = dict,
    ) -> None:  # fmt: skip
        self.inputs = {name: control.widget for name, control in controls.items()}
        self._controls, self._find, self._picture = controls, find, picture
        self._screen = Screen()
        self._questions = {name: widgets.HTML() for name in controls}
        self.picture = widgets.HTML()
        rows = [widgets.VBox([self.inputs[name], self._questions[name]]) for name in controls]
        super().__init__([widgets.Box([widgets.VBox(rows), self.picture])])
        self.add_class("mraf-explorer")
        self._update()
        for widget in self.inputs.values():
            widget.observe(self._update, names="value")

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["inputs"][name]
        except KeyError:
            raise AttributeError(f"{type(self).__name__} has no {name}") from None

    @property
    def values(self) -> Values:
        """The controls' values by name, as `find` takes them."""
        return {name: widget.value for name, widget in self.inputs.items()}

    def _update(self, change: object = None) -> None:
        for name, control in self._controls.items():
            reason = control.reason(self.values)
            control.widget.disabled = bool(reason)
            asked = html.escape(reason) if reason else control.question
            self._questions[name].value = f'<div class="mraf-question">{asked}</div>'
        try:
            self.found = self._find(**self.values)
            self.figure = self._last = self._picture(self.found, self._last)
        except MrafError as error:
            self.picture.value = f'<p role="alert">{html.escape(str(error))}</p>'
        else:
            self.picture.value = image(self._screen.png(self.figure), self.figure.alt)

    def _ipython_display_(self) -> None:
        """The live controls; below them, hidden as long as they answer, the picture of now."""
        gc.freeze()  # else every tenth move waits until all that torch imported is looked through
        show(super()._repr_mimebundle_(), self.figure)


def show(live: Any, figure: Figure, more: str = "") -> None:
    """Display a widget by its bundle; below it, hidden as long as it is alive, a still picture."""
    live, metadata = live if isinstance(live, tuple) else (live, {})
    display({**live, "text/plain": ""}, metadata=metadata, raw=True)
    picture = figure._repr_mimebundle_()
    page = files("mraf_lessons.kit").joinpath("live.html").read_text(encoding="utf-8")
    still = f'<div class="mraf-still">{STILL}{picture["text/html"]}</div>'
    display({**picture, "text/html": page + still + more}, raw=True)
