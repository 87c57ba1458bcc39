"""foretaste.toml: where the files lie and what their columns mean. Written by `init`, corrected by people."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
from rich.table import Table as RichTable
from rich.text import Text

from foretaste.data.check import Problem, Report, checked
from foretaste.data.check_rows import guess_key, row_problems, rows_by_id
from foretaste.data.dataset import Dataset
from foretaste.data.guess import Guess, canonical_kind, guess_columns, guess_title, spread
from foretaste.data.kinds import Kinds, usual_kinds
from foretaste.data.project_config import DataConfig, ProjectConfig
from foretaste.data.readers import FILE, QUARANTINE, ROW, Table, read_table
from foretaste.data.times import guess_format
from foretaste.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FILE_NAME = "foretaste.toml"


def guess_project(
    events: Path, items: Path | None = None, users: Path | None = None
) -> tuple[ProjectConfig, list[Guess]]:
    """Read the files, guess every column, and say why. Paths become absolute."""
    table = read_table(events)
    config, guesses = guess_data(table, str(events.resolve()), events.name.split(".")[0])
    found: dict[str, object] = {}
    if items is not None:
        found |= guess_item_columns(read_table(items).frame, table.frame[config.data.item], str(items.resolve()))
    if users is not None:
        path = str(users.resolve())
        key = guess_key(read_table(users).frame, table.frame[config.data.user], path, "users")
        found |= {"users": path, "user_key": key}
    return config.model_copy(update={"data": config.data.model_copy(update=found)}), guesses


def guess_data(table: Table, events: str, name: str) -> tuple[ProjectConfig, list[Guess]]:
    """What the columns of a table of events mean.

    events : what to call the table in messages and in foretaste.toml
    """
    guesses = guess_columns(table.frame)
    column = {guess.role: guess.column for guess in guesses}
    if column["user"] is None or column["item"] is None:
        names = ", ".join(name for name in table.frame.columns if name not in {ROW, FILE})
        raise DataError(f"{events} needs a column of users and one of items; it has: {names}.")
    found: dict[str, object] = {role: name for role, name in column.items() if name is not None}
    if time := column["time"]:
        values = spread(table.frame)[time].drop_nulls()
        found["time_format"] = (
            "iso" if values.dtype.is_temporal() else guess_format(values.cast(pl.String).to_list())[0]
        )
    kind_names: dict[str, str] = {}
    words = [str(found.get("default_kind", "interaction"))]
    if kind := column["kind"]:
        words = table.frame[kind].drop_nulls().cast(pl.String).str.strip_chars().unique().sort().to_list()
        kind_names = {word: usual for word in words if (usual := canonical_kind(word)) and usual != word}
    elif column["value"] and canonical_kind(column["value"]) == "rating":
        found["default_kind"] = "rating"
        words = ["rating"]
    found["events"] = events
    kinds = tuple(usual_kinds(kind_names.get(word, word) for word in words).kinds)
    config = ProjectConfig(name=name, data=DataConfig.parse(found, "guess"), kinds=kinds, kind_names=kind_names)
    return config, guesses


def guess_item_columns(frame: pl.DataFrame, ids: pl.Series, path: str) -> dict[str, str | None]:
    """The item file's key is the column most of whose values are ids of items."""
    return {"items": path, "item_key": guess_key(frame, ids, path, "items"), "title": guess_title(frame.columns)}


def load_dataset(config: ProjectConfig, folder: Path) -> tuple[Dataset, Report]:
    """The project's files as a data set, and what was wrong with them. Bad rows go to quarantine.csv, none is lost."""
    data = config.data
    reading = checked(read_table(folder / data.events), config)
    if len(reading.quarantined):
        reading.quarantined.write_csv(folder / QUARANTINE)
    items, about_items = _rows_of(folder, data.items, data.item_key, "item", reading.events)
    users, about_users = _rows_of(folder, data.users, data.user_key, "user", reading.events)
    kinds = Kinds(config.kinds) if config.kinds else None
    dataset = Dataset.from_frame(reading.events, items, kinds=kinds, title=data.title, name=config.name)
    if users is not None:
        named = pl.DataFrame({"user": dataset.users.names})
        rows = users.unique("user", keep="last", maintain_order=True)
        dataset = replace(dataset, user_table=named.join(rows, on="user", how="left", maintain_order="left"))
    problems = (*reading.report.problems, *about_items, *about_users)
    return dataset, reading.report.model_copy(update={"problems": problems})


def _rows_of(
    folder: Path, file: str | None, key: str | None, name: str, events: pl.DataFrame
) -> tuple[pl.DataFrame | None, list[Problem]]:
    """One row per item or user, where there is such a file, and what is wrong with it."""
    if file is None:
        return None, []
    table = read_table(folder / file)
    if name == "user" and key is None:  # a project written before there was a user_key
        key = guess_key(table.frame, events[name], file, "users")
    rows = rows_by_id(table.frame, key, name)
    return rows, list(row_problems(table, str(key), name, events[name]))


def item_rows(frame: pl.DataFrame, key: str | None) -> pl.DataFrame:
    """The rows of an item file that name an item, in a column `item` instead of their own."""
    return rows_by_id(frame, key, "item")


def load_project(folder: Path) -> ProjectConfig:
    path = folder / FILE_NAME
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"There is no {path}; write one with: foretaste init FILE -p {folder}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}.") from None
    return ProjectConfig.parse(found, str(path))


def write_project(folder: Path, config: ProjectConfig) -> Path:
    """A commented foretaste.toml, written whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE_NAME
    beside = path.with_suffix(".toml.new")
    beside.write_text(_toml(config), encoding="utf-8")
    beside.replace(path)
    return path


def _toml(config: ProjectConfig) -> str:
    lines = [
        "# What the columns mean. Correct it, then: foretaste check",
        f"name = {json.dumps(config.name)}",
        "",
        "[data]",
    ]
    for key, field in DataConfig.model_fields.items():
        value = getattr(config.data, key)
        lines.append(f"# {field.description}")
        lines.append(f"{key} = {_quoted(value)}" if value is not None else f"# {key} =")
    if config.kind_names:
        lines += ["", "# Words of the kind column, and the kinds they mean.", "[kind_names]"]
        lines += [f"{_quoted(word)} = {_quoted(kind)}" for word, kind in config.kind_names.items()]
    lines += [
        "",
        "# What each kind says: sign (1 wants it, -1 does not), weight (how loudly), hides_item (done once, it is not",
        "# offered again), half_life_days (age at which it speaks half as loudly).",
    ]
    for kind in config.kinds:
        lines.append("[[kinds]]")
        lines += [f"{key} = {_quoted(value)}" for key, value in kind.model_dump().items() if value is not None]
    return "\n".join(lines) + "\n"


def _quoted(value: object) -> str:
    """A TOML value; JSON's spelling but for one character that TOML wants escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


def guess_table(guesses: Sequence[Guess]) -> RichTable:
    table = RichTable("", "column", "for example", "sure", "because", box=None, header_style="bold")
    for guess in guesses:
        column = Text(guess.column, style="bold") if guess.column else Text("–", style="dim")
        style = "yellow" if guess.confidence < 0.5 else "dim"
        sure = Text(f"{guess.confidence:.0%}", style=style) if guess.column else Text("")
        table.add_row(guess.role, column, Text(guess.sample), sure, Text(guess.why, style="dim"))
    return table
