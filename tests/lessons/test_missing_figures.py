"""Figures of a missing face show what they are given, and say it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from mraf.errors import DataError
from mraf.variants.build import build
from mraf.variants.config import ModelConfig
from mraf_lessons.missing_token import figures as missing


def outputs():
    config = ModelConfig(speakers=6, tokens=2, width=16, heads=2)
    generator = torch.Generator().manual_seed(0)
    face, voice = (torch.randn(3, n, generator=generator) for n in (512, 192))
    found = {}
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        torch.manual_seed(0)
        model = build(config).eval()
        found["with its face"] = model(face, voice)
        found["token"] = model(torch.zeros_like(face), voice)
        scored = build(replace(config, missing_reliability="learned")).eval()
        scored.load_state_dict(model.state_dict())
        found["scored"] = scored(torch.zeros_like(face), voice)
    return found


def test_stand_ins_has_a_row_a_way_and_says_which_face_is_empty():
    found = outputs()
    figure = missing.stand_ins(found, speaker=2, numbers=16)
    panels = np.array(figure.axes).reshape(3, 5)
    assert [row[0].get_ylabel() for row in panels] == list(found)
    weighted = panels[1, 2].images[0].get_array()
    assert not np.any(weighted)  # the paper's way: the face tokens are weighted with zero
    assert np.any(panels[2, 2].images[0].get_array())
    heights = [bar.get_height() for bar in panels[1, 1].patches]
    assert heights[0] == heights[2] == 0
    assert heights[3] == pytest.approx(1, abs=1e-4)
    drawn = [row[3].images[0].get_array() for row in panels]  # e_c as a grid, not as thin stripes
    assert drawn[0].shape == (8, 2)
    np.testing.assert_array_equal(drawn[1].ravel(), found["token"].fused_embedding[0, :16])
    shown = panels[0, 4].patches[0].get_width()
    assert shown == pytest.approx(found["with its face"].logits.fused[0].max().item())
    assert "token: face tokens" in figure.alt
    assert "w_f 0.00, length of the weighted face tokens 0.0" in figure.alt


def sweep():
    rows = [
        (model, head, length, length * (head == "face" or model == "scored"))
        for model in ("paper", "scored")
        for head in ("face", "fused")
        for length in (0.0, 1.0, 2.0)
    ]
    return pd.DataFrame(rows, columns=["model", "head", "length", "change"])


def test_token_sweep_draws_a_line_a_head():
    figure = missing.token_sweep(sweep())
    paper, scored = figure.axes
    assert [line.get_ydata().tolist() for line in paper.lines] == [[0, 1, 2], [0, 0, 0]]
    assert scored.lines[1].get_ydata().max() == 2
    assert "paper, fused head: 0 after a step of 2." in figure.alt


def seeds():
    rows = [
        (variant, setting, seed, 0.8 + 0.01 * seed + 0.05 * (variant == "b"))
        for variant in "ab"
        for setting in ("P3", "P4")
        for seed in range(3)
    ]
    table = pd.DataFrame(rows, columns=["variant", "setting", "seed", "accuracy"])
    return table.assign(low=table.accuracy - 0.1, high=table.accuracy + 0.1)


@pytest.mark.parametrize("columns", [["low", "high"], []])
def test_over_seeds_marks_the_mean(columns):
    figure = missing.over_seeds(seeds().drop(columns=columns))
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["P3", "P4"]
    lines = [line.get_xdata() for line in figure.axes[0].lines]
    ticks = [x for x in lines if len(x) == 2 and x[0] == x[1]]
    np.testing.assert_allclose(ticks, [[0.81, 0.81], [0.86, 0.86]])
    assert "P4, b: mean 86.0%." in figure.alt
    assert "2 variants with 3 seeds" in figure.alt


def test_what_cannot_be_drawn_is_told():
    with pytest.raises(DataError, match="nothing to draw"):
        missing.stand_ins({}, 0)
    with pytest.raises(DataError, match="lacks the column"):
        missing.over_seeds(seeds().drop(columns="seed"))
    with pytest.raises(DataError, match="has no rows"):
        missing.token_sweep(sweep()[:0])
