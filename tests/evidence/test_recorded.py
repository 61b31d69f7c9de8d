"""The numbers that are kept with the project."""

import pytest

from mraf import data
from mraf.errors import DataError
from mraf.evidence import recorded as module
from mraf.evidence.recorded import paper_table, recorded
from tools.corpora import named


def test_the_papers_means_are_the_means_of_its_settings():
    for number, tolerance in ((2, 1.1e-5), (3, 1.1e-4), (4, 1.1e-4)):
        table = paper_table(number)
        assert list(table.columns) == ["P3", "P4", "P5", "P6", "mean"]
        assert (
            table[["P3", "P4", "P5", "P6"]].mean(axis=1) - table["mean"]
        ).abs().max() < tolerance


def test_the_papers_accuracies_are_whole_clips():
    samples = paper_table(1)["test samples"]
    table = paper_table(2)
    for setting, language in (("P3", "English"), ("P4", "English"), ("P5", "Urdu"), ("P6", "Urdu")):
        clips = table[setting] * samples[language]
        assert (clips - clips.round()).abs().max() < 0.5e-5 * samples[language] + 1e-9


def test_what_was_not_recorded_is_none_and_a_damaged_table_is_told(tmp_path, monkeypatch):
    assert recorded("no_such_table") is None
    folder = tmp_path / module.FOLDER
    folder.mkdir(parents=True)
    (folder / "mine.csv").write_text("a,b\n1,2\n")
    (folder / "empty.csv").write_text("")
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert recorded("mine").to_dict("list") == {"a": [1], "b": [2]}
    with pytest.raises(DataError, match=r"empty\.csv: not readable"):
        recorded("empty")
    with pytest.raises(DataError, match="no table 9"):
        paper_table(9)


@pytest.mark.parametrize("source", ["twin", pytest.param(None, marks=pytest.mark.real)])
def test_recorded_results_are_of_the_data_that_are_here(source):
    """Else they are stale: record them anew, then run `python -m tools.corpora`."""
    corpus = data.load(source)
    known = recorded("corpora").fillna("").set_index("corpus").loc[corpus.name]
    for name, value in named(corpus).items():
        assert known[name] == (value if isinstance(value, str) else pytest.approx(value, 1e-5))
