"""Notebook 01b: its page is the package, its readings follow the data, its checks know mistakes."""

from __future__ import annotations

import ast
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
import torch
from torch import nn
from verdicts import judged

from mraf.model import MRAF, CrossAttention, Output, Pair, Sizes
from mraf_lessons.kit.arrays import SYMBOLS, symbols
from mraf_lessons.one_page import checks, figures, readings

NAME = "01b_mraf_on_one_page.ipynb"
ROOT = Path(__file__).parents[2]
SOLUTION = nbformat.read(ROOT / "notebooks/solutions" / NAME, as_version=4)
PAGE = ("tools", "attention", "encoder", "inputs", "weights", "fusion", "page")


def network(**sizes: int) -> MRAF:
    model = MRAF(Sizes(**{"speakers": 5, "tokens": 3, "width": 8, "heads": 2, **sizes})).eval()
    with torch.no_grad():
        for part in model.parameters():
            part.normal_()
    return model


def clips() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(4, 512), torch.randn(4, 192)


def functions() -> list[ast.FunctionDef]:
    cells = {cell.id: cell.source for cell in SOLUTION.cells}
    trees = [ast.parse(cells[name]) for name in PAGE]
    return [node for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)]


@pytest.fixture
def both() -> dict[str, Output]:
    model, (face, voice) = network(), clips()
    with torch.inference_mode():
        return {"with": model(face, voice), "without": model(0 * face, voice)}


# --- the page ------------------------------------------------------------------------------


@pytest.mark.parametrize("layers", [1, 2])
def test_the_page_is_the_package_for_any_weights(layers: int) -> None:
    """All three heads and both weights, with faces, without, and for a batch with both."""
    model, (face, voice) = network(layers=layers), clips()
    sizes = model.config
    names = {
        "torch": torch, "run": SimpleNamespace(model=model), "W": model.state_dict(),
        "K": sizes.tokens, "d": sizes.width, "H": sizes.heads,
    }  # fmt: skip
    for node in functions():
        exec(ast.unparse(node), names)
    some = torch.tensor([[1], [0], [1], [0]])
    for faces in (face, 0 * face, some * face):
        with torch.inference_mode():
            output = model(faces, voice)
        theirs = (*output.weight, *output.logits)
        for ours, other in zip(names["mraf"](faces, voice), theirs, strict=True):
            torch.testing.assert_close(ours, other, atol=1e-3, rtol=1e-4)


def test_the_page_has_at_most_sixty_lines_and_no_switch() -> None:
    lines = [line for node in functions() for line in ast.unparse(node).split("\n") if line]
    assert len(lines) <= 60
    assert not [node for f in functions() for node in ast.walk(f) if isinstance(node, ast.If)]


# --- what the notebook shows -----------------------------------------------------------------


def test_every_symbol_has_the_shape_that_its_letters_say(both: dict[str, Output]) -> None:
    table = symbols(both["with"])
    sizes = {"B": 4, "K": 3, "d": 8, "H": 2, "C": 5}
    for name, row in table.iterrows():
        assert str(eval(row["shape"], sizes)) == row["here"], name
    listed = {row[1].split(".")[0] for row in SYMBOLS.values()} | {"voice"}
    assert listed == set(Output._fields)


def test_sizes_add_up() -> None:
    model = network()
    said = readings.sizes(model).data
    assert f"{sum(p.numel() for p in model.parameters()):,} numbers" in said
    assert f"{sum(p.numel() for p in model.fusion.parameters()):,} (`fusion`)" in said
    larger = readings.sizes(nn.ModuleDict({"a": nn.Linear(2, 3), "b": nn.Linear(999, 1)})).data
    assert "`b` with 1,000, or 99.1%" in larger
    assert "9 (`a`)" in larger


def test_the_reading_of_the_heads_changes_with_the_clips(both: dict[str, Output]) -> None:
    named = both["without"].logits.fused.argmax(1)
    said = readings.heads(both, named).data
    assert "0.0 (voice head)" in said
    assert "gives all clips 1 name." in said
    assert "% to 100.0% of right names" in said
    assert "to 0.0% of right names" in readings.heads(both, (named + 1) % 5).data
    same = readings.heads({"a": both["with"], "b": both["with"]}, named).data
    assert "0.0 (face head)" in same


def flat(output: Output, share: torch.Tensor) -> Output:
    maps = share.expand(4, 2, 3, 3)
    return output._replace(attention=Pair(maps, maps))


def test_the_reading_of_the_maps_changes_with_the_maps(both: dict[str, Output]) -> None:
    even, sharp = torch.full((3,), 1 / 3), torch.tensor([0.98, 0.01, 0.01])
    said = readings.attention({name: flat(o, even) for name, o in both.items()}).data
    assert "are nearly even" in said
    assert "100.0% of the largest" in said
    assert "every share is exactly even" in said
    said = readings.attention({name: flat(o, sharp) for name, o in both.items()}).data
    assert "have preferences" in said
    assert "The largest share is 0.98" in said
    assert "shares go up to 0.65 from even" in said
    said = readings.attention(both).data  # a real network without a face
    assert "every share is exactly even" in said
    assert "the rows are equal" in said


def test_the_answer_on_even_maps_changes_with_the_maps(both: dict[str, Output]) -> None:
    even, sharp = torch.full((3,), 1 / 3), torch.tensor([0.98, 0.01, 0.01])
    found = readings.most_and_even({name: flat(o, even) for name, o in both.items()})
    assert found == pytest.approx((1 / 3, 1 / 3, 1))
    most, full, entropy = readings.most_and_even({name: flat(o, sharp) for name, o in both.items()})
    assert (most, full) == pytest.approx((0.98, 0.98))
    assert entropy < 0.2
    drawn = figures.attention_maps(both).axes[-1].get_yticklabels()[-1].get_text()
    assert drawn == f"{readings.most_and_even(both)[1]:.2f}"  # the upper end of the colour bar


def test_heads_are_drawn_with_the_name_of_who_speaks_in_colour(both: dict[str, Output]) -> None:
    speaker = int(both["with"].logits.voice[0].argmax())
    figure = figures.three_heads(both, speaker)
    panels = np.array(figure.axes).reshape(2, 3)
    first = panels[0, 1].patches[0]
    p = both["with"].logits.voice[0].softmax(0).max().item()
    assert first.get_width() == pytest.approx(p, rel=1e-5)
    assert first.get_facecolor() != panels[0, 1].patches[1].get_facecolor()
    assert f"with, voice head: {p:.0%} for the true speaker." in figure.alt
    assert "$w_f$ = 0.00" in panels[1, 0].get_ylabel()


def test_maps_are_drawn_around_the_even_share(both: dict[str, Output]) -> None:
    figure = figures.attention_maps(both)
    *panels, _ = figure.axes
    drawn = panels[1].images[0].get_array() + 1 / 3
    np.testing.assert_allclose(drawn, both["with"].attention.face[0, 1], atol=1e-6)
    assert abs(panels[-1].images[0].get_array()).max() < 1e-6  # the voice asks a missing face
    assert "without, voice asks face: 0.33 to 0.33." in figure.alt


# --- exercises -------------------------------------------------------------------------------


def shares(q, k, by=4.0, dim=-1):
    return torch.softmax(q @ k.mT / by, dim)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (shares, None),
        (lambda q, k: shares(q, k).detach().numpy(), None),
        (lambda q, k: shares(q, k, dim=-2), "columns sum"),
        (lambda q, k: shares(q, k, by=1), "not divided"),
        (lambda q, k: shares(q, k, by=16), "not by its square root"),
        (lambda q, k: q @ k.mT, "These are scores"),
        (lambda q, k: q @ k.mT / 4, "These are scores"),
        (lambda q, k: shares(k, q), "expected"),
        (lambda q, k: shares(q, k).mT, "expected"),
    ],
)
def test_attention(answer, message):
    judged(checks.attention(answer), message)
    assert checks.attention(lambda *_: ...).right is None


def fuse(face, voice, fusion, memory=None, residual=None, half=2, last=True):
    c_f, _ = fusion.face_to_voice(face, voice)
    c_a, _ = fusion.voice_to_face(voice, face if memory is None else memory)
    c_f = fusion.face_norm((face if residual is None else residual) + c_f)
    e_c = (c_f.mean(1) + fusion.voice_norm(voice + c_a).mean(1)) / half
    return fusion.norm(e_c) if last else e_c


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (fuse, None),
        (lambda f, v, part: part(f, v)[0], None),
        (lambda f, v, part: fuse(f, v, part, half=1), None),
        (lambda f, v, part: fuse(f, v, part, memory=v), "asks itself"),
        (lambda f, v, part: fuse(f, v, part, residual=v), "added to the voice"),
        (lambda f, v, part: fuse(f, v, part, residual=0 * f), "residual connection"),
        (lambda f, v, part: fuse(f, v, part, last=False), "last LayerNorm"),
        (lambda f, v, part: fuse(v, f, part), "so small"),
        (lambda f, v, part: part(f, v)[1].face, "expected"),
    ],
)
def test_fused(answer, message):
    judged(checks.fused(answer), message)
    assert checks.fused(lambda *_: ...).right is None


def test_the_checked_fusion_is_the_package() -> None:
    fusion = CrossAttention(Sizes(2, tokens=3, width=8, heads=2)).eval()
    face, voice = torch.randn(2, 4, 3, 8)
    torch.testing.assert_close(fuse(face, voice, fusion), fusion(face, voice)[0])


def counted(C, K, d, L, without=()):
    """How many numbers a network learns, less what was left out."""
    square, norm = d * d + d, 2 * d
    layer = 4 * square + 8 * d * d + 5 * d + 2 * norm
    whole = sum(D * K * d + 2 * K * d + L * layer + norm for D in (512, 192))
    whole += 8 * square + 3 * norm + 3 * (C * d + C) + 2 * (d + 1) + 512
    return whole - sum(without)


def test_the_count_is_the_package() -> None:
    for C, K, d, L in ((5, 3, 8, 1), (7, 2, 12, 3)):
        model = MRAF(Sizes(C, tokens=K, width=d, layers=L, heads=2))
        assert counted(C, K, d, L) == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    ("left_out", "message"),
    [
        (lambda C, K, d, L: 0, None),
        (lambda C, K, d, L: 512, "missing token"),
        (lambda C, K, d, L: 2 * K * d, "positions"),
        (lambda C, K, d, L: 2 * (C * d + C), "three heads"),
        (lambda C, K, d, L: 3 * C, "three heads"),
        (lambda C, K, d, L: 6 * d, "LayerNorm is missing"),
        (lambda C, K, d, L: 4 * d, "LayerNorm is missing"),
        (lambda C, K, d, L: 8 * L * d, "LayerNorm is missing"),
        (lambda C, K, d, L: 7, "Set L = 0"),
    ],
)
def test_parameters(left_out, message):
    judged(checks.parameters(lambda *size: counted(*size, without=[left_out(*size)])), message)


def test_a_network_is_no_formula() -> None:
    def built(C, K, d, L):
        model = MRAF(Sizes(C, tokens=K, width=d, layers=L))
        return sum(p.numel() for p in model.parameters())

    judged(checks.parameters(built), "It raises TypeError")
