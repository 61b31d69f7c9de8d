"""Figures of reliability against true quality: degradation, weights by hand, calibration."""

import pandas as pd

from mraf_lessons.kit import charts, style
from mraf_lessons.kit.style import Figure, describe, draws, new_figure, percent_axis, row_of_panels


@draws("modality", "kind", "amount", "head", "fused", "low", "middle", "high")
def degradation_curves(table: pd.DataFrame, reach: dict[str, tuple[float, float]]) -> Figure:
    """Accuracies of the own and the fused head by degradation, above quartiles of reliability.

    By modality, `reach` is the smallest and largest reliability that its scorer can give.
    """
    kinds = table.groupby(["modality", "kind"], sort=False)
    figure = new_figure(2.05 * len(kinds) + 0.5, 4.6)
    panels = figure.subplots(2, len(kinds), sharex=True, sharey="row", squeeze=False)
    said = ["Accuracies and reliabilities; bands: middle half; dashed: what the scorer can say."]
    for (upper, lower), ((modality, kind), rows) in zip(panels.T, kinds, strict=True):
        rows = rows.sort_values("amount")
        colour = style.MODALITY[modality]
        upper.plot(rows.amount, rows["head"], "o-", color=colour, ms=4, label=f"{modality} head")
        upper.plot(rows.amount, rows.fused, "s-", color=style.FUSED, ms=4, label="fused head")
        upper.set_title(f"{modality}: {kind}")
        upper.legend(fontsize=7.5, loc="lower left", handlelength=1.2)
        lower.fill_between(rows.amount, rows.low, rows.high, color=colour, alpha=0.3, lw=0)
        lower.plot(rows.amount, rows.middle, "o-", color=colour, ms=4)
        for limit in reach[modality]:
            lower.axhline(limit, color=colour, ls="--", lw=1)
        first, last = rows.iloc[0], rows.iloc[-1]
        said.append(
            f"{modality}, {kind}: its head goes from {first['head']:.0%} to {last['head']:.0%}, "
            f"the fused head from {first.fused:.0%} to {last.fused:.0%}, the median reliability "
            f"from {first.middle:.3f} to {last.middle:.3f}."
        )
        lower.set(xlabel="amount", xticks=[0, 0.5, 1])
        percent_axis(lower, "x")
        for axes in (upper, lower):
            axes.grid(axis="y")
    percent_axis(panels[0, 0])
    panels[0, 0].set(ylim=(-0.03, 1.05), ylabel="accuracy")
    panels[1, 0].margins(y=0.06)
    panels[1, 0].set_ylabel("reliability")
    return describe(figure, *said)


@draws("condition", "weight", "accuracy", "given")
def forced_weights(table: pd.DataFrame) -> Figure:
    """Accuracy of the fused head when w_f is set by hand, and the scorer's median w_f."""

    def best_and_given(rows: pd.DataFrame) -> str:
        best, given = rows.loc[rows.accuracy.idxmax()], rows.given.iloc[0]
        return f"best {best.accuracy:.0%} at w_f {best.weight:.1f}; the scorer gave {given:.2f}"

    figure = charts.curves(
        table.assign(head=""), "weight", "accuracy", "head", "condition", say=best_and_given,
        text="Accuracy of the fused head against a face weight that is set by hand.",
        looks={"": {"color": style.FUSED, "marker": "o"}}, width=2.9, height=3.1,
    )  # fmt: skip
    for axes, given in zip(figure.axes, table.groupby("condition", sort=False).given, strict=True):
        at = given[1].iloc[0]
        axes.axvline(at, color=style.INK, ls="--", lw=1.2)
        axes.text(at + 0.02, 1.06, "the scorer", fontsize=8.5)
        axes.set(xlabel="$w_f$, set by hand", xlim=(-0.03, 1.03), ylim=(-0.03, 1.15))
    percent_axis(figure.axes[0])
    figure.axes[0].set_ylabel("accuracy, fused head")
    return figure


@draws("weight", "share", "low", "high", "clips")
def weight_calibration(table: pd.DataFrame) -> Figure:
    """How often the face was the right one of two, against its mean weight, a row a bin."""
    figure, (axes,) = row_of_panels(1, 5.4, 4.3)
    axes.plot([0, 1], [0, 1], color=style.GREY, ls="--", lw=1.2)
    lowest, highest = float(table.weight.min()), float(table.weight.max())
    margin = max(0.01, 0.15 * (highest - lowest))
    axes.text(lowest - 0.9 * margin, lowest + 0.01, "calibrated", color=style.GREY, fontsize=9)
    errors = [table.share - table.low, table.high - table.share]
    axes.errorbar(table.weight, table.share, errors, fmt="o", color=style.FACE, ms=5)
    axes.set(title="One of the two heads was right: which?", xlabel="$w_f$, mean of the bin")
    axes.set(ylabel="share in which it was the face", ylim=(0, 1))
    axes.set_xlim(lowest - margin, highest + margin)  # a scorer may use little of 0 … 1
    percent_axis(axes)
    axes.grid()
    rows = ", ".join(f"{row.weight:.3f}: {row.share:.0%}" for row in table.itertuples())
    return describe(figure, f"Share in which the face was right, by mean face weight: {rows}.")
