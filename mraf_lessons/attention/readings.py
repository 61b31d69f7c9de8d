"""Readings of notebook 07b: what the recorded runs and interventions show."""

from collections.abc import Mapping

import pandas as pd
from IPython.display import Markdown

from mraf.errors import DataError
from mraf.evaluation.differences import corrected, difference, paired_runs
from mraf.evaluation.records import read_results
from mraf.evidence.recorded import FOLDER, find
from mraf.evidence.tables import Place, arms_of, declared_table
from mraf_lessons.kit.reading import seen

REFERENCE = "cross_attention"
METRICS = ("with face", "without face", "mean")
UNDER = {
    "uniform": "intervention: maps made even",
    "shifted": "intervention: contexts of the neighbour token",
    "swapped": "intervention: contexts of another clip",
    "removed": "intervention: C = 0",
}


def recorded(places: Mapping[Place, tuple[str, ...]]) -> pd.DataFrame:
    """Every recorded system minus the paper's cross-attention, corrected as one table.

    Returns the columns metric, those of `corrected`, corpus, preset, system (the label) and
    seeds. Raises DataError where nothing is recorded.
    """
    parts = []
    for place, preset in [(place, preset) for place, of in places.items() for preset in of]:
        file = find(FOLDER / f"attention_{place.slug}.csv")
        rows = read_results(file) if file else pd.DataFrame({"preset": []})
        arms = arms_of(own) if len(own := rows[rows.preset == preset]) else {}
        anew = declared_table("attention", preset).arms
        labels = {arm.name: f"trained anew: {arm.label}" for arm in anew}
        labels |= {f"{REFERENCE}+{name}": label for name, label in UNDER.items()}
        for name in [name for name in labels if name in arms and name != REFERENCE]:
            first, second = paired_runs(arms[name], arms[REFERENCE])
            of = {"corpus": place.corpus, "preset": preset, "system": labels[name]}
            found = difference(first, second, METRICS).reset_index()
            parts.append(found.assign(**of, seeds=len(first.seeds)))
    if not parts:
        raise DataError("no attention is recorded; run scripts/record_attention.py.")
    return corrected(pd.concat(parts, ignore_index=True))


def verdicts(table: pd.DataFrame) -> Markdown:
    """Of each system, the range of its differences over corpora and presets, and the verdicts."""
    rows = []
    for system, own in table.groupby("system", sort=False):
        cells = []
        for metric in METRICS[:2]:
            found = own[own.metric == metric]
            low, high = 100 * found.difference.min(), 100 * found.difference.max()
            each = [f"{count} × *{said}*" for said, count in found.verdict.value_counts().items()]
            cells.append(f"{low:+.1f} to {high:+.1f}: {', '.join(each)}")
        rows.append(f"| {system} | {' | '.join(cells)} |")
    head = f"| points, minus the reference | {' | '.join(METRICS[:2])} |"
    said = f"All {len(table)} differences above are corrected together."
    return seen(said, "\n".join(["\n", head, "|---|---|---|", *rows]))
