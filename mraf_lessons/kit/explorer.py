"""The one pattern of all explorers: controls with a question each, and a picture that answers."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import ipywidgets as widgets

from mraf.errors import MrafError
from mraf_lessons.kit.live import Screen, image
from mraf_lessons.kit.recording import Recording, record
from mraf_lessons.kit.style import Figure

LABELS = {"description_width": "118px"}
ASKED = "margin: -2px 0 7px 124px; line-height: 1.25; font-size: 12px; color: #555"


class Control(NamedTuple):
    """An input and the question that moving it answers."""

    widget: Any  # widgets.ValueWidget
    question: str

    @property
    def choices(self) -> dict[str, Any]:
        """What can be chosen, by the words that the control has for it."""
        pairs = (pair if isinstance(pair, tuple) else (pair, pair) for pair in self.widget.options)
        return {str(word): value for word, value in pairs}

    def word(self, value: Any) -> str:
        """A value in the words of the control."""
        if isinstance(value, bool):
            return "yes" if value else "no"
        if hasattr(self.widget, "options"):
            return next(word for word, known in self.choices.items() if known == value)
        return f"{value:.0%}" if self.widget.readout_format == ".0%" else f"{value:g}"


def inputs(kind: type[widgets.ValueWidget], label: str, **options: Any) -> Any:
    """A labelled input, as wide as the column of controls."""
    return kind(
        description=label,
        style=LABELS,
        layout=widgets.Layout(width="98%", margin="1px 0"),
        **options,
    )


def choice(label: str, options: Sequence[Any], question: str) -> Control:
    """One of several values, or of pairs of words and value."""
    return Control(inputs(widgets.Dropdown, label, options=options), question)


def yes_or_no(label: str, question: str) -> Control:
    """A box, ticked at first."""
    return Control(inputs(widgets.Checkbox, label, value=True, indent=True), question)


def amount(label: str, question: str, value: float = 0.0, shown: str = ".0%") -> Control:
    """A slider from 0 to 1, shown in percent; arrow keys move it by 5 points."""
    look = {"min": 0.0, "max": 1.0, "step": 0.05, "readout_format": shown}
    return Control(inputs(widgets.FloatSlider, label, value=value, **look), question)


def number(label: str, last: int, question: str) -> Control:
    """A slider from 1 to the last."""
    return Control(inputs(widgets.IntSlider, label, min=1, max=last, value=1), question)


class Explorer(widgets.HBox):
    """Controls on the left, the picture on the right; every change draws it anew.

    A drawer that returns the same figure each time, changed, has only the changes drawn: what the
    panels hold, on a copy of their frames.

    Shown where no kernel answers (GitHub, PDF, an unexecuted notebook), it is the picture of the
    state in which it was displayed.

    Args:
        controls: in the order in which the tab key visits them.
        draw: the figure of the controls' present values, with its text alternative.
    """

    def __init__(self, controls: Sequence[Control], draw: Callable[[], Figure]) -> None:
        self._draw = draw
        self._quiet = False
        self.picture = widgets.HTML(layout=widgets.Layout(flex="1 1 600px", min_width="380px"))
        self.figure = draw()
        self._screen = Screen(self.figure)
        rows: list[widgets.Widget] = []
        for control in controls:
            question = f'<div style="{ASKED}">{control.question}</div>'
            rows += [control.widget, widgets.HTML(question)]
            control.widget.observe(self._changed, names="value")
        column = widgets.VBox(rows, layout=widgets.Layout(flex="0 1 350px", min_width="300px"))
        super().__init__(
            [column, self.picture], layout=widgets.Layout(flex_flow="row wrap", width="100%")
        )
        self._show()

    @contextmanager
    def one_update(self) -> Any:
        """Change several controls and draw once."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before
        self._update()

    def _changed(self, change: Any) -> None:
        self._update()

    def _update(self) -> None:
        if self._quiet:
            return
        try:
            self.figure = self._draw()
        except MrafError as error:
            self.picture.value = f'<p role="alert">{html.escape(str(error))}</p>'
            return
        self._show()

    def _show(self) -> None:
        self.picture.value = image(self._screen.png(self.figure), self.figure.alt)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        live = super()._repr_mimebundle_(**options)
        live = live[0] if isinstance(live, tuple) else live
        still, metadata = self.figure._repr_mimebundle_()
        return {**(live or {}), **still}, metadata


class ViewExplorer(Explorer):
    """An explorer of a pure function: the controls' values, what is found with them, its picture.

    Each control is an attribute of its name and an item of ``inputs``; its ``value`` may also be
    set from code. ``found`` is what is shown, as numbers.

    Args:
        controls: by the keyword of `find` that they set, in the order of the tab key.
        find: from the controls' values to what is shown; nothing else goes in.
        picture: draws what was found, for the screen and for recordings alike.
        grid: what ``recorded`` steps through, by the name of a control; the first asks.
        moved: draws what was found on the screen, where a kept figure is faster.
    """

    found: Any

    def __init__(
        self,
        controls: Mapping[str, Control],
        find: Callable[..., Any],
        picture: Callable[[Any], Figure],
        grid: Mapping[str, Sequence[Any]],
        moved: Callable[[Any], Figure] | None = None,
    ) -> None:
        self.inputs = {name: control.widget for name, control in controls.items()}
        self._controls, self._find, self._picture = controls, find, picture
        self._grid, self._moved = grid, moved or picture
        super().__init__(list(controls.values()), self._drawn)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["inputs"][name]
        except KeyError:
            raise AttributeError(f"{type(self).__name__} has no {name}") from None

    @property
    def values(self) -> dict[str, Any]:
        """The controls' values by name, as `find` takes them."""
        return {name: widget.value for name, widget in self.inputs.items()}

    def _drawn(self) -> Figure:
        self.found = self._find(**self.values)
        return self._moved(self.found)

    def recorded(self) -> Recording:
        """A grid of some controls' values, the others as they are, to answer without a kernel."""
        choices = {
            self.inputs[name].description: {
                self._controls[name].word(value): {name: value} for value in values
            }
            for name, values in self._grid.items()
        }
        return self.recorded_for(choices, self._controls[next(iter(self._grid))].question)

    def recorded_for(
        self, choices: Mapping[str, Mapping[str, Mapping[str, Any]]], question: str
    ) -> Recording:
        """A recording of any combination of choices.

        Args:
            choices: by label and word, what it changes among the controls' values of now; where two
                change the same one, the first has the last word.
        """
        now = self.values

        def draw(*changes: Mapping[str, Any]) -> Figure:
            values = dict(now)
            for change in reversed(changes):
                values |= change
            return self._picture(self._find(**values))

        return record(draw, choices, question)
