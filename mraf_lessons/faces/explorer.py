"""Two scorers side by side while faces and voices get worse."""

from __future__ import annotations

import ipywidgets as widgets
import pandas as pd

from mraf.errors import RunError
from mraf_lessons.faces.figures import damage_result
from mraf_lessons.kit.explorer import Control, Explorer, inputs
from mraf_lessons.kit.recording import Recording, record
from mraf_lessons.kit.style import Figure

QUESTION = "Which damage tells the two scorers apart, and which does not?"


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
        self.table = table
        self.damage = inputs(
            widgets.Dropdown, "Damage", options=[str(name) for name in table.damage.unique()]
        )
        self.amount = inputs(widgets.SelectionSlider, "Amount", options=self._amounts())
        self.amount.index = len(self.amount.options) - 1
        self.damage.observe(self._offer, names="value")
        controls = [
            Control(self.damage, QUESTION),
            Control(self.amount, "For rates: how much accuracy does each further step cost?"),
        ]
        super().__init__(controls, self._drawn)

    def _amounts(self) -> list[tuple[str, float]]:
        own = self.table[self.table.damage == self.damage.value]
        return [(f"{amount:.0%}", float(amount)) for amount in sorted(own.amount.unique())]

    def _offer(self, change: object = None) -> None:
        """Offer the amounts that were measured, and keep the present one where it is among them."""
        options, before = self._amounts(), self.amount.value
        if tuple(options) == tuple(self.amount.options):
            return
        self._quiet = True  # the change that led here is drawn afterwards
        self.amount.options = options
        values = [value for _, value in options]
        self.amount.value = before if before in values else values[0]
        self._quiet = False

    def _drawn(self) -> Figure:
        return damage_result(self.table, self.damage.value, self.amount.value)

    def recorded(self) -> Recording:
        """Every damage at every amount that all of them have, to answer without a kernel."""
        damages = [str(name) for name in self.table.damage.unique()]
        shared = set.intersection(*self.table.groupby("damage").amount.agg(set))
        amounts = {f"{amount:.0%}": float(amount) for amount in sorted(shared)}
        return record(
            lambda damage, amount: damage_result(self.table, damage, amounts[amount]),
            {"Damage": damages, "Amount": list(amounts)},
            QUESTION,
        )
