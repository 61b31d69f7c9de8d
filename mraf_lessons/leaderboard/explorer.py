"""One system from protocol to protocol: what may be seen, and what that is worth."""

from __future__ import annotations

import ipywidgets as widgets
import pandas as pd

from mraf.related.leaderboard.protocols import COPY, PROTOCOLS
from mraf_lessons.kit.explorer import Control, Explorer, inputs
from mraf_lessons.kit.recording import Recording, record
from mraf_lessons.kit.style import Figure
from mraf_lessons.leaderboard.figures import protocol_result

LADDER = {**PROTOCOLS, COPY.name: COPY}
QUESTION = "At which step does P4 reach P3? What is seen there first?"


class ProtocolExplorer(Explorer):
    """Move between protocols and methods; a method that a protocol does not allow is not offered.

    Args:
        scores: accuracies by system, protocol, method and setting, as `by_protocol` gives them.
    """

    def __init__(self, scores: pd.DataFrame) -> None:
        self.scores = scores
        self.system = inputs(widgets.Dropdown, "System", options=list(scores.system.unique()))
        self.protocol = inputs(
            widgets.SelectionSlider,
            "Protocol",
            options=[name for name in LADDER if (scores.protocol == name).any()],
        )
        self.protocol.index = min(1, len(self.protocol.options) - 1)  # the first beyond clip
        self.method = inputs(widgets.Dropdown, "Method", options=self._methods())
        self.system.observe(self._offer, names="value")
        self.protocol.observe(self._offer, names="value")
        controls = [
            Control(self.protocol, QUESTION),
            Control(self.method, "Does the method matter as much as the protocol?"),
            Control(self.system, "Is the order of the protocols the same for both systems?"),
        ]
        super().__init__(controls, self._drawn)

    @property
    def _own(self) -> pd.DataFrame:
        return self.scores[self.scores.system == self.system.value]

    def _methods(self) -> list[str]:
        own = self._own
        return list(own[own.protocol == self.protocol.value].method.unique())

    def _offer(self, change: object = None) -> None:
        """Offer what the protocol allows, and keep the present method where it is among that."""
        methods, before = self._methods(), self.method.value
        if tuple(methods) == self.method.options:
            return
        self._quiet = True  # the change that led here is drawn afterwards
        self.method.options = methods
        self.method.value = before if before in methods else methods[0]
        self._quiet = False

    def _drawn(self) -> Figure:
        return self._of(self.protocol.value, self.method.value)

    def _of(self, protocol: str, method: str) -> Figure:
        return protocol_result(LADDER[protocol], method, self._own)

    def recorded(self) -> Recording:
        """Every protocol with each method that it allows, to answer without a kernel."""
        rows = self._own[["protocol", "method"]].drop_duplicates()
        names = {f"{p}: {m}": (p, m) for p, m in rows.itertuples(index=False)}
        choices = {"Protocol and method": list(names)}
        return record(lambda name: self._of(*names[name]), choices, QUESTION)
