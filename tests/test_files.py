"""Reading tells in one line what is wrong; writing leaves the last good state."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mraf.errors import DataError, RunError
from mraf.files import (
    check_target,
    checked_path,
    read_csv,
    read_frame,
    user_cache,
    write_text,
)

UNREADABLE = {
    "absent": (None, r"x: cannot be read \(No such file or directory\); make it again\.$"),
    "folder": ("folder", r"x: cannot be read \(Is a directory\); make it again\.$"),
    "Latin-1": (
        "é".encode("latin-1"),
        r"x: cannot be read \(not text in UTF-8\); save it as 'CSV UTF-8', or make it again\.$",
    ),
}


@pytest.mark.parametrize(("content", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_told_in_one_line(tmp_path, content, message):
    path = tmp_path / "x"
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_csv(path, "make it again")


def test_rows_of_a_csv_have_their_lines(tmp_path):
    (tmp_path / "x").write_text('a, b\n\n1,"2, ""two"""\r\n\n3,4\n')
    found = read_csv(tmp_path / "x", "")
    assert found.to_dict("index") == {3: {"a": "1", "b": '2, "two"'}, 5: {"a": "3", "b": "4"}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,a\n1,2\n", "line 1: the column 'a' occurs twice"),
        ("a,b\n1,2\n1\n", "line 3: 1 fields, but the header has 2"),
        ('a,b\n1,"2\n3,4\n', "line 3: unexpected end of data"),
        ('a,b\n1,"2"x\n', "line 2: ',' expected after '\"'"),
        ('a,b\n1,"2\n"\n', "line 3: a line break within a field .*; the row begins in line 2"),
        ('a,b\n1,2\n\n1,"2\n3,4\n5,"6\n', "line 6: .*; the row begins in line 4"),
    ],
)
def test_a_damaged_csv_is_refused_with_its_line(tmp_path, text, message):
    (tmp_path / "x").write_text(text)
    with pytest.raises(DataError, match=rf"x, {message}.*; fetch it again\.$"):
        read_csv(tmp_path / "x", "fetch it again")


def test_a_path_is_checked_and_expanded(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert checked_path("~/x") == tmp_path / "x"
    (tmp_path / "file").touch()
    assert checked_path(tmp_path / "file" / "below")  # whoever writes there will say what is wrong
    for path in ("a\0b", "n" * 300, "~nobody-of-this-name/x"):
        with pytest.raises(RunError, match=r"cannot be used \(.+\); give another path\.$"):
            checked_path(path)
        with pytest.raises(RunError, match="cannot be used"):
            check_target(Path(path))


def test_without_a_home_the_cache_asks_for_a_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    assert user_cache().name == "mraf"
    monkeypatch.delenv("XDG_CACHE_HOME")
    with pytest.raises(RunError, match="let XDG_CACHE_HOME name a folder"):
        user_cache()


def test_writing_removes_what_killed_processes_left(tmp_path):
    old, new, other = (tmp_path / name for name in (".x[1].a", ".x[1].b", ".x1.c"))
    for file in (old, new, other):
        file.touch()
    for file in (old, other):
        os.utime(file, (0, 0))
    write_text(tmp_path / "x[1]", "done")
    assert sorted(os.listdir(tmp_path)) == [".x1.c", ".x[1].b", "x[1]"]


def test_a_link_is_written_through(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there" / "file")
    for text in ("first", "second"):
        check_target(tmp_path / "link")
        write_text(tmp_path / "link", text)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "there" / "file").read_text() == text
    assert os.listdir(tmp_path / "there") == ["file"]


def test_what_is_no_regular_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    for name in ("pipe", "link"):
        for write in (check_target, lambda path: write_text(path, "x")):
            with pytest.raises(RunError, match=rf"{name}: cannot be written \(it is not a regular"):
                write(tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == ["link", "pipe"]


def test_the_standard_output_is_no_target_even_where_it_is_a_file(tmp_path):
    code = "import pathlib as p, mraf.files as f; f.write_text(p.Path('/dev/stdout'), 'x')"
    with (tmp_path / "out").open("w") as out:
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, text=True)
    assert "/dev/stdout: cannot be written (it is not a regular file)" in done.stderr
    assert os.path.islink("/dev/stdout")


def test_files_of_a_run_are_no_targets(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text("{}")
    (tmp_path / "link.json").symlink_to(tmp_path / "run" / "config.json")
    for path in ("run/config.json", "run/model.safetensors", "run/history.csv", "link.json"):
        with pytest.raises(RunError, match="it belongs to the run in that folder"):
            check_target(tmp_path / path)
    check_target(tmp_path / "run" / "scores.json")
    check_target(tmp_path / "config.json")


def test_numbers_of_a_table_are_read_to_the_last_bit(tmp_path):
    numbers = [0.1 + 0.2, 1 / 3, 5.880159139633179, 2.1302530765533447, 1e-300, 4.4408921e-16]
    (tmp_path / "x.csv").write_text("a\n" + "".join(f"{number!r}\n" for number in numbers))
    assert read_frame(tmp_path / "x.csv").a.tolist() == numbers


def test_cells_beyond_the_header_are_no_names_of_rows(tmp_path: Path) -> None:
    """pandas would take the first cells of longer rows as their index, without a word."""
    (tmp_path / "x.csv").write_text("a,b\n1,2,3\n4,5,6\n")
    with pytest.raises(ValueError, match="more cells than the header"):
        read_frame(tmp_path / "x.csv")
    (tmp_path / "x.csv").write_text("a,b\n")
    assert read_frame(tmp_path / "x.csv").empty


def test_a_neighbour_that_another_process_renames_meanwhile_is_no_error(tmp_path, monkeypatch):
    """Four processes that submit into one folder saw each other's temporary files."""
    gone = tmp_path / ".file.txt.x1y2"
    monkeypatch.setattr(Path, "glob", lambda *_: [gone])
    write_text(tmp_path / "file.txt", "text")
    assert (tmp_path / "file.txt").read_text() == "text"
