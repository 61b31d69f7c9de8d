"""Predictions that are kept: asked before a result, answered after it, counted at the end."""

import html
import re
from pathlib import Path
from typing import Any

import ipywidgets as widgets
from IPython.display import HTML, Markdown, display

from mraf.errors import RunError
from mraf.evidence.declared import read_toml

KEPT = "Kept: {}. The answer follows below the result."
STATIC = "Run this notebook to keep your predictions and to see how many were right."


def rich(text: str) -> str:
    """A line of Markdown as HTML: only `code`, *emphasis* and $formulas$ occur in questions."""
    text = html.escape(text, quote=False)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    return re.sub(r"\*([^*]+)\*", r"<em>\1</em>", text)


class Question(widgets.VBox):
    """One question and the input that answers it; `given` is the answer that was kept, or None.

    An item of questions.toml has `ask`, then `right` and `options` with a reason each; or `unit`,
    `within` and `because`, with `slider = [low, high, step]` where a slider is to ask.
    """

    def __init__(self, item: dict[str, Any]) -> None:
        self.item = item
        self.given: Any = None
        look: Any = {"layout": {"width": "98%"}, "style": {"description_width": "initial"}}
        if "options" in item:
            self.input = widgets.RadioButtons(options=[*item["options"]], value=None, **look)
        elif "slider" in item:
            low, high, step = item["slider"]
            look |= {"min": low, "max": high, "step": step}
            self.input = widgets.FloatSlider(description=item["unit"], **look)
        else:
            look["continuous_update"] = False
            self.input = widgets.FloatText(description=item["unit"], **look)
        self.input.observe(self._keep, "value")
        self.said = widgets.HTML()
        head = widgets.HTMLMath(f"<strong>Predict.</strong> {rich(item['ask'])}")
        super().__init__([head, self.input, self.said])

    @property
    def word(self) -> str:
        """What was kept, with its unit."""
        return self.given if "options" in self.item else f"{self.given:g} {self.item['unit']}"

    def _keep(self, change: Any) -> None:
        if not self.input.disabled:
            self.given = change["new"]
            self.said.value = html.escape(KEPT.format(self.word))

    def is_right(self, *values: Any) -> bool:
        """Whether what was kept is the right option, or near enough to the value of this run."""
        if "options" in self.item:
            return bool(self.given == self.item["right"])
        return self.given is not None and bool(abs(self.given - values[0]) <= self.item["within"])

    def page(self) -> str:
        """The question as a page shows it that has no kernel."""
        options = "".join(f"<li>{rich(option)}</li>" for option in self.item.get("options", ()))
        asked = f"<ul>{options}</ul>" if options else f"<p>A number, {self.item['unit']}.</p>"
        text = f"<p><strong>Predict.</strong> {rich(self.item['ask'])}</p>"
        return f'<blockquote class="mraf-question">{text}{asked}</blockquote>'

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        view: Any = super()._repr_mimebundle_(**options)
        bundle = view[0] if isinstance(view, tuple) else view
        return {**bundle, "text/html": self.page(), "text/plain": f"Predict. {self.item['ask']}"}


class Quiz:
    """The questions of one notebook, from questions.toml in the folder of its lesson."""

    def __init__(self, lesson: str) -> None:
        self.path = Path(__file__).parents[1] / lesson / "questions.toml"
        self.items = read_toml(self.path)
        self.asked: dict[str, Question] = {}
        self.scored: dict[str, bool] = {}

    def _item(self, name: str) -> dict[str, Any]:
        if name not in self.items:
            raise RunError(f"{self.path.name}: no question '{name}'; there are {[*self.items]}")
        return self.items[name]

    def ask(self, name: str) -> Question:
        """Ask; what is given from now on counts until the answer is shown."""
        self.asked[name] = Question(self._item(name))
        self.scored.pop(name, None)
        return self.asked[name]

    def answer(self, name: str, *values: Any) -> None:
        """Show the answer, folded where nothing was kept; a later guess does not count.

        Values are numbers of this run that the reasons name, first the one asked for.
        """
        item, question = self._item(name), self.asked.get(name)
        if question is not None:
            question.input.disabled = True
        if "options" in item:
            reasons = [
                f"<li>{'✓' if option == item['right'] else '✗'} <em>{rich(option)}</em>: "
                f"{rich(reason.format(*values))}</li>"
                for option, reason in item["options"].items()
            ]
            text = f"<ul>{''.join(reasons)}</ul>"
        else:
            text = f"<p>{rich(item['because'].format(*values))}</p>"
        head, state = f"Answer ({name})", ""
        if question is not None and question.given is not None:
            self.scored[name] = question.is_right(*values)
            verdict = "✓ right" if self.scored[name] else "✗ not this time"
            head, state = f"You predicted: {rich(question.word)} ({verdict})", " open"
        display(HTML(f"<details{state}><summary>{head}</summary>{text}</details>"))

    def score(self) -> Markdown:
        """How many of the questions asked were answered in time, and how many rightly."""
        asked, right = len(self.asked), sum(self.scored.values())
        if not self.scored:
            return Markdown(f"**Your predictions.** {asked} were asked. {STATIC}")
        wrong = [name for name, good in self.scored.items() if not good]
        again = f" Look again at: {', '.join(wrong)}." if wrong else ""
        return Markdown(
            f"**Your predictions.** {right} of {len(self.scored)} were right; {asked} were "
            f"asked.{again} A wrong prediction that surprised you is worth the most."
        )
