"""Readings of notebook 04: each says in numbers what the figure or table above it shows."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from IPython.display import Markdown

from mraf_lessons.kit.reading import seen
from mraf_lessons.training.view import spread

__all__ = ["ablation", "heads", "pull", "reach", "recorded", "run", "scale", "seen", "summed"]
HEADS = {"ce_face": "face head", "ce_voice": "voice head", "ce_fused": "fused head"}


def heads(losses: Mapping[str, float], speakers: int) -> Markdown:
    """How near an untrained network is to knowing nothing."""
    nothing = float(np.log(speakers))
    said = ", ".join(f"{head} {loss:.2f}" for head, loss in losses.items())
    near = max(abs(loss - nothing) for loss in losses.values()) < 0.5
    verdict = "all speakers are about equally likely" if near else "some head is already far off"
    return seen(f"The losses are {said}. Beside ln C = {nothing:.2f} this says: {verdict}.")


def softened(teacher: Mapping[float, np.ndarray], gradient: pd.DataFrame) -> Markdown:
    """What a temperature does to a teacher's probabilities and to the gradient."""
    (first, sharp), *_, (last, soft) = teacher.items()
    ends = gradient.iloc[[0, -1]]
    return seen(
        f"At T = {first:g} the teacher gives its favourite {sharp.max():.2f}, at T = {last:g} "
        f"{soft.max():.2f}. The order stays. A soft teacher also tells which wrong answer is a "
        f"better guess. Without the factor T² the gradient falls from "
        f"{ends['without'].iloc[0]:.2f} to {ends['without'].iloc[1]:.3f}. With it, it ends at "
        f"{ends['with the factor T²'].iloc[1]:.2f}."
    )


def pull(paths: Mapping[str, np.ndarray], group: np.ndarray) -> Markdown:
    """How compact and how far apart the classes end under each objective."""
    said = []
    for name, path in paths.items():
        (within, between), (in_the_end, apart) = (spread(path[k], group) for k in (0, -1))
        words = ("compact" if in_the_end < within / 2 else "wide",
                 "further apart" if apart > 1.1 * between else "no further apart")  # fmt: skip
        said.append(
            f"*{name}*: within classes the spread goes from {within:.2f} to {in_the_end:.2f}, "
            f"between them from {between:.2f} to {apart:.2f}. The classes end {words[0]} and "
            f"{words[1]}."
        )
    return seen(*said)


def scale(table: pd.DataFrame) -> Markdown:
    """How a sum and a mean weigh beside the cross-entropy, by batch size."""
    first, last = table.iloc[0], table.iloc[-1]
    times = last["λ · sum"] / first["λ · sum"]
    verdict = "depends on the batch size" if times > 1.5 else "does not depend on the batch size"
    return seen(
        f"As a sum, the term is {first['λ · sum'] / first['cross-entropy']:.0f} times the "
        f"cross-entropy with {table.index[0]} clips, and {times:.1f} times as much with "
        f"{table.index[-1]} clips: it {verdict}. As a mean it is {last['λ · mean']:.2f}."
    )


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


def run(history: pd.DataFrame, scores: pd.DataFrame) -> Markdown:
    """What the training reached, by epoch."""
    last = scores.iloc[-1]
    losses = {name: history[column].iloc[-1] for column, name in HEADS.items()}
    highest = max(losses, key=lambda name: losses[name])
    said = ", ".join(f"{setting} {value:.1%}" for setting, value in last.items())
    return seen(
        f"After {len(history)} epochs the accuracies are {said}. The lowest is {last.idxmin()}. "
        f"The fused head's cross-entropy ends at {losses['fused head']:.2f}; the {highest} has the "
        f"highest, {losses[highest]:.2f}."
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
