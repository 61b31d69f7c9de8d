"""Figure of notebook 07b: how even attention maps are."""

import numpy as np
import pandas as pd

from mraf.model import Output
from mraf_lessons.kit import charts, style
from mraf_lessons.kit.style import Figure
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
