"""`foretaste.read` and `foretaste.recommend`: a frame or file in, a data set out; a model in, lists as a frame out."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from foretaste.data.checks.check import checked_parts
from foretaste.data.checks.report import left_out
from foretaste.data.config import DataConfig
from foretaste.data.dataset import Dataset
from foretaste.data.kinds import Kinds
from foretaste.data.project.file import FILE_NAME
from foretaste.data.project.guess import guess_data, guess_item_columns, item_rows
from foretaste.data.project.impressions import guess_impressions, read_impressions
from foretaste.data.readers.frames import frame_table
from foretaste.data.readers.packed import BLOCK
from foretaste.data.readers.sample import sample_table
from foretaste.data.readers.tables import FILE, Table, read_table, stream_tables
from foretaste.errors import ConfigError, DataError, UnknownNameError
from foretaste.notebook import auto_progress
from foretaste.types import NO_ITEM, Queries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from foretaste.data.ids import IdMap
    from foretaste.protocols import Retriever
    from foretaste.types import IntArray

    Progress = Callable[[str, int, int], None]

PLAIN = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json")
"""Endings of files whose size tells in how many parts they will be read."""


def read(
    events: Any,
    items: Any = None,
    *,
    impressions: Any = None,
    dislike_below: float | None = None,
    **columns: str,
) -> Dataset:
    """A data set from a polars or pandas frame, a file (CSV, JSON lines, Parquet, also packed), a folder, a database.

    events        : one row per event; `shop.db#orders` and `postgresql://…#orders` are tables of databases
    items         : one row per item, likewise; None for no attributes of items
    impressions   : one row per item that a user was shown, likewise: columns user and item (named so, or as in the
                    events) and, where known, time, position, scene, recommendation_id, propensity
    dislike_below : ratings below this become the kind dislike; None, the default, takes all ratings as positive
    columns       : user=, item=, time=, kind=, value=, time_format=, time_zone=, where they should not be guessed

    A file is read part by part, with a bar on a terminal and in a notebook. Rows that cannot be used are left out with
    a warning that counts them; `foretaste check` shows each.
    """
    is_place = isinstance(events, str | Path)
    whole = None if is_place else frame_table(events)
    if is_place and (Path(events) / FILE_NAME).is_file():
        raise DataError(f"{events} is a project; give its file of events, as its {FILE_NAME} names it.")
    sample = sample_table(events) if whole is None else whole
    if not len(sample.frame):
        raise DataError(f"There are no rows in {events if is_place else 'the frame'}.")
    name = sample.frame[FILE][0]
    config, _ = guess_data(sample, name, name.partition("#")[0].split(".")[0])
    data = DataConfig.parse(
        {**config.data.model_dump(exclude_none=True), **columns, "dislike_below": dislike_below}, "read()"
    )
    config = config.model_copy(update={"data": data})
    with auto_progress() as report:
        reading = checked_parts([whole] if whole is not None else with_progress(events, report), config)
    if said := left_out(reading.report):
        warnings.warn(said, stacklevel=2)
    rows = title = None
    if items is not None:
        frame = (read_table(items) if isinstance(items, str | Path) else frame_table(items)).frame
        found = guess_item_columns(frame, sample.frame[data.item], "items")
        rows, title = item_rows(frame, found["item_key"]), found["title"]
    built = Dataset.from_frame(reading.events, rows, kinds=Kinds(config.kinds), title=title, name=config.name)
    if impressions is not None:
        table = (
            read_table(impressions) if isinstance(impressions, str | Path) else frame_table(impressions, "impressions")
        )
        built, problems = read_impressions(guess_impressions(table, data), table, built)
        for problem in problems:
            file, row, _ = problem.first[0]
            warnings.warn(f"{problem.rows:,} rows, the first {file}:{row}: {problem.sentence}", stacklevel=2)
    return replace(
        built,
        user_type=id_type(sample.frame.schema[data.user], built.users.names),
        item_type=id_type(sample.frame.schema[data.item], built.items.ids.names),
    )


def with_progress(source: str | Path, report: Progress) -> Iterator[Table]:
    """The parts of a source, with progress reports; the number of parts of a plain file follows from its size."""
    path = Path(source)
    known = path.is_file() and path.suffix.lower() in PLAIN
    total = -(-path.stat().st_size // BLOCK) if known else 0
    for number, table in enumerate(stream_tables(source), 1):
        yield table
        report(f"reading {path.name} (parts of {BLOCK >> 20} MB)", number, max(total, number + 1))


def id_type(dtype: pl.DataType, names: pl.Series) -> pl.DataType:
    """The type in which ids are returned: that of the source if all names convert back without loss, else text.

    Whole numbers that the source holds as floats are returned as integers.
    """
    wanted = pl.Int64() if dtype.is_float() else dtype
    try:
        same = bool((names.cast(wanted).cast(pl.String) == names).all())
    except pl.exceptions.PolarsError:
        same = False
    return wanted if same else pl.String()


def recommend(
    model: Retriever,
    data: Dataset,
    n: int = 10,
    users: Any = None,
    *,
    guests: Mapping[Any, Sequence[Any]] | None = None,
    allowed: Sequence[Any] | None = None,
) -> pl.DataFrame:
    """The n best items for each user as a frame: user, item, rank, score, title; ids of the type they came in.

    users   : ids as in the source, or a single one; None for all users. Items of a user's history are left out
    guests  : instead, users that the data does not know: name → ids of the items they consumed, newest last
    allowed : ids of the only items that may be recommended; None for all
    """
    if not isinstance(n, int | np.integer) or n < 1:
        raise ConfigError(f"n is {n}; ask for a whole number of items, 1 or more.")
    if guests is not None and users is not None:
        raise ConfigError("Ask for users or for guests, one after the other.")
    mask = None
    if allowed is not None:
        mask = np.zeros(data.n_items, np.bool_)
        mask[_codes(data.items.ids, allowed, "item")] = True
    if guests is not None:
        rows = [_codes(data.items.ids, taken, "item") for taken in guests.values()]
        queries = Queries.guests(rows, data.kinds.usual)
        people = pl.Series("user", list(guests))
    else:
        codes = np.arange(data.n_users, dtype=np.int32)
        if users is not None:
            told = "; ask for somebody new with guests={name: items}"
            codes = _codes(data.users, users, "user", told)
        queries = Queries(codes, data.histories().take(codes), columns=data.columns_of(codes))
        people = data.users.names.gather(codes).cast(data.user_type)
    found = model.recommend(queries, n, exclude=queries.history, allowed=mask)
    row, rank = (found.items != NO_ITEM).nonzero()
    items = found.items[row, rank]
    return pl.DataFrame(
        {
            "user": people.gather(row),
            "item": data.items.ids.names.gather(items).cast(data.item_type),
            "rank": pl.Series(rank + 1, dtype=pl.Int32),
            "score": found.scores[row, rank],
            "title": pl.Series(data.items.titles(), dtype=pl.String).gather(items),
        }
    )


def _codes(ids: IdMap, asked: Any, what: str, told: str = "") -> IntArray:
    """The codes of ids as they are in the source, or of a single one; UnknownNameError for an unknown id."""
    several = [asked] if isinstance(asked, str) or not isinstance(asked, Iterable) else asked
    names = [str(int(name) if isinstance(name, float) and name.is_integer() else name) for name in several]
    codes = ids.codes(names)
    if (codes == NO_ITEM).any():
        missing = next(name for name, code in zip(names, codes, strict=True) if code == NO_ITEM)
        raise UnknownNameError(f"The data knows no {what} '{missing}'{told}.")
    return codes
