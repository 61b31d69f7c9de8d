"""The encoders of the paper on drawn faces and synthetic voices: real code, untrained weights."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from house import evaluated
from PIL import Image, ImageDraw, ImageFilter
from scipy.io import wavfile

from mraf.cli.main import main
from mraf.errors import RunError
from mraf_related.embedding import encoders, folder
from mraf_related.waveform import RATE, recordings

if not (find_spec("speechbrain") and find_spec("facenet_pytorch")):
    pytest.skip(
        "SpeechBrain and facenet-pytorch are missing: make test-embed", allow_module_level=True
    )

OPS = torch.library.Library("torchvision", "FRAGMENT")


def suppressed(boxes: torch.Tensor, scores: torch.Tensor, threshold: float) -> torch.Tensor:
    """Boxes that no better box overlaps: the one compiled operation that these encoders need."""
    from torchvision.ops import box_iou

    kept: list[int] = []
    overlaps = box_iou(boxes, boxes) > threshold
    for box in scores.argsort(descending=True).tolist():
        if not overlaps[box, kept].any():
            kept.append(box)
    return torch.tensor(kept, dtype=torch.int64)


@pytest.fixture(scope="module", autouse=True)
def _loadable() -> None:
    """Load torchvision and torchaudio without their libraries, where these were built for CUDA."""
    try:
        import_module("torchaudio")
    except OSError:
        empty: Any = ModuleType("torchaudio._extension")
        empty._IS_TORCHAUDIO_EXT_AVAILABLE = empty._IS_ALIGN_AVAILABLE = False
        empty.fail_if_no_align = lambda function: function
        sys.modules["torchaudio._extension"] = empty
    try:
        import_module("torchvision")
    except RuntimeError:
        for name in ("nms", "qnms"):
            OPS.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        OPS.impl("nms", suppressed, "CPU")
        extension: Any = import_module("torchvision").extension
        extension._has_ops = lambda: True


def drawn(who: int) -> Image.Image:
    """A face that MTCNN finds; skin and eyes are those of a made-up person."""
    skin, hair = (224 - 30 * who, 172 - 25 * who, 135 - 20 * who), (60, 40, 30)
    picture = Image.new("RGB", (320, 320), (110, 130, 150))
    draw = ImageDraw.Draw(picture)

    def ellipse(x: float, y: float, width: float, height: float, colour: tuple[int, ...]) -> None:
        draw.ellipse((x - width, y - height, x + width, y + height), fill=colour)

    ellipse(160, 144, 100, 116, hair)
    ellipse(160, 172, 84, 108, skin)
    ellipse(160, 206, 16, 6, (160, 110, 90))
    ellipse(160, 234, 28, 9, (165, 70, 70))
    for side in (-1, 1):
        x = 160 + side * (32 + 3 * who)
        ellipse(x, 152, 18, 14, (150, 110, 90))
        ellipse(x, 154, 14, 8, (240, 240, 240))
        ellipse(x, 154, 7, 7, (30, 20, 15))
        draw.line((x - 20, 131, x + 20, 131), fill=hair, width=4)
        ellipse(160 + 8 * side, 206, 4, 3, (80, 45, 35))
    return picture.resize((160, 160)).filter(ImageFilter.GaussianBlur(1))


@pytest.fixture(scope="module")
def networks() -> tuple[torch.nn.Module, torch.nn.Module]:
    """Networks of the real shape, untrained."""
    from facenet_pytorch import InceptionResnetV1
    from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN

    with torch.random.fork_rng():
        torch.manual_seed(0)
        ecapa = ECAPA_TDNN(80, channels=[1024, 1024, 1024, 1024, 3072], lin_neurons=192)
        facenet = InceptionResnetV1(classify=True, num_classes=8631)
    return ecapa.eval(), facenet.eval()


@pytest.fixture(scope="module")
def weights(networks: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the files that a user places; that of FaceNet is of an old format."""
    place = tmp_path_factory.mktemp("weights")
    torch.save(networks[0].state_dict(), place / "embedding_model.ckpt")
    torch.save(networks[1].state_dict(), place / "f.pt", _use_new_zipfile_serialization=False)
    yield place
    shutil.rmtree(place)  # 200 MB


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Three people, two languages, two videos of each, one clip of each."""
    for language in ("English", "Urdu"):
        for wave, who, place in zip(*recordings(range(3), 2, 1, language, 0.5), strict=True):
            path = tmp_path / "clips" / f"ann {who}" / language / f"video{place}" / "clip.wav"
            path.parent.mkdir(parents=True)
            wavfile.write(path, RATE, (wave / abs(wave).max()).astype(np.float32))
            drawn(who).save(path.with_suffix(".png"))
    return tmp_path / "clips"


def embed(clips: Path, weights: Path) -> list[str]:
    """The command for a folder; its table is own.csv beside it."""
    named = ["--voice", f"ecapa={weights}", "--face", f"facenet={weights / 'f.pt'}"]
    return ["embed", str(clips), "--out", str(clips.with_name("own.csv")), *named]


def test_from_pictures_and_sounds_to_an_evaluated_run(
    clips: Path, weights: Path, networks: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    from facenet_pytorch import MTCNN
    from speechbrain.inference.classifiers import EncoderClassifier
    from speechbrain.lobes.features import Fbank
    from speechbrain.processing.features import InputNormalization

    table = str(clips.with_name("own.csv"))
    out = evaluated(embed(clips, weights), capsys)
    assert "12 clips, 12 of them with a face" in out
    assert "3 speakers, faces of 512 and voices of 192 numbers" in out
    assert "P6" in out

    # the same vectors come from the packages' own way through the same networks
    row = pd.read_csv(table).iloc[-1]
    wave = torch.from_numpy(wavfile.read(clips / f"{row.key}.wav")[1])
    normal = InputNormalization(norm_type="sentence", std_norm=False)
    parts = {"compute_features": Fbank(n_mels=80), "mean_var_norm": normal}
    parts |= {"embedding_model": networks[0], "classifier": torch.nn.Identity()}
    voice = EncoderClassifier(parts, {}).encode_batch(wave[None]).reshape(-1)
    face = MTCNN()(Image.open(clips / f"{row.key}.png"))[None]
    networks[1].classify = False
    for path, expected in ((row.voice, voice), (row.face, networks[1](face)[0])):
        found = np.load(clips.parent / path)
        assert found == pytest.approx(expected.detach().numpy(), abs=1e-4)


def test_what_cannot_be_embedded_is_told_and_costs_nothing_else(
    clips: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, third, turned, *_ = sorted(clips.rglob("*.png"))
    short, noise = sorted(clips.rglob("*.wav"))[-2:]
    Image.new("RGB", (160, 160), (30, 90, 40)).save(first)
    second.write_bytes(second.read_bytes()[:5000])
    drawn(0).resize((8, 8)).save(third)
    held = Image.Exif()
    held[274] = 6  # to be shown turned by a quarter to the right
    drawn(0).transpose(Image.Transpose.ROTATE_90).save(turned, exif=held)
    wavfile.write(short, RATE, np.sin(np.arange(800)).astype(np.float32))
    noise.write_bytes(noise.read_bytes()[:30])

    assert main(embed(clips, weights)) == 1
    out, err = capsys.readouterr()
    assert "10 clips, 7 of them with a face" in out
    assert f"{first}: no face is found; remove it" in err
    assert f"{second}: cannot be read as a picture" in err
    assert f"{third}: no face is found; remove it" in err
    assert f"{short}: cannot be read as sound (it is shorter than 0.1 s" in err
    assert f"{noise}: cannot be read as sound" in err
    assert "Traceback" not in err

    turned.unlink()
    drawn(0).save(turned.with_name("upright.png"))
    encoder = encoders.encoder(f"facenet={weights / 'f.pt'}")
    rows = pd.read_csv(clips.with_name("own.csv")).set_index("video")
    found = np.load(clips.parent / rows.face[turned.parent.relative_to(clips).as_posix()])
    assert found == pytest.approx(encoder.embed([turned.with_name("upright.png")])[0], abs=1e-4)


def test_an_interruption_is_continued_with_the_same_numbers(
    clips: Path, weights: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(folder, "BATCH", 4)
    whole, calls = encoders.FaceNet.embed, iter(range(9))

    def interrupted(self: encoders.FaceNet, paths: Any) -> Any:
        if next(calls) == 1:
            raise KeyboardInterrupt
        return whole(self, paths)

    monkeypatch.setattr(encoders.FaceNet, "embed", interrupted)
    assert main(embed(clips, weights)) == 130
    assert "The same command continues" in capsys.readouterr().err
    table = pd.read_csv(clips.with_name("own.csv"))
    assert table.face.notna().sum() == 4
    assert main(embed(clips, weights)) == 0
    assert next(calls) == 4  # two calls of the second run: 8 clips
    assert pd.read_csv(clips.with_name("own.csv")).face.notna().all()


def test_weights_that_do_not_fit_are_refused(
    clips: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, half = weights / "embedding_model.ckpt", tmp_path / "half.pt"
    half.write_bytes(good.read_bytes()[:1_000_000])
    for name, reason in (
        (f"ecapa={weights / 'f.pt'}", "RuntimeError: Error.* ECAPA_TDNN: Missing key"),
        (f"ecapa={half}", "RuntimeError: PytorchStreamReader failed"),
        (f"ecapa={tmp_path}", "FileNotFoundError: .*embedding_model.ckpt"),
        (f"ecapa={tmp_path / 'no'}", "FileNotFoundError"),
        (f"facenet={good}", "RuntimeError: Error.* InceptionResnetV1: Missing key"),
        (f"facenet={half}", "RuntimeError: PytorchStreamReader failed"),
        (f"facenet={tmp_path / 'no'}", "FileNotFoundError"),
    ):
        with pytest.raises(RunError, match=rf"no usable weights .*\({reason}.*give --voice or"):
            encoders.encoder(name)
    command = embed(clips, weights)
    assert main([*command[:-1], f"facenet={half}"]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("mraf: error: no usable weights")
    assert not clips.with_name("own.csv").exists()  # nothing is begun that cannot be ended


def test_without_a_path_the_published_weights_are_fetched(
    weights: Path, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fetched(**what: Any) -> str:
        asked.append((what["repo_id"], what["filename"]))
        return str(weights / what["filename"])

    monkeypatch.setattr("huggingface_hub.hf_hub_download", fetched)
    sound = next(clips.rglob("*.wav"))
    found = encoders.encoder("ecapa").embed([sound])
    assert set(asked) == {("speechbrain/spkrec-ecapa-voxceleb", "embedding_model.ckpt")}
    assert np.array_equal(found, encoders.encoder(f"ecapa={weights}").embed([sound]))
