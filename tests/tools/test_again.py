"""Rows that are measured again: which are drawn, in which store, and how far they agree."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mraf.evidence.measured import AGAIN
from tools import again
from tools.exhibit import LEDGER, read_ledger


def rows(**columns: list[object]) -> pd.DataFrame:
    given = {"claim": list("abcd"), "corpus": "twin", "seeds": 5, **columns}
    return pd.DataFrame(given)


def test_rows_with_a_number_are_drawn_from_the_corpora_that_are_here() -> None:
    table = read_ledger(LEDGER)
    chosen = again.drawn(table, {"twin"}, 10, 3)
    assert len(chosen) == 10
    assert set(chosen.corpus) == {"twin"}
    assert chosen.ours.notna().all()
    assert chosen.command.str.contains(AGAIN).all()
    assert chosen.index.is_monotonic_increasing
    assert not chosen.equals(again.drawn(table, {"twin"}, 10, 4))
    assert (
        len(again.drawn(table, {"twin"}, 1000, 3))
        == (table.corpus.eq("twin") & table.ours.notna()).sum()
    )


def test_a_number_agrees_to_its_digits_within_its_interval_or_not() -> None:
    recorded = rows(ours=[1.0] * 4, low=[0.5] * 4, high=[2.0] * 4)
    found = rows(ours=[1.004, 1.4, 2.3, np.nan], low=[0.5] * 4, high=[2.0] * 4)
    assert again.compared(recorded, found).agrees.tolist() == [
        "digits",
        "interval",
        "OUTSIDE",
        "nothing",
    ]
    short = again.compared(recorded, found[:2])  # a command failed, and its rows are missing
    assert short.agrees.tolist() == ["digits", "interval", "nothing", "nothing"]


def test_commands_run_in_an_empty_store_with_the_features_of_their_row(
    tmp_path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(again, "ROOT", tmp_path)
    monkeypatch.setenv("MRAF_DATA", "elsewhere")
    again.run('echo "$PWD $XDG_CACHE_HOME ${MRAF_DATA-none}"; mraf --version', None)
    again.run('echo "$MRAF_DATA"; false', "features")
    told = capfd.readouterr().err
    assert f"{tmp_path} {tmp_path / AGAIN / 'store'} none" in told
    assert "features" in told
    assert told.count("stay empty") == 1
