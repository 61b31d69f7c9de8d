"""Figures of notebooks 04 and 06: they draw what they are given and say so in words."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from mraf.errors import DataError
from mraf_lessons.embeddings import figures as maps
from mraf_lessons.kit.style import Figure, png
from mraf_lessons.training import figures as training


def softened() -> Figure:
    gradient = pd.DataFrame({"with": [0.5, 0.6], "without": [0.5, 0.1]}, index=[1.0, 4.0])
    soft = {1.0: np.array([0.9, 0.1]), 4.0: np.array([0.6, 0.4])}
    return training.softened(soft, gradient, "AB")


def pull() -> Figure:
    start = np.array([[1.0, 0], [3, 0], [-1, 2], [-1, 4]])
    end = np.array([[2.0, 0], [2, 0], [-1, 3], [-1, 3]])
    path = np.stack([start, end])
    centers = {"centre": np.array([[2.0, 0], [-1, 3]])}
    return training.pull({"none": path[[0, 0]], "centre": path}, centers, np.array([0, 0, 1, 1]))


def gradient_reach() -> Figure:
    table = pd.DataFrame(
        [[1.0, 0.0], [0.001, 0.2]], index=["ce", "kd"], columns=["face encoder", "token"]
    )
    return training.gradient_reach(table)


def progress() -> Figure:
    columns = ["loss", "ce_face", "ce_voice", "ce_fused", "kd", "center"]
    history = pd.DataFrame({name: [4.0, 1.0] for name in columns}).assign(epoch=[1, 2])
    scores = pd.DataFrame({"P3": [0.5, 0.9], "P4": [0.25, 0.5]}, index=[1, 2])
    return training.progress(history, scores, epochs=5)


def differences() -> pd.DataFrame:
    rows = [
        ("no kd", setting, seed, 0.01 * (seed + 1), -0.01, 0.03, said)
        for setting in ("P3", "P4")
        for seed, said in enumerate(("better", "cannot be told apart"))
    ]
    columns = ["variant", "setting", "seed", "difference", "low", "high", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def curves() -> Figure:
    table = pd.DataFrame(
        {"epoch": [1, 2, 1, 2], "loss": [3.0, 2.0, 3.0, 4.0], "form": list("aabb")}
    )
    return training.curves(table, "epoch", "loss", "form", "Two forms")


def planes() -> tuple[np.ndarray, np.ndarray]:
    plane = np.repeat([[0.0, 0], [10, 10]], 5, axis=0) + np.linspace(0, 1, 10)[:, None]
    return plane, np.repeat(["speaker 2", "speaker 10"], 5)


def two_maps() -> Figure:
    plane, label = planes()
    label[0] = ""
    return maps.maps({"one": plane, "other": plane + 100}, label, same_axes=("one", "other"))


def preservation(rows: int = 1) -> Figure:
    row = [0.6, 0.95, 0.8, 0.7]
    columns = ["kept", "trustworthiness", "same speaker, in the space", "same speaker, in the map"]
    table = pd.DataFrame([row] * rows, index=["raw face", "e_f"][:rows], columns=columns)
    return maps.preservation(table, {"same speaker": 0.1})


def moves() -> Figure:
    plane, label = planes()
    still = np.arange(10) < 8
    return maps.moves(plane, plane + np.array([3, 4]), still, label, np.array([0, 1, 9]))


DRAWN: dict[str, Callable[[], Figure]] = {
    "softened": softened,
    "pull": pull,
    "gradient_reach": gradient_reach,
    "progress": progress,
    "ablation": lambda: training.ablation(differences(), "all"),
    "curves": curves,
    "maps": two_maps,
    "preservation": preservation,
    "moves": moves,
}


@pytest.mark.parametrize("name", DRAWN)
def test_every_figure_is_titled_and_described(name: str) -> None:
    figure = DRAWN[name]()
    assert len(figure.alt.split()) > 10
    assert any(axes.get_title(loc="left") for axes in figure.axes)
    assert png(figure).startswith(b"\x89PNG")


def test_softened_draws_a_bar_for_each_speaker_and_temperature() -> None:
    heights = [bar.get_height() for bar in softened().axes[0].patches]
    assert heights == pytest.approx([0.9, 0.1, 0.6, 0.4])


def test_pull_measures_the_spread_within_and_between_classes() -> None:
    alt = pull().alt
    assert "none: within classes the spread goes from 1.00 to 1.00" in alt
    assert "centre: within classes the spread goes from 1.00 to 0.00, between them from" in alt


def test_exact_zeros_are_written_as_such() -> None:
    figure = gradient_reach()
    written = [text.get_text() for text in figure.axes[0].texts]
    assert written == ["1", "0", "0.001", "0.2"]
    assert "ce moves face encoder. kd moves face encoder, token." in figure.alt


def test_progress_leaves_room_for_the_epochs_to_come() -> None:
    figure = progress()
    assert figure.axes[0].get_xlim() == (0.5, 5.5)
    assert list(figure.axes[1].get_lines()[0].get_ydata()) == [0.5, 0.9]
    assert "2 of 5 epochs" in figure.alt
    assert "P4 50.0%" in figure.alt


def test_ablation_fills_only_what_was_told_apart() -> None:
    figure = training.ablation(differences(), "all")
    dots = [line for line in figure.axes[0].get_lines() if line.get_marker() == "o"]
    assert [list(dot.get_xdata()) for dot in dots] == [[1.0], [2.0]]
    assert [dot.get_markerfacecolor() == "white" for dot in dots] == [False, True]
    assert "P3, no kd, 0: +1.0 [-1.0, +3.0], better" in figure.alt


def test_maps_sort_speakers_by_number_and_share_axes() -> None:
    figure = two_maps()
    first, second = figure.axes[:2]
    assert first.get_xlim() == second.get_xlim()
    assert first.get_xlim()[0] < 0
    assert first.get_xlim()[1] > 110
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["speaker 2", "speaker 10", "others"]
    assert len(first.collections[0].get_offsets()) == 1  # the point without a label


def test_maps_say_how_often_neighbours_share_a_label() -> None:
    plane, label = planes()
    assert "100% of the 4 nearest points" in maps.maps({"m": plane}, label, neighbours=4).alt
    few = maps.maps({"m": plane[[0, 1, 2, 4]]}, label[[0, 0, 1, 9]], neighbours=1)
    assert "75% of the 1 nearest" in few.alt
    assert "nearest" not in maps.maps({"m": plane}, np.full(10, "")).alt


def test_maps_refuse_what_cannot_be_told_apart() -> None:
    plane, label = planes()
    with pytest.raises(DataError, match="as many labels"):
        maps.maps({"m": plane}, label[:3])
    with pytest.raises(DataError, match="at most 15"):
        maps.maps({"m": np.zeros((16, 2))}, np.arange(16).astype(str))


def test_many_maps_are_described_by_their_extremes_and_titles_set_as_mathematics() -> None:
    plane, label = planes()
    others = np.random.default_rng(0).permutation(plane)
    panels = {f"e_c, {n}": plane for n in range(8)} | {"noise": others}
    figure = maps.maps(panels, label, neighbours=4)
    assert figure.alt.startswith("100% of the 4 nearest points share their label in 'e_c, 0'.")
    assert figure.alt.count("nearest points") == 2
    assert [axes.get_title(loc="left") for axes in figure.axes[-2:]] == ["$e_c$, 7", "noise"]
    alt = preservation(2).alt
    assert "keep 60% (raw face) to 60%" in alt
    assert (
        "same speaker: 80% to 80% in the space, within 10 points in the map, by chance 10%" in alt
    )


def test_arrows_lead_from_before_to_after() -> None:
    figure = moves()
    arrows = figure.axes[1].collections[1:]
    assert [len(quiver.U) for quiver in arrows] == [2, 1]
    assert list(arrows[0].U) == pytest.approx([3, 3])
    assert list(arrows[0].V) == pytest.approx([4, 4])
    assert "3 arrows" in figure.alt
    assert "2 of them still named rightly" in figure.alt
    assert "Median step of those no longer named rightly: 5.0" in figure.alt
