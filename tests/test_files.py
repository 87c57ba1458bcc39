"""Files that are written whole or not at all, and refused before the work and not after."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from foretaste.cli.app import app
from foretaste.errors import ConfigError
from foretaste.files import check_writable, write_atomically


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_atomically(path, "one")
    write_atomically(path, "two")
    assert path.read_text() == "two"
    assert list(tmp_path.iterdir()) == [path], "nothing is left beside it"
    write_atomically(path, "three", private=True)
    assert path.stat().st_mode & 0o077 == 0


def test_what_breaks_off_leaves_the_old_text(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "a.json"
    write_atomically(path, "one")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match=r"a\.json cannot be written \(No space left on device\)"):
        write_atomically(path, "two")
    assert path.read_text() == "one"
    assert list(tmp_path.iterdir()) == [path]


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_atomically(pipe, "said")
    assert os.read(reading, 10) == b"said"
    os.close(reading)


@pytest.mark.parametrize(("name", "said"), [("no/such/a.html", "there is no folder"), (".", "is a folder")])
def test_where_nothing_can_be_written_is_said_at_once(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        check_writable(tmp_path / name)
    check_writable(tmp_path / "a.html")


def test_a_file_that_may_not_be_replaced_is_said_without_a_guess_why(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "a.html").write_text("old")
    monkeypatch.setattr(os, "access", lambda place, mode: place != tmp_path)
    for name in ("a.html", "new.html"):
        with pytest.raises(ConfigError, match=f"{name} cannot be written: {tmp_path} may not be written to. Name"):
            check_writable(tmp_path / name)
    check_writable(Path("/dev/null"))


def test_a_read_only_disk_is_one_sentence(tmp_path: Path, monkeypatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(ConfigError, match=r"a\.json cannot be written \(Read-only file system\)"):
        write_atomically(tmp_path / "a.json", "one")


@pytest.mark.parametrize(
    "command",
    [
        ["evaluate", "--html"],
        ["evaluate", "--save"],
        ["check", "--html"],
        ["benchmark", "gowalla", "--output"],
        ["benchmark", "gowalla", "--html"],
    ],
)
def test_commands_refuse_a_page_they_could_not_write_before_they_work(tmp_path: Path, command: list[str]) -> None:
    with pytest.raises(ConfigError, match="there is no folder"):
        CliRunner().invoke(app, [*command, str(tmp_path / "no" / "page")], catch_exceptions=False)
