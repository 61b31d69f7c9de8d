"""Bad input of every kind, given to every command: one clear line, exit code 2, nothing changed."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from inspect import isfunction
from pathlib import Path

import numpy as np
import pytest
from house import EMBED, TINY, build, snapshot

from mraf.cli import commands
from mraf.cli.main import main

TRAIN = f"train --data data {TINY} --out new"
LIST = "data/csv_files/comp/v1_train_English.csv"
TEST = "data/csv_files/comp/v1_test_English.csv"
SUBMISSION = "submission/submission_v1_test_P3.csv"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    return build(tmp_path_factory.mktemp("house"))


@dataclass(frozen=True)
class Case:
    """What is damaged, what is typed, and what the one line must say."""

    name: str
    command: str
    says: str
    damage: Callable[[], object] = lambda: None


def text(file: str, old: str, new: str, count: int = 1) -> Callable[[], object]:
    """Replaces a piece of a text file, which must be there."""

    def damage() -> None:
        content = Path(file).read_text(encoding="utf-8")
        assert old in content
        Path(file).write_text(content.replace(old, new, count), encoding="utf-8")

    return damage


def whole(file: str, content: str | bytes) -> Callable[[], object]:
    def damage() -> None:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        raw = content.encode() if isinstance(content, str) else content
        Path(file).write_bytes(raw)

    return damage


def gone(*files: str) -> Callable[[], object]:
    def damage() -> None:
        for file in files:
            shutil.rmtree(file) if Path(file).is_dir() else Path(file).unlink()

    return damage


def vector(values: object, kind: str = "facenetfeats/v1/faces") -> Callable[[], object]:
    """Puts another array in the place of the first training clip's."""

    def damage() -> None:
        file = sorted(Path(f"data/feats/{kind}").rglob("*.npy"))[0]
        if isinstance(values, bytes):
            file.write_bytes(values)
        else:
            np.save(file, values)

    return damage


def archive(
    *members: tuple[str, bytes | tarfile.TarInfo], kind: str = "tar"
) -> Callable[[], object]:
    def damage() -> None:
        if kind == "zip":
            with zipfile.ZipFile("a.zip", "w") as packed:
                for name, content in members:
                    packed.writestr(name, content)
        else:
            with tarfile.open("a.tar", "w") as packed:
                for name, content in members:
                    if isinstance(content, tarfile.TarInfo):
                        content.name = name
                        packed.addfile(content)
                    else:
                        member = tarfile.TarInfo(name)
                        member.size = len(content)
                        packed.addfile(member, io.BytesIO(content))

    return damage


def link(target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    member = tarfile.TarInfo()
    member.type, member.linkname = kind, target
    return member


def config(**changes: object) -> Callable[[], object]:
    """Changes settings in the run's config.json; None takes one away."""

    def damage() -> None:
        content = json.loads(Path("run/config.json").read_text())
        for name, value in changes.items():
            place = next(p for p in content.values() if isinstance(p, dict) and name in p)
            place[name] = value
            if value is None:
                del place[name]
        Path("run/config.json").write_text(json.dumps(content))

    return damage


def flipped(file: str, place: float) -> Callable[[], object]:
    """One bit of a file, at a share of its length."""

    def damage() -> None:
        raw = bytearray(Path(file).read_bytes())
        raw[int(place * (len(raw) - 1))] ^= 4
        Path(file).write_bytes(bytes(raw))

    return damage


def cut(file: str, share: float) -> Callable[[], object]:
    def damage() -> None:
        raw = Path(file).read_bytes()
        Path(file).write_bytes(raw[: int(share * len(raw))])

    return damage


DATA = "data describe data"
EVALUATE = "evaluate run --data data --device cpu"
SUBMIT = "submit run --data data --device cpu --out new"
SCORE = "score submission --labels labels.csv"
BYTES = os.fsdecode(b"\xff")  # a name that is not UTF-8
UNPACK = "data download new --yes --from-archive"
IMPORT = "data import table.npz"
SWEEP = "sweep table.toml --data data --seeds 1 --device cpu --folder kept"
LEDGER = "ledger --claims claims.toml --recorded records"
HUGE = "9" * 25
DEEP = "[" * 100_000


def header() -> None:
    whole("table.csv", "face,voice,speaker,language,video,key\n")()


def keys() -> None:
    columns = dict(np.load("table.npz"))
    np.savez("table.npz", **columns, key=["same"] * len(columns["video"]))


def clips_anew() -> None:
    """Embeddings are older than their clips, so that they are made again."""
    for file in Path("people/clips").rglob("*.*"):
        os.utime(file, (2e9, 2e9))


def sound(video: str) -> None:
    whole(f"people/clips/0/0/{video}/a.wav", "sound")()


CASES = [
    # what is typed
    Case("nothing", "", "required"),
    Case("unknown command", "fly", "invalid choice"),
    Case("unknown option", f"{TRAIN} --fast", "fast"),
    Case("no out", "train --data data", "--out"),
    Case("no run", "evaluate", "RUN"),
    Case("no related system", "related", "NAME"),
    Case("unknown related system", "related hydra", "invalid choice"),
    Case("unknown figure", "figure loss --out a.svg", "invalid choice"),
    Case("figure of no kind", "figure pipeline --out a.xyz", "xyz"),
    Case("figure into a folder", "figure pipeline --out run", "run"),
    Case("unknown preset", f"{TRAIN} --preset large", "large.*quick"),
    Case("near preset", f"{TRAIN} --preset quik", "quick"),
    Case("unknown recipe", f"{TRAIN} --recipe worst", "invalid choice"),
    Case("unknown device", f"{TRAIN} --device tpu", "tpu"),
    Case("device that is not there", f"{TRAIN} --device cuda:99", "cuda"),
    Case("unknown protocol", f"{EVALUATE} --protocol oracle", "oracle.*leaderboard"),
    Case("unknown protocol to submit", f"{SUBMIT} --protocol oracle", "oracle"),
    Case("unknown split", f"{EVALUATE} --split train", "invalid choice"),
    Case("seeds of words", SWEEP.replace("--seeds 1", "--seeds many"), "many"),
    Case("no seeds", SWEEP.replace("--seeds 1", "--seeds 0"), "seed"),
    Case("seeds backwards", SWEEP.replace("--seeds 1", "--seeds 5-2"), "5-2"),
    Case("no processes", f"{SWEEP} --jobs 0", "0"),
    Case("processes of words", f"{SWEEP} --jobs two", "jobs"),
    Case("cluster of nothing", f"{SWEEP} --cluster=", "cluster"),
    Case("cluster that is no address", f"{SWEEP} --cluster ftp://x", "ftp"),
    # settings
    *(
        Case(f"--set {setting}", f"{TRAIN} --set {setting}", setting.partition("=")[0])
        for setting in (
            *("width=0", "width=-8", "width=x", "width=15", "width=1e3", f"width={HUGE}"),
            *("tokens=0", "layers=-1", "heads=3", "heads=0", "dropout=1.5", "dropout=-0.1"),
            *("dropout=nan", "epochs=0", "epochs=-1", f"epochs={HUGE}", "epochs=1.5"),
            *("batch_size=0", f"batch_size={HUGE}", "learning_rate=0", "learning_rate=-1"),
            *("learning_rate=1e30", "learning_rate=nan", "learning_rate=inf"),
            *("weight_decay=-1", "weight_decay=1e39", "seed=-1", f"seed={HUGE}", "seed=x"),
            *("kd_temperature=0", "kd_temperature=1e-30", "kd_weight=-1", "center_weight=nan"),
            *("p_a=1.5", "p_av=-0.1", "scorer=oracle", "fusion=magic", "missing_face=guess"),
            *("precision=float8", "holdout=perhaps", "margin=-1", "scale=0", "scale=-5"),
            *("network_share=-1", "epsilon=0", "sampling=never"),
            *("speed=5", "=5", "width", "Width=16"),
        )
    ),
    Case("epochs of words", f"{TRAIN} --epochs many", "epochs"),
    Case("seed of words", f"{TRAIN} --seed many", "seed"),
    # paths
    Case("data that is not there", TRAIN.replace("data", "nowhere"), "nowhere"),
    Case(
        "data that is a file",
        DATA.replace(" data", " labels.csv").replace("data d", "data d", 1),
        "labels.csv",
    ),
    Case("data that is empty", "data describe empty", "empty", lambda: Path("empty").mkdir()),
    Case("data of an unknown home", "data describe ~nobody0/data", "~nobody0"),
    Case("data of a long name", f"data describe {'x' * 300}", "x"),
    Case("run that is not there", "evaluate nowhere", "nowhere"),
    Case("run that is a file", "evaluate labels.csv", "labels.csv"),
    Case("run that is no run", "evaluate data", "data"),
    Case("run of an unknown home", "evaluate ~nobody0/run", "~nobody0"),
    Case("run of a long name", f"evaluate {'x' * 300}", "x"),
    Case("out that is a file", TRAIN.replace("--out new", "--out labels.csv"), "labels.csv"),
    Case("out below a file", TRAIN.replace("--out new", "--out labels.csv/run"), "labels.csv"),
    Case("out that holds other files", TRAIN.replace("--out new", "--out data"), "data"),
    Case("out that is a finished run", TRAIN.replace("--out new", "--out run"), "--resume"),
    Case("out of an unknown home", TRAIN.replace("--out new", "--out ~nobody0/r"), "~nobody0"),
    Case(
        "resume with other settings",
        TRAIN.replace("--out new", "--out run --resume --seed 5"),
        "seed",
    ),
    Case("json into a folder", f"{EVALUATE} --json data", "data"),
    Case("json below a file", f"{EVALUATE} --json labels.csv/e", "labels.csv"),
    Case("json over a run's config", f"{EVALUATE} --json run/config.json", "run/config.json"),
    Case(
        "json over a run's weights", f"{EVALUATE} --json run/model.safetensors", "model.safetensors"
    ),
    Case("record over a run's history", f"{EVALUATE} --record run/history.csv", "history.csv"),
    Case("record into a folder", f"{EVALUATE} --record data", "data"),
    Case("record into another table", f"{EVALUATE} --record labels.csv", "labels.csv"),
    Case(
        "record into bytes",
        f"{EVALUATE} --record run/x.csv",
        "x.csv",
        whole("run/x.csv", b"\xff\x00"),
    ),
    Case("json of a long name", f"{EVALUATE} --json {'x' * 300}", "x"),
    Case("export without a folder", "export run", "--out"),
    Case("export no run", "export data --out new", "no run here"),
    Case("export over other things", "export run --out data", "not an export"),
    Case("export into a file", "export run --out labels.csv", "labels.csv"),
    Case("submit into a file", SUBMIT.replace("new", "labels.csv"), "labels.csv"),
    Case("submit below a file", SUBMIT.replace("new", "labels.csv/s"), "labels.csv"),
    Case("ledger over a run's config", f"{LEDGER} --out run/config.json", "config.json"),
    Case("ledger into a folder", f"{LEDGER} --out data", "data"),
    # lists
    Case("empty list", DATA, "v1_train_English.csv", whole(LIST, "")),
    Case(
        "header alone",
        DATA,
        "v1_train_English.csv",
        lambda: whole(LIST, Path(LIST).read_text().split("\n")[0])(),
    ),
    Case("list of bytes", DATA, "v1_train_English.csv", whole(LIST, b"\x00\xff\x00")),
    Case("list in cp1252", DATA, "UTF-8", whole(LIST, b"audio_path,label\ncaf\xe9,0\n")),
    Case(
        "list as a folder",
        DATA,
        "v1_train_English",
        lambda: (Path(LIST).unlink(), Path(LIST).mkdir()),
    ),
    Case("column renamed", DATA, "label", text(LIST, ",label,", ",class,")),
    Case("column twice", DATA, "label", text(LIST, "identity", "label")),
    Case("cell too few", DATA, "line 2", text(LIST, ",id0001,", ",")),
    Case("cell too many", DATA, "line 2", text(LIST, ",id0001,", ",id0001,x,")),
    Case("stray quotation mark", DATA, "line 2", text(LIST, ",id0001,", ',"id0001,')),
    Case("quotation mark within", DATA, "line 2", text(LIST, ",id0001,", ',"id"0001,')),
    Case("line break within", DATA, "line", text(LIST, ",id0001,", ',"id\n0001",')),
    Case("label of words", DATA, "line 2", text(LIST, ",0.0,", ",zero,")),
    Case("label negative", DATA, "line 2", text(LIST, ",0.0,", ",-1,")),
    Case("label half", DATA, "line 2", text(LIST, ",0.0,", ",0.5,")),
    Case("label not a number", DATA, "line 2", text(LIST, ",0.0,", ",nan,")),
    Case("label infinite", DATA, "line 2", text(LIST, ",0.0,", ",inf,")),
    Case("label huge", DATA, "line 2", text(LIST, ",0.0,", ",1e30,")),
    Case("label empty", DATA, "line 2", text(LIST, ",0.0,", ",,")),
    Case("label that leaves a gap", DATA, "speaker", text(LIST, ",0.0,", ",9.0,")),
    Case("path out of the folder", DATA, "line 2", text(LIST, "ecappafeats/v1", "../../../etc/v1")),
    Case("path that is absolute", DATA, "line 2", text(LIST, "./ecappafeats/v1", "/etc/v1")),
    Case("path of nothing", DATA, "npy", text(LIST, "00000.npy", "99999.npy", 9)),
    Case("path with NUL", DATA, "line 2", text(LIST, "00000.npy", "0\0.npy", 9)),
    Case(
        "path of a long name",
        DATA,
        "line 2|cannot be|long",
        text(LIST, "00000.npy", "x" * 300 + ".npy", 9),
    ),
    Case(
        "clip twice",
        DATA,
        "occurs already in line 2",
        lambda: whole(
            LIST, Path(LIST).read_text() + Path(LIST).read_text().split("\n")[1] + "\n"
        )(),
    ),
    Case("no list for training", DATA, "v1_train_English", gone(LIST)),
    Case("no second language", DATA, "train", gone(LIST.replace("English", "Urdu"))),
    Case("no features", DATA, "feat", gone("data/feats")),
    Case("test key twice", DATA, "key", text(TEST, "key00001", "key00000")),
    Case("test list without keys", DATA, "key", text(TEST, "key,", "name,")),
    # arrays
    Case("array of the wrong width", DATA, "npy", vector(np.zeros(511, "f4"))),
    Case("array of two dimensions", DATA, "npy", vector(np.ones((2, 256), "f4"))),
    Case("array of text", DATA, "npy", vector(np.array(["x"] * 512))),
    Case("array of objects", DATA, "npy", vector(np.array([None] * 512, object))),
    Case("array of complex numbers", DATA, "npy", vector(np.ones(512, "c8"))),
    Case("array of whole numbers", DATA, "npy", vector(np.ones(512, "i8"))),
    Case("array with nan", DATA, "npy|NaN", vector(np.full(512, np.nan, "f4"))),
    Case("array with inf", DATA, "npy|Inf", vector(np.full(512, np.inf, "f4"))),
    Case("array beyond float32", DATA, "npy|large|Inf", vector(np.full(512, 1e300))),
    Case("array too large to be normalised", DATA, "npy|large", vector(np.full(512, 3e38, "f4"))),
    Case("voice of zeros", DATA, "zeros", vector(np.zeros(192, "f4"), "ecappafeats/v1/voices")),
    Case("array of no bytes", DATA, "npy", vector(b"")),
    Case("array cut off", DATA, "npy", vector(b"\x93NUMPY\x01\x00v\x00{'descr'")),
    Case("array that is text", DATA, "npy", vector(b"0.5 0.25")),
    Case("array that is a pickle", DATA, "npy", vector(b"\x80\x04K\x01.")),
    # archives
    Case("archive that is not there", f"{UNPACK} none.zip", "none.zip"),
    Case("archive that is text", f"{UNPACK} labels.csv", "labels.csv"),
    Case("archive of nothing", f"{UNPACK} a.zip", "a.zip", archive(kind="zip")),
    Case("archive that climbs", f"{UNPACK} a.tar", "a.tar", archive(("../../x.npy", b"x"))),
    Case("archive from the root", f"{UNPACK} a.tar", "a.tar", archive(("/etc/x.npy", b"x"))),
    Case("zip that climbs", f"{UNPACK} a.zip", "a.zip", archive(("../x.npy", b"x"), kind="zip")),
    Case(
        "archive with a link out",
        f"{UNPACK} a.tar",
        "a.tar",
        archive(("feats/x.npy", link("/etc/passwd"))),
    ),
    Case(
        "archive with a device",
        f"{UNPACK} a.tar",
        "a.tar",
        archive(("feats/x.npy", link("", tarfile.CHRTYPE))),
    ),
    Case(
        "archive with a pipe",
        f"{UNPACK} a.tar",
        "a.tar",
        archive(("feats/x.npy", link("", tarfile.FIFOTYPE))),
    ),
    Case(
        "gzip of nothing", f"{UNPACK} a.tar.gz", "a.tar.gz", whole("a.tar.gz", gzip.compress(b""))
    ),
    Case(
        "gzip cut off",
        f"{UNPACK} a.tar.gz",
        "a.tar.gz",
        whole("a.tar.gz", gzip.compress(os.urandom(9000))[:4000]),
    ),
    Case(
        "archive into a file",
        "data download labels.csv --yes --from-archive a.zip",
        "labels.csv|a.zip",
        archive(("x.npy", b"x"), kind="zip"),
    ),
    # tables, sounds and copies
    Case("import without out", "data import table.npz", "--out"),
    Case("import of no table", f"{IMPORT} --out new".replace("table.npz", "none.csv"), "none.csv"),
    Case("import of a run", f"{IMPORT} --out new".replace("table.npz", "run"), "run"),
    Case("import of labels", f"{IMPORT} --out new".replace("table.npz", "labels.csv"), "face"),
    Case("import over other things", f"{IMPORT} --out data", "choose a new folder"),
    Case("import of no language", f"{IMPORT} --out new --train-on German", "German.*English"),
    Case("import of one language", f"{IMPORT} --out new --cross English", "second language"),
    Case("import of a cut table", f"{IMPORT} --out new", "table.npz", cut("table.npz", 0.5)),
    Case("import without rows", IMPORT.replace("npz", "csv --out new"), "has 0 rows;", header),
    Case("import of equal keys", f"{IMPORT} --out new", "table.npz.*key occurs twice", keys),
    Case("a table as data", "data describe people/own.csv", "mraf data import"),
    Case("no encoder", EMBED.replace("house:Digest", "none"), "none", clips_anew),
    Case("no encoder of faces", EMBED[: -len("house:Digest")] + "none", "none", clips_anew),
    Case("embed a line break", EMBED, "line break", lambda: sound("a\nb")),
    Case("embed a name of bytes", EMBED, "not UTF-8", lambda: sound(BYTES)),
    Case("embed nothing", "embed nowhere --out t.csv", "nowhere.*sounds"),
    Case("embed a file", "embed labels.csv --out t.csv", "labels.csv.*sounds"),
    Case("forget nothing", "forget nowhere", "nowhere.*holds no table"),
    Case("forget a file", "forget labels.csv", "labels.csv.*holds no table"),
    Case("forget others' files", "forget .", "was not made by mraf"),
    Case("forget clips alone", "forget people/clips", "holds no table"),
    Case("forget an essay", "forget people", "was not made", whole("people/a.txt", "x")),
    Case("record of bytes", f"{EVALUATE} --record {BYTES}.csv", "utf-8"),
    Case("data of bytes", f"data describe {BYTES}", "utf-8"),
    Case("decision on two videos", "related decision --data people/corpus", "2 videos.*more"),
    Case("strangers of two", "related shared-space --data people/corpus", "2 people.*more"),
    Case("lessons into a file", "lessons labels.csv", "labels.csv"),
    Case("lessons below a file", "lessons labels.csv/x", "labels.csv"),
    Case("pack nothing", "data pack nowhere", "nowhere"),
    Case("pack a file", "data pack labels.csv", "labels.csv"),
    Case("reproduce nothing", "reproduce --data nowhere --out new", "nowhere"),
    Case(
        "reproduce into a file", TRAIN.replace("train", "reproduce")[:-3] + "labels.csv", "labels"
    ),
    Case("doctor of something", "doctor --fast", "fast"),
    Case("related to nothing", "related heads --data nowhere", "nowhere"),
    Case("related into a file", "related heads --data twin --record labels.csv", "labels.csv"),
    # runs
    Case("config gone", EVALUATE, "run", gone("run/config.json")),
    Case("weights gone", EVALUATE, "run", gone("run/model.safetensors")),
    Case("history gone", EVALUATE, "history", gone("run/history.csv")),
    Case("config empty", EVALUATE, "config.json", whole("run/config.json", "")),
    Case("config of bytes", EVALUATE, "config.json", whole("run/config.json", b"\xff\xfe\xff")),
    Case("config a list", EVALUATE, "config.json", whole("run/config.json", "[]")),
    Case("config too deep", EVALUATE, "config.json", whole("run/config.json", DEEP)),
    Case(
        "config with an unknown setting",
        EVALUATE,
        "config.json",
        text("run/config.json", '"tokens"', '"tokans"'),
    ),
    *(
        Case(f"config {changes}", EVALUATE, "config.json|weights|safetensors", config(**changes))
        for changes in (
            *({"tokens": 3}, {"tokens": -1}, {"tokens": "two"}, {"tokens": None}, {"width": 32}),
            *({"width": 10**12}, {"epochs": 99}, {"seed": 7}, {"dropout": 7}, {"scorer": "none"}),
        )
    ),
    Case("weights empty", EVALUATE, "model.safetensors", whole("run/model.safetensors", "")),
    Case(
        "weights of text", EVALUATE, "model.safetensors", whole("run/model.safetensors", "weights")
    ),
    *(
        Case(
            f"weights flipped at {share}",
            EVALUATE,
            "safetensors",
            flipped("run/model.safetensors", share),
        )
        for share in (0.0, 0.01, 0.3, 0.7, 1.0)
    ),
    Case("weights cut off", EVALUATE, "model.safetensors", cut("run/model.safetensors", 0.9)),
    Case("history without rows", EVALUATE, "history", whole("run/history.csv", "epoch,loss\n")),
    Case("history of bytes", EVALUATE, "history", whole("run/history.csv", b"\xff\xfe\x00")),
    Case(
        "run of other data",
        EVALUATE.replace("--data data", "--data twin"),
        "speakers|features|corpus|trained",
    ),
    # submissions
    Case("no submission", "score nowhere --labels labels.csv", "nowhere"),
    Case("no labels", "score submission --labels none.csv", "none.csv"),
    Case("labels without rows", SCORE, "labels.csv", whole("labels.csv", "key,language,speaker\n")),
    Case("labels without speakers", SCORE, "speaker", text("labels.csv", "speaker", "who")),
    Case("labels of words", SCORE, "labels.csv", text("labels.csv", "English,0", "English,zero")),
    Case("labels negative", SCORE, "labels.csv", text("labels.csv", "English,0", "English,-1")),
    Case("labels twice", SCORE, "labels.csv", text("labels.csv", "key00001", "key00000")),
    Case(
        "labels of three languages",
        SCORE,
        "labels.csv|language",
        text("labels.csv", "English,0", "German,0"),
    ),
    # sweep tables
    Case("no table", SWEEP.replace("table.toml", "none.toml"), "none.toml"),
    Case("near table", SWEEP.replace("table.toml", "tabel4"), "table4"),
    Case("table empty", SWEEP, "table.toml", whole("table.toml", "")),
    Case("table of bytes", SWEEP, "table.toml", whole("table.toml", b"\xff")),
    Case("table not TOML", SWEEP, "table.toml", whole("table.toml", "a = = 1")),
    Case("table too deep", SWEEP, "table.toml", whole("table.toml", "a = " + DEEP)),
    Case("table without arms", SWEEP, "table.toml", whole("table.toml", 'title = "T"\n')),
    Case("table with a wrong setting", SWEEP, "speed", text("table.toml", "{ w", "{ speed = 5, w")),
    Case("table with a wrong value", SWEEP, "tokens", text("table.toml", "= 2", "= -1")),
    Case(
        "table with a wrong type",
        SWEEP,
        "table.toml",
        text("table.toml", "{ width = 16, tokens = 2, heads = 2, epochs = 1 }", '"none"'),
    ),
    Case("arm that is none", f"{SWEEP} --arms b", "b"),
    Case("folder of runs that is a file", SWEEP.replace("kept", "labels.csv"), "labels.csv"),
    Case("record of a sweep into a file", f"{SWEEP} --record labels.csv", "labels.csv"),
    # claims and records
    Case("no claims", LEDGER.replace("claims.toml", "none.toml"), "none.toml"),
    Case("claims of bytes", LEDGER, "claims.toml", whole("claims.toml", b"\xff")),
    Case("claims not TOML", LEDGER, "claims.toml", whole("claims.toml", "a = = 1")),
    Case("claim without what it says", LEDGER, "claims.toml", whole("claims.toml", "[a]\nx = 1\n")),
    Case("records that are not there", LEDGER.replace("records", "nowhere"), "nowhere"),
    Case("records that are a file", LEDGER.replace("records", "labels.csv"), "labels.csv"),
    *(
        Case(f"record with {what}", f"{EVALUATE} --record records/v.csv", "v.csv", damage)
        for what, damage in {
            "no header": whole("records/v.csv", "1,2,3\n"),
            "bytes": whole("records/v.csv", b"\xff\x00\xff"),
            "nothing": whole("records/v.csv", ""),
            "half a clip": lambda: re_sub(
                "records/v.csv", r"(MRAF,,0,P3,\d+,\d+,)\d+", r"\g<1>1.5"
            ),
            "words": lambda: re_sub("records/v.csv", r"(MRAF,,0,P3,)\d+", r"\g<1>many"),
            "a negative seed": lambda: re_sub("records/v.csv", r"MRAF,,0,P3", "MRAF,,-1,P3"),
            "an accuracy of 1287%": lambda: re_sub(
                "records/v.csv", r"(MRAF,,0,P3,\d+,\d+,\d+,)[^,]+", r"\g<1>12.87"
            ),
        }.items()
    ),
]


def re_sub(file: str, pattern: str, new: str) -> None:
    content, count = re.subn(pattern, new, Path(file).read_text(), count=1)
    assert count
    Path(file).write_text(content)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name[:60])
def test_bad_input(case, house, tmp_path, monkeypatch, capfd):
    folder = tmp_path / "house"
    shutil.copytree(house, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / ".cache"))
    monkeypatch.delenv("MRAF_DATA", raising=False)
    case.damage()
    before = snapshot(folder)
    try:
        code = main(case.command.split())
    except SystemExit as stop:
        code = stop.code
    shown = capfd.readouterr()
    assert code == 2, (code, shown.out[-500:], shown.err[-500:])
    assert "Traceback" not in shown.err
    (line,) = [line for line in shown.err.splitlines() if "error:" in line]
    assert shown.err.strip().endswith(line)
    assert len(line) < 600
    assert re.search(case.says, line), line
    assert snapshot(folder) == before


def test_there_are_enough_of_them():
    assert len(CASES) >= 150
    assert len({case.name for case in CASES}) == len(CASES)
    typed = {name for case in CASES for name in case.command.split()[:2]}
    every = {name for name, what in vars(commands).items() if isfunction(what) and name[0] != "_"}
    assert {name.removesuffix("_table") for name in every} <= typed
