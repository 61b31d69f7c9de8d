"""The ledger follows from the claims, the recorded results and the rules, and from nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mraf.cli.main import main
from mraf.errors import RunError
from mraf.evaluation.differences import BETTER, EQUAL, OPEN, WORSE, difference, runs_of
from mraf.evaluation.records import counts_text, read_results, write_results
from mraf.evidence import ledger as module
from mraf.evidence.claims import WHOSE, Claim, read_claims
from mraf.evidence.declared import checked
from mraf.evidence.golden import ARM, FILE, NOW, SAME, STALE, Golden, remember
from mraf.evidence.ledger import VERDICTS, claim_verdict, ledger, said
from mraf.evidence.sweeps.tables import read_table

ROOT = Path(__file__).parents[2]
CLAIMS = read_claims(ROOT / "data/claims.toml")
RECORDED = ROOT / "data/recorded"
VIDEOS = {"english": [8] * 40, "cross": [5] * 60}
LANGUAGE = {"P3": "english", "P4": "english", "P5": "cross", "P6": "cross"}


def claim(**fields: object) -> Claim:
    given = {"section": "4", "says": "It is.", "metric": "mean", "of": "good", "over": ("bad",)}
    return checked(Claim, {"name": "it", "sweep": "table9", **given, **fields}, "claim 'it'")


def record(folder: Path, arms: dict[str, float], seeds: int = 3, table: str = "table9") -> None:
    """A made-up sweep on the twin: arms by the share of clips that they name rightly."""
    rng = np.random.default_rng(0)
    rows = []
    for arm, share in arms.items():
        for seed in range(seeds):
            for setting, language in LANGUAGE.items():
                clips = np.array(VIDEOS[language])
                counts = rng.binomial(clips, share)
                total = (clips.sum(), counts.sum(), counts.sum() / clips.sum())
                where = ("twin", "quick", "validation", "cpu: x", "abc", "mraf sweep …", 1.0)
                rows.append(
                    (arm, seed, setting, *total, *map(counts_text, (counts, clips)), *where)
                )
    columns = "system seed setting clips correct accuracy correct_per_video clips_per_video corpus"
    columns += " preset split device commit command seconds"
    frame = pd.DataFrame(rows, columns=columns.split())
    write_results(folder / f"sweep_{table}_twin.csv", frame)


def on_the_twin(table: pd.DataFrame) -> pd.Series:
    (row,) = (row for _, row in table[table.corpus == "twin"].iterrows())
    return row


# --- the rules -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdicts", "paper", "high", "said"),
    [
        ([BETTER], None, 0.02, "holds"),
        ([BETTER, BETTER], None, 0.02, "holds"),
        ([BETTER], 0.02, 0.03, "holds"),
        ([BETTER], 0.05, 0.03, "holds in direction"),
        ([BETTER, WORSE], None, 0.02, "does not hold as stated"),
        ([WORSE], 0.02, -0.01, "does not hold as stated"),
        ([EQUAL], 0.02, 0.005, "does not hold as stated"),
        ([EQUAL], 0.002, 0.005, "equal within 0.5 points"),
        ([EQUAL], None, 0.005, "equal within 0.5 points"),
        ([BETTER, EQUAL], None, 0.005, "equal within 0.5 points"),
        ([OPEN, EQUAL], None, 0.005, "cannot be told apart"),
        ([WORSE, EQUAL], None, 0.005, "does not hold as stated"),
        ([OPEN], 0.02, 0.03, "cannot be told apart"),
        ([OPEN], 0.034, 0.03, "cannot be told apart"),
        ([OPEN], 0.036, 0.03, "not by as much"),
        ([OPEN], None, 0.03, "cannot be told apart"),
        ([BETTER, OPEN], None, 0.03, "cannot be told apart"),
    ],
)
def test_the_rules_for_better(
    verdicts: list[str], paper: float | None, high: float, said: str, monkeypatch
) -> None:
    monkeypatch.setattr(Claim, "published", paper)
    assert claim_verdict(claim(), verdicts, high) == said


@pytest.mark.parametrize(
    ("found", "said"),
    [(EQUAL, "holds"), (OPEN, "cannot be told apart"), (WORSE, "does not hold as stated")],
)
def test_the_rules_for_equal(found: str, said: str) -> None:
    assert claim_verdict(claim(kind="equal"), [found], 0.0) == said


# --- from recordings to rows -----------------------------------------------------------------


def test_a_claim_is_measured_where_it_is_recorded(tmp_path: Path) -> None:
    record(tmp_path, {"good": 0.9, "bad": 0.6})
    table = ledger([claim()], tmp_path)
    assert table.corpus.tolist() == ["MAV-Celeb v1", "twin"]
    assert table.verdict.tolist() == ["not recorded yet", "holds"]
    assert "--preset paper --arms good bad --seeds 5" in table.command[0]
    assert table.command[0].endswith("--record data/recorded")
    row = on_the_twin(table)
    arms = runs_of(read_results(tmp_path / "sweep_table9_twin.csv"))
    expected = 100 * difference(arms["good"], arms["bad"], ["mean"]).loc["mean"]
    assert (row.ours, row.low, row.high) == pytest.approx(tuple(expected.iloc[:3]))
    assert row.seeds == 3
    assert row.command == (
        "mraf sweep data/sweeps/table9.toml --data twin --preset quick --arms good bad "
        "--seeds 0-2 --device cpu --record build/again"
    )


def test_the_other_way_round_it_does_not_hold(tmp_path: Path) -> None:
    record(tmp_path, {"good": 0.6, "bad": 0.9})
    assert on_the_twin(ledger([claim()], tmp_path)).verdict == "does not hold as stated"
    assert on_the_twin(ledger([claim(kind="equal")], tmp_path)).verdict == "does not hold as stated"


def test_of_several_rivals_the_nearest_is_shown_and_all_must_be_beaten(tmp_path: Path) -> None:
    record(tmp_path, {"good": 0.9, "bad": 0.5, "near": 0.7})
    both = ledger([claim(over=("bad", "near"))], tmp_path)
    assert on_the_twin(both).ours == pytest.approx(20, abs=3)
    assert on_the_twin(both).verdict == "holds"
    assert on_the_twin(ledger([claim(of="near", over=("bad", "good"))], tmp_path)).verdict == (
        "does not hold as stated"
    )


def test_claims_on_one_table_are_corrected_together(tmp_path: Path) -> None:
    record(tmp_path, {"good": 0.9, "bad": 0.6})
    alone = on_the_twin(ledger([claim()], tmp_path)).p
    three = ledger([claim(name=name) for name in "abc"], tmp_path)
    assert three[three.corpus == "twin"].p.tolist() == pytest.approx([3 * alone] * 3)


@pytest.mark.parametrize("arms", [{"good": 0.9}, {}])
def test_without_all_arms_nothing_is_guessed(tmp_path: Path, arms: dict[str, float]) -> None:
    if arms:
        record(tmp_path, arms)
    row = on_the_twin(ledger([claim()], tmp_path))
    assert row.verdict == "not recorded yet"
    assert np.isnan(row.ours)


def test_one_seed_is_not_enough(tmp_path: Path) -> None:
    record(tmp_path, {"good": 0.9, "bad": 0.6}, seeds=1)
    assert on_the_twin(ledger([claim()], tmp_path)).verdict == "not recorded yet"


def test_systems_of_an_evaluation_are_compared_in_pairs(tmp_path: Path) -> None:
    record(tmp_path, {"good": 0.9, "bad": 0.7})
    file = tmp_path / "sweep_table9_twin.csv"
    made = "mraf evaluate runs/p-0 --record data/recorded/v.csv"
    mean = {"system": "good", "setting": "mean", "seed": 0, "accuracy": 0.9}  # without counts
    rows = pd.concat([pd.read_csv(file), pd.DataFrame([mean])])
    write_results(tmp_path / "v.csv", rows.assign(corpus="twin", preset="paper", command=made))
    (row,) = ledger([claim(sweep="", systems="v")], tmp_path).to_dict("records")
    swept = on_the_twin(ledger([claim()], tmp_path))
    assert [row[name] for name in ("ours", "low", "high", "verdict")] == [
        swept[name] for name in ("ours", "low", "high", "verdict")
    ]
    assert row["command"] == (
        "for S in 0 1 2; do mraf train --preset paper --seed $S --out runs/p-$S && "
        "mraf evaluate runs/p-$S --record build/again/v.csv || exit 1; done"
    )
    with pytest.raises(RunError, match="unknown arm: neither"):
        ledger([claim(sweep="", systems="v", over=("neither",))], tmp_path)
    others = rows[rows.setting != "mean"].assign(preset="quick", command=made)
    write_results(tmp_path / "v.csv", others.assign(corpus="twin", seed=others.seed + 3))
    with pytest.raises(RunError, match=r"v\.csv: .*runs of several kinds"):
        ledger([claim(sweep="", systems="v")], tmp_path)


def test_what_cannot_be_tested_says_why(tmp_path: Path) -> None:
    paper = {"table": 2, "of": "rank 2, MRAF"}
    hidden = claim(sweep="", over=(), untestable="labels are hidden", metric="P4", paper=paper)
    (row,) = ledger([hidden], tmp_path).to_dict("records")
    assert row["verdict"] == "cannot be tested here"
    assert row["untestable"] == "labels are hidden"
    assert row["paper"] == pytest.approx(98.948)


@pytest.mark.parametrize(
    ("section", "whose"),
    [("4.4.1, Table 3", "MRAF"), ("2512.04814", "neighbours"), ("ours, on 3.4", "ours")],
)
def test_whose_a_claim_is_follows_from_where_it_stands(section: str, whose: str) -> None:
    assert claim(section=section).whose == whose


def test_claims_of_one_kind_stand_together(tmp_path: Path) -> None:
    record(tmp_path, {"good": 0.9, "bad": 0.6})
    sections = ["ours", "4", "2512.04814", "3.3"]
    claims = [claim(name=f"c{n}", section=section) for n, section in enumerate(sections)]
    table = ledger(claims, tmp_path)
    found = list(dict.fromkeys(table.claim))
    assert found == ["c1", "c3", "c2", "c0"]
    assert set(table.verdict) <= set(VERDICTS)
    text = module.summary(table)
    assert "MRAF, twin: 2 × holds\n" in text
    assert "ours, MAV-Celeb v1: 1 × not recorded yet\n" in text


# --- golden numbers ----------------------------------------------------------------------------


@pytest.fixture
def now(tmp_path_factory, monkeypatch) -> Callable[[dict], None]:
    """Sets what the arms of table 9 compute now."""
    file = tmp_path_factory.mktemp("now") / "golden.json"

    def write(numbers: dict) -> None:
        file.write_text(json.dumps({f"table9 quick {arm}": n for arm, n in numbers.items()}))

    monkeypatch.setattr("mraf.evidence.golden.find", lambda path: file)
    return write


def remembered(folder: Path, numbers: dict, seeds: int = 3) -> None:
    record(folder, {"good": 0.9, "bad": 0.6}, seeds)
    file = folder / "sweep_table9_twin.csv"
    remember(file, read_results(file), "table9", numbers)


def test_a_row_whose_arm_computes_something_else_now_is_stale(tmp_path: Path, now) -> None:
    then = {"good": {"loss": 1.0, "sum": 2.0}, "bad": {"loss": 3.0, "sum": 4.0}}
    remembered(tmp_path, then)
    now({**then, "bad": {"loss": 3.00001, "sum": 4.0}})  # another machine rounds otherwise
    assert on_the_twin(ledger([claim()], tmp_path)).golden == SAME
    now({**then, "bad": {"loss": 3.1, "sum": 4.0}})
    table = ledger([claim(telling=True)], tmp_path)
    assert on_the_twin(table).golden == STALE
    assert said(on_the_twin(table)) == "holds (stale)"
    assert "holds (stale)" in module.summary(table)
    assert said(table.iloc[0]) == "not recorded yet"


def test_where_numbers_are_unknown_nothing_is_said_of_them(tmp_path: Path, now) -> None:
    record(tmp_path, {"good": 0.9, "bad": 0.6})
    now({})
    assert on_the_twin(ledger([claim()], tmp_path)).golden == ""
    remembered(tmp_path, {"good": {"loss": 1.0}, "bad": {"loss": 2.0}})
    assert on_the_twin(ledger([claim()], tmp_path)).golden == ""


def test_an_arm_is_stale_until_all_its_seeds_are_recorded_anew(tmp_path: Path, now) -> None:
    old, new = ({arm: {"loss": loss} for arm in ("good", "bad")} for loss in (1.0, 2.0))
    now(new)
    remembered(tmp_path, old)
    file = tmp_path / "sweep_table9_twin.csv"
    rows = read_results(file)
    remember(file, rows[rows.seed < 2], "table9", new)
    assert on_the_twin(ledger([claim()], tmp_path)).golden == STALE
    remember(file, rows, "table9", new)
    assert on_the_twin(ledger([claim()], tmp_path)).golden == SAME


@pytest.mark.parametrize(
    "text", ["", "arm\nx", ",".join([*ARM, "table", "loss"]) + "\na,b,c,d,x\n"]
)
def test_damaged_golden_numbers_are_told(text: str, tmp_path: Path) -> None:
    record(tmp_path, {"good": 0.9, "bad": 0.6})
    (tmp_path / FILE).write_text(text)
    with pytest.raises(RunError, match=f"{FILE}: no readable table of golden numbers"):
        ledger([claim()], tmp_path)


def test_every_recorded_arm_has_its_golden_numbers() -> None:
    """Where this fails: `python scripts/golden.py --recorded`, or record the arm anew."""
    kept = Golden(RECORDED)
    now = json.loads((ROOT / NOW).read_text(encoding="utf-8"))
    for file in [*RECORDED.glob("sweep_*.csv"), *RECORDED.glob("robustness_*.csv")]:
        for (preset, arm), _ in read_results(file).groupby(["preset", "system"]):
            assert kept.of(file.stem, preset, [arm]) == SAME, (file.name, preset, arm)
    assert {f"{row.table} {row.Index[1]} {row.Index[2]}" for row in kept.then.itertuples()} <= set(
        now
    )


# --- claims that are wrong ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"over": ()}, "nothing could refute it"),
        ({"sweep": ""}, "name a sweep, systems, a study or why"),
        ({"untestable": "why"}, "name a sweep, systems, a study or why"),
        ({"metric": "P7"}, "unknown metric"),
        ({"kind": "nicer"}, "'better' or 'equal'"),
        ({"damage": "swapped face x"}, "an amount from 0 to 1"),
        ({"damage": "swapped face 3"}, "an amount from 0 to 1"),
        ({"of": 3}, "'of' must be text"),
        ({"over": (3,)}, "'over' must be a name"),
        ({"telling": "no"}, "'telling' must be true or false"),
        ({"paper": {"of": "MRAF"}}, "'paper' must be as in"),
        ({"paper": {"table": 3}}, "'paper' must be as in"),
        ({"sweep": "", "study": "doors", "row": 3}, "'row' must be values by column"),
    ],
)
def test_a_claim_that_nothing_could_refute_is_none(fields: dict, message: str) -> None:
    with pytest.raises(RunError, match=message):
        claim(**fields)


def test_a_claim_names_rows_of_the_paper() -> None:
    with pytest.raises(RunError, match="the paper's table has no row 'Magic'"):
        _ = claim(paper={"table": 3, "of": "Magic"}).published
    in_study = {"sweep": "", "study": "doors", "row": ROW, "metric": "EER"}
    with pytest.raises(RunError, match="unknown metric"):
        claim(**in_study, paper={"table": 3, "of": "Linear"})


WHOLE = "[a]\nsection = '1'\nsays = 'x'\nmetric = 'P3'\nof = 'x'\nsweep = 's'"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a", "not valid TOML"),
        ("a = 1", "is not a claim"),
        ("[a]\nsay = 'x'", "unknown key 'say'"),
        ("[a]\nsays = 'x'", "claim 'a': 'section' is missing"),
        ("# nothing", "declares no claim"),
        (f"{WHOLE}\nover = 3", "claim 'a': 'over' must be a name"),
        (f"{WHOLE}\nover = 'y'\npaper = {{ of = 'x' }}", "claim 'a': 'paper' must be"),
        (f"{WHOLE}\nover = 'y'\ndamage = 'swapped face x'", "claim 'a': damage 'swapped face x'"),
    ],
)
def test_a_damaged_file_of_claims_is_told(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "claims.toml").write_text(text)
    with pytest.raises(RunError, match=rf"claims\.toml: .*{message}"):
        read_claims(tmp_path / "claims.toml")
    with pytest.raises(RunError, match=r"none\.toml: cannot be read"):
        read_claims(tmp_path / "none.toml")


ROW = {"system": "good − bad", "metric": "EER", "targets": "most"}


def study(folder: Path, rows: str) -> None:
    head = "draw,targets,system,metric,value,low,high,p,p_equal,command\n"
    (folder / "doors_twin.csv").write_text(head + rows, encoding="utf-8")


@pytest.mark.parametrize(
    ("smaller", "ours", "verdict"), [(True, 3.0, "holds"), (False, -3.0, "does not hold as stated")]
)
def test_a_claim_on_a_study_reads_its_row(smaller, ours, verdict, tmp_path: Path) -> None:
    study(
        tmp_path,
        "mean,5,good − bad,EER,0.1,0.0,0.2,1,1,x\n"
        "mean,40,good − bad,OSCR,0.1,0.0,0.2,1,1,x\n"
        "mean,40,good − bad,EER,-0.03,-0.05,-0.02,0.001,1,mraf related doors\n",
    )
    asked = claim(sweep="", study="doors", metric="EER", row=ROW, smaller=smaller)
    row = on_the_twin(ledger([asked], tmp_path))
    assert row.verdict == verdict
    assert [row.ours, row.low, row.high] == pytest.approx(
        [ours, *sorted((2.0 * np.sign(ours), 5.0 * np.sign(ours)))]
    )
    assert row.command == "mraf related doors"


def test_a_study_recorded_in_counts_is_compared_as_a_sweep_is(tmp_path: Path) -> None:
    rows = [
        ("good" if right > 5 else "bad", seed, state, "P3", 80, 8 * right,
         " ".join([str(right)] * 8), " ".join(["10"] * 8), "quick", "mraf related doors")
        for state, pair in (("open", (9, 4)), ("shut", (6, 5)))
        for right in pair
        for seed in range(3)
    ]  # fmt: skip
    columns = ["system", "seed", "condition", "setting", "clips", "correct", "correct_per_video",
               "clips_per_video", "preset", "command"]  # fmt: skip
    table, file = pd.DataFrame(rows, columns=columns), tmp_path / "doors_twin.csv"
    table = table.assign(corpus="twin", split="validation")
    write_results(file, table)
    asked = claim(sweep="", study="doors", metric="P3", of="good", over=("bad",),
                  row={"condition": "open"})  # fmt: skip
    row = on_the_twin(ledger([asked], tmp_path))
    assert [row.ours, row.low, row.high, row.seeds] == pytest.approx([50, 50, 50, 3])
    assert (row.preset, row.command, row.verdict) == ("quick", "mraf related doors", "holds")
    with pytest.raises(RunError, match="unknown arm: best"):
        ledger([asked.model_copy(update={"over": ("best",)})], tmp_path)
    write_results(file, table.assign(correct=3))
    with pytest.raises(RunError, match="line 2: the counts of the videos do not add up"):
        ledger([asked], tmp_path)


def test_a_study_that_is_not_recorded_is_said_and_an_unclear_row_refused(tmp_path: Path) -> None:
    asked = claim(sweep="", study="doors", metric="EER", row=ROW)
    table = ledger([asked], tmp_path)
    assert set(table.verdict) == {"not recorded yet"}
    assert set(table.command) == {
        "mraf related doors --record data/recorded",
        "mraf related doors --data twin --record data/recorded",
    }
    by_script = claim(sweep="", study="attention", metric="mean", row={"preset": "paper"})
    command = "python scripts/record_attention.py --data twin --preset paper --out data/recorded"
    assert on_the_twin(ledger([by_script], tmp_path)).command == command
    study(tmp_path, 2 * "mean,40,good − bad,EER,-0.03,-0.05,-0.02,0.001,1,x\n")
    with pytest.raises(RunError, match="picks 2 rows"):
        ledger([asked], tmp_path)
    with pytest.raises(RunError, match="unknown column: shots"):
        ledger([claim(sweep="", study="doors", metric="EER", row={"shots": 5})], tmp_path)
    with pytest.raises(RunError, match="belong together"):
        claim(sweep="", study="doors")


@pytest.mark.parametrize("source", [{"systems": "doors_twin"}, {"study": "doors", "row": ROW}])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no readable CSV|not a CSV"),
        (b"\xff\xfe\x00", "no readable CSV|not a CSV"),
        (b"system,metric\ngood,EER\n", "expected the columns|lacks its column 'value'"),
        (b"correct_per_video\n1 2\n", "expected the columns"),
    ],
)
def test_a_damaged_record_is_told_with_file_and_claim(
    source: dict, content: bytes, message: str, tmp_path: Path
) -> None:
    (tmp_path / "doors_twin.csv").write_bytes(content)
    with pytest.raises(RunError, match=rf"doors_twin\.csv: claim 'it' .*({message})"):
        ledger([claim(sweep="", **source)], tmp_path)


def replaced_by_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def dangling(file: Path) -> None:
    file.unlink()
    file.symlink_to("nowhere")


def only_the_head(file: Path) -> None:
    file.write_text(file.read_text().splitlines()[0] + "\n")


def changed(old: str, new: str) -> Callable[[Path], None]:
    def change(file: Path) -> None:
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    return change


SPOILT = {
    "a folder": (replaced_by_a_folder, "not a regular file"),
    "a link to nothing": (dangling, "not a regular file"),
    "empty": (lambda file: file.write_bytes(b""), "not a CSV of results"),
    "no rows": (only_the_head, "holds no rows"),
    "of another corpus": (changed(",twin,", ",MAV-Celeb v1,"), "holds results on MAV-Celeb v1"),
    "half a clip": (changed(",320,", ",320.5,"), "line 2: 'clips' is 320.5, not a whole number"),
    "text": (changed(",320,", ",many,"), "expected numbers in 'clips'"),
    "beyond 1": (changed(",0.", ",12."), "line 2: 'accuracy' is 12.*, not a fraction"),
}


@pytest.mark.parametrize(("spoil", "message"), SPOILT.values(), ids=SPOILT)
def test_a_damaged_sweep_is_named_not_ignored(spoil, message: str, tmp_path: Path) -> None:
    record(tmp_path, {"good": 0.9, "bad": 0.5})
    spoil(tmp_path / "sweep_table9_twin.csv")
    with pytest.raises(RunError, match=rf"sweep_table9_twin\.csv.*{message}"):
        ledger([claim()], tmp_path)


@pytest.mark.parametrize("spoil", [replaced_by_a_folder, dangling, only_the_head])
def test_a_damaged_study_is_named_not_ignored(spoil, tmp_path: Path) -> None:
    study(tmp_path, "mean,40,good − bad,EER,-0.03,-0.05,-0.02,0.001,1,x\n")
    (file,) = tmp_path.iterdir()
    spoil(file)
    with pytest.raises(RunError, match=rf"{file.name}: (not a regular file|holds no rows)"):
        ledger([claim(sweep="", study="doors", metric="EER", row=ROW)], tmp_path)


def test_where_there_is_no_folder_nothing_is_written(tmp_path: Path, capsys) -> None:
    written = ["--out", str(tmp_path / "l.csv")]
    assert main(["ledger", "--recorded", str(tmp_path / "nosuch"), *written]) == 2
    assert "nosuch: no folder of recorded results" in capsys.readouterr().err
    assert not (tmp_path / "l.csv").exists()


# --- the committed claims, ledger and README -----------------------------------------------------


def test_there_are_enough_claims_and_each_names_arms_that_exist() -> None:
    assert len([claim for claim in CLAIMS if not claim.untestable]) >= 15
    telling = [claim.whose for claim in CLAIMS if claim.telling]
    assert {whose: telling.count(whose) for whose in WHOSE} == {
        "MRAF": 9,
        "neighbours": 4,
        "ours": 5,
    }
    for claim in CLAIMS:
        assert claim.published is None or -1 <= claim.published <= 1
        if claim.sweep:
            table = read_table(ROOT / f"data/sweeps/{claim.sweep}.toml", "paper")
            trained = {name.removesuffix("+agreement") for name in (claim.of, *claim.over)}
            assert trained <= {arm.name for arm in table.arms}, claim.name


def test_the_committed_ledger_is_what_the_recorded_results_give(tmp_path: Path, capsys) -> None:
    """Where this fails: `make claims`."""
    committed = RECORDED / "ledger.csv"
    if not committed.is_file():
        pytest.skip("no ledger is recorded yet")
    assert main(["ledger", "--out", str(tmp_path / "ledger.csv")]) == 0
    assert "×" in capsys.readouterr().out
    expected, found = (pd.read_csv(file) for file in (committed, tmp_path / "ledger.csv"))
    assert STALE not in set(expected.golden)
    numbers = ["paper", "ours", "low", "high", "p"]  # the last digit may differ between machines
    pd.testing.assert_frame_equal(found.drop(columns=numbers), expected.drop(columns=numbers))
    pd.testing.assert_frame_equal(found[numbers], expected[numbers], atol=0.02, rtol=0)
