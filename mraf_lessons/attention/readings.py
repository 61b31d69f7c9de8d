"""Readings of notebook 07b: what a network, its interventions and the recorded runs show."""

from collections.abc import Mapping

import pandas as pd
from IPython.display import Markdown

from mraf.errors import DataError
from mraf.evaluation.differences import (
    BETTER,
    EQUAL,
    OPEN,
    WORSE,
    compare_arms,
    corrected,
    runs_of,
)
from mraf.evaluation.records import read_results
from mraf.evidence.recorded import FOLDER, find
from mraf.evidence.tables import Place, declared_table
from mraf.model import Output
from mraf_lessons.kit.reading import seen
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
    assert output.attention is not None
    found = {asks: normalised_entropy(maps) for asks, maps in output.attention._asdict().items()}
    tokens, largest = output.attention.face.shape[-1], max(m.max() for m in output.attention)
    means = [f"{entropy.mean():.3f} where the {asks} asks" for asks, entropy in found.items()]
    least = min(float(entropy.min()) for entropy in found.values())
    return seen(
        f"The mean entropy is {' and '.join(means)}, of a largest possible 1. The least even row "
        f"of all has {least:.3f}. The largest share of a token is {largest:.2f}; an even share is "
        f"{1 / tokens:.2f}."
    )


def renamed(counts: Mapping[str, Mapping[str, int]], clips: int) -> Markdown:
    """How many clips get another name, by intervention and setting."""
    settings = list(next(iter(counts.values())))
    rows = [
        f"| {name} | {' | '.join(str(own[setting]) for setting in settings)} |"
        for name, own in counts.items()
    ]
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
    for (corpus, preset, metric), own in table.groupby(["corpus", "preset", "metric"], sort=False):
        if metric == "with face":
            continue
        found = []
        for verdict in (WORSE, BETTER, EQUAL, OPEN):
            rows = own[own.verdict == verdict]
            each = [f"{row.system} ({100 * row.difference:+.1f})" for row in rows.itertuples()]
            found += [f"*{verdict}*: {', '.join(each)}"] if each else []
        said.append(f"\n- **{corpus}, {preset} preset, {metric}.** {'; '.join(found)}.")
    return seen(
        "Each number is in points, minus the paper's cross-attention. The verdicts of all figures "
        "above are corrected together.\n",
        *said,
    )
