"""The tables beside the events, read and checked: relations, searches, impressions and pictures of a project."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from foretaste.data.checks.problem import Action, Problem, examples
from foretaste.data.checks.rows import clean_ids
from foretaste.data.parsing.times import sensible, to_microseconds
from foretaste.data.pictures import places_in, places_of
from foretaste.data.project.impressions import read_impressions
from foretaste.data.readers.postgres import is_postgres
from foretaste.data.readers.tables import Table, read_table
from foretaste.data.relations import Relation
from foretaste.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.config import ProjectConfig, RelationConfig, SearchConfig
    from foretaste.data.dataset import Dataset


def place(folder: Path, source: str) -> Path | str:
    """A path from the project's folder; the address of a database as it is."""
    return source if is_postgres(source) else folder / source


def with_tables(
    data: Dataset, config: ProjectConfig, folder: Path, items: pl.DataFrame | None
) -> tuple[Dataset, list[Problem]]:
    """The data set with its relations, searches, impressions and pictures, and what was wrong with them."""
    problems: list[Problem] = []
    relations = {}
    for name, asked in config.relations.items():
        relations[name], found = read_relation(name, asked, folder, data)
        problems += found
    searches = data.searches
    if config.searches is not None:
        searches, found = read_searches(config.searches, folder, data)
        problems += found
    table = data.items
    if config.data.images is not None:
        places, found = places_in(folder / config.data.images, table.ids.names)
        table, problems = replace(table, places=places), problems + found
    elif config.data.image is not None and items is not None:
        if config.data.image not in items.columns:
            raise ConfigError(
                f"foretaste.toml: [data] image = '{config.data.image}': the item file has no such column."
                f"{did_you_mean(config.data.image, items.columns)}"
            )
        beside = (folder / str(config.data.items)).parent
        places, found = places_of(items, config.data.image, beside)
        table, problems = replace(table, places=places), problems + found
    data = replace(data, relations={**data.relations, **relations}, searches=searches, items=table)
    if (asked_for := config.impressions) is not None:
        data, found = read_impressions(asked_for, read_table(place(folder, asked_for.file)), data)
        problems += found
    return data, problems


def read_relation(name: str, asked: RelationConfig, folder: Path, data: Dataset) -> tuple[Relation, list[Problem]]:
    wanted = tuple(column for column in (asked.source, asked.target, asked.relation, asked.weight) if column)
    table = read_table(place(folder, asked.file), columns=wanted)
    _has(table, wanted, f"[relations.{name}]", asked.file)
    frame = pl.DataFrame(
        {"source": clean_ids(table.frame[asked.source]), "target": clean_ids(table.frame[asked.target])}
    )
    if asked.relation:
        frame = frame.with_columns(relation=table.frame[asked.relation].cast(pl.String).str.strip_chars())
    if asked.weight:
        number = table.frame[asked.weight].cast(pl.String).str.replace(",", ".", literal=True)
        frame = frame.with_columns(weight=number.cast(pl.Float32, strict=False))
    elif asked.between == "triples" and not asked.relation:
        raise ConfigError(f"foretaste.toml: [relations.{name}] needs relation, the column with what each triple says.")
    empty = frame.select(pl.any_horizontal(pl.exclude("weight").is_null())).to_series()
    said = f"Rows of {asked.file} without one of their ids; they are left out."
    problems = _problems(f"{name}-without-id", said, table, empty, asked.source)
    entities = None
    if asked.between == "triples" and asked.entities and asked.entity_item and asked.entity:
        columns = (asked.entity_item, asked.entity)
        pairs = read_table(place(folder, asked.entities), columns=columns)
        _has(pairs, columns, f"[relations.{name}]", asked.entities)
        entities = pl.DataFrame(
            {"item": clean_ids(pairs.frame[asked.entity_item]), "entity": clean_ids(pairs.frame[asked.entity])}
        ).drop_nulls()
    relation = Relation(asked.between, frame.filter(~empty), entities)
    if asked.between != "triples":
        ids = data.users if asked.between == "users" else data.items.ids
        known = ids.names.implode()
        strange = ~(frame["source"].is_in(known) & frame["target"].is_in(known)) & ~empty
        what = asked.between
        said = (
            f"Links of {asked.file} to {what} that neither an event nor a file of {what} knows; they count for nothing."
        )
        problems += _problems(f"{name}-unknown", said, table, strange, asked.source)
    return relation, problems


def read_searches(asked: SearchConfig, folder: Path, data: Dataset) -> tuple[pl.DataFrame, list[Problem]]:
    """Columns user, text and, where the file has it, time."""
    wanted = tuple(column for column in (asked.user, asked.text, asked.time) if column)
    table = read_table(place(folder, asked.file), columns=wanted)
    _has(table, wanted, "[searches]", asked.file)
    frame = pl.DataFrame(
        {"user": clean_ids(table.frame[asked.user]), "text": table.frame[asked.text].cast(pl.String).str.strip_chars()}
    )
    empty = frame["user"].is_null() | (frame["text"].fill_null("") == "")
    said = f"Rows of {asked.file} without a user or without a text; they are left out."
    problems = _problems("search-empty", said, table, empty, asked.text)
    strange = ~frame["user"].is_in(data.users.names.implode()) & ~empty
    said = "Searches of people without any event; they are left out."
    problems += _problems("search-user-unknown", said, table, strange, asked.user)
    if asked.time:
        time = to_microseconds(table.frame[asked.time], asked.time_format, asked.time_zone)
        odd = ~sensible(time)
        said = (
            f"Searches whose time does not read as {asked.time_format}, is before 1990 or in the future; kept without."
        )
        problems += _problems("search-time", said, table, odd & ~empty & ~strange, asked.time, kept=True)
        frame = frame.with_columns(time=time.set(odd, None))
    return frame.filter(~(empty | strange)), problems


def _has(table: Table, columns: tuple[str, ...], where: str, file: str) -> None:
    for column in columns:
        if column not in table.frame.columns:
            known = [name for name in table.frame.columns if not name.startswith("__")]
            raise ConfigError(
                f"foretaste.toml: {where} '{column}': {file} has no such column.{did_you_mean(column, known)}"
            )


def _problems(
    code: str, sentence: str, table: Table, rows: pl.Series, shown: str, *, kept: bool = False
) -> list[Problem]:
    rows = rows.fill_null(False)
    if not (count := int(rows.sum())):
        return []
    first = examples(table.frame, rows, table.frame[shown])
    action: Action = "kept" if kept else "left out"
    return [Problem(code=code, sentence=sentence, rows=count, first=first, action=action)]
