"""Sweeps: what is declared, what is run and kept, what is recorded."""

from __future__ import annotations

import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from logging import CRITICAL
from pathlib import Path
from signal import SIGKILL

import pandas as pd
import pytest
from filelock import FileLock

from mraf.cli.main import main
from mraf.errors import MrafError, RunError
from mraf.evaluation.records import read_results
from mraf.evidence.sweeps.sweep import Sweep, parse_seeds
from mraf.evidence.sweeps.tables import read_table, table_file
from mraf.evidence.sweeps.tasks import numbers_of, run_tasks
from mraf.evidence.sweeps.workers import Cluster, Processes, WorkerDied
from mraf.training.config import PRESETS, RECIPES

SHIPPED = sorted((Path(__file__).parents[2] / "data" / "sweeps").glob("*.toml"))
SIZE = 'width = 16, tokens = 2, heads = 2, precision = "float32"'


def declare(file: Path, **arms: str) -> Path:
    """A table of tiny networks; each arm is given by its further settings."""
    lines = ['title = "T"', 'source = "ours"', f'reference = "{next(iter(arms))}"']
    for name, settings in arms.items():
        if "epochs" not in settings:
            settings = f"epochs = 1, {settings}".rstrip(", ")
        lines += [f"[arms.{name}]", f'label = "the {name}"', f"set = {{ {SIZE}, {settings} }}"]
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


class InProcess:
    """One worker that is this process; it notes the tasks it was given."""

    jobs = 1

    def __init__(self) -> None:
        self.tasks, self.stacks = [], []

    def call(self, function, *arguments):
        if function is run_tasks:
            (tasks,) = arguments
            if tasks[0].plain:
                self.stacks.append(len(tasks))
            else:
                self.tasks += tasks
        return function(*arguments)

    def close(self):
        pass


def sweep(
    folder: Path, *files: Path, source: Path, workers=None, seeds=range(2), stack=None
) -> Sweep:
    tables, workers = [read_table(file, "quick") for file in files], workers or InProcess()
    of = {"seeds": seeds, "source": str(source), "folder": folder, "stack": stack}
    return Sweep(tables, workers, device="cpu", **of)


# --- what is declared ------------------------------------------------------------------------


def test_a_table_is_named_or_given_by_its_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shipped = next(file for file in SHIPPED if file.stem == "table4")
    for name in ("table4", "table4.toml", "data/sweeps/table4.toml"):
        assert table_file(name).resolve() == shipped
    for name in ("elsewhere/table4.toml", "table4.csv", "table99"):
        assert table_file(name) == Path(name)
    own = declare(tmp_path / "table4.toml", a="")
    assert table_file("table4.toml").resolve() == own  # a file that is there comes first


@pytest.mark.parametrize("preset", PRESETS)
def test_every_table_of_the_paper_can_be_run(preset):
    tables = {file.stem: read_table(file, preset) for file in SHIPPED}
    assert {"table3", "table4", "figure3", "losses", "architecture", "inputs", "team"} <= set(
        tables
    )
    for table in tables.values():
        reference = next(arm for arm in table.arms if arm.name == table.reference)
        if reference.name != "p02":  # says what the preset does
            assert reference.settings == {}, table.name
        assert len({arm.label for arm in table.arms}) == len(table.arms) >= 2


def test_settings_of_a_preset_hold_under_that_preset_alone(tmp_path):
    (tmp_path / "t.toml").write_text(
        'title = "T"\nsource = "ours"\nreference = "a"\n'
        '[arms.a]\nlabel = "a"\nset = { tokens = 3 }\npaper = { batch_size = 32 }\n'
        '[arms.b]\nlabel = "b"\npaper = { learning_rate = 5e-5 }\n'
    )
    quick, paper = (read_table(tmp_path / "t.toml", preset).arms for preset in ("quick", "paper"))
    assert [(arm.name, arm.settings) for arm in quick] == [("a", {"tokens": 3})]
    assert [arm.name for arm in paper] == ["a", "b"]
    assert paper[0].settings == {"tokens": 3, "batch_size": 32}


def test_an_arm_may_change_a_recipe(tmp_path):
    (tmp_path / "t.toml").write_text(
        'title = "T"\nsource = "ours"\nreference = "a"\n[arms.a]\nlabel = "a"\nset = {}\n'
        '[arms.b]\nlabel = "b"\nrecipe = "best"\nset = { shortcut = "raw" }\n'
    )
    changed = read_table(tmp_path / "t.toml", "quick").arms[1].settings
    assert changed == {**RECIPES["best"], "shortcut": "raw"}


HEAD = 'title = "T"\nsource = "ours"\nreference = "a"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD + '[arms.a]\nlabel = "A"\nset = { token = 1 }', ["arm 'a'", "token", "tokens"]),
        (HEAD + '[arms.a]\nlabel = "A"\nset = { tokens = "x" }', ["arm 'a'", "tokens=x"]),
        (HEAD + '[arms.a]\nlabel = "A"\nset = { seed = 1 }', ["arm 'a'", "seed"]),
        (HEAD + '[arms.a]\nlabel = "A"\nset = { split_seed = 1 }', ["arm 'a'", "split_seed"]),
        (HEAD + '[arms.a]\nlabel = "A"\nrecipe = "b"', ["arm 'a'", "no recipe 'b'", "team, best"]),
        (HEAD + '[arms.a]\nlabel = "A"\nset = 3', ["arm 'a'", "'set' must be a table"]),
        (HEAD + '[arms.a]\nlabel = "A"\nst = {}', ["arm 'a'", "'st'"]),
        (HEAD + "[arms.a]\nset = {}", ["arm 'a'", "'label' is missing"]),
        (HEAD + '[arms.b]\nlabel = "B"\nset = {}', ["reference 'a'", "b"]),
        (HEAD + '[arms.a]\nlabel = "A"\n[arms.a]\nlabel = "B"', ["TOML", "a"]),
        (HEAD + '[arms."a b"]\nlabel = "A"\nset = {}', ["arm 'a b'", "letters"]),
        (HEAD + '[arms.a]\nlabel = "A"\nset = {}\n[arms.b]\nlabel = "A"\nset = {}', ["arm 'b'"]),
        (HEAD + 'arms = "a"', ["'arms' must be a table"]),
        (HEAD, ["'arms' is missing"]),
        (HEAD + "[arms]\na = 3", ["arm 'a'", "expected a table"]),
        ("title = ", ["TOML"]),
    ],
)
def test_a_wrong_declaration_is_one_line_that_names_file_and_arm(text, words, tmp_path, capsys):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    assert main(["sweep", str(file), "--folder", str(tmp_path / "runs")]) == 2
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    for word in ["mine.toml", *words]:
        assert word in printed
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["{tmp}/none.toml"], ["none.toml"]),
        (["{tmp}/a.toml", "--preset", "papr"], ["papr"]),
        (["{tmp}/a.toml", "--seeds", "0"], ["--seeds 0"]),
        (["{tmp}/a.toml", "--seeds", "5-3"], ["--seeds 5-3"]),
        (["{tmp}/a.toml", "--seeds", "x"], ["--seeds x"]),
        (["{tmp}/a.toml", "--jobs", "0"], ["--jobs 0"]),
        (["{tmp}/a.toml", "--stack", "0"], ["--stack 0"]),
        (["{tmp}/a.toml", "--cluster", "host:1"], ["dask://"]),
        (["{tmp}/a.toml", "--arms", "z"], ["'z'", "a"]),
        (["{tmp}/a.toml", "{tmp}/b/a.toml"], ["two tables", "a"]),
        (["{tmp}/a.toml", "--folder", "{tmp}/a.toml"], ["a.toml"]),
    ],
)
def test_wrong_options_are_one_line(options, words, tmp_path, capsys):
    (tmp_path / "b").mkdir()
    declare(tmp_path / "a.toml", a="")
    declare(tmp_path / "b" / "a.toml", a="")
    options = [word.format(tmp=tmp_path) for word in options]
    assert main(["sweep", *options, "--data", "twin"]) == 2
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    for word in words:
        assert word in printed


def test_seeds_are_a_number_or_a_range():
    assert list(parse_seeds("3")) == [0, 1, 2]
    assert list(parse_seeds("3-4")) == [3, 4]
    for many in ("9999999999", "9" * 5000):  # as a list they would fill the memory
        with pytest.raises(RunError, match="--seeds 9"):
            parse_seeds(many)


# --- what is run and kept --------------------------------------------------------------------


def test_tables_share_runs_and_early_results_are_paired(tmp_path, official_folder):
    first = declare(tmp_path / "first.toml", a="", b="kd_weight = 0")
    second = declare(tmp_path / "second.toml", c="", d="center_weight = 0")
    done = sweep(tmp_path / "runs", first, second, source=official_folder)
    assert done.run(progress=False) == {}
    assert [task.config.training.seed for task in done.workers.tasks] == [0, 0, 0, 1, 1, 1]
    for table in done.tables:
        assert list(done.summary(table)["runs"]) == [2, 2]
    a, c = (next(done.finished(table))[-1] for table in done.tables)
    assert a == c


def test_an_interrupted_sweep_continues_and_does_a_damaged_run_again(tmp_path, official_folder):
    file = declare(tmp_path / "t.toml", a="")

    class Interrupted(InProcess):
        def call(self, function, *arguments):
            if len(self.tasks) == 2:
                raise KeyboardInterrupt
            return super().call(function, *arguments)

    runs, seeds = tmp_path / "runs", range(4)
    stopped = sweep(runs, file, source=official_folder, workers=Interrupted(), seeds=seeds)
    with pytest.raises(KeyboardInterrupt):
        stopped.run(progress=False)
    kept = sorted(runs.glob("*.json"))
    assert len(kept) == 2
    kept[0].write_text('{"correct": ')
    again = sweep(runs, file, source=official_folder, seeds=seeds)
    assert again.run(progress=False) == {}
    assert len(again.workers.tasks) == 3
    assert len(list(again.finished(again.tables[0]))) == 4


def test_a_run_that_another_sweep_is_doing_is_left_to_it(tmp_path, official_folder):
    file = declare(tmp_path / "t.toml", a="")
    other = sweep(tmp_path / "other", file, source=official_folder)
    other.run(progress=False)
    mine = sweep(tmp_path / "mine", file, source=official_folder)
    claimed, free = (task.id for task in mine.tasks)
    claim = FileLock(tmp_path / "mine" / f"{claimed}.lock", thread_local=False)
    claim.acquire()

    class OtherFinishesMeanwhile(InProcess):
        def call(self, function, *arguments):
            kept = tmp_path / "other" / f"{claimed}.json"
            (tmp_path / "mine" / kept.name).write_bytes(kept.read_bytes())
            claim.release()
            return super().call(function, *arguments)

    mine.workers = OtherFinishesMeanwhile()
    assert mine.run(progress=False) == {}
    assert [task.id for task in mine.workers.tasks] == [free]
    assert len(list(mine.finished(mine.tables[0]))) == 2


def test_other_features_are_other_runs(tmp_path, official_folder):
    from official import random_corpus, write_official

    other_folder = write_official(tmp_path / "other", random_corpus(speakers=5))
    file = declare(tmp_path / "t.toml", a="")
    one, other = (
        sweep(tmp_path / "runs", file, source=source) for source in (official_folder, other_folder)
    )
    assert not {task.id for task in one.tasks} & {task.id for task in other.tasks}


def test_automatic_precision_is_part_of_what_a_run_is(tmp_path, official_folder):
    file = declare(tmp_path / "t.toml", a="", b="kd_weight = 0")
    file.write_text(file.read_text().replace('"float32"', '"auto"', 1))
    of = {}
    for precision in ("float32", "bfloat16"):
        on = sweep(tmp_path / "runs", file, source=official_folder, seeds=range(1))
        on.material = replace(on.material, precision=precision)
        auto, explicit = on.tasks
        assert auto.config.training.precision == precision
        assert explicit.config.training.precision == "float32"
        of[precision] = auto.id, explicit.id
    assert of["float32"][0] != of["bfloat16"][0]
    assert of["float32"][1] == of["bfloat16"][1]


def test_a_corpus_or_device_that_the_worker_lacks_is_told(tmp_path, official_folder):
    tables = [read_table(declare(tmp_path / "t.toml", a=""), "quick")]
    for lacking in ({"source": str(tmp_path / "none")}, {"source": "twin", "device": "tpu"}):
        with pytest.raises(MrafError, match=r"none|tpu"):
            Sweep(tables, InProcess(), folder=tmp_path, **lacking)


def test_a_sweep_of_which_nothing_is_done_has_an_empty_summary(tmp_path, official_folder):
    idle = sweep(tmp_path, declare(tmp_path / "t.toml", a=""), source=official_folder)
    assert idle.summary(idle.tables[0]).empty


@pytest.mark.parametrize("counts", [None, [99] * 18, [0], ["x"] * 18])
def test_a_kept_run_that_cannot_be_is_done_again(counts, tmp_path, official_folder):
    file = declare(tmp_path / "t.toml", a="")
    done = sweep(tmp_path / "runs", file, source=official_folder, seeds=range(1))
    done.run(progress=False)
    (kept,) = (tmp_path / "runs").glob("*.json")
    outcome = json.loads(kept.read_text())
    kept.write_text(json.dumps(outcome | {"correct": outcome["correct"] | {"P5": counts}}))
    assert list(done.finished(done.tables[0])) == []
    assert done.run(progress=False) == {}
    assert json.loads(kept.read_text())["correct"] == outcome["correct"]


def test_a_worker_with_other_mathematics_is_told_so(tmp_path, official_folder):
    file = declare(tmp_path / "t.toml", a="")
    asked = sweep(tmp_path / "runs", file, source=official_folder, seeds=range(1))
    (task,) = asked.tasks
    with pytest.raises(RunError, match="another version of mraf or torch"):
        run_tasks([replace(task, numbers={"initial sum": 1.0})])


def test_other_mathematics_makes_a_kept_run_void(tmp_path, official_folder, monkeypatch):
    file = declare(tmp_path / "t.toml", a="")
    done = sweep(tmp_path / "runs", file, source=official_folder, seeds=range(1))
    assert done.run(progress=False) == {}
    again = sweep(tmp_path / "runs", file, source=official_folder, seeds=range(1))
    assert len(list(again.finished(again.tables[0]))) == 1
    monkeypatch.setattr("mraf.losses.distillation_loss", lambda t, s, _: (t - s).square().mean())
    numbers_of.cache_clear()
    other = sweep(tmp_path / "runs", file, source=official_folder, seeds=range(1))
    assert list(other.finished(other.tables[0])) == []
    numbers_of.cache_clear()


def test_a_local_worker_that_dies_is_replaced_and_takes_no_other_with_it():
    def slowly():
        time.sleep(1)
        return os.getpid()

    workers = Processes(2)
    try:
        with ThreadPoolExecutor() as threads:
            lives = threads.submit(workers.call, slowly)
            with pytest.raises(WorkerDied, match="out of memory"):
                workers.call(os._exit, 1)
            process = lives.result()
            both = [threads.submit(workers.call, slowly) for _ in range(2)]
            found = {future.result() for future in both}
            assert process in found
            assert len(found) == 2
    finally:
        workers.close()


def test_a_run_whose_worker_dies_twice_has_failed_and_an_interrupt_ends_all(
    tmp_path, official_folder
):
    class Dies(InProcess):
        def call(self, function, *arguments):
            found = super().call(function, *arguments)
            if function is run_tasks:
                raise WorkerDied
            return found

    file = declare(tmp_path / "t.toml", a="")
    failing = sweep(tmp_path, file, source=official_folder, workers=Dies(), seeds=range(1))
    (reason,) = failing.run(progress=False).values()
    assert "out of memory" in reason
    assert len(failing.workers.tasks) == 2
    workers = Processes(1)
    threading.Timer(0.5, workers.close).start()
    with pytest.raises(WorkerDied):
        workers.call(time.sleep, 60)


def test_on_a_cluster_a_killed_worker_loses_no_run(tmp_path, official_folder):
    distributed = pytest.importorskip("distributed")
    file = declare(tmp_path / "t.toml", a="epochs = 20", b="epochs = 20, kd_weight = 0")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=CRITICAL
        ) as cluster,
        distributed.Client(cluster) as client,
    ):

        class KillingCluster(Cluster):
            """When the first run is done, the worker of the second one dies in its middle."""

            killed = None

            def call(self, function, *arguments):
                found = super().call(function, *arguments)
                busy = [worker for worker, tasks in client.processing().items() if tasks]
                if busy and self.killed is None:
                    self.killed = client.run(os.getpid)[busy[0]]
                    os.kill(self.killed, SIGKILL)
                return found

        workers = KillingCluster(cluster.scheduler_address.replace("tcp://", "dask://"))
        done = sweep(tmp_path / "runs", file, source=official_folder, workers=workers)
        assert done.run(progress=False) == {}
        assert workers.killed
        assert len(list(done.finished(done.tables[0]))) == 4
        workers.close()


def test_stacked_runs_are_kept_as_those_that_are_done_alone(tmp_path, official_folder):
    arms = {"a": "", "b": "kd_weight = 0", "deep": "layers = 2", "lstm": 'fusion = "lstm"'}
    same = {arm: ", ".join(filter(None, [own, "dropout = 0"])) for arm, own in arms.items()}
    file = declare(tmp_path / "t.toml", **same)  # dropout would draw other masks
    asked = {"source": official_folder, "seeds": range(3)}
    alone = sweep(tmp_path / "alone", file, **asked)
    assert alone.run(progress=False) == {}
    done = sweep(tmp_path / "stacked", file, stack=4, **asked)
    assert done.run(progress=False) == {}
    for one, other in zip(*(of.finished(of.tables[0]) for of in (alone, done)), strict=True):
        assert one[:2] == other[:2]
        assert one[2]["correct"] == other[2]["correct"]
    assert sorted(done.workers.stacks) == [2, 3, 4]
    assert len(done.workers.tasks) == 3  # PyTorch has no rule to stack an LSTM


def test_a_seed_in_a_stack_is_the_same_in_other_company_and_not_the_run_alone(
    tmp_path, official_folder
):
    file = declare(tmp_path / "t.toml", a="dropout = 0.3")
    asked = {"source": official_folder, "stack": 2}
    both = sweep(tmp_path / "both", file, seeds=range(2), **asked)
    one = sweep(tmp_path / "one", file, seeds=range(1, 2), **asked)
    plain = sweep(tmp_path / "both", file, seeds=range(1, 2), source=official_folder)
    assert both.run(progress=False) == one.run(progress=False) == {}
    in_company, alone = ([*of.finished(of.tables[0])][-1][2]["correct"] for of in (both, one))
    assert in_company == alone
    assert list(plain.finished(plain.tables[0])) == []  # shares the folder, not the outcome
    (row, *_) = both._rows(both.tables[0])
    assert row["command"].endswith("--stack 2")


def test_a_stack_that_fails_as_a_whole_is_done_run_by_run(tmp_path, official_folder):
    class TooBig(InProcess):
        def call(self, function, *arguments):
            if function is run_tasks and len(arguments[0]) > 1:
                raise WorkerDied
            return super().call(function, *arguments)

    file = declare(tmp_path / "t.toml", a="", broken='head = "ham", curvature = 0.5')
    done = sweep(tmp_path, file, source=official_folder, workers=TooBig(), stack=4)
    with pytest.warns(UserWarning, match="each is done alone"):
        assert len(done.run(progress=False)) == 2
    assert len(list(done.finished(done.tables[0]))) == 2


def test_without_a_scheduler_it_says_so():
    pytest.importorskip("distributed")
    with pytest.raises(RunError, match="no scheduler answers"):
        Cluster("dask://127.0.0.1:9", timeout=1)


# --- what is recorded ------------------------------------------------------------------------

VARYING = ["seconds", "commit"]


def test_a_sweep_is_recorded_a_failed_arm_reported_and_a_row_made_again(
    tmp_path, official_folder, capsys, monkeypatch
):
    monkeypatch.setenv("MRAF_DATA", str(official_folder))
    file = declare(
        tmp_path / "t.toml", a="", b="kd_weight = 0", broken='head = "ham", curvature = 0.5'
    )
    command = ["sweep", str(file), "--seeds", "2", "--jobs", "1"]
    first = [*command, "--folder", str(tmp_path / "runs"), "--record", str(tmp_path / "first")]
    assert main(first) == 1
    printed = capsys.readouterr()
    assert "the a" in printed.out
    for seed in (0, 1):
        assert f"arm 'broken', seed {seed}: curvature=0.5: must" in printed.err
    rows = read_results(tmp_path / "first" / "sweep_t_mavceleb_v1.csv")
    assert list(rows["system"]) == ["a"] * 8 + ["b"] * 8
    assert list(rows["seed"][:8]) == [0] * 4 + [1] * 4
    assert [len(counts) for counts in rows["correct_per_video"][:4]] == [6, 6, 18, 18]
    assert str(official_folder) not in " ".join(rows["command"])
    # the command of a row makes the row again, in whatever process
    monkeypatch.setattr("mraf.evidence.sweeps.workers.Processes", lambda jobs: InProcess())
    again = [*rows.loc[12, "command"].split()[1:], "--jobs", "1"]
    again += ["--folder", str(tmp_path / "fresh"), "--record", str(tmp_path / "again")]
    assert main(again) == 0
    second = read_results(tmp_path / "again" / "sweep_t_mavceleb_v1.csv")
    expected = rows[12:].drop(columns=VARYING).reset_index(drop=True)
    pd.testing.assert_frame_equal(second.drop(columns=VARYING), expected)


def test_recording_again_replaces_rows_and_keeps_others(tmp_path, official_folder):
    wide, narrow = declare(tmp_path / "t.toml", a="", b="kd_weight = 0"), range(1)
    out = tmp_path / "recorded"
    both = sweep(tmp_path / "runs", wide, source=official_folder)
    both.run(progress=False)
    (file,) = both.record(out)
    before = file.read_text()
    assert both.record(out) == [file]
    assert file.read_text() == before
    declare(tmp_path / "t.toml", a="", c="center_weight = 0")
    other = sweep(tmp_path / "runs", wide, source=official_folder, seeds=narrow)
    other.run(progress=False)
    other.record(out)
    runs = read_results(file).drop_duplicates(["system", "seed"])
    assert list(zip(runs["system"], runs["seed"], strict=True)) == [
        ("a", 0),
        ("a", 1),
        ("c", 0),
        ("b", 0),
        ("b", 1),
    ]


def test_a_record_keeps_the_golden_numbers_of_its_arms(tmp_path, official_folder):
    table, out = declare(tmp_path / "t.toml", a="", b="kd_weight = 0"), tmp_path / "recorded"
    both = sweep(tmp_path / "runs", table, source=official_folder, seeds=range(1))
    both.run(progress=False)
    (file,) = both.record(out)
    kept = pd.read_csv(out / "golden_of_arms.csv").set_index("arm")
    assert list(kept.index) == ["a", "b"]
    assert set(kept.file) == {file.stem}
    for task, ((_, arm, _),) in both.tasks.items():
        assert kept.loc[arm.name, list(task.numbers)].to_dict() == pytest.approx(task.numbers)


def test_of_what_is_not_done_nothing_is_recorded(tmp_path, official_folder):
    failed = declare(tmp_path / "t.toml", broken='head = "ham", curvature = 0.5')
    none = sweep(tmp_path / "runs", failed, source=official_folder, seeds=range(1))
    assert len(none.run(progress=False)) == 1
    assert none.record(tmp_path / "recorded") == []
    assert not (tmp_path / "recorded").exists()


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("correct_per_video", "1 x", ["line 3", "no counts"]),
        ("correct_per_video", "1 1", ["line 3", "6 videos"]),
        ("correct_per_video", "99 0 0 0 0 0", ["line 3", "6 videos"]),
        ("correct", "25", ["line 3", "do not add up"]),
        ("clips_per_video", "", ["line 3", "no videos"]),
        ("accuracy", "most", ["numbers in 'accuracy'"]),
        ("setting", "P3", ["line 3", "twice"]),
    ],
)
def test_a_damaged_record_is_told_by_its_line(column, value, words, tmp_path, official_folder):
    done = sweep(
        tmp_path / "runs",
        declare(tmp_path / "t.toml", a=""),
        source=official_folder,
        seeds=range(1),
    )
    done.run(progress=False)
    (file,) = done.record(tmp_path)
    rows = pd.read_csv(file, dtype=str)
    rows.loc[1, column] = value
    rows.to_csv(file, index=False)
    with pytest.raises(RunError) as told:
        read_results(file)
    for word in [file.name, *words]:
        assert word in str(told.value)


def test_no_record_and_another_table_are_told(tmp_path):
    with pytest.raises(RunError, match=r"no\.csv"):
        read_results(tmp_path / "no.csv")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(RunError, match="expected the columns system"):
        read_results(tmp_path / "other.csv")
