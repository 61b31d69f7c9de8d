"""Write a run for the browser: weights in float16, the module, the live page; ONNX on request."""

import base64
import json
import warnings
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mraf import data
from mraf.data.clips import FeatureSet
from mraf.errors import RunError
from mraf.evaluation.run import matching
from mraf.files import check_target, write_atomically, write_text
from mraf.model import Output, Sizes
from mraf.training.experiment import NOTICE, biometrics, trained
from mraf.training.runs import Run
from mraf.variants.config import ModelConfig

COMPONENT = ("module.js", "steps.js", "views.js", "explorer.js")
WEIGHTS, MODULE, PAGE, ONNX = "weights.js", "mraf.js", "index.html", "model.onnx"
IGNORE = ".gitignore"
FILES = (WEIGHTS, MODULE, PAGE, ONNX, NOTICE, IGNORE)
CLIPS = 4  # of each language, on the page
OF_OTHER_PARTS = {"margin", "scale", "curvature", "network_share"}  # not read by the paper's own
PEOPLE = (
    "These weights were trained on features of real people ({corpus}) and can tell those people "
    "apart. Do not publish this folder or pass it on.\n"
)


def export_run(run: Run, out: Path, *, onnx: bool = False) -> list[Path]:
    """Write a run into a folder; returns the files. Raises RunError for what `_refuse` refuses.

    ``mraf.js`` is the module, ``weights.js`` its weights; ``onnx`` adds ``model.onnx`` in float32,
    with an output for each field of ``Output``. A run on the twin has the page ``index.html`` with
    a few of its test clips; a run on features of people has a ``NOTICE.txt`` instead.
    """
    _refuse(run, out, onnx)
    of_twin = run.data.get("corpus") == "twin"
    corpus = matching(run, "twin") if of_twin else None
    parts = [p for p in (corpus.test_english, corpus.test_cross) if p] if corpus else []
    texts = {WEIGHTS: f"globalThis.mraf = {packed(run, parts)};\n", MODULE: script("module.js")}
    if of_twin:
        component = "".join(map(script, COMPONENT))  # a file may not import a file
        texts[PAGE] = script("page.html").replace("/* component */", component)
    else:
        texts = {IGNORE: "*\n", **texts}  # first, so that git never sees the weights
        texts[NOTICE] = PEOPLE.format(corpus=run.data.get("corpus", "of no known corpus"))
        warnings.warn(texts[NOTICE].strip(), stacklevel=2)
    for name, text in texts.items():
        write_text(out / name, text)
    if onnx:
        write_atomically(out / ONNX, lambda file: _write_onnx(run, file))
    written = [*texts, *([ONNX] if onnx else [])]
    for name in set(FILES) - set(written):  # of an earlier export
        (out / name).unlink(missing_ok=True)
    return [out / name for name in written]


def quick_run() -> Run:
    """The quick preset on the twin, from the run store or trained now."""
    return trained("quick", data.load("twin"))


def flat(output: Output) -> dict[str, Tensor]:
    """The tensors of an output by name, as in "face.tokens" or "fused_embedding"."""

    def walk(part: Any, name: str) -> Iterator[tuple[str, Tensor]]:
        if isinstance(part, Tensor):
            yield name, part
        else:
            for field in part._fields:
                yield from walk(getattr(part, field), f"{name}.{field}".lstrip("."))

    return dict(walk(output, ""))


def _refuse(run: Run, out: Path, onnx: bool) -> None:
    """Raise RunError for what may not be exported, or not into that folder, or not here."""
    if held := biometrics(run.config.model):
        raise RunError(f"{run.path}: holds {' and '.join(held)}; that is never exported.")
    paper, free = ModelConfig(run.config.model.speakers), {entry.name for entry in fields(Sizes)}
    for entry in fields(ModelConfig):
        value = getattr(run.config.model, entry.name)
        if value != getattr(paper, entry.name) and entry.name not in free | OF_OTHER_PARTS:
            switch = f"{entry.name}={str(value).lower()}"
            raise RunError(f"{run.path}: trained with {switch}; only the paper's own is exported.")
    check_target(out / WEIGHTS)
    ours = (IGNORE, *(f".{name}." for name in FILES))  # as begins what a killed export left
    others = [p for p in out.iterdir() if not p.name.startswith(ours)] if out.is_dir() else []
    if others and not (out / WEIGHTS).is_file():
        raise RunError(f"{out}: exists and is not an export; choose another --out.")
    if onnx and not (find_spec("onnx") and find_spec("onnxscript")):
        raise RunError("--onnx needs two more packages: pip install 'mraf[export]'.")


def script(name: str) -> str:
    """A file of this package for the browser."""
    return (files("mraf.export") / name).read_text(encoding="utf-8")


def packed(run: Run, parts: Sequence[FeatureSet]) -> str:
    """A run as the explorer takes it, in JSON: settings, shapes, float16 in base64, some clips.

    All low bytes come before all high ones, whose few exponents then take fewer bits. Raises
    RunError where a weight does not fit into float16.

    Args:
        parts: clips to show, of speakers evenly spaced in each part.
    """
    state = {name: value.cpu().numpy() for name, value in run.model.state_dict().items()}
    clips = [_shown(part) for part in parts]
    if clips:
        state["clips.face"] = np.concatenate([part.face for part in clips])
        state["clips.voice"] = np.concatenate([part.voice for part in clips])
    with np.errstate(over="ignore"):
        values = np.concatenate([value.ravel() for value in state.values()]).astype("<f2")
    if not np.isfinite(values).all():
        raise RunError(f"{run.path}: a weight is too large for float16; lower learning_rate.")
    planes = values.view(np.uint8).reshape(-1, 2).T.tobytes()
    huffman = zlib.compressobj(strategy=zlib.Z_HUFFMAN_ONLY)  # weights hold no repeated strings
    exported = {
        "config": asdict(run.config.model),
        "run": {**run.data, "seed": run.config.training.seed},
        "clips": [{"speaker": int(s), "language": p.language} for p in clips for s in p.labels],
        "tensors": {name: list(value.shape) for name, value in state.items()},
        "data": base64.b64encode(huffman.compress(planes) + huffman.flush()).decode(),
    }
    return json.dumps(exported)


def _shown(part: FeatureSet) -> FeatureSet:
    """The first clip with a face of each of a few speakers, evenly spaced."""
    rows = np.flatnonzero(~part.face_missing)
    _, first = np.unique(part.labels[rows], return_index=True)
    return part[rows[first[np.linspace(0, len(first) - 1, CLIPS).astype(int)]]]


class _Flat(nn.Module):
    """A network whose output is a plain tuple, as ONNX wants it."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, face: Tensor, voice: Tensor) -> tuple[Tensor, ...]:
        return tuple(flat(self.model(face, voice)).values())


def _write_onnx(run: Run, file: Path) -> None:
    """The network in float32 for any number of clips; inputs ``face`` and ``voice``."""
    c, device = run.config.model, next(run.model.parameters()).device
    clips = (torch.ones(2, c.face_dim, device=device), torch.ones(2, c.voice_dim, device=device))
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, about its own parts
        names = list(flat(run.model(*clips)))
        batch = torch.export.Dim("batch", min=2)
        torch.onnx.export(
            _Flat(run.model).eval(),
            clips,
            file,
            dynamo=True,
            verbose=False,
            external_data=False,
            input_names=["face", "voice"],
            output_names=names,
            dynamic_shapes=({0: batch}, {0: batch}),
        )
