"""Two scorers side by side while faces and voices get worse."""

from __future__ import annotations

import ipywidgets as widgets
import pandas as pd

from mraf.errors import RunError
from mraf_lessons.faces.figures import damage_result
from mraf_lessons.kit.explorer import Explorer, Values, choice


class DamageExplorer(Explorer):
    """Choose a damage and how much of it; what was measured there is shown for every scorer.

    Args:
        table: as `mraf_lessons.faces.damage.damage_table` gives it.
    Raises:
        RunError: no rows.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        if table.empty:
            raise RunError("nothing to show: the table of damages has no rows.")
        measured = table.groupby("damage", sort=False).amount.agg(set)

        def amounts(values: Values) -> list[tuple[str, float]]:
            return [(f"{x:.0%}", float(x)) for x in sorted(measured[values["damage"]])]

        controls = {
            "damage": choice(
                "Damage",
                list(measured.index),
                "Which damage tells the two scorers apart, and which does not?",
            ),
            "amount": choice(
                "Amount",
                amounts,
                "For rates: how much accuracy does each further step cost?",
                widgets.SelectionSlider,
            ),
        }
        super().__init__(controls, lambda found, on: damage_result(table, **found, on=on))
        self.amount.index = len(self.amount.options) - 1
