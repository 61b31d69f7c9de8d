"""Decision fusion measured: clean, missing and swapped faces, against the fused head alone."""

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from mraf.data.clips import Corpus, FeatureSet
from mraf.data.splits import validation_split
from mraf.evaluation.differences import compare_arms, corrected, runs_of, scores
from mraf.evaluation.records import counted, with_counts
from mraf.evaluation.results import Judged
from mraf.training.experiment import trained
from mraf_related.decision.layer import CONDITIONS, Flags, judge
from mraf_related.study import as_grid, points

PRESET = "quick"
SEEDS = range(5)


def table(corpus: Corpus) -> pd.DataFrame:
    """Train the quick preset with each of `SEEDS` and decide on the held-out English videos.

    Raises DataError where no videos can be held out.
    """
    clips = validation_split(corpus).english
    rows = []
    for seed in tqdm(SEEDS, "decision fusion, seeds"):
        run = trained(PRESET, corpus, {"seed": seed})
        rows.append(tabulated(judge(run.model, clips, seed), clips, seed))
    made_of = {"corpus": corpus.name, "preset": PRESET, "split": "validation"}
    return pd.concat(rows, ignore_index=True).assign(**made_of)


def tabulated(right: dict[str, dict[str, Flags]], clips: FeatureSet, seed: int) -> pd.DataFrame:
    """What was decided with one seed, a row for each condition and arm."""
    videos = Judged.of(clips)
    of_video = videos.published_counts(np.ones(len(clips), dtype=bool))
    rows = [
        {
            "condition": condition,
            "system": arm,
            "seed": seed,
            "setting": CONDITIONS[condition],
            **counted(videos.published_counts(hits), of_video),
        }
        for condition, arms in right.items()
        for arm, hits in arms.items()
    ]
    return pd.DataFrame(rows)


def compared(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Accuracies of all arms, and every layer minus the fused head alone.

    Returns:
        accuracy, low, high (fractions) by (condition, arm); difference, low, high, superiority, p,
        p_holm (corrected over the whole table) and verdict by (condition, arm).
    Raises RunError: counts that do not add up, or a single seed.
    """
    accuracy, differences = {}, {}
    counted = with_counts(rows, lambda index: f"decision fusion, row {index}")
    for condition, part in counted.groupby("condition", sort=False):
        arms, metrics = runs_of(part), [CONDITIONS[str(condition)]]
        accuracy[condition] = pd.concat(
            {arm: scores(own, metrics) for arm, own in arms.items()}, names=["arm"]
        )
        differences[condition] = compare_arms(arms, "fused", metrics)
    first, second = (
        pd.concat(parts, names=["condition"]).droplevel("metric")
        for parts in (accuracy, differences)
    )
    return first, corrected(second)


def summary(rows: pd.DataFrame) -> str:
    """Accuracy of each arm in each condition in percent, and what may be said of it."""
    accuracy, differences = compared(rows)
    values = accuracy.rename(columns={"accuracy": "value"}).reset_index()
    lines = [
        f"{row.arm} against fused, face {row.condition}: {points(row)}"
        for row in differences.reset_index().itertuples()
    ]
    title = "Paired differences (points; more is better; the layers' formulas are ours)"
    return "\n".join([as_grid(values, ["arm"], ["condition"]), "", title, *lines])
