"""Two arms of a recorded sweep: choose them and see whether they can be told apart."""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets as widgets

from mraf.errors import RunError
from mraf.evaluation.differences import SHOWN, ArmRuns, paired_runs
from mraf_lessons.ablations.figures import pair
from mraf_lessons.kit.explorer import Control, Explorer, inputs
from mraf_lessons.kit.recording import Recording, record
from mraf_lessons.kit.style import Figure


class ArmsExplorer(Explorer):
    """Choose two arms and see their paired difference, seed by seed and in every setting.

    Args:
        tables: by title, the arms of a table by name.
    Raises:
        RunError: a table of fewer than two arms, or no table.
    """

    def __init__(self, tables: Mapping[str, Mapping[str, ArmRuns]]) -> None:
        if not tables or min(len(arms) for arms in tables.values()) < 2:
            raise RunError("nothing to compare: give at least one table, each of two arms or more.")
        self.tables = tables
        self.table = inputs(widgets.Dropdown, "Table", options=list(tables))
        self.first = inputs(widgets.Dropdown, "First arm")
        self.second = inputs(widgets.Dropdown, "Second arm")
        self.metric = inputs(widgets.Dropdown, "Seed by seed", options=list(SHOWN), value="mean")
        self._offer()
        self.table.observe(self._other_table, names="value")  # before anything is drawn anew
        super().__init__(
            [
                Control(self.table, "In which table is the largest difference?"),
                Control(self.first, "Do two arms of one name give a difference of zero?"),
                Control(self.second, "Which two can be told apart, and in which setting?"),
                Control(self.metric, "Do the lines cross? Then the seed decides who is ahead."),
            ],
            self._drawn,
        )

    def recorded(self) -> Recording:
        """Every pair of the first table, to answer without a kernel."""
        arms = next(iter(self.tables.values()))
        names = {runs.name: runs for runs in arms.values()}
        return record(
            lambda first, second: pair(*paired_runs(names[first], names[second])),
            {"First arm": list(names), "Second arm": list(names)[::-1]},
            "Which two can be told apart, and in which setting?",
        )

    def _offer(self) -> None:
        """Offer the arms of the chosen table."""
        arms = self.tables[self.table.value]
        options = [(runs.name, name) for name, runs in arms.items()]
        self.first.options = self.second.options = options
        self.first.value, self.second.value = options[0][1], options[1][1]

    def _other_table(self, _: object) -> None:
        with self.one_update():
            self._offer()

    def _drawn(self) -> Figure:
        arms = self.tables[self.table.value]
        chosen = paired_runs(arms[self.first.value], arms[self.second.value])
        return pair(*chosen, self.metric.value)
