"""The table of the open-set comparison, its intervals and verdicts, and the door of MRAF."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mraf.errors import RunError
from mraf.evaluation.baselines import ClassMeans
from mraf.evidence.recorded import recorded
from mraf.training.experiment import trained
from mraf_related import measure, record
from mraf_related.door import study as door
from mraf_related.metrics import curve
from mraf_related.open_set import study
from mraf_related.open_set.protocol import UNKNOWN, deal, measures
from mraf_related.study import MINUS, Measured, estimate, of_share, p_values

TINY = {"width": 16, "tokens": 2, "heads": 2, "epochs": 2}


@pytest.fixture(scope="module", autouse=True)
def quick():
    """The systems and metrics of the study with a tenth of the steps and resamples."""
    with pytest.MonkeyPatch.context() as patch:
        small = {
            "RESAMPLES": 200,
            "DRAWS": 2,
            "SHOTS": (1, 5),
            "LISTS": (2 / 3, 0.9, 1 / 9),  # of three targets: two, everybody, and too few
            "SHORTEST": 2,
            "RUNS": 3,
            "FEW": 2,
        }
        for name, few in small.items():
            patch.setattr(study, name, few)
        for recipes in ("RECIPES", "VARIANTS"):
            short = {k: replace(v, steps=8) for k, v in getattr(study, recipes).items()}
            patch.setattr(study, recipes, short)
        for name in ("DRAWS", "FEW"):
            patch.setattr(door, name, 2)
        patch.setattr(door, "DOOR_RECIPE", replace(door.DOOR_RECIPE, steps=8))
        yield


@pytest.fixture(scope="module")
def table(tiny_corpus, quick):
    return study.table(tiny_corpus)


def value(table, system, metric, draw, shots=5, language="English", targets=3):
    rows = table[(table.system == system) & (table.metric == metric) & (table.draw == draw)]
    rows = rows[(rows.shots == shots) & (rows.language == language)]
    rows = rows[rows.targets == targets]
    assert len(rows) == 1
    return rows.iloc[0]


def test_class_means_are_those_of_the_package(tiny_corpus, table):
    draw = deal(tiny_corpus, 1)
    means, judged = ClassMeans(draw.enrolled(5)), draw.judged["English"]
    scores = means(judged.clips)[means.name]
    found = measures(curve(judged.trials(scores)))
    for metric, expected in found.items():
        assert value(table, study.MEANS, metric, "1").value == pytest.approx(float(expected))


def test_every_system_has_every_draw_language_and_metric(table):
    each = table[~table.system.str.contains(" − ")]
    counts = each.groupby(["system", "targets", "shots"]).size()
    assert set(counts) == {2 * 4 * 3}  # languages, metrics, two draws and their mean
    names = {study.MEANS, *study.RECIPES}
    fusions = {study.PLAIN, study.FUSED, study.RAW_PLAIN, study.RAW_FUSED}
    assert set(counts.xs((3, 1), level=("targets", "shots")).index) == names
    assert set(counts.xs((2, 5), level=("targets", "shots")).index) == names
    main = counts.xs((3, 5), level=("targets", "shots"))
    assert set(main.index) == names | fusions | set(study.VARIANTS)


def test_means_and_differences_are_those_of_the_draws(table):
    for metric in ("EER", "OSCR", "ACC"):
        first, second = (
            [value(table, name, metric, str(draw)).value for draw in range(2)]
            for name in (study.FUSED, study.MEANS)
        )
        assert value(table, study.FUSED, metric, "mean").value == pytest.approx(np.mean(first))
        pair = value(table, f"{study.FUSED} − {study.MEANS}", metric, "mean")
        assert pair.value == pytest.approx(np.mean(first) - np.mean(second))
        assert pair.low <= pair.value <= pair.high


def test_intervals_of_shares_stay_between_0_and_1(table):
    shares = table[~table.system.str.contains(MINUS) & table.low.notna()]
    assert shares.low.min() >= 0
    assert shares.high.max() <= 1


def test_the_scores_are_the_same_again(tiny_corpus, quick):
    first, second = (study.tuned_scores(deal(tiny_corpus, 0), 5) for _ in range(2))
    for name, scores in first.items():
        for language, own in scores.items():
            np.testing.assert_array_equal(own, second[name][language])


def test_it_reads_well_and_is_recorded(table, tmp_path):
    text = study.summary(table)
    for word in ("EER", "OSCR", study.FUSED, "against", "cannot be told apart"):
        assert word in text
    file = record(table, "open-set", "MAV-Celeb v1", "mraf related open-set", tmp_path)
    assert file.name == "open_set_mavceleb_v1.csv"
    assert list(pd.read_csv(file).columns) == [*study.COLUMNS, "command"]


def test_an_unknown_system_is_refused(tiny_corpus):
    with pytest.raises(RunError, match="open-set"):
        measure("closed-set", tiny_corpus)


@pytest.mark.real
def test_what_is_recorded_is_what_comes_out(real_corpus):
    """The class means of one draw of the official features, which train nothing."""
    found = recorded("open_set_mavceleb_v1")
    assert found is not None
    draw = deal(real_corpus, 0)
    for language, scores in study.class_mean_scores(draw, 5).items():
        judged = draw.judged[language]
        metrics = measures(curve(judged.trials(scores)))
        for metric, expected in metrics.items():
            whole = draw.known.speakers
            row = value(found, study.MEANS, metric, "0", language=language, targets=whole)
            assert row.value == pytest.approx(float(expected), abs=2e-5)


# --- intervals and verdicts ----------------------------------------------------------------------


def measured(values, spread, seed=0, shift=0.0):
    rng = np.random.default_rng(seed)
    return [Measured(v, v + shift + spread * rng.normal(size=2000)) for v in values]


def test_an_interval_holds_what_speakers_and_draws_leave_open():
    _, low, high = estimate(measured([0.1] * 5, 0.01))
    assert high - low == pytest.approx(2 * 1.96 * 0.01 / np.sqrt(5), rel=0.1)
    _, low, high = estimate(measured([0.0, 0.1, 0.2, 0.05, 0.15], 0.001))
    assert high - low == pytest.approx(2 * 2.776 * 0.0791 / np.sqrt(5), rel=0.1)  # t, 4 degrees


def test_resamples_without_an_unknown_speaker_are_left_out():
    draws = measured([0.1, 0.1], 0.01)
    draws[1].drawn[:100] = np.nan
    assert np.isfinite(estimate(draws)).all()


@pytest.mark.parametrize(("right", "n"), [(19, 20), (199, 200), (1, 40), (50, 100)])
def test_an_interval_of_a_share_is_wilsons_where_percentiles_leave_it(right, n):
    value = right / n
    half = stats.norm.ppf(0.975) * np.sqrt(value * (1 - value) / n)
    found = of_share(value, value - half, value + half)
    expected = stats.binomtest(right, n).proportion_ci(method="wilson")
    assert found == pytest.approx((value, expected.low, expected.high))
    assert of_share(1.0, 0.98, 1.02) == (1.0, 0.98, 1.0)


@pytest.mark.parametrize("name", ["open_set", "door", "heads", "shared_space", "short_segment"])
@pytest.mark.parametrize("corpus", ["mavceleb_v1", "twin"])
def test_recorded_intervals_of_shares_lie_between_0_and_1(name, corpus):
    found = recorded(f"{name}_{corpus}")
    if found is None:
        pytest.skip("there is sound on the twin alone")
    shares = found[~found.system.str.contains(MINUS) & found.low.notna()]
    assert len(shares)
    assert (shares.low.between(0, shares.value) & shares.high.between(shares.value, 1)).all()


def test_less_error_is_better():
    rows = []
    for metric, sign in (("EER", -1), ("pooled EER", -1), ("OSCR", 1)):
        for first, better in (("good", 1), ("bad", -1)):
            d = sign * better * 0.1
            place = (f"{first} − other", 40, 5, "English", metric, "mean")
            rows.append((*place, d, d - 0.02, d + 0.02, 0.001, 1.0))
    found = study.compared(pd.DataFrame(rows, columns=study.COLUMNS)).set_index(["first", "metric"])
    assert set(found.loc["good"].verdict) == {"better"}
    assert set(found.loc["bad"].verdict) == {"worse"}
    assert found.loc[("good", "EER")].difference == pytest.approx(0.1)
    assert found.loc[("bad", "EER")].low == pytest.approx(-0.12)
    assert found.p_holm.tolist() == pytest.approx([6 * 0.001] * 6)


def test_p_is_of_students_t_for_few_runs_and_for_few_people():
    rng = np.random.default_rng(0)
    values = rng.normal(0.02, 0.01, 5)  # runs differ, people do not
    apart = [Measured(v, v + 1e-6 * rng.normal(size=4000)) for v in values]
    p, p_equal = p_values(apart, 70)
    assert p == pytest.approx(stats.ttest_1samp(values, 0).pvalue, rel=1e-2)
    beyond = stats.ttest_1samp(values, 0.005, alternative="less").pvalue
    assert p_equal == pytest.approx(beyond, rel=1e-2)
    people = 0.01 * rng.normal(size=4000)  # people differ, runs do not
    p, _ = p_values([Measured(0.02, 0.02 + people)] * 5, 10)
    assert p == pytest.approx(2 * stats.t.sf(0.02 / people.std() * np.sqrt(0.9), 9), rel=1e-2)
    assert p_values([Measured(0.0, np.zeros(10))] * 5, 70) == pytest.approx((1, 0))
    assert np.isnan(p_values([Measured(0.1, np.empty(0))] * 5, 70)).all()


# --- the door ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dealt(tiny_corpus):
    return deal(tiny_corpus, 0)


@pytest.fixture(scope="module")
def run(dealt, tmp_path_factory):
    store = tmp_path_factory.mktemp("runs")
    return trained("quick", dealt.known, TINY | {"split_seed": 0}, store=store, device="cpu")


def test_the_network_is_trained_on_the_enrolled_clips_alone(dealt, run):
    assert run.config.model.speakers == dealt.known.speakers
    assert run.data["features"] == dealt.known.train.fingerprint
    judged = {key for own in dealt.judged.values() for key in own.clips.key}
    assert not judged & set(dealt.enrolment.key)


def test_faces_at_the_door(dealt):
    for judged in dealt.judged.values():
        own, none, another = (door.shown(judged, faces, dealt) for faces in door.FACES)
        assert np.array_equal(own.face, judged.clips.face)
        assert none.face_missing.all()
        assert all(np.array_equal(clips.voice, own.voice) for clips in (none, another))
        owner = {
            face.tobytes(): label
            for face, label in zip(dealt.enrolment.face, dealt.enrolment.labels, strict=True)
        }
        shown = np.array([owner[face.tobytes()] for face in another.face])
        known = judged.target != UNKNOWN
        assert (shown[known] != judged.target[known]).all()


def test_every_system_stands_at_the_door_with_every_face(dealt, run):
    found = door.door_scores(dealt, run.model)
    assert len(found) == 4 * len(door.FACES)
    for name, scores in found.items():
        for language, judged in dealt.judged.items():
            runs = 2 if name.startswith(door.TUNED) else 1
            assert scores[language].shape == (runs, len(judged.target), dealt.known.speakers)
            assert np.isfinite(scores[language]).all()


def test_without_a_face_no_face_is_seen(dealt, run):
    noise = np.random.default_rng(0).normal(size=(1, 512)).astype(np.float32)
    other = {
        name: replace(own, clips=replace(own.clips, face=np.repeat(noise, len(own.target), axis=0)))
        for name, own in dealt.judged.items()
    }
    first, second = (
        door.door_scores(replace(dealt, judged=judged), run.model)
        for judged in (dealt.judged, other)
    )
    for name, by_language in first.items():
        for language, scores in by_language.items():
            same = np.array_equal(scores, second[name][language])
            assert same == (not name.endswith(door.OWN)), name


def test_the_door_has_a_table_of_the_same_form(tiny_corpus, run, monkeypatch):
    monkeypatch.setattr(door, "trained", lambda *_: run)
    monkeypatch.setattr(door, "deal", lambda corpus, seed: deal(corpus, 0))
    found = door.table(tiny_corpus)
    assert list(found.columns) == study.COLUMNS
    assert set(found.shots) == {study.ALL}
    assert door.TUNED in door.summary(found)
