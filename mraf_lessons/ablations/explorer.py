"""Two arms of a recorded sweep: choose them and see whether they can be told apart."""

from __future__ import annotations

from collections.abc import Mapping

from mraf.errors import RunError
from mraf.evaluation.differences import SHOWN, ArmRuns, paired_runs
from mraf_lessons.ablations.figures import pair
from mraf_lessons.kit.explorer import Explorer, Values, choice
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

        def arms(values: Values) -> list[tuple[str, str]]:
            return [(runs.name, name) for name, runs in tables[values["table"]].items()]

        def second(values: Values) -> list[tuple[str, str]]:
            first, *others = arms(values)
            return [*others, first]

        controls = {
            "table": choice("Table", list(tables), "In which table is the largest difference?"),
            "first": choice("First arm", arms, "Do two arms of one name give a difference of 0?"),
            "second": choice(
                "Second arm", second, "Which two can be told apart, and in which setting?"
            ),
            "metric": choice(
                "Seed by seed",
                ["mean", *(name for name in SHOWN if name != "mean")],
                "Do the lines cross? Then the seed decides who is ahead.",
            ),
        }

        def draw(found: Values, on: Figure | None) -> Figure:
            own = tables[found["table"]]
            pairs = paired_runs(own[found["first"]], own[found["second"]])
            return pair(*pairs, found["metric"], on)

        super().__init__(controls, draw)
