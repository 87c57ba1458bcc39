"""`foretaste.read`: a frame, a file or a folder in; a data set out. Columns are guessed unless they are named."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from foretaste.data.checks.check import checked_parts
from foretaste.data.checks.report import left_out
from foretaste.data.dataset import Dataset
from foretaste.data.kinds import Kinds
from foretaste.data.project.config import DataConfig
from foretaste.data.project.guess import guess_data, guess_item_columns, item_rows
from foretaste.data.readers.frames import frame_table
from foretaste.data.readers.packed import BLOCK
from foretaste.data.readers.sample import sample_table
from foretaste.data.readers.tables import FILE, Table, read_table, stream_tables
from foretaste.errors import UnknownNameError
from foretaste.notebook import waiting
from foretaste.types import NO_ITEM, NO_USER, Queries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from foretaste.protocols import Retriever

    Progress = Callable[[str, int, int], None]

PLAIN = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json")
"""Files whose size says how many parts they have."""


def read(events: Any, items: Any = None, **columns: str) -> Dataset:
    """A data set from a polars or pandas frame, a file (CSV, JSON lines, Parquet, packed or not), a folder, a database.

    events  : one row per event; `shop.db#orders` and `postgresql://…#orders` are tables of databases
    items   : one row per item, likewise; None where nothing is known of the items
    columns : user=, item=, time=, kind=, value=, time_format=, time_zone= where the guess should not decide

    A file is read part by part, with a bar on a terminal and in a notebook. Rows that cannot be used are left out with
    a warning that counts them; `foretaste check` shows each.
    """
    is_place = isinstance(events, str | Path)
    whole = None if is_place else frame_table(events)
    sample = sample_table(events) if whole is None else whole
    name = sample.frame[FILE][0]
    config, _ = guess_data(sample, name, name.partition("#")[0].split(".")[0])
    data = DataConfig.parse({**config.data.model_dump(exclude_none=True), **columns}, "read()")
    config = config.model_copy(update={"data": data})
    with waiting() as report:
        reading = checked_parts([whole] if whole is not None else watched(events, report), config)
    if said := left_out(reading.report):
        warnings.warn(said, stacklevel=2)
    rows = title = None
    if items is not None:
        frame = (read_table(items) if isinstance(items, str | Path) else frame_table(items)).frame
        found = guess_item_columns(frame, sample.frame[data.item], "items")
        rows, title = item_rows(frame, found["item_key"]), found["title"]
    built = Dataset.from_frame(reading.events, rows, kinds=Kinds(config.kinds), title=title, name=config.name)
    return replace(
        built,
        user_type=id_type(sample.frame.schema[data.user], built.users.names),
        item_type=id_type(sample.frame.schema[data.item], built.items.ids.names),
    )


def watched(source: str | Path, report: Progress) -> Iterator[Table]:
    """The parts of a source; how many there will be is known by its size, for a plain file."""
    path = Path(source)
    known = path.is_file() and path.suffix.lower() in PLAIN
    total = -(-path.stat().st_size // BLOCK) if known else 0
    for number, table in enumerate(stream_tables(source), 1):
        yield table
        report(f"reading {path.name} (parts of {BLOCK >> 20} MB)", number, max(total, number + 1))


def id_type(dtype: pl.DataType, names: pl.Series) -> pl.DataType:
    """The type in which ids go out: the one they came in if every name survives the way there and back, else text.

    Whole numbers that were held as floats come out as whole numbers.
    """
    wanted = pl.Int64() if dtype.is_float() else dtype
    try:
        same = bool((names.cast(wanted).cast(pl.String) == names).all())
    except pl.exceptions.PolarsError:
        same = False
    return wanted if same else pl.String()


def recommend(model: Retriever, data: Dataset, n: int = 10, users: Sequence[Any] | str | None = None) -> pl.DataFrame:
    """The n best items for each user as a frame: user, item, rank, score, title; ids of the type they came in.

    users : ids, as in your data, or one as text; None for everybody. What a user already did is not offered again
    """
    if users is None:
        codes = np.arange(data.n_users, dtype=np.int32)
    else:
        asked = [users] if isinstance(users, str) else users
        names = [str(int(user) if isinstance(user, float) and user.is_integer() else user) for user in asked]
        codes = data.users.codes(names)
        if (codes == NO_USER).any():
            missing = next(name for name, code in zip(names, codes, strict=True) if code == NO_USER)
            raise UnknownNameError(f"The data knows no user '{missing}'; ask for a guest with Queries.guests instead.")
    queries = Queries(codes, data.histories().take(codes), columns=data.columns_of(codes))
    found = model.recommend(queries, n, exclude=queries.history)
    row, rank = (found.items != NO_ITEM).nonzero()
    items = found.items[row, rank]
    return pl.DataFrame(
        {
            "user": data.users.names.gather(codes[row]).cast(data.user_type),
            "item": data.items.ids.names.gather(items).cast(data.item_type),
            "rank": pl.Series(rank + 1, dtype=pl.Int32),
            "score": found.scores[row, rank],
            "title": pl.Series(data.items.titles(), dtype=pl.String).gather(items),
        }
    )
