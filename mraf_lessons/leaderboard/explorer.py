"""One system from protocol to protocol: what may be seen, and what that is worth."""

from __future__ import annotations

import ipywidgets as widgets
import pandas as pd

from mraf_lessons.kit.explorer import Explorer, Values, choice
from mraf_lessons.kit.style import Figure
from mraf_lessons.leaderboard.figures import protocol_result
from mraf_related.leaderboard.protocols import COPY, PROTOCOLS

LADDER = {**PROTOCOLS, COPY.name: COPY}


class ProtocolExplorer(Explorer):
    """Move between protocols and methods; a method that a protocol does not allow is not offered.

    Args:
        scores: accuracies by system, protocol, method and setting, as `by_protocol` gives them.
    """

    def __init__(self, scores: pd.DataFrame) -> None:
        allowed = scores.groupby(["system", "protocol"], sort=False).method.unique()
        protocols = [name for name in LADDER if (scores.protocol == name).any()]

        def methods(values: Values) -> list[str]:
            return list(allowed[values["system"], values["protocol"]])

        def draw(found: Values, on: Figure | None) -> Figure:
            own = scores[scores.system == found["system"]]
            return protocol_result(LADDER[found["protocol"]], found["method"], own, on)

        controls = {
            "protocol": choice(
                "Protocol",
                protocols,
                "At which step does P4 reach P3? What is seen there first?",
                widgets.SelectionSlider,
            ),
            "method": choice("Method", methods, "Does the method matter as much as the protocol?"),
            "system": choice(
                "System",
                list(scores.system.unique()),
                "Is the order of the protocols the same for both systems?",
            ),
        }
        super().__init__(controls, draw)
        self.protocol.index = min(1, len(protocols) - 1)  # the first beyond clip
