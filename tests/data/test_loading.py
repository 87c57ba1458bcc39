"""A project's files, read in parts: the data set, the report and the quarantine are those of the whole file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from foretaste.data.config import ProjectConfig
from foretaste.data.ids import IdMap
from foretaste.data.items import ItemTable
from foretaste.data.project.guess import guess_project, load_dataset, load_project, write_project
from foretaste.data.readers.sample import sample_table
from foretaste.data.readers.tables import ROW
from foretaste.errors import ConfigError, DataError

if TYPE_CHECKING:
    from pathlib import Path


def messy_lines(n: int = 300) -> list[str]:
    lines = [f'u{i % 9},i{i % 7},{1_700_000_000 + i},{i % 5 + 1},"page {i},\n{i}"\n' for i in range(n)]
    lines[40] = ",i1,1700000000,3,no user\n"
    lines[41] = "u1,i1,yesterday,3,no time\n"
    lines[170] = "u1,i1\n"
    lines[171] = " u1 ,i1,1700000000,many,spaces and no value\n"
    lines[200] = "user,item,time,rating,page\n"
    return lines


def test_reading_in_parts_of_any_size_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("user,item,time,rating,page\n" + "".join(messy_lines()))
    config, _ = guess_project(tmp_path / "e.csv")
    found: list[tuple[str, dict[str, Any], str]] = []
    for block in (1 << 22, 4000, 700):
        data, report = load_dataset(config, tmp_path, block=block)
        said = report.to_json()
        said["problems"] = sorted(said["problems"], key=lambda problem: problem["code"])
        found.append((data.fingerprint, said, (tmp_path / "quarantine.csv").read_text()))
    assert found[1] == found[0]
    assert found[2] == found[0]
    quarantine = found[0][2]
    assert len(data) == 296
    rows = pl.read_csv(quarantine.encode(), infer_schema=False)
    assert rows[ROW].to_list() == ["42", "43", "172", "202"]
    assert rows["page"].to_list() == ["no user", "no time", None, None], "the rows as they stood, in every column"


def test_json_lines_whose_parts_lack_a_column(tmp_path: Path) -> None:
    lines = [{"user": f"u{i % 5}", "item": f"i{i % 3}", "time": 1_700_000_000 + i} for i in range(100)]
    lines[70]["rating"] = 4
    (tmp_path / "e.jsonl").write_text("\n".join(map(json.dumps, lines)))
    config, _ = guess_project(tmp_path / "e.jsonl")
    assert config.data.value == "rating"
    for block in (1 << 22, 500, 1500):
        data, _ = load_dataset(config, tmp_path, block=block)
        assert sorted(data.value.tolist())[-2:] == [1.0, 4.0]
    wrong = config.model_copy(update={"data": config.data.model_copy(update={"value": "ratng"})})
    with pytest.raises(ConfigError, match="Did you mean 'rating'"):
        load_dataset(wrong, tmp_path, block=1000)


def test_a_sample_depends_on_the_rows_alone_and_knows_every_word(tmp_path: Path) -> None:
    rows = [f"u{i % 50},i{i},{'buy' if i == 777 else 'view'}\n" for i in range(2000)]
    (tmp_path / "e.csv").write_text("user,item,event\n" + "".join(rows))
    whole = sample_table(tmp_path / "e.csv", rows=5000)
    assert whole.frame["item"].to_list() == [f"i{i}" for i in range(2000)]
    parts = [sample_table(tmp_path / "e.csv", rows=300, block=block).frame for block in (1 << 22, 5000, 900)]
    assert all(part.equals(parts[0]) for part in parts)
    assert 150 <= len(parts[0]) <= 400
    assert set(parts[0]["event"]) == {"buy", "view"}
    assert parts[0]["user"].n_unique() == 50


def test_everything_in_the_project_file_comes_back(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("user,item\na,x\nb,y\n")
    config, _ = guess_project(tmp_path / "e.csv")
    odd = config.model_validate(
        {
            **config.model_dump(),
            "data": {**config.data.model_dump(), "events": "e.csv"},
            "prepare": {"min_user_events": 2, "repeats": "last"},
            "relations": {
                "friends": {"file": "f.csv", "between": "users", "source": "a", "target": "b"},
                "made by": {"file": "k.csv", "between": "triples", "source": "h", "target": "t", "relation": "r"},
            },
            "searches": {"file": "s.csv", "user": "who", "text": "what", "time": "when"},
        }
    )
    write_project(tmp_path, odd)
    assert load_project(tmp_path) == odd


def shop_of_books(folder: Path, title: str) -> ProjectConfig:
    (folder / "e.csv").write_text("user,item\n" + "".join(f"u{i % 4},i{i % 6}\n" for i in range(24)))
    (folder / "i.csv").write_text("item_id,title_de\n" + "".join(f"i{i},Titel {i}\n" for i in range(6)))
    config, _ = guess_project(folder / "e.csv", folder / "i.csv")
    return config.model_copy(update={"data": config.data.model_copy(update={"title": title})})


def test_a_title_the_item_file_does_not_have_is_said_like_a_wrong_key(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"\[data\] title = 'titel_de': the item file has no such column. Did you mean"
    ):
        load_dataset(shop_of_books(tmp_path, "titel_de"), tmp_path)
    by_id, _ = load_dataset(shop_of_books(tmp_path, "item_id"), tmp_path)
    assert by_id.items.titles() == by_id.items.ids.names.to_list(), "the key for a title: the ids themselves"
    data, _ = load_dataset(shop_of_books(tmp_path, "title_de"), tmp_path)
    assert set(data.items.titles()) == {f"Titel {i}" for i in range(6)}


def test_a_table_without_its_title_column_goes_by_ids() -> None:
    table = ItemTable(IdMap(["a", "b"]), pl.DataFrame({"brand": ["x", "y"]}), "title")
    assert (table.title, table.titles()) == (None, ["a", "b"])
    with pytest.raises(DataError, match=r"no column 'brnd' of titles. Did you mean 'brand'"):
        ItemTable.of(table.ids, table.as_frame(), title="brnd")


@pytest.mark.parametrize(("zone", "near"), [("Europe/Berlinn", "Europe/Berlin"), ("MEZ", "MET")])
def test_a_wrong_time_zone_is_said_with_the_nearest(zone: str, near: str) -> None:
    data = {"events": "e.csv", "user": "user", "item": "item"}
    said = rf"foretaste.toml: time_zone = '{zone}': there is no such time zone. Did you mean '{near}'\?"
    with pytest.raises(ConfigError, match=said):
        ProjectConfig.parse({"name": "shop", "data": {**data, "time_zone": zone}}, "foretaste.toml")
    known = ProjectConfig.parse({"name": "shop", "data": {**data, "time_zone": near}}, "foretaste.toml")
    assert known.data.time_zone == near


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (
            {"name": "shop", "data": {"kindd": "did"}},
            r"foretaste.toml: \[data\] has no setting 'kindd'. Did you mean 'kind'",
        ),
        ({"nme": "shop"}, "foretaste.toml: it has no setting 'nme'. Did you mean 'name'"),
        (
            {"name": "shop", "prepare": {"repeat": "last"}},
            r"\[prepare\] has no setting 'repeat'. Did you mean 'repeats'",
        ),
    ],
)
def test_an_unknown_setting_is_said_with_its_table(document: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        ProjectConfig.parse(document, "foretaste.toml")
