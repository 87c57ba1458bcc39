"""Reads and checks a project's side tables: relations, searches, impressions and pictures."""

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
    """A path relative to the project's folder; the URL of a database unchanged."""
    return source if is_postgres(source) else folder / source


def with_tables(
    data: Dataset, config: ProjectConfig, folder: Path, items: pl.DataFrame | None
) -> tuple[Dataset, list[Problem]]:
    """The data set with its relations, searches, impressions and pictures, and their problems."""
    problems: list[Problem] = []
    relations = {}
    for name, settings in config.relations.items():
        relations[name], found = read_relation(name, settings, folder, data)
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
    if config.impressions is not None:
        table_of_impressions = read_table(place(folder, config.impressions.file))
        data, found = read_impressions(config.impressions, table_of_impressions, data)
        problems += found
    return data, problems


def read_relation(name: str, settings: RelationConfig, folder: Path, data: Dataset) -> tuple[Relation, list[Problem]]:
    """A relation by name, and the problems of its file."""
    wanted = tuple(
        column for column in (settings.source, settings.target, settings.relation, settings.weight) if column
    )
    table = read_table(place(folder, settings.file), columns=wanted)
    _has(table, wanted, f"[relations.{name}]", settings.file)
    frame = pl.DataFrame(
        {"source": clean_ids(table.frame[settings.source]), "target": clean_ids(table.frame[settings.target])}
    )
    if settings.relation:
        frame = frame.with_columns(relation=table.frame[settings.relation].cast(pl.String).str.strip_chars())
    if settings.weight:
        number = table.frame[settings.weight].cast(pl.String).str.replace(",", ".", literal=True)
        frame = frame.with_columns(weight=number.cast(pl.Float32, strict=False))
    elif settings.between == "triples" and not settings.relation:
        raise ConfigError(f"foretaste.toml: [relations.{name}] needs relation, the column with what each triple says.")
    empty = frame.select(pl.any_horizontal(pl.exclude("weight").is_null())).to_series()
    sentence = f"Rows of {settings.file} without one of their ids; they are left out."
    problems = _problems(f"{name}-without-id", sentence, table, empty, settings.source)
    entities = None
    if settings.between == "triples" and settings.entities and settings.entity_item and settings.entity:
        columns = (settings.entity_item, settings.entity)
        pairs = read_table(place(folder, settings.entities), columns=columns)
        _has(pairs, columns, f"[relations.{name}]", settings.entities)
        entities = pl.DataFrame(
            {"item": clean_ids(pairs.frame[settings.entity_item]), "entity": clean_ids(pairs.frame[settings.entity])}
        ).drop_nulls()
    relation = Relation(settings.between, frame.filter(~empty), entities)
    if settings.between != "triples":
        ids = data.users if settings.between == "users" else data.items.ids
        known = ids.names.implode()
        unknown = ~(frame["source"].is_in(known) & frame["target"].is_in(known)) & ~empty
        what = settings.between
        sentence = (
            f"Links of {settings.file} to {what} that neither an event nor a file of {what} knows; they count for "
            "nothing."
        )
        problems += _problems(f"{name}-unknown", sentence, table, unknown, settings.source)
    return relation, problems


def read_searches(settings: SearchConfig, folder: Path, data: Dataset) -> tuple[pl.DataFrame, list[Problem]]:
    """The searches with columns user, text and, if the file has it, time (µs); and the problems of the file."""
    wanted = tuple(column for column in (settings.user, settings.text, settings.time) if column)
    table = read_table(place(folder, settings.file), columns=wanted)
    _has(table, wanted, "[searches]", settings.file)
    frame = pl.DataFrame(
        {
            "user": clean_ids(table.frame[settings.user]),
            "text": table.frame[settings.text].cast(pl.String).str.strip_chars(),
        }
    )
    empty = frame["user"].is_null() | (frame["text"].fill_null("") == "")
    sentence = f"Rows of {settings.file} without a user or without a text; they are left out."
    problems = _problems("search-empty", sentence, table, empty, settings.text)
    unknown = ~frame["user"].is_in(data.users.names.implode()) & ~empty
    sentence = "Searches of people without any event; they are left out."
    problems += _problems("search-user-unknown", sentence, table, unknown, settings.user)
    if settings.time:
        time = to_microseconds(table.frame[settings.time], settings.time_format, settings.time_zone)
        invalid = ~sensible(time)
        sentence = (
            f"Searches whose time does not read as {settings.time_format}, is before 1990 or in the future; kept "
            "without."
        )
        problems += _problems("search-time", sentence, table, invalid & ~empty & ~unknown, settings.time, kept=True)
        frame = frame.with_columns(time=time.set(invalid, None))
    return frame.filter(~(empty | unknown)), problems


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
