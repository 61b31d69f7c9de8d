"""A reading says what its data say: change the data, and the sentence changes."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from mraf_lessons.data import readings as data
from mraf_lessons.kit.reading import by_interval, moves, ranked
from mraf_lessons.missing_token import readings as token
from mraf_lessons.reliability import readings as reliability
from mraf_lessons.training import readings as training


def leaks(by_clip: tuple[float, float]) -> str:
    index = pd.MultiIndex.from_product(
        [["face"], ["nearest class mean", "nearest clip"]], names=["modality", "system"]
    )
    table = pd.DataFrame({"by clip": by_clip, "by video": (0.9, 0.8)}, index)
    return str(data.leaks(table).data)


def alike(face: float, voice: float) -> str:
    kinds = ("same speaker, other video", "same speaker, other language", "different speakers")
    rows = [(m, k, 0.5) for m in ("face", "voice") for k in kinds]
    cosines = pd.DataFrame(rows, columns=["modality", "relation", "cosine"])
    areas = pd.Series({(kinds[1], "face"): face, (kinds[1], "voice"): voice})
    return str(data.alike(cosines, areas).data)


def flaws(names: list[str]) -> str:
    columns = {"flaw": "shared", "cross": 3, "repeated": 2}
    table = pd.DataFrame(
        [{"video": name, **columns} for name in names], columns=["video", *columns]
    )
    return str(data.flaws(table).data)


def scored(accuracy: float, auroc: float) -> str:
    row = {"mean r_f": 0.4, "mean w_f": 0.4}
    means = {
        "token, scored": {**row, "accuracy in P4": accuracy},
        "token (the paper)": {**row, "accuracy in P4": 0.8},
    }
    return str(token.scored(pd.DataFrame(means).T, 0.5, auroc).data)


def twins(apart: float) -> str:
    columns = ["token moved by", "largest difference of z_c"]
    return str(token.twins(pd.DataFrame([[0.0, apart], [0.1, 0.2]], columns=columns)).data)


def worth(low: float) -> str:
    row = {"variant": "token, scored", "setting": "P4", "mean": 2.0, "low": low, "high": 4.0}
    return str(token.worth(pd.DataFrame([row])).data)


def paper(clips: int) -> str:
    return str(token.paper(pd.DataFrame({"P3": [-clips, 1]}), 22).data)


def degraded(auroc: float, low: float, high: float) -> str:
    curves = pd.DataFrame(
        {"modality": "face", "kind": "noise", "amount": [0, 1], "fused": [0.9, 0.8]}
    )
    row = {"auroc": auroc, "low": low, "high": high, "moved": -0.02}
    found = pd.DataFrame([row], index=pd.MultiIndex.from_tuples([("face", "noise")]))
    return str(reliability.degraded(curves, found).data)


def heads(fused: float) -> str:
    return str(training.heads({"face": 4.25, "voice": 4.24, "fused": fused}, 70).data)


def forced(worse: bool) -> str:
    row = {"best": 0.9, "highest": 0.8, "own": 0.7, "given": 0.5, "worse": worse}
    return str(reliability.forced(pd.DataFrame([row], index=["voice of noise"])).data)


def ablation(said: str) -> str:
    index = pd.MultiIndex.from_tuples([("no distillation", "P4")])
    return str(training.ablation(pd.DataFrame({"points": [-1.2], "verdict": [said]}, index)).data)


def reach(kd: float) -> str:
    rows = ["cross-entropy, face", "cross-entropy, voice", "cross-entropy, fused", "distillation"]
    table = pd.DataFrame(0.0, rows, ["missing token", "voice scorer", "voice encoder"])
    table.loc[rows[0], "missing token"] = table.loc[rows[2], "voice scorer"] = 1.0
    table.loc["distillation", "voice scorer"] = kd
    return str(training.reach(table).data)


@pytest.mark.parametrize(
    ("read", "one", "said", "other", "then"),
    [
        (leaks, [(0.92, 0.99)], "By clip the nearest clip wins, by video the nearest class mean",
         [(0.99, 0.92)], "Both splits agree"),
        (alike, [0.99, 0.92], "The voice has less", [0.8, 0.92], "The face has less"),
        (flaws, [["a", "b"]], "2 videos stand in both lists. Of their 6", [[]], "No video"),
        (scored, [0.7, 0.99], "scorer tells them apart", [0.7, 0.6], "hardly tells"),
        (scored, [0.7, 0.99], "costs 10.0 points", [0.85, 0.99], "gains 5.0 points"),
        (twins, [0.0], "stay equal to the last bit", [0.1], "drift apart"),
        (worth, [-1.0], "No interval misses zero", [1.0], "token, scored in P4 (+2.0)"),
        (paper, [6], "6 clips, less than one video", [40], "40 clips, more than one video"),
        (degraded, [0.9, 0.8, 0.95], "| notices it |", [0.6, 0.55, 0.7], "weakly"),
        (degraded, [0.5, 0.4, 0.6], "does not notice", [0.3, 0.2, 0.4], "prefers the degraded"),
        (degraded, [0.9, 0.52, 0.95], "| notices it |", [0.63, 0.502, 0.76], "barely told"),
        (degraded, [0.3, 0.2, 0.4], "prefers", [0.4, 0.3, 0.495], "barely told"),
        (heads, [4.52], "The face and voice heads start at", [4.25], "All heads start at ln C"),
        (heads, [4.52], "The fused head starts higher", [4.25], "All heads start"),
        (forced, [True], "This is worse", [False], "cannot tell them apart"),
        (ablation, ["worse"], "(-1.2 points, worse)", ["cannot be told apart"], "No comparison"),
        (reach, [0.0], "next to nothing", [0.5], "something"),
    ],
)  # fmt: skip
def test_other_data_make_another_sentence(
    read: Callable[..., str], one: list[object], said: str, other: list[object], then: str
) -> None:
    first, second = read(*one), read(*other)
    assert first.startswith("**What you see.**")
    assert said in first
    assert then not in first
    assert then in second
    assert said not in second


def test_a_verb_follows_the_numbers_as_they_are_printed() -> None:
    assert moves(0.031, 0.052) == "grows from 3% to 5%"
    assert moves(0.052, 0.031) == "falls from 5% to 3%"
    assert moves(0.031, 0.0314) == "stays at 3%"
    assert ranked({"A": 0.8, "B": 0.9}) == "B (90.0%), A (80.0%)"
    assert by_interval(0.1, 0.3, "helps", "hurts", "cannot be told") == "helps"
    assert by_interval(-0.3, -0.1, "helps", "hurts", "cannot be told") == "hurts"
    assert by_interval(-0.1, 0.1, "helps", "hurts", "cannot be told") == "cannot be told"
