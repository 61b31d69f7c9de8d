"""Numbers with intervals over other people and other runs, and how a table of them is printed.

A number is measured in several runs: folds, draws or seeds. Its interval draws people with
replacement, the same people in all runs and for all systems, so that differences are paired. What
runs differ beyond that is added as `mraf.evaluation.differences` does for seeds. See `of_share`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtr

from mraf.data.clips import FeatureSet
from mraf.evaluation.differences import DELTA, corrected, over_seeds
from mraf.evaluation.intervals import LEVEL, ROUNDING, seed_error
from mraf.evaluation.predict import Tensors, batched
from mraf.model import Output
from mraf.variants.build import Network


class Measured(NamedTuple):
    """A number of one run."""

    value: float
    drawn: NDArray[np.float64]  # for each draw of people, shape (B,); empty where none is asked for
    trials: int = 0  # how many trials it is of


MINUS = " − "
Found = dict[tuple[Any, ...], list[Measured]]
"""By system, metric and whatever else a study distinguishes; a number for each run."""


def minus(found: Found, pairs: Sequence[tuple[str, str]]) -> Found:
    """One system minus another for each pair, run by run, by all that both are found by."""
    return {
        (f"{first}{MINUS}{second}", *place): [
            Measured(own.value - other.value, own.drawn - other.drawn, own.trials)
            for own, other in zip(each, found[(second, *place)], strict=True)
        ]
        for first, second in pairs
        for (name, *place), each in found.items()
        if name == first and (second, *place) in found
    }


def people_drawn(people: int, resamples: int) -> NDArray[np.float64]:
    """How often each of so many people is drawn, shape (B, people)."""
    rng = np.random.default_rng(0)
    return rng.multinomial(people, np.full(people, 1 / people), resamples).astype(float)


def estimate(runs: Sequence[Measured]) -> tuple[float, float, float]:
    """Mean over runs and its 95% interval; draws of people that measured nothing are left out."""
    value, drawn = _of_runs(runs)
    if not len(drawn):
        return float(value.mean()), np.nan, np.nan
    low, high = np.quantile(over_seeds(value, drawn), [LEVEL / 2, 1 - LEVEL / 2])
    return float(value.mean()), float(low), float(high)


def p_values(runs: Sequence[Measured], people: int) -> tuple[float, float]:
    """p of no difference, and of one beyond ±DELTA, by Student's t for the mean over runs.

    Its degrees of freedom are those of people and runs together (Welch & Satterthwaite). A share
    of the draws would not do: a correction needs smaller values than one draw of them all.
    """
    value, drawn = _of_runs(runs)
    if not len(drawn):
        return np.nan, np.nan
    own = drawn.mean(axis=1).std() * np.sqrt(people / (people - 1))
    other = seed_error(value, drawn)
    error = max(float(np.hypot(own, other)), ROUNDING)
    few = (own**4 / (people - 1) + other**4 / max(1, len(runs) - 1)) / error**4
    degrees, off = 1 / max(few, 1e-9), abs(float(value.mean()))
    return float(2 * stdtr(degrees, -off / error)), float(stdtr(degrees, (off - DELTA) / error))


def _of_runs(runs: Sequence[Measured]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What each run measured (S,), and what the draws of people did that measured all (B, S)."""
    drawn = np.stack([run.drawn for run in runs], axis=1)
    return np.array([run.value for run in runs]), drawn[np.isfinite(drawn).all(axis=1)]


def of_share(value: float, low: float, high: float) -> tuple[float, float, float]:
    """A share with Wilson's interval (1927): as many clips as percentiles so wide are worth.

    Unlike the percentiles, to which runs add a symmetric error, it stays within [0, 1].
    """
    room, half = value * (1 - value), (high - low) / 2
    if not half:  # drawn people tell nothing of an error that none of them made
        return value, np.nan, np.nan
    if room <= 0:
        return value, max(low, 0.0), min(high, 1.0)
    t = half**2 / room
    reach = np.sqrt(half**2 + t**2 / 4)
    return value, float((value + t / 2 - reach) / (1 + t)), float((value + t / 2 + reach) / (1 + t))


def table_of(
    found: Found, pairs: Sequence[tuple[str, str]], key: Sequence[str], people: int
) -> pd.DataFrame:
    """What was found and the differences of pairs: the key, draw, n (trials), value, low, high.

    A row for each run (draw: its number) and one for their mean; of differences the mean alone,
    which have p and p_equal (`p_values`), of so many people who are drawn.
    """
    rows = []
    for names, each in found.items():
        runs = [(str(n), [one]) for n, one in enumerate(each)]
        for draw, of in (*runs, ("mean", each)):
            numbers = (*of_share(*estimate(of)), np.nan, np.nan)
            rows.append((*names, draw, sum(one.trials for one in of), *numbers))
    for names, each in minus(found, pairs).items():
        numbers = (*estimate(each), *p_values(each, people))
        rows.append((*names, "mean", sum(one.trials for one in each), *numbers))
    columns = [*key, "draw", "n", "value", "low", "high", "p", "p_equal"]
    return pd.DataFrame(rows, columns=columns)


def differences(table: pd.DataFrame, key: Sequence[str]) -> pd.DataFrame:
    """The paired differences of a `table_of`, more is better. Metrics with EER in them are errors.

    p-values are corrected over all rows.

    Args:
        key: the columns besides the system that say what was measured, the metric among them.
    Returns:
        Columns first, second, the key, difference, low, high, p, p_equal, p_holm, verdict.
    """
    pairs = table[table.system.str.contains(MINUS)].reset_index(drop=True)
    found = pairs.system.str.extract(f"(?P<first>.*){MINUS}(?P<second>.*)")
    kept = pairs[[*key, "value", "low", "high", "p", "p_equal"]]
    found = found.join(kept.rename(columns={"value": "difference"}))
    less = found.metric.str.contains("EER")
    turned = -found.loc[less, ["difference", "high", "low"]].to_numpy()
    found.loc[less, ["difference", "low", "high"]] = turned
    return corrected(found)


def points(row: Any) -> str:
    """A difference as text: `+1.2 [+0.3, +2.1] better`."""
    interval = f"[{100 * row.low:+.1f}, {100 * row.high:+.1f}]"
    return f"{100 * row.difference:+.1f} {interval} {row.verdict}"


def summary(
    table: pd.DataFrame, index: Sequence[str], columns: Sequence[str], compared: pd.DataFrame
) -> str:
    """The means of a table in percent, and what may be said of its `differences`."""
    means = table[(table.draw == "mean") & ~table.system.str.contains(MINUS)]
    key = compared.columns[2 : compared.columns.get_loc("difference")]
    lines = [
        f"{row['first']} against {row['second']}, {', '.join(map(str, row[key]))}: {points(row)}"
        for _, row in compared.iterrows()
    ]
    title = "Paired differences (points; more is better)"
    return "\n".join([as_grid(means, index, columns), "", title, *lines])


def as_grid(rows: pd.DataFrame, index: Sequence[str], columns: Sequence[str]) -> str:
    """Value, low and high in percent, `12.3 [10.0, 14.5]`, in the order in which they come."""
    texts = [
        f"{100 * r.value:.1f} [{100 * r.low:.1f}, {100 * r.high:.1f}]" for r in rows.itertuples()
    ]
    cells = rows.assign(text=texts).set_index([*index, *columns]).text
    down, across = (cells.index.droplevel(list(names)).unique() for names in (columns, index))
    wide = cells.unstack(list(columns)).reindex(index=down, columns=across)
    return wide.fillna("–").to_string()


def fused_output(
    model: Network, clips: FeatureSet
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Fused embeddings e_c (N, d) and the fused head's probabilities (N, K) of clips."""

    def fused(output: Output) -> Tensors:
        probability = output.logits.fused.float().softmax(-1)
        return {"embedding": output.fused_embedding, "probability": probability}

    found = batched(model, clips, fused)
    return found["embedding"], found["probability"]
