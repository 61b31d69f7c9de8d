"""Sounds and pictures become a table: layout, damage, interruption, and all the way to a run."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from house import evaluated
from PIL import Image
from scipy.io import wavfile

from mraf.cli.main import main
from mraf.data import from_table
from mraf.data.imported.folder import import_table
from mraf.errors import DataError, RunError
from mraf.training.experiment import trained
from mraf.training.runs import LOCK
from mraf_related.embedding import encoders
from mraf_related.embedding.encoders import encoder, read_sound
from mraf_related.embedding.folder import PLAIN, embed_folder
from mraf_related.embedding.forget import forget, kept_runs
from mraf_related.short_segment import study
from mraf_related.waveform import RATE, recordings

HERE = Path(__file__).stem


class Colour:
    """An encoder of pictures for these tests: the mean colour, eight times."""

    def __init__(self, weights: Path | None) -> None:
        self.calls = 0

    def embed(self, paths: Sequence[Path]) -> np.ndarray:
        return np.stack([np.tile(np.asarray(Image.open(p)).mean((0, 1)), 8) for p in paths])


class Loudness:
    """An encoder of sounds for these tests; it is interrupted where a clip is called stop."""

    def __init__(self, weights: Path | None) -> None:
        self.seen = seen

    def embed(self, paths: Sequence[Path]) -> np.ndarray:
        if any(path.stem == "stop" for path in paths):
            raise KeyboardInterrupt
        self.seen += [path.stem for path in paths]
        return np.stack([[read_sound(path).std(), 1.0] for path in paths])


seen: list[str] = []
VOICE, FACE = f"{HERE}:Loudness", f"{HERE}:Colour"


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "STEPS", 10)
    monkeypatch.setattr(study, "TRAINED", range(3))
    seen.clear()


def lay_out(folder: Path, speakers: int = 2, pictures: bool = True) -> Path:
    """Made-up clips: two languages, two videos of each, two clips of each."""
    for language in ("English", "Urdu"):
        found = recordings(range(speakers), 2, 2, language, 0.5)
        for n, (wave, who, place) in enumerate(zip(*found, strict=True)):
            path = folder / f"ann {who}" / language / f"video{place}" / f"clip{n % 2}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            wavfile.write(path, RATE, (wave / abs(wave).max() * 32767).astype(np.int16))
            if pictures:
                shade = (90 * who, 100, 30 * (n % 2))
                Image.new("RGB", (8, 8), shade).save(path.with_suffix(".png"))
    return folder


def test_the_columns_are_those_of_the_import(tmp_path: Path) -> None:
    clips = lay_out(tmp_path / "clips")
    (clips / "ann 1" / "Urdu" / "video2" / "clip0.png").unlink()
    table, failed = embed_folder(clips, tmp_path / "own.csv", VOICE, FACE, progress=False)
    assert not failed
    assert len(table) == 16
    assert (table.face == "").sum() == 1
    first = table.set_index("key").loc["ann 1/Urdu/video3/clip1"]
    assert tuple(first[["speaker", "language", "video"]]) == ("ann 1", "Urdu", "ann 1/Urdu/video3")
    face = np.load(tmp_path / first.face)
    assert face[:3] == pytest.approx([90, 100, 30])
    (ignored,) = {f.read_text() for f in tmp_path.glob("own/*/.gitignore")}
    assert ignored == "*\n"  # templates are private


def test_templates_are_kept_from_git_among_clips_and_after_a_kill(tmp_path: Path) -> None:
    clips = lay_out(tmp_path / "class")
    for kind, name in (("voice", VOICE), ("face", FACE)):
        place = clips / f"{kind} {PLAIN.sub('_', name)}"
        place.mkdir()
        (place / ".gitignore").touch()  # the kill came before its text was written
    embed_folder(clips, tmp_path / "class.csv", VOICE, FACE, progress=False)
    assert [file.read_text() for file in clips.glob("*/.gitignore")] == ["*\n", "*\n"]


def test_an_encoder_that_is_missing_leaves_an_earlier_table_as_it_was(tmp_path: Path) -> None:
    clips, own = lay_out(tmp_path / "clips"), tmp_path / "own.csv"
    embed_folder(clips, own, VOICE, FACE, progress=False)
    before = own.read_bytes()
    for voice, face in (("none", FACE), (VOICE, "none")):
        with pytest.raises(RunError, match="there is no encoder 'none'"):
            embed_folder(clips, own, voice, face, progress=False)
        assert own.read_bytes() == before


def test_a_damaged_file_costs_nothing_but_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clips = lay_out(tmp_path / "clips")
    video = clips / "ann 0" / "English" / "video0"
    (video / "clip0.wav").write_bytes(b"RIFF, but no sound")
    (video / "clip1.png").write_bytes(b"no picture")
    command = ["embed", str(clips), "--out", str(tmp_path / "own.csv")]
    assert main([*command, "--voice", VOICE, "--face", FACE]) == 1
    out, err = capsys.readouterr()
    assert "15 clips, 14 of them with a face" in out
    assert "clip0.wav: cannot be read as sound" in err
    assert "clip1.png" in err
    assert "Traceback" not in err


def test_an_interruption_loses_nothing_that_was_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mraf_related.embedding.folder.BATCH", 2)
    clips = lay_out(tmp_path / "clips", pictures=False)
    stop = clips / "ann 1" / "Urdu" / "video2" / "stop.wav"
    stop.write_bytes((stop.parent / "clip0.wav").read_bytes())
    command = ["embed", str(clips), "--out", str(tmp_path / "own.csv"), "--voice", VOICE]
    assert main(command) == 130
    assert "The same command continues" in capsys.readouterr().err
    before = len(pd.read_csv(tmp_path / "own.csv"))
    assert before == len(seen) > 0
    stop.rename(stop.with_name("start.wav"))
    seen.clear()
    assert main(command) == 0
    assert len(seen) == 17 - before  # nothing is embedded twice
    assert len(pd.read_csv(tmp_path / "own.csv")) == 17


def test_a_changed_sound_is_embedded_anew(tmp_path: Path) -> None:
    clips = lay_out(tmp_path / "clips", pictures=False)
    embed_folder(clips, tmp_path / "own.csv", VOICE, FACE, progress=False)
    changed = clips / "ann 0" / "Urdu" / "video0" / "clip1.wav"
    wavfile.write(changed, RATE, np.sin(np.arange(8000)).astype(np.float32))
    os.utime(changed, (2e9, 2e9))
    seen.clear()
    embed_folder(clips, tmp_path / "own.csv", VOICE, FACE, progress=False)
    assert seen == ["clip1"]


def test_embeddings_from_other_weights_are_not_taken(tmp_path: Path) -> None:
    clips = lay_out(tmp_path / "clips", speakers=1, pictures=False)
    first, other, again = (
        embed_folder(clips, tmp_path / "own.csv", f"{VOICE}={weights}", FACE, progress=False).table
        for weights in ("a/w.pt", "b/w.pt", "a/w.pt")
    )
    assert len(seen) == 16
    assert first.equals(again)
    assert not set(first.voice) & set(other.voice)


def test_from_sounds_to_an_evaluated_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Through a real encoder: the small ECAPA, trained here for a few steps."""
    clips, table = lay_out(tmp_path / "clips", speakers=3), str(tmp_path / "own.csv")
    embed = ["embed", str(clips), "--out", table, "--voice", "small-ecapa", "--face", FACE]
    out = evaluated(embed, capsys)
    assert "3 speakers, faces of 24 and voices of 192 numbers" in out
    assert "P6" in out


@pytest.mark.parametrize(
    ("dtype", "channels", "rate"), [("int16", 2, 48_000), ("uint8", 1, 8_000), ("float32", 1, RATE)]
)
def test_every_kind_of_wav_is_the_same_sound(
    dtype: str, channels: int, rate: int, tmp_path: Path
) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 200 * np.arange(rate) / rate)
    scaled: Any = {"int16": 32767 * tone, "uint8": 128 + 127 * tone, "float32": tone}[dtype]
    stored = np.repeat(scaled.astype(dtype)[:, None], channels, axis=1)
    wavfile.write(tmp_path / "a.wav", rate, stored)
    expected = 0.5 * np.sin(2 * np.pi * 200 * np.arange(RATE) / RATE)
    middle = slice(2000, 14_000)
    assert read_sound(tmp_path / "a.wav")[middle] == pytest.approx(expected[middle], abs=0.02)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ModuleNotFoundError(name="speechbrain"), "needs speechbrain, .* missing; install it with"),
        (OSError("libcudart"), "do not load beside PyTorch .*libcudart.*torch-backend=auto"),
        (RuntimeError("no nms"), "do not load beside PyTorch .*no nms"),
        (encoders.MissingWeights("no network"), r"\(no network\); give .* ecapa=PATH, where PATH"),
    ],
)
def test_an_encoder_that_does_not_load_says_why(
    error: Exception, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoders, "Ecapa", Mock(side_effect=error))
    with pytest.raises(RunError, match=message):
        encoder("ecapa")


def test_what_is_missing_is_said_in_one_line(tmp_path: Path) -> None:
    for unknown in ("hubert", "no.such:Thing"):
        with pytest.raises(RunError, match=f"no encoder '{unknown}'; there are: ecapa, facenet"):
            encoder(unknown)

    with pytest.raises(RunError, match="'numpy:array' cannot be loaded"):
        encoder("numpy:array")
    with pytest.raises(DataError, match="holds no sounds"):
        embed_folder(tmp_path, tmp_path / "own.csv", VOICE, FACE)
    wavfile.write(tmp_path / "a.wav", RATE, np.ones(10, np.float32))
    with pytest.raises(DataError, match="elsewhere than SPEAKER/LANGUAGE/VIDEO"):
        embed_folder(tmp_path, tmp_path / "own.csv", VOICE, FACE)


@pytest.fixture
def enrolled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A class with clips, table, corpus and run; one more run of it is kept, and one of another."""
    monkeypatch.setenv("MRAF_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    own, small = tmp_path / "class", {"epochs": 1, "width": 8, "heads": 2, "tokens": 2}
    lay_out(own / "clips")
    embed_folder(own / "clips", own / "own.csv", VOICE, FACE, progress=False)
    (own / "clips" / ".DS_Store").write_bytes(b"of a file manager")
    (own / ".own.csv.x1y2").write_bytes((own / "own.csv").read_bytes())  # of a killed process
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        corpus = import_table(own / "own.csv", own / "corpus", progress=False)
        other = from_table(lay_out_table(tmp_path), progress=False)
    trained("quick", corpus, small, store=own / "runs", device="cpu")
    for one in (corpus, other):
        trained("quick", one, small, device="cpu")
    return own


def lay_out_table(folder: Path) -> Path:
    embed_folder(lay_out(folder / "else"), folder / "else.csv", VOICE, FACE, progress=False)
    return folder / "else.csv"


def test_a_class_that_is_forgotten_leaves_nothing(
    enrolled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(list(kept_runs())) == 2
    assert main(["forget", str(enrolled)]) == 0
    assert str(enrolled) in capsys.readouterr().out
    assert not enrolled.exists()
    (left,) = kept_runs()
    assert '"else (imported)"' in (left / "config.json").read_text()
    assert (enrolled.parent / "else" / "ann 0").is_dir()  # of others nothing is touched


@pytest.mark.parametrize(
    "name",
    [
        *("essay.txt", "clips/group.jpg", "speakers.csv", "notes/config.json", "own/mean.npy"),
        *("trip/2024/italy/a.jpg", "artist/album/cd1/song.mp3"),
    ],
)
def test_what_mraf_did_not_make_is_refused_and_nothing_is_deleted(
    enrolled: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = enrolled / name
    foreign.parent.mkdir(parents=True, exist_ok=True)
    foreign.write_text("{}")
    before = sorted(enrolled.rglob("*"))
    assert main(["forget", str(enrolled)]) == 2
    assert f"{foreign}: was not made by mraf (1 in all); move it" in capsys.readouterr().err
    assert sorted(enrolled.rglob("*")) == before
    assert len(list(kept_runs())) == 2


def test_a_run_on_another_corpus_within_the_folder_leaves_its_kept_runs(
    enrolled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A class that also trained on the twin does not lose what others trained on the twin."""
    for run in (enrolled / "runs" / "twin-run", tmp_path / "runs" / "quick-of-others"):
        run.mkdir(parents=True)
        (run / "config.json").write_text('{"data": {"corpus": "twin"}}')
    monkeypatch.chdir(enrolled)
    assert main(["forget", "."]) == 0
    assert not list(enrolled.glob("*"))
    assert (tmp_path / "runs" / "quick-of-others").is_dir()
    assert len(list(kept_runs())) == 2


def test_a_run_that_is_being_trained_is_not_forgotten(enrolled: Path) -> None:
    (run,) = {file.parent for file in (enrolled / "runs").rglob("config.json")}
    with FileLock(run / LOCK), pytest.raises(DataError, match="is being trained; stop it first"):
        forget(enrolled)
    assert (enrolled / "own.csv").is_file()


def test_the_empty_name_is_not_the_folder_where_one_is(
    enrolled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a variable of the shell that is not set."""
    monkeypatch.chdir(enrolled)
    with pytest.raises(SystemExit):
        main(["forget", ""])
    assert (enrolled / "own.csv").is_file()


def test_neither_a_link_nor_another_folder_is_deleted(enrolled: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no table, corpus or run of mraf"):
        forget(tmp_path / "else")  # clips alone may be anybody's
    (enrolled / "clips" / "linked").symlink_to(tmp_path / "else")
    with pytest.raises(DataError, match="linked: was not made by mraf"):
        forget(enrolled)
    assert (tmp_path / "else").is_dir()


def test_a_quiet_recording_is_the_same_voice(tmp_path: Path) -> None:
    wave = recordings([5], 1, 1, "English", 1.0).wave[0] / 10
    for name, gain in (("loud", 1), ("quiet", 0.05)):
        wavfile.write(tmp_path / f"{name}.wav", RATE, (gain * wave).astype(np.float32))
    paths = [tmp_path / "loud.wav", tmp_path / "quiet.wav"]
    loud, quiet = encoder("small-ecapa").embed(paths)
    assert loud == pytest.approx(quiet, abs=1e-3)
