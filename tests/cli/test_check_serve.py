"""`check` finds what `[serve]` names and the project does not have; a wrong stage is refused with its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import foretaste
from foretaste.cli.app import app
from foretaste.errors import ConfigError, DataError

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    command = ["init", str(EXAMPLES / "orders.csv"), "--items", str(EXAMPLES / "books.csv"), "-p", str(tmp_path / "s")]
    assert CliRunner().invoke(app, command).exit_code == 0
    return tmp_path / "s"


def _serve(shop: Path, text: str) -> None:
    with (shop / "foretaste.toml").open("a", encoding="utf-8") as file:
        file.write(text)


def test_what_the_catalogue_and_the_events_do_not_have_is_named(shop: Path) -> None:
    settings = '[serve]\nlikes_column = "Titl"\n[serve.scenes.x]\nhides = ["bougt"]\nfilter = {Genr = "Crime"}\n'
    stage = '[[serve.stages]]\nstage = "one_per_group"\nsettings = {column = "nix"}\n'
    _serve(shop, "\n" + settings + stage)
    done = CliRunner().invoke(app, ["check", "-p", str(shop), "--json"])
    remarks = json.loads(done.stdout)["serve"]
    assert [remark.partition(" = ")[0].removeprefix("foretaste.toml: ") for remark in remarks] == [
        "[serve] likes_column",
        "[serve.scenes.x] filter",
        "[[serve.stages]] one_per_group",
        "[serve.scenes.x] hides",
    ]
    assert "Did you mean 'Genre'" in remarks[1]


@pytest.mark.parametrize(
    ("stage", "sentence"),
    [
        ('stage = "fatige"', r"foretaste.toml: \[serve\]: No stage is called 'fatige'. Did you mean 'fatigue'"),
        ('stage = "bost"', "needs that package installed"),
    ],
)
def test_a_wrong_stage_is_refused_with_its_place(shop: Path, stage: str, sentence: str) -> None:
    _serve(shop, f"\n[[serve.stages]]\n{stage}\n")
    done = CliRunner().invoke(app, ["check", "-p", str(shop)])
    assert isinstance(done.exception, ConfigError)
    with pytest.raises(ConfigError, match=sentence):
        raise done.exception


def test_a_project_is_no_file_of_events(shop: Path) -> None:
    with pytest.raises(DataError, match="is a project; give its file of events"):
        foretaste.read(shop)
