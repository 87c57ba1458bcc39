"""Guesses what the columns of relations, searches and picture tables mean: by their names, then by their ids."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import polars as pl

from foretaste.data.checks.rows import clean_ids, guess_key
from foretaste.data.config import RelationConfig, SearchConfig
from foretaste.data.guessing.event_columns import guess_columns, spread
from foretaste.data.parsing.numbers import number
from foretaste.data.parsing.times import guess_format
from foretaste.data.pictures import looks_like_places
from foretaste.data.readers.common import FILE, ROW, Table, is_plain
from foretaste.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

HEAD, LABEL, TAIL = ("head", "subject", "h"), ("relation", "predicate", "property", "r"), ("tail", "object", "t")
WEIGHT = ("weight", "score", "strength", "similarity", "trust", "count")
ABOUT_USERS = re.compile(r"user|friend|trust|follow|member|person|customer|social|kunde|freund", re.IGNORECASE)
ABOUT_ITEMS = re.compile(
    r"item|product|movie|book|track|article|artist|similar|sku|asin|produkt|artikel", re.IGNORECASE
)
TEXT = ("query", "text", "search", "searchterm", "searchquery", "keyword", "keywords", "term", "q", "suchbegriff")


def guess_relation(frame: pl.DataFrame, name: str, file: str, users: pl.Series, items: pl.Series) -> RelationConfig:
    """The settings of a relation: its columns, and whether it links users, items or the entities of a knowledge graph.

    name         : of the table, as a hint: friends, similar_items
    users, items : ids in the events
    """
    columns = _columns(frame)
    by_name = {_plain(column): column for column in columns}
    head, label, tail = (_first(by_name, names) for names in (HEAD, LABEL, TAIL))
    if head and label and tail:
        return RelationConfig(file=file, between="triples", source=head, relation=label, target=tail)
    weight = _first(by_name, WEIGHT)
    ends = [column for column in columns if column not in {weight, label}]
    if len(ends) < 2:
        raise DataError(
            f"{file} needs two columns of ids, or head, relation and tail of facts; it has: {', '.join(columns)}."
        )
    source, target = ends[:2]
    between = _between(frame, f"{source} {target}", name, users, items)
    if between is None:
        raise DataError(
            f"The ids in '{source}' and '{target}' of {file} are neither users nor items of the events; is it the "
            "right file?"
        )
    return RelationConfig(file=file, between=between, source=source, target=target, relation=label, weight=weight)


def _between(
    frame: pl.DataFrame, columns: str, name: str, users: pl.Series, items: pl.Series
) -> Literal["users", "items"] | None:
    """What a table links: by the names of its columns, then by its own name, then by the ids it holds."""
    source, target = _columns(frame)[:2]
    ids = pl.concat([clean_ids(frame[source]), clean_ids(frame[target])]).drop_nulls().unique()
    shares = [number(ids.is_in(clean_ids(known).unique().implode()).mean()) for known in (users, items)]
    for text in (columns, name):
        users_named, items_named = bool(ABOUT_USERS.search(text)), bool(ABOUT_ITEMS.search(text))
        if users_named != items_named and shares[items_named] > 0:
            return "users" if users_named else "items"
    if not any(shares):
        return None
    return "users" if shares[0] >= shares[1] else "items"


def guess_entities(frame: pl.DataFrame, items: pl.Series) -> tuple[str, str] | None:
    """(item column, entity column) of a table that maps items to entities, or None."""
    columns = _columns(frame)
    entity = next((column for column in columns if "entity" in _plain(column)), None)
    others = [column for column in columns if column != entity]
    if entity is None or not others:
        return None
    return guess_key(frame.select(others), items, "the entities", "items"), entity


def guess_searches(table: Table, file: str) -> SearchConfig:
    """The settings of a table of searches: its columns of users, texts and times."""
    columns = _columns(table.frame)
    text = _first({_plain(column): column for column in columns}, TEXT)
    text = text or next((name for name in columns if any(word in _plain(name) for word in TEXT if len(word) > 3)), None)
    guesses = {guess.role: guess.column for guess in guess_columns(table.frame.drop(text or [], strict=False))}
    user, time = guesses["user"], guesses["time"]
    if text is None or user is None:
        raise DataError(
            f"{file} needs a column of users and one of what they searched for; it has: {', '.join(columns)}. "
            "Name them in [searches] of foretaste.toml."
        )
    spelling = "iso"
    if time:
        values = spread(table.frame)[time].drop_nulls()
        spelling = "iso" if values.dtype.is_temporal() else guess_format(values.cast(pl.String).to_list())[0]
    return SearchConfig(file=file, user=user, text=text, time=time, time_format=spelling)


def guess_image(frame: pl.DataFrame) -> str | None:
    """The column of an item file with the paths or URLs of pictures; None where there is none."""
    return next((name for name in _columns(frame) if looks_like_places(frame[name])), None)


def _columns(frame: pl.DataFrame) -> list[str]:
    return [name for name, dtype in frame.schema.items() if name not in {ROW, FILE} and is_plain(dtype)]


def _first(by_name: dict[str, str], names: Sequence[str]) -> str | None:
    return next((by_name[name] for name in names if name in by_name), None)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.lower())
