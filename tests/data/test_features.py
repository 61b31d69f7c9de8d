"""FeatureSet and Corpus refuse what they should; the protocol judges only what was never seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from official import random_clips, random_corpus

from mraf.data import P3, P4, P5, P6, SETTINGS, Corpus, FeatureSet, test_split, validation_split
from mraf.data.clips import unit
from mraf.data.splits import ambiguous_videos, cross_split, shared_videos
from mraf.errors import DataError


@pytest.fixture
def clips() -> FeatureSet:
    """2 speakers x 2 videos x 2 clips; its arrays may be changed before they are used again."""
    return random_clips("English", 1, speakers=2, videos=2, clips=2)


def changed(values: np.ndarray, at: object, value: object) -> np.ndarray:
    values = values.copy()
    values[at] = value
    return values


# ---------------------------------------------------------------- FeatureSet


BAD_SETS = {
    "a face that is one number": (
        {"face": lambda f: f[:, 0]},
        r"'face' has shape \(8,\), expected",
    ),
    "voices of no numbers": ({"voice": lambda v: v[:, :0]}, r"'voice' has shape \(8, 0\)"),
    "one row less": ({"voice": lambda v: v[1:]}, r"'voice' has shape \(7, 192\), expected \(8, D"),
    "labels of another length": ({"speaker": lambda s: s[1:]}, r"'speaker' has shape \(7,\)"),
    "videos of another length": ({"video": lambda v: v[1:]}, r"'video' has shape \(7,\)"),
    "float64": ({"face": lambda f: f.astype("f8")}, "'face' is float64, expected float32"),
    "fractional labels": ({"speaker": lambda s: s + 0.5}, "'speaker' is float64, expected int64"),
    "keys that are no strings": ({"key": lambda k: np.arange(8)}, "'key' is int64"),
    "videos as objects": ({"video": lambda v: v.astype(object)}, "'video' is object"),
    "NaN": ({"face": lambda f: changed(f, (3, 0), np.nan)}, r"row 3 \(.*00003\): 'face' holds NaN"),
    "Inf": ({"voice": lambda v: changed(v, (2, 5), -np.inf)}, r"row 2 .*'voice' holds NaN or Inf"),
    "Inf and -Inf": (
        {"voice": lambda v: changed(v, (2, [5, 6]), [-np.inf, np.inf])},
        "row 2 .*'voice' holds NaN or Inf",
    ),
    "a voice of zeros": ({"voice": lambda v: changed(v, 4, 0)}, "row 4 .*the voice is all zeros"),
    "voices of zeros": ({"voice": lambda v: v * 0}, r"row 0 .*all zeros.* \(8 such rows\)"),
    "a negative label": ({"speaker": lambda s: changed(s, 5, -1)}, "row 5 .*label is negative"),
    "a key twice": (
        {"key": lambda k: changed(k, 6, k[1])},
        r"row 6 \(English/1/00001\): the key occurs twice",
    ),
    "no clips": ({"key": lambda k: k[:0]}, "no clips; at least one row is needed"),
}


@pytest.mark.parametrize(("change", "message"), BAD_SETS.values(), ids=BAD_SETS)
def test_a_bad_set_is_refused_with_its_row(clips, change, message):
    arrays = {name: alter(getattr(clips, name)) for name, alter in change.items()}
    with pytest.raises(DataError, match=f"tiny English.*{message}"):
        replace(clips, **arrays)


def test_values_are_fine_as_long_as_they_can_be_normalised(clips):
    huge = replace(clips, voice=np.full_like(clips.voice, 1e18))
    np.testing.assert_allclose(np.linalg.norm(unit(huge.voice), axis=1), 1, rtol=1e-5)
    with pytest.raises(DataError, match="too long"):  # their length in float32 is infinite
        replace(clips, voice=np.full_like(clips.voice, 3e38))


def test_a_missing_face_is_a_row_of_zeros(clips):
    assert not clips.face_missing.any()
    some = replace(clips, face=changed(clips.face, [2, 5], 0))
    assert np.flatnonzero(some.face_missing).tolist() == [2, 5]
    none = clips.without_faces()
    assert none.face_missing.all()
    assert none.face.dtype == np.float32
    np.testing.assert_array_equal(none.voice, clips.voice)
    assert clips.face.any(axis=1).all()  # the original keeps its faces


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (slice(2, 5), [2, 3, 4]),
        ([5, 0], [5, 0]),
        (np.arange(8) % 4 == 1, [1, 5]),
        (-1, [7]),
    ],
    ids=str,
)
def test_slicing_gives_aligned_rows(clips, rows, expected):
    part = clips[rows]
    assert part.key.tolist() == clips.key[expected].tolist()
    for name in ("face", "voice", "speaker", "video"):
        np.testing.assert_array_equal(getattr(part, name), getattr(clips, name)[expected])
    assert (part.language, part.source) == (clips.language, clips.source)


def test_slicing_to_nothing_or_to_a_clip_twice_is_refused(clips):
    with pytest.raises(DataError, match="no clips"):
        clips[np.zeros(8, dtype=bool)]
    with pytest.raises(DataError, match="the key occurs twice"):
        clips[[1, 1]]


def test_hidden_labels_say_so(clips):
    hidden = replace(clips, speaker=None)
    assert hidden[:3].speaker is None
    with pytest.raises(DataError, match="labels are hidden"):
        _ = hidden.labels


def test_the_fingerprint_names_features_labels_and_videos(clips):
    assert clips[:].fingerprint == clips.fingerprint
    others = [
        clips[::-1],
        clips[1:],
        clips.without_faces(),
        replace(clips, voice=changed(clips.voice, (0, 0), 1)),
        replace(clips, speaker=1 - clips.labels),
        replace(clips, speaker=None),
        replace(clips, video=clips.video[::-1]),
    ]
    assert len({part.fingerprint for part in (clips, *others)}) == 8


# ---------------------------------------------------------------- Corpus


def test_a_corpus_names_its_parts(tiny_corpus):
    assert list(tiny_corpus.parts) == ["train", "cross", "test_english", "test_cross"]
    assert list(replace(tiny_corpus, test_english=None).parts) == ["train", "cross", "test_cross"]


BAD_CORPORA = {
    "one speaker": ({"speakers": 1}, r"1 speaker\(s\); identification needs at least 2"),
    "a label too high": ({"speakers": 5}, "tiny English, row 60 .*label is not below 5"),
    "a gap": ({"speakers": 8}, r"no training clip of speaker\(s\) 6, 7;"),
    "a large gap": ({"speakers": 10_000}, r"speaker\(s\) 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, …;"),
}


@pytest.mark.parametrize(("change", "message"), BAD_CORPORA.values(), ids=BAD_CORPORA)
def test_a_bad_corpus_is_refused(tiny_corpus, change, message):
    with pytest.raises(DataError, match=message) as caught:
        replace(tiny_corpus, **change)
    assert len(str(caught.value)) < 200


def test_widths_are_those_of_the_arrays_and_agree_over_all_parts(tiny_corpus):
    narrow = {
        name: replace(part, face=part.face[:, :32], voice=part.voice[:, :16])
        for name, part in tiny_corpus.parts.items()
    }
    corpus = replace(tiny_corpus, **narrow)
    assert corpus.sizes == {"speakers": 6, "face_dim": 32, "voice_dim": 16}
    with pytest.raises(DataError, match="tiny Urdu: a face has 512 numbers, in tiny English 32;"):
        replace(corpus, cross=replace(narrow["cross"], face=tiny_corpus.cross.face))


def test_cross_labels_are_checked_too(tiny_corpus):
    stranger = replace(tiny_corpus.cross, speaker=changed(tiny_corpus.cross.labels, 7, 6))
    with pytest.raises(DataError, match=r"tiny Urdu, row 7 .*not below 6"):
        replace(tiny_corpus, cross=stranger)


def test_training_labels_may_not_be_hidden(tiny_corpus):
    with pytest.raises(DataError, match="tiny English: the speaker labels are hidden"):
        replace(tiny_corpus, train=replace(tiny_corpus.train, speaker=None))


# ---------------------------------------------------------------- P3 … P6


def test_the_settings_are_the_challenges():
    assert SETTINGS == (P3, P4, P5, P6)
    assert [(s.name, s.language, s.face) for s in SETTINGS] == [
        ("P3", "english", True),
        ("P4", "english", False),
        ("P5", "cross", True),
        ("P6", "cross", False),
    ]


def test_a_setting_judges_the_same_clips_with_or_without_faces(tiny_corpus):
    split = test_split(tiny_corpus)
    for complete, audio_only, clips in ((P3, P4, split.english), (P5, P6, split.cross)):
        assert split.clips(complete) is clips
        assert split.clips(audio_only).face_missing.all()
        np.testing.assert_array_equal(split.clips(audio_only).voice, clips.voice)
        np.testing.assert_array_equal(split.clips(audio_only).key, clips.key)


def test_the_test_split_trains_on_all_english_clips(tiny_corpus):
    split = test_split(tiny_corpus)
    assert (split.name, split.speakers, split.notes) == ("test", 6, ())
    assert split.train is tiny_corpus.train
    assert (split.english, split.cross) == (tiny_corpus.test_english, tiny_corpus.test_cross)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("test_english", r"no English test clips.*csv_files/comp/v2_test_English\.csv"),
        ("test_cross", r"no Hindi test clips.*csv_files/comp/v2_test_Hindi\.csv"),
    ],
)
def test_without_test_clips_there_is_no_test_split(part, message):
    corpus = random_corpus("Hindi", "v2", speakers=2)
    with pytest.raises(DataError, match=message):
        test_split(replace(corpus, **{part: None}))


# ---------------------------------------------------------------- the validation split


@settings(max_examples=30)
@given(
    videos=st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=4), min_size=2, max_size=6),
    seed=st.integers(0, 100),
)
def test_one_whole_video_of_each_speaker_with_two_is_held_out(videos, seed):
    """``videos`` gives, for each speaker, the number of clips of each of its videos."""
    owner = [(s, v) for s, own in enumerate(videos) for v, n in enumerate(own) for _ in range(n)]
    rows = len(owner)
    rng = np.random.default_rng(seed)
    train = FeatureSet(
        face=np.ones((rows, 512), np.float32),
        voice=np.ones((rows, 192), np.float32),
        speaker=np.array([speaker for speaker, _ in owner]),
        video=np.array([f"{speaker}-{video}" for speaker, video in owner]),
        language="English",
        key=np.array([f"{row}" for row in range(rows)]),
    )[rng.permutation(rows)]
    corpus = Corpus(train, random_clips("Urdu", 2, speakers=2), None, None, len(videos), "drawn")
    several = {speaker for speaker, own in enumerate(videos) if len(own) > 1}
    if not several:
        with pytest.raises(DataError, match="no speaker has two English videos"):
            validation_split(corpus, seed)
        return
    split = validation_split(corpus, seed)
    assert sorted([*split.train.key, *split.english.key]) == sorted(train.key)
    assert len(shared_videos(split.train, split.english)) == 0
    held = set(zip(split.english.labels.tolist(), split.english.video, strict=True))
    assert len(held) == len(several)
    assert {speaker for speaker, _ in held} == several
    assert set(split.train.labels) == set(range(len(videos)))
    assert any("have a single video" in note for note in split.notes) == (
        len(several) < len(videos)
    )


def test_the_seed_chooses_the_videos(tiny_corpus):
    chosen = [set(validation_split(tiny_corpus, seed).english.video) for seed in (0, 0, 1)]
    assert chosen[0] == chosen[1] != chosen[2]


def test_the_split_does_not_touch_global_randomness(tiny_corpus):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    validation_split(tiny_corpus)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_a_video_of_two_speakers_is_never_held_out(tiny_corpus):
    """Holding it out would leave the other speaker's clips of it in training."""
    video = tiny_corpus.train.video.copy()
    video[video == "English-03"] = "English-00"  # a video of speaker 1 and one of speaker 0
    corpus = replace(tiny_corpus, train=replace(tiny_corpus.train, video=video))
    for seed in range(10):
        split = validation_split(corpus, seed)
        assert "English-00" not in split.english.video
        assert len(shared_videos(split.train, split.english)) == 0


def test_shared_and_ambiguous_videos_leave_the_cross_set(tiny_corpus):
    """Two videos of English training, and one of two speakers: 2 x 4 clips and 8."""
    video = tiny_corpus.cross.video.astype("<U20")
    video[video == "Urdu-00"] = "English-07"
    video[video == "Urdu-05"] = "English-02"
    video[video == "Urdu-09"] = "Urdu-03"  # of speaker 3 and of speaker 1
    cross = replace(tiny_corpus.cross, video=video)
    corpus = replace(tiny_corpus, cross=cross)
    assert shared_videos(corpus.train, cross).tolist() == ["English-02", "English-07"]
    assert ambiguous_videos(cross).tolist() == ["Urdu-03"]
    split = validation_split(corpus)
    gone = {"English-02", "English-07", "Urdu-03"}
    assert set(split.cross.video) == set(video) - gone
    assert len(split.cross) == 72 - 16
    assert split.notes == (
        "Urdu: 8 clips of 2 videos left out; they also occur in the English training list.",
        "Urdu: 8 clips of 1 videos left out; they carry two speaker labels.",
    )


def test_a_video_that_is_both_is_counted_once(tiny_corpus):
    video = tiny_corpus.cross.video.astype("<U20")
    video[np.isin(video, ["Urdu-00", "Urdu-03"])] = "English-00"
    video[np.isin(video, ["Urdu-06", "Urdu-09"])] = "Urdu-06"
    corpus = replace(tiny_corpus, cross=replace(tiny_corpus.cross, video=video))
    _, notes = cross_split(corpus)
    assert [note.split(";")[0] for note in notes] == [
        "Urdu: 8 clips of 1 videos left out",
        "Urdu: 8 clips of 1 videos left out",
    ]


def test_unknown_videos_are_neither_shared_nor_ambiguous(tiny_corpus):
    unknown = np.full(72, "")
    train = replace(tiny_corpus.train, video=unknown)
    cross = replace(tiny_corpus.cross, video=unknown)
    assert len(shared_videos(train, cross)) == len(ambiguous_videos(cross)) == 0


def test_a_cross_set_of_shared_videos_only_is_refused(tiny_corpus):
    cross = replace(tiny_corpus.cross, video=tiny_corpus.train.video)
    with pytest.raises(DataError, match="tiny Urdu: no clip is left for P5 and P6"):
        validation_split(replace(tiny_corpus, cross=cross))
