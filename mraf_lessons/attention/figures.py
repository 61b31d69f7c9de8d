"""Figures of notebook 07b: how even attention maps are, and what is lost without them."""

from collections.abc import Mapping
from itertools import cycle

import numpy as np
import pandas as pd

from mraf.model import Output
from mraf_lessons.ablations.figures import COLOUR
from mraf_lessons.kit import charts, style
from mraf_lessons.kit.forest import forest
from mraf_lessons.kit.style import Figure, draws
from mraf_related.interventions import normalised_entropy


def evenness(output: Output) -> Figure:
    """The normalised entropy of the maps of Eq. 13, a row for each direction and head."""
    parts = []
    for asking, asked in (("face", "voice"), ("voice", "face")):
        entropy = normalised_entropy(getattr(output.attention, asking))  # (B, H, K)
        for head, own in enumerate(entropy.unbind(dim=1)):
            name = f"{asking} asks {asked}, head {head}"
            parts.append(pd.DataFrame({"maps": name, "entropy": own.flatten().numpy()}))
    table = pd.concat(parts, ignore_index=True)
    low = min(0.9, float(table.entropy.quantile(0.001)))
    heads = len(parts) // 2
    return charts.distributions(
        table, "entropy", "maps", edges=np.linspace(low, 1, 61),
        colours=[style.FACE] * heads + [style.VOICE] * heads,
        text="Entropy of the attention of each token, over its largest value.",
        label="entropy of a row over log K: 1 is even",
        say=lambda rows: f"median {rows.entropy.median():.3f}, least {rows.entropy.min():.3f}",
    )  # fmt: skip


@draws("system", "metric", "difference", "low", "high", "verdict")
def differences(table: pd.DataFrame, title: str = "") -> Figure:
    """What becomes of the trained network or of its training, in points, coloured by the verdict.

    A column `preset` stands below one another in each row, the second with an empty dot.
    """
    split = "preset" if "preset" in table.columns else ""
    colours = table.verdict.map(COLOUR)
    shown = table.assign(colour=colours)
    if split:
        hollow = dict(zip(table.preset.unique(), cycle([False, True]), strict=False))
        shown = shown.assign(hollow=table.preset.map(hollow))
    legend: Mapping[str, str] = {v: COLOUR[v] for v in COLOUR if (table.verdict == v).any()}
    return forest(
        shown, "system", "metric", "difference", split=split, points=True, zero=True, far=True,
        title=title, legend=legend, label="points, minus the trained cross-attention",
    )  # fmt: skip
