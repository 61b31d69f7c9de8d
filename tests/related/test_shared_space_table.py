"""The shared space measured on strangers: folds, balance, means, what is recorded."""

from __future__ import annotations

import numpy as np
import pytest
from official import random_corpus

from mraf.cli.main import main
from mraf.errors import DataError
from mraf.evidence.recorded import recorded
from mraf_related.metrics import eer
from mraf_related.shared_space import study
from mraf_related.shared_space.space import Embedding
from mraf_related.trials import rates

pytest.importorskip("pytorch_metric_learning")


def test_folds_share_no_identity_and_test_everybody():
    folds = study.identity_folds(70, seed=3)
    assert [len(fold.train) for fold in folds] == [50] * 5
    assert [len(fold.test) for fold in folds] == [20] * 5
    for fold in folds:
        assert not set(fold.train) & set(fold.test)
    times = np.bincount(np.concatenate([fold.test for fold in folds]))
    assert set(times) == {1, 2}
    for fold, again, other in zip(
        folds, study.identity_folds(70, seed=3), study.identity_folds(70, seed=4), strict=True
    ):
        assert (fold.test == again.test).all()
        assert not np.array_equal(fold.test, other.test)
    with pytest.raises(DataError, match="4 people cannot be cut"):
        study.identity_folds(4)


@pytest.fixture(scope="module")
def corpus():
    return random_corpus(speakers=14, videos=2, clips=3)


@pytest.fixture(scope="module")
def measured(corpus):
    def oracle(train, seed):
        def embed(clips):
            rows = np.eye(14)[clips.labels]
            return Embedding(rows, rows)

        return embed

    def blind(train, seed):
        rng = np.random.default_rng(seed)

        def embed(clips):
            rows = rng.normal(size=(2, len(clips), 8))
            return Embedding(*(rows / np.linalg.norm(rows, axis=2, keepdims=True)))

        return embed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study, "systems", lambda corpus: {"oracle": oracle, study.RIVAL: blind})
        patch.setattr(study, "RESAMPLES", 50)
        return study.table(corpus)


def test_who_knows_is_right_and_who_guesses_is_at_chance(measured):
    means = measured[measured.draw == "mean"].set_index(["system", "condition"])
    for condition in ("heard", "unheard"):
        assert means.value["oracle", condition] == 0
        blind = means.loc[(study.RIVAL, condition)]
        assert blind.low < 0.5 < blind.high
        assert means.value["oracle − FOP", condition] == -blind.value


def test_every_fold_is_recorded_and_the_mean_is_theirs(measured):
    one = measured[(measured.system == study.RIVAL) & (measured.condition == "heard")]
    one = one.set_index("draw").value
    assert list(one.index) == ["0", "1", "2", "3", "4", "mean"]
    assert one["mean"] == pytest.approx(one.drop("mean").mean())
    assert (measured.low.isna() | (measured.low <= measured.value)).all()


def test_a_variant_is_compared_with_what_it_varies():
    variant = study.VARIANT + "without"
    pairs = study.pairs_of([study.WINNER, variant, study.RIVAL])
    assert pairs == [
        (study.WINNER, study.RIVAL),
        (variant, study.RIVAL),
        (variant, study.WINNER),
    ]


def test_the_summary_shows_every_system(measured):
    text = study.summary(measured)
    for word in ("oracle", "FOP", "heard", "unheard", "oracle against FOP, heard, EER: +"):
        assert word in text


def test_nobody_is_asked_about_whom_training_knew(corpus):
    for number, fold in enumerate(study.identity_folds(14)):
        train = study.training_clips(corpus, fold)
        assert train.language == "English"
        for asked in study.asked(corpus, fold, number):
            tested = set(asked.clips.labels[np.append(asked.trials.voice, asked.trials.other)])
            assert not tested & set(train.labels)


def test_systems_are_fitted_on_a_fold_and_embed_unit_rows(corpus):
    fold = study.identity_folds(14)[0]
    train = study.training_clips(corpus, fold)
    found = study.systems(corpus)
    assert not any("simulated" in name for name in found)  # not the twin
    for name in (study.WINNER, study.RIVAL):
        rows = found[name](train, 0)(corpus.cross)
        for side in rows:
            np.testing.assert_allclose(np.linalg.norm(side, axis=1), 1, atol=1e-5)


def test_the_command_records_what_it_prints(corpus, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("mraf.data.load", lambda source: corpus)
    monkeypatch.setattr(study, "RECIPE", study.RECIPE._replace(epochs=1, width=8))
    kept = dict(list(study.systems(corpus).items())[:2])
    monkeypatch.setattr(study, "systems", lambda corpus: kept)
    assert main(["related", "shared-space", "--record", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    (file,) = tmp_path.iterdir()
    assert file.name == "shared_space_tiny.csv"
    assert str(file) in printed
    assert "mraf related shared-space" in file.read_text()


# --- what is recorded


@pytest.mark.parametrize("corpus", ["mavceleb_v1", "twin"])
def test_recorded_means_are_those_of_the_recorded_folds(corpus):
    table = recorded(f"shared_space_{corpus}")
    if table is None:
        pytest.skip(f"data/recorded/shared_space_{corpus}.csv is not there")
    own = table[~table.system.str.contains(" − ")]
    assert {study.WINNER, study.RIVAL} < set(own.system)
    for _, group in own.groupby(["system", "condition"]):
        folds, mean = group[group.draw != "mean"], group[group.draw == "mean"]
        assert sorted(folds.draw) == list("01234")
        assert mean.value.item() == pytest.approx(folds.value.mean(), abs=2e-5)
        assert mean.low.item() <= mean.value.item() <= mean.high.item()
    assert table.command.str.fullmatch(
        r"mraf related shared-space( --data twin)? --record data/recorded"
    ).all()


@pytest.mark.real
def test_the_recorded_errors_come_out_again_on_the_official_features(real_corpus):
    table = recorded("shared_space_mavceleb_v1")
    assert table is not None
    fold = study.identity_folds(real_corpus.speakers)[0]
    train = study.training_clips(real_corpus, fold)
    space = study.systems(real_corpus)[study.WINNER](train, 0)
    for clips, condition, trials in study.asked(real_corpus, fold, 0):
        found = space(clips).cosine(trials.other, trials.voice)
        row = table[
            (table.system == study.WINNER) & (table.draw == "0") & (table.condition == condition)
        ]
        assert float(eer(rates(found, trials))) == pytest.approx(row.value.item(), abs=5e-3)


@pytest.mark.parametrize("condition", ["heard", "unheard"])
def test_the_made_up_input_of_the_twin_reaches_the_official_features(condition):
    rows = {"twin": study.VARIANT + "with simulated age and gender", "mavceleb_v1": study.WINNER}
    tables = {corpus: recorded(f"shared_space_{corpus}") for corpus in rows}
    if any(table is None for table in tables.values()):
        pytest.skip("not recorded")
    key = ["system", "condition", "draw"]
    reached, goal = (
        tables[c].set_index(key).value[name, condition, "mean"] for c, name in rows.items()
    )
    assert reached == pytest.approx(goal, abs=0.015)
