"""Readings of notebook 04: each says in numbers what the figure or table above it shows."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from IPython.display import Markdown

from mraf_lessons.kit.reading import seen as seen
from mraf_lessons.training.view import spread_in_words


def heads(losses: Mapping[str, float], speakers: int) -> Markdown:
    """Which heads of an untrained network know nothing, and which one starts worse than that."""
    nothing = float(np.log(speakers))
    even = [head for head, loss in losses.items() if abs(loss - nothing) < 0.05]
    who = {0: "No head starts", len(losses): "All heads start"}.get(
        len(even), f"The {' and '.join(even)} head{'s start' if len(even) > 1 else ' starts'}"
    )
    said = [f"{who} at ln C = {nothing:.2f}: all speakers are equally likely."]
    if losses["fused"] > nothing + 0.05:
        said.append(
            f"The fused head starts higher, at {losses['fused']:.2f}. Its embedding is longer "
            "(LayerNorm, about √d), so its random logits already prefer some speakers, mostly "
            "wrong ones."
        )
    return seen(*said)


def pull(paths: Mapping[str, np.ndarray], group: np.ndarray) -> Markdown:
    """How compact and how far apart the classes end under each objective."""
    return seen(*(f"*{name}*: {spread_in_words(path, group)}." for name, path in paths.items()))


def reach(table: pd.DataFrame) -> Markdown:
    """Which term of the loss reaches which part, of gradient lengths (term, part)."""
    token = table.index[table["missing token"] > 0]
    said = [f"The missing token is taught by {' and '.join(token) or 'no term'}, and by no other."]
    for term in ("cross-entropy, voice", "distillation"):
        reached = ", ".join(table.columns[table.loc[term] > 0])
        said.append(f"The term *{term}* reaches {reached}.")
    fused, kd = table.loc[["cross-entropy, fused", "distillation"], "voice scorer"]
    verdict = "next to nothing" if kd < 0.01 * fused else "something"
    return seen(
        *said,
        f"The distillation tells the voice scorer {verdict} ({kd:.1g} against {fused:.1g} from the "
        "fused cross-entropy): without a face $w_a$ is 1, whatever the scorer says.",
    )


def ablation(verdicts: pd.DataFrame) -> Markdown:
    """What taking a term away changes, of points and verdicts by variant and setting."""
    clear = verdicts[verdicts.verdict.isin(["better", "worse"])]
    rows = [f"{v} in {s} ({row.points:+.1f} points, {row.verdict})"
            for (v, s), row in clear.iterrows()]  # fmt: skip
    said = f"Told apart: {', '.join(rows)}." if rows else "No comparison is told apart."
    return seen(
        f"{said} {len(verdicts) - len(clear)} of {len(verdicts)} comparisons are open or equal. "
        "All were corrected together, and a verdict stands only where all seeds agree."
    )


def recorded(caption: str, arms: pd.DataFrame) -> Markdown:
    """What more seeds and larger networks tell apart in the mean of P3–P6, of rows by arm."""
    mean = arms[arms.metric == "mean"]
    clear = mean[mean.verdict.isin(["better", "worse"])]
    rows = [f"{r.label if 'label' in mean else r.Index} ({100 * r.difference:+.1f} points)"
            for r in clear.itertuples()]  # fmt: skip
    said = ", ".join(map(str, rows)) or "none"
    return seen(f"{caption}: of {len(mean)} arms, told apart in the mean: {said}.")


def summed(points: float, curves: pd.DataFrame) -> Markdown:
    """What the centre loss as a sum costs in P3, and where the cross-entropy ends."""
    ends = curves.groupby("form", sort=False)[curves.columns[1]].last()
    verdict = "drowns the cross-entropy" if points < -20 else "does little harm here"
    return seen(
        f"The sum {verdict}: {points:+.1f} points in P3. The fused head's cross-entropy ends at "
        f"{ends['as a sum']:.2f}, with the mean at {ends['as a mean']:.2f}."
    )
