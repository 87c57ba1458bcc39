"""Guesses a project's settings from its files: what each column means. Written by `init`, corrected by people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from foretaste.data.checks.rows import guess_key, rows_by_id
from foretaste.data.config import DataConfig, ProjectConfig, RelationConfig
from foretaste.data.guessing.event_columns import (
    Guess,
    canonical_kind,
    guess_columns,
    guess_title,
    kind_of_values,
    spread,
)
from foretaste.data.guessing.side_tables import guess_entities, guess_image, guess_relation, guess_searches
from foretaste.data.kinds import usual_kinds
from foretaste.data.parsing.times import guess_format
from foretaste.data.pictures import places_in
from foretaste.data.project.file import FILE_NAME as FILE_NAME
from foretaste.data.project.file import load_project as load_project
from foretaste.data.project.file import write_project as write_project
from foretaste.data.project.load import load_dataset as load_dataset
from foretaste.data.project.view import guess_table as guess_table
from foretaste.data.project.view import more_table as more_table
from foretaste.data.readers.postgres import is_postgres, without_password
from foretaste.data.readers.sample import sample_table
from foretaste.data.readers.tables import FILE, ROW, Table, read_table
from foretaste.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

Place = Path | str
"""A path, or the URL of a database."""


def guess_project(
    events: Place,
    items: Place | None = None,
    users: Place | None = None,
    *,
    table: str | None = None,
    query: str | None = None,
    images: Path | None = None,
    relations: Sequence[Place] = (),
    searches: Place | None = None,
) -> tuple[ProjectConfig, list[Guess]]:
    """The settings guessed from the files, and the guesses with their reasons. Paths become absolute."""
    found: dict[str, object] = {"table": table, "query": query}
    sample = sample_table(f"{events}#{table}" if table else events, query=query)
    config, guesses = guess_data(sample, spelled(events), _name(events))
    user_ids, item_ids = sample.frame[config.data.user], sample.frame[config.data.item]
    if items is not None:
        rows = read_table(items).frame
        found |= guess_item_columns(rows, item_ids, spelled(items))
        found["image"] = guess_image(rows)
        item_ids = pl.concat([item_ids.cast(pl.String), rows[str(found["item_key"])].cast(pl.String)])
    if images is not None:
        places_in(images, item_ids.cast(pl.String).str.strip_chars().unique())  # so that a wrong folder is reported now
        found |= {"images": str(images.resolve()), "image": None}
    if users is not None:
        key = guess_key(read_table(users).frame, user_ids, spelled(users), "users")
        found |= {"users": spelled(users), "user_key": key}
    more: dict[str, object] = {"relations": _relations(relations, user_ids, item_ids)}
    if searches is not None:
        more["searches"] = guess_searches(sample_table(searches), spelled(searches))
    data = config.data.model_copy(update=found)
    return config.model_copy(update={"data": data, **more}), guesses


def guess_data(table: Table, events: str, name: str) -> tuple[ProjectConfig, list[Guess]]:
    """The settings and guesses for a table of events.

    events : its path or URL, for messages and foretaste.toml
    name   : of the project
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
    elif column["value"] and (usual := kind_of_values(column["value"])):
        found["default_kind"] = usual
        words = [usual]
    found["events"] = events
    kinds = tuple(usual_kinds(kind_names.get(word, word) for word in words).kinds)
    config = ProjectConfig(name=name, data=DataConfig.parse(found, "guess"), kinds=kinds, kind_names=kind_names)
    return config, guesses


def guess_item_columns(frame: pl.DataFrame, ids: pl.Series, path: str) -> dict[str, str | None]:
    """The settings of an item file; its key is the column with most ids of items."""
    key = guess_key(frame, ids, path, "items")
    return {"items": path, "item_key": key, "title": guess_title(name for name in frame.columns if name != key)}


def item_rows(frame: pl.DataFrame, key: str | None) -> pl.DataFrame:
    """The rows of an item file that have an id, with it in a column `item`."""
    return rows_by_id(frame, key, "item")


def _relations(files: Sequence[Place], users: pl.Series, items: pl.Series) -> dict[str, RelationConfig]:
    """The settings of each relation; a table that maps items to entities belongs to the knowledge graph."""
    found: dict[str, RelationConfig] = {}
    entities: dict[str, str] = {}
    for file in files:
        frame, name = sample_table(file).frame, _name(file)
        if (pair := guess_entities(frame, items)) is not None:
            entities = {"entities": spelled(file), "entity_item": pair[0], "entity": pair[1]}
        else:
            found[name] = guess_relation(frame, name, spelled(file), users, items)
    return {
        name: relation.model_copy(update=entities) if relation.between == "triples" else relation
        for name, relation in found.items()
    }


def spelled(source: Place) -> str:
    """The form of a path or URL for foretaste.toml: an absolute path, or a URL without its password."""
    if isinstance(source, str) and is_postgres(source):
        return without_password(source)
    return str(Path(source).resolve())


def _name(source: Place) -> str:
    """A name for the table: 'orders' for /data/orders.csv.gz, shop.db#orders and postgresql://host/shop#orders."""
    last = str(source).split("?")[0].rstrip("/").rpartition("/")[2]
    return last.partition("#")[2] or last.split(".")[0] or "data"
