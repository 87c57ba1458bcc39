"""foretaste keys: the key alone on standard output, its hash alone on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from foretaste.cli.app import app
from foretaste.errors import ConfigError, UnknownNameError
from foretaste.serving.http.keys import KeyFile

run = CliRunner()


@pytest.fixture(autouse=True)
def _in_a_project(tmp_path: Path) -> None:
    (tmp_path / "foretaste.toml").touch()


def test_make_list_rotate_and_revoke(tmp_path: Path) -> None:
    place = ["-p", str(tmp_path)]
    made = run.invoke(app, ["keys", "create", "shop", "--scope", "write", "--scope", "read", *place])
    secret = made.stdout.strip()
    assert made.exit_code == 0
    assert "cannot be shown again" in " ".join(made.stderr.split())
    keys = KeyFile.of_project(tmp_path)
    holder = keys.key_of(secret)
    assert holder is not None
    assert holder.scopes == ("read", "write")

    listed = run.invoke(app, ["keys", "list", *place])
    assert "shop" in listed.stdout
    assert "read write" in listed.stdout
    assert secret not in listed.stdout
    document = json.loads(run.invoke(app, ["keys", "list", "--json", *place]).stdout)
    assert document["keys"][0]["id"] == holder.id
    assert "hashes" not in document["keys"][0]

    new = json.loads(run.invoke(app, ["keys", "rotate", "shop", "--json", *place]).stdout)
    fresh = KeyFile.of_project(tmp_path)
    assert fresh.key_of(secret) is None
    assert fresh.key_of(new["key"]) is not None
    assert run.invoke(app, ["keys", "revoke", holder.id, *place]).exit_code == 0
    assert KeyFile.of_project(tmp_path).all() == []


def test_a_key_reads_only_unless_more_is_said(tmp_path: Path) -> None:
    run.invoke(app, ["keys", "create", "shop", "-p", str(tmp_path)])
    assert KeyFile.of_project(tmp_path).all()[0].scopes == ("read",)


def test_mistakes_are_one_sentence(tmp_path: Path) -> None:
    place = ["-p", str(tmp_path)]
    wrong_scope = run.invoke(app, ["keys", "create", "shop", "--scope", "root", *place]).exception
    assert isinstance(wrong_scope, ConfigError)
    assert isinstance(run.invoke(app, ["keys", "revoke", "nobody", *place]).exception, UnknownNameError)
    nowhere = run.invoke(app, ["keys", "list", "-p", str(tmp_path / "nowhere")]).exception
    with pytest.raises(ConfigError, match="There is no folder"):
        raise nowhere or AssertionError


@pytest.mark.parametrize("words", [["create", "shop"], ["list"], ["revoke", "shop"]])
def test_outside_a_project_nothing_is_made(tmp_path: Path, words: list[str]) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    refused = run.invoke(app, ["keys", *words, "-p", str(folder)]).exception
    assert isinstance(refused, ConfigError)
    assert str(refused) == f"There is no project in {folder}; name one with -p."
    assert list(folder.iterdir()) == []
