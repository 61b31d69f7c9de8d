"""Readings of notebook 07b: what a network, its interventions and the recorded runs show."""

from collections.abc import Mapping

import pandas as pd
from IPython.display import Markdown

from mraf.errors import DataError
from mraf.evaluation.differences import compare_arms, corrected, runs_of
from mraf.evaluation.records import read_results
from mraf.evidence.recorded import FOLDER, find
from mraf.evidence.tables import Place, declared_table
from mraf.model import Output
from mraf_lessons.kit.reading import seen
from mraf_lessons.one_page.readings import evenness
from mraf_related.interventions import normalised_entropy

REFERENCE = "cross_attention"
METRICS = ("with face", "without face", "mean")
UNDER = {
    "uniform": "intervention: maps made even",
    "shifted": "intervention: contexts of the neighbour token",
    "swapped": "intervention: contexts of another clip",
    "removed": "intervention: C = 0",
}


def entropy(output: Output) -> Markdown:
    """How even the maps are."""
    least = min(float(normalised_entropy(maps).min()) for maps in output.attention or ())
    return seen(evenness(output), f"The least even row of all has {least:.1%}.")


def renamed(counts: Mapping[str, Mapping[str, int]], clips: int) -> Markdown:
    """How many clips get another name, by intervention and setting."""
    settings = list(next(iter(counts.values())))
    rows = [f"| {name} | {' | '.join(map(str, own.values()))} |" for name, own in counts.items()]
    head = f"| of {clips:,} clips, another name in | {' | '.join(settings)} |"
    return seen("\n".join(["\n", head, "|---" * (1 + len(settings)) + "|", *rows]))


def recorded(places: Mapping[Place, tuple[str, ...]]) -> pd.DataFrame:
    """Every recorded system minus the paper's cross-attention, corrected as one table.

    Returns the columns name, metric, those of `compare_arms`, corpus, preset, system (the label)
    and seeds. Raises DataError where nothing is recorded.
    """
    parts = []
    for place, presets in places.items():
        file = find(FOLDER / f"attention_{place.slug}.csv")
        rows = read_results(file) if file else pd.DataFrame({"preset": []})
        for preset in presets:
            arms = runs_of(rows[rows.preset == preset]) if (rows.preset == preset).any() else {}
            declared = declared_table("attention", preset)
            labels = {arm.name: f"trained anew: {arm.label}" for arm in declared.arms}
            labels |= {f"{REFERENCE}+{name}": label for name, label in UNDER.items()}
            known = {n: arms[n] for n in labels if n in arms and len(arms[n].seeds) > 1}
            if len(known) < 2:
                continue
            found = compare_arms(known, REFERENCE, METRICS).reset_index(names=["name", "metric"])
            seeds = [len({*known[n].seeds} & {*known[REFERENCE].seeds}) for n in found["name"]]
            of = {"corpus": place.corpus, "preset": preset, "system": found["name"].map(labels)}
            parts.append(found.assign(**of, seeds=seeds))
    if not parts:
        raise DataError("no attention is recorded; run scripts/record_attention.py.")
    return corrected(pd.concat(parts, ignore_index=True))


def verdicts(table: pd.DataFrame) -> Markdown:
    """Which systems have which verdict in the mean and without a face."""
    said = []
    shown = table[table.metric != "with face"]
    for (corpus, preset, metric), own in shown.groupby(["corpus", "preset", "metric"], sort=False):
        each = own.system + (100 * own.difference).map(" ({:+.1f})".format)
        found = each.groupby(own.verdict).agg(", ".join)
        listed = "; ".join(f"*{verdict}*: {systems}" for verdict, systems in found.items())
        said.append(f"\n- **{corpus}, {preset} preset, {metric}.** {listed}.")
    return seen(
        "Each number is in points, minus the paper's cross-attention. The verdicts of all figures "
        "above are corrected together.\n",
        *said,
    )
