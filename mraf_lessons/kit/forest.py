"""The figure of measured numbers: a dot with its interval for every row, a panel a facet."""

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from mraf.evaluation.differences import DELTA
from mraf_lessons.kit import style
from mraf_lessons.kit.style import Figure, describe, percent_axis, row_of_panels, styled

PAPER: dict[str, Any] = {"marker": "D", "ls": "", "mfc": "none", "mec": style.INK, "ms": 5.5}
MARK = ["panel", "y", "at", "low", "high", "colour", "sign"]  # a dot or a hollow mark
FAR = 0.2  # from a panel's median: what is farther (of the paper, a fourth) is written at its edge
ABOVE: dict[str, Any] = {
    "xytext": (0, 5), "textcoords": "offset points", "ha": "center", "fontsize": 7.5, "zorder": 4,
    "bbox": {"fc": "white", "ec": "none", "pad": 0.3, "alpha": 0.8},
}  # fmt: skip


@styled
def forest(
    table: pd.DataFrame, row: str, facet: str, value: str = "accuracy", *, split: str = "",
    points: bool = False, zero: bool = False, far: bool = False, same_scale: bool = True,
    mean: bool = False, reference: Mapping[str, float] | None = None, paper: str = "",
    legend: Mapping[str, str] | None = None, title: str = "", label: str = "",
) -> Figure:  # fmt: skip
    """A dot with its interval for every row, a panel for every facet; both in order of appearance.

    Args:
        table: columns row, facet, value, low and high (fractions, NaN where there is none). It may
            have `colour`; `text`, written above the dot; `hollow`, true for an empty dot;
            `strokes`, the numbers of which the dot is the mean; `verdict`; `paper`, another number.
        split: column whose values stand one below the other in each row.
        points: fractions are drawn as points, without a percent sign.
        zero: draw a line at zero, and around it what counts as equal.
        far: leave values far from the others outside of the panel; its edge tells where they lie.
        reference: by facet, where a dashed line stands.
        paper: what the hollow marks are; they stand for the column `paper`.
    Raises DataError for no rows, or a column missing.
    """
    more = filter(None, [split, paper and "paper"])
    style.require(table, row, facet, value, "low", "high", *more)
    factor = 100.0 if points else 1.0
    rows, facets = (list(table[name].unique()) for name in (row, facet))
    parts = list(table[split].unique()) if split else [None]
    labels = [wrapped(str(name), 36) for name in rows]
    more_lines = max([bool(paper), *(label.count("\n") for label in labels)])
    pitch = 0.34 + 0.19 * (len(parts) - 1) + 0.08 * more_lines
    margin = max(2.6, 8.4 - 1.55 * len(facets))
    figure, panels = row_of_panels(
        len(facets), 1.55, 1.4 + pitch * len(rows), margin, sharey=True, sharex=same_scale
    )
    said, marks = [], []
    for panel, (axes, name) in enumerate(zip(panels, facets, strict=True)):
        of = table[table[facet] == name]
        if zero:
            zero_line(axes)
        if reference:
            axes.axvline(factor * reference[name], color=style.GREY, lw=1.2, ls="--", zorder=0)
        for one in of.to_dict("records"):
            if np.isnan(one[value]):
                continue
            place = parts.index(one[split]) - (len(parts) - 1) / 2 if split else 0
            y = rows.index(one[row]) + place * min(0.34, 0.8 / len(parts))
            at, low, high = (factor * one[key] for key in (value, "low", "high"))
            colour = one.get("colour", style.FUSED)
            dot(axes, y, at, low, high, colour, hollow=one.get("hollow", False))
            marks.append((panel, y, at, low, high, colour, ""))
            strokes = one.get("strokes")
            if isinstance(strokes, list):  # not NaN
                axes.plot(factor * np.array(strokes), [y] * len(strokes), "|", color=colour, ms=7)
            if one.get("text"):
                axes.annotate(one["text"], (at, y), **ABOVE)
            if paper:
                known = factor * one["paper"]
                axes.plot(known, y - 0.22, **PAPER)
                marks.append((panel, y - 0.22, known, known, known, style.INK, "◇ "))
            words = [str(one[key]) for key in (facet, row, split) if key and str(one[key])]
            said.append(f"{', '.join(words)}: {_in_words(one, value, points)}")
        for y, one in enumerate(rows):
            numbers = of[of[row] == one][value].dropna()
            if numbers.empty:
                axes.text(0.5, y, "–", transform=axes.get_yaxis_transform(), ha="center",
                          va="center", color=style.GREY)  # fmt: skip
            elif mean:
                at = factor * numbers.mean()
                axes.plot([at, at], [y - 0.38, y + 0.38], color=style.INK, lw=1.8)
        style.heading(axes, str(name))
        axes.margins(x=0.08)
        axes.grid(axis="x")
        axes.tick_params(axis="y", length=0)
        axes.xaxis.set_major_locator(MaxNLocator(max(3, 7 - len(facets)), steps=[1, 2, 5, 10]))
        if not points:
            percent_axis(axes, "x")
    if far:
        _tell_far_values(panels, pd.DataFrame(marks, columns=MARK), "" if points else "%")
    panels[0].set_yticks(range(len(rows)), labels)
    panels[0].set_ylim(len(rows) - 0.5, -0.7)
    handles = {
        text: Line2D([], [], color=colour, marker="o", lw=2.4, label=text)
        for text, colour in (legend or {}).items()
    }
    if paper and table["paper"].notna().any():
        handles[paper] = Line2D([], [], **PAPER, label=paper)
    if handles:
        figure.legend(
            list(handles.values()), list(handles), loc="outside lower center", ncols=len(handles),
            fontsize=8.5, title=label, title_fontsize=9.5,
        )  # fmt: skip
    else:
        figure.supxlabel(label, fontsize=9.5)
    lead = label and f"{label[0].upper()}{label[1:]}."
    return describe(figure, lead, f"With 95% intervals. {'; '.join(said)}.", title=title)


def dot(
    axes: Axes, place: float, value: float, low: float, high: float, colour: str, *,
    hollow: bool = False,
) -> None:  # fmt: skip
    """A number as a dot, and its interval as a line through it."""
    axes.plot([low, high], [place, place], color=colour, lw=3, alpha=0.4, solid_capstyle="butt")
    axes.plot([value], [place], "o", color=colour, ms=5.5, mfc="white" if hollow else colour)


def zero_line(axes: Axes) -> None:
    """Zero, and around it the half point that nobody needs to care about."""
    axes.axvspan(-100 * DELTA, 100 * DELTA, color=style.PALE, alpha=0.6, lw=0)
    axes.axvline(0, color=style.GREY, lw=1)


def _in_words(one: Mapping[str, Any], value: str, points: bool) -> str:
    """A number with its interval, the paper's and the verdict, as a text alternative says it."""
    sign = "+" if value == "difference" else ""
    numbers = (one[key] for key in (value, "low", "high"))
    middle, low, high = (f"{100 * x:{sign}.1f}" if points else f"{x:{sign}.1%}" for x in numbers)
    text = middle if np.isnan(one["low"]) else f"{middle} [{low}, {high}]"
    paper = one.get("paper", np.nan)
    if not np.isnan(paper):
        text += f", paper {100 * paper:+.1f}" if points else f", paper {paper:.2%}"
    return text + (f", {one['verdict']}" if one.get("verdict") else "")


def wrapped(text: str, width: int) -> str:
    """A label in lines of at most so many letters."""
    text = text.replace("(the paper)", "(the\N{NO-BREAK SPACE}paper)").replace(" = ", "\xa0=\xa0")
    return textwrap.fill(text.replace("r_f", "$r_f$"), width, break_on_hyphens=False)


def _tell_far_values(panels: list[Axes], marks: pd.DataFrame, unit: str) -> None:
    """Fit the common axis to the marks near the panels' medians; write the rest at its edge."""
    off = marks["at"] - marks.groupby("panel")["at"].transform("median")
    is_far = off.abs() > (FAR if unit else np.where(marks.sign == "", 100 * FAR, 25 * FAR))
    if not is_far.any():
        return
    near = marks.loc[~is_far, ["at", "low", "high"]].to_numpy(dtype=float)
    left, right = np.nanmin(near), np.nanmax(near)
    is_far &= (marks["at"] < left) | (marks["at"] > right)  # the common axis shows the others
    room = (right - left) * np.where([(off[is_far] < 0).any(), (off[is_far] > 0).any()], 0.3, 0.05)
    panels[0].set_xlim(left - room[0], right + room[1])
    for mark in marks.assign(below=off < 0)[is_far].itertuples():
        if left - room[0] <= mark.at <= right + room[1]:
            continue  # the room for what is written shows it
        number = f"{mark.at:.0%}" if unit else f"{mark.at:+.0f}"
        text = f"◂ {mark.sign}{number}" if mark.below else f"{mark.sign}{number} ▸"
        axes = panels[mark.panel]
        axes.text(0.02 if mark.below else 0.98, mark.y, text, color=mark.colour, fontsize=7.5,
                  transform=axes.get_yaxis_transform(), va="center",
                  ha="left" if mark.below else "right")  # fmt: skip
