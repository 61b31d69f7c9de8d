"""Readings of notebook 02: each says in numbers what the figure or table above it shows."""

import numpy as np
import pandas as pd
from IPython.display import Markdown
from numpy.typing import NDArray

from mraf_lessons.kit.reading import seen

__all__ = ["paper", "scored", "seen", "twins", "worth"]


def scored(table: pd.DataFrame, faces: float, auroc: float) -> Markdown:
    """What the scorer makes of a stand-in: means by way of reading, and beside real faces."""
    token, paper = table.loc["token, scored"], table.loc["token (the paper)"]
    lost = 100 * (token["accuracy in P4"] - paper["accuracy in P4"])
    verdict = f"costs {-lost:.1f} points in P4" if lost < 0 else f"gains {lost:.1f} points in P4"
    told = "tells them apart" if auroc > 0.8 else "hardly tells them apart"
    return seen(
        f"A real face gets a higher $r_f$ than the token in {auroc:.1%} of all pairs, so the "
        f"scorer {told}. The step is {faces - token['mean r_f']:.2f}: {token['mean r_f']:.2f} "
        f"against {faces:.2f}. The stand-in keeps a weight of {token['mean w_f']:.2f}. For "
        f"this network, which was not trained for it, reading the token as a face {verdict}."
    )


def twins(table: pd.DataFrame) -> Markdown:
    """Whether two networks that differ in the stand-in drift apart, of rows λ_f = 0 and 1."""
    without, with_loss = table.iloc[0], table.iloc[1]
    same = without["largest difference of z_c"] == 0
    verdict = "stay equal to the last bit" if same else "drift apart"
    return seen(
        f"Without the face head's loss, the token moves by {without['token moved by']:g} and the "
        f"two networks {verdict}. With that loss, the token moves by "
        f"{with_loss['token moved by']:.2f} and the fused logits differ by up to "
        f"{with_loss['largest difference of z_c']:.4f}. The token changes the face encoder a "
        "little, which it shares with real faces."
    )


def worth(differences: pd.DataFrame) -> Markdown:
    """What ways of reading are worth beside the paper's, of rows with low, high and setting."""
    clear = differences[(differences.low > 0) | (differences.high < 0)]
    if clear.empty:
        said = "No interval misses zero: these runs cannot tell any way from the paper's."
    else:
        rows = [f"{r.variant} in {r.setting} ({r.mean:+.1f})" for r in clear.itertuples()]
        said = f"The interval misses zero for {', '.join(rows)}."
    return seen(
        f"{said} There are {len(differences)} cells, and one in twenty misses zero by chance. An "
        "interval that holds zero does not say that two ways are equal. In P3 and P5 no face is "
        "missing, so a difference there comes from the training."
    )


def paper(clips: pd.DataFrame, video: int) -> Markdown:
    """The largest difference of the paper's table in clips, beside the clips of a video."""
    most: NDArray[np.int64] = clips.abs().to_numpy()
    verdict = "less than one video" if most.max() < video else "more than one video"
    return seen(
        f"The largest difference in the table is {most.max()} clips, {verdict} of {video} clips. "
        "The paper does not say whether $r_f = 0$ held in the other rows as well. If it did, "
        "section 3 applies to all four rows, and they differ as seeds do."
    )
