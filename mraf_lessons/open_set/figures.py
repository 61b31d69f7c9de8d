"""Figures of open-set identification: confidences, thresholds, losses, fusions and results."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from mraf.errors import DataError
from mraf_lessons.kit import charts, style
from mraf_lessons.kit.forest import forest
from mraf_lessons.kit.panels import groups_of
from mraf_lessons.kit.reading import by_interval
from mraf_lessons.kit.style import Figure, describe, draws, percent_axis, row_of_panels, styled
from mraf_lessons.kit.threshold import COLOURS
from mraf_related.open_set.study import ALL, LIST_SHOTS
from mraf_related.study import MINUS

RIGHT, WRONG, STRANGER = "enrolled, named rightly", "enrolled, named wrongly", "not enrolled"
NAMES = (RIGHT, WRONG, STRANGER)
COLOUR = dict(zip(NAMES, COLOURS, strict=True))


@styled
def confidences(
    groups: Mapping[str, NDArray[Any]], label: str = "cosine to the nearest class mean"
) -> Figure:
    """Distributions of a confidence by group. Raises DataError where one has no clip."""
    if not groups or min(map(len, groups.values())) == 0:
        raise DataError("every group needs at least one clip to be drawn.")
    colours = [COLOUR.get(name, own) for name, own in zip(groups, style.CYCLE[2:], strict=False)]
    named = {f"{name},\n{len(values):,} clips": values for name, values in groups.items()}
    table = pd.concat({name: pd.Series(values) for name, values in named.items()}, names=["group"])
    figure = charts.distributions(
        table.reset_index(name="confidence"), "confidence", "group", label=label, colours=colours,
        edges=np.linspace(table.min(), table.max(), 61),
        text=f"Distributions of the {label}, with these medians.",
    )  # fmt: skip
    figure.axes[0].set_title("How sure of the best name?")
    return figure


@styled
def lines(table: pd.DataFrame, x: str, y: str, by: str, title: str, mark: float = np.nan) -> Figure:
    """Curves of a table, one for each value of a column, and a mark at an x."""

    def lowest(rows: pd.DataFrame) -> str:
        at = rows.loc[rows[y].idxmin()]
        return f"lowest, {at[y]:.2f}, at {at[x]:.2f}"

    figure = charts.curves(table, x, y, by, say=lowest, text=f"{title}: {y} over {x}.", width=7.6)
    (axes,) = figure.axes
    axes.axvline(mark, color=style.GREY, lw=1, zorder=0)
    axes.set_title(title)
    axes.legend(loc="center right", fontsize=8.5)
    return figure


@draws("rank", "EER", "kept")
def selection(table: pd.DataFrame) -> Figure:
    """Rank of runs by their eigenvalue variance against their EER; the lowest ranks are kept."""
    figure, (axes,) = row_of_panels(1, 6.0, 3.6)
    means = []
    looks = {"dropped": (style.MISSING, "X"), "kept": (style.FUSED, "o")}
    for name, (colour, mark) in looks.items():
        rows = table[table.kept == (name == "kept")]
        axes.scatter(rows["rank"], rows.EER, color=colour, marker=mark, s=45, label=name)
        means += [f"{name} {rows.EER.mean():.1%}"] if len(rows) else []
    r = np.corrcoef(table["rank"], table.EER)[0, 1] if len(table) > 2 else np.nan
    title = f"{len(table)} runs; correlation {r:+.2f}"
    axes.set(xlabel="sum of the ranks of its two eigenvalue variances")
    axes.set(ylabel="EER of the run alone", title=title)
    axes.legend()
    percent_axis(axes)
    return describe(figure, f"EER of {title}; means: {', '.join(means)}.")


@draws("system", "targets", "shots", "language", "draw", "metric", "value", "low", "high")
def by_number(
    table: pd.DataFrame, systems: Sequence[str], metric: str, title: str, over: str = "shots"
) -> Figure:
    """A metric over the shots of the whole list, or over the "targets" with five shots."""
    rows = table[(table.draw == "mean") & (table.metric == metric) & table.system.isin(systems)]
    fixed = rows.shots == LIST_SHOTS if over == "targets" else rows.targets == rows.targets.max()
    rows = rows[fixed]
    style.require(rows, "value")
    colours = dict(zip(systems, style.CYCLE * len(systems), strict=False))
    beside = {name: 0.09 * (n - (len(systems) - 1) / 2) for n, name in enumerate(systems)}
    label = "speakers enrolled" if over == "targets" else "clips enrolled of each speaker"
    numbers = sorted(rows[over].unique())
    rows = rows.assign(at=np.searchsorted(numbers, rows[over]) + rows.system.map(beside))
    rows = rows.sort_values("system", key=lambda names: names.map(systems.index), kind="stable")
    figure = charts.curves(
        rows.drop(columns=["low", "high"]).rename(columns={"at": label, "value": metric}),
        label, metric, "system", "language", title=title, text=f"{metric} with 95% intervals.",
        looks={name: {"marker": "o", "lw": 1.4, "color": colours[name]} for name in systems},
        say=lambda own: ", ".join(own[metric].map("{:.1%}".format) + " with " + own[over].map(str)),
        width=4.6, height=3.9, margin=0.8,
    )  # fmt: skip
    for axes, (_, own) in zip(figure.axes, groups_of(rows, "language"), strict=True):
        axes.vlines(own["at"], own.low, own.high, colors=own.system.map(colours), lw=3, alpha=0.3)
        axes.set_xticks(range(len(numbers)), [str(n) for n in numbers])
        percent_axis(axes)
    style.legend_below(figure, columns=3)
    return figure


def longer_lists(tables: Mapping[str, pd.DataFrame], systems: Sequence[str]) -> pd.DataFrame:
    """Errors with the shortest and longest list by corpus, and their change over draws, paired."""
    rows = pd.concat(tables, names=["corpus"]).reset_index("corpus")
    rows = rows[(rows.shots == LIST_SHOTS) & (rows.draw != "mean") & rows.system.isin(systems)]
    found = []
    of = ["corpus", "system", "language", "metric"]
    for place, own in rows[rows.metric.str.contains("EER")].groupby(of):
        both = own.pivot(index="draw", columns="targets", values="value").iloc[:, [0, -1]]
        change = 100 * (both.iloc[:, 1] - both.iloc[:, 0])
        low, high = stats.t.interval(0.95, len(change) - 1, change.mean(), stats.sem(change))
        sign = by_interval(low, high, "grows", "falls", "the draws do not agree on the sign")
        found.append(
            (*place, *both.mean(), f"{change.mean():+.1f} [{low:+.1f}, {high:+.1f}]", sign)
        )
    columns = [*of, "shortest list", "longest list", "change in points", "sign"]
    return pd.DataFrame(found, columns=columns).set_index(of)


@draws("system", "shots", "language", "draw", "metric", "value", "low", "high")
def conditions(table: pd.DataFrame, metric: str, title: str) -> Figure:
    """A metric of the systems at the door, which are called "NAME · FACE", by face."""
    rows = table[(table.draw == "mean") & (table.metric == metric) & (table.shots == ALL)]
    rows = rows[~rows.system.str.contains(MINUS)]
    style.require(rows, "value")
    names = rows.system.str.split(" · ", expand=True).set_axis(["name", "face"], axis=1)
    colours = dict(zip(names.name.unique(), style.CYCLE, strict=False))
    return forest(
        rows.join(names).assign(colour=names.name.map(colours)), "face", "language", "value",
        split="name", legend=colours, title=title, label=metric,
    )  # fmt: skip
