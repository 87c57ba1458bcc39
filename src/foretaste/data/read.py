"""`foretaste.read`: a frame, a file or a folder in; a data set out. Columns are guessed unless they are named."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from foretaste.data.check import checked
from foretaste.data.dataset import Dataset
from foretaste.data.kinds import Kinds
from foretaste.data.project import guess_data, guess_item_columns, item_rows
from foretaste.data.project_config import DataConfig
from foretaste.data.readers import FILE, Table, read_table
from foretaste.data.readers_frames import frame_table
from foretaste.errors import UnknownNameError
from foretaste.types import NO_ITEM, NO_USER, Queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from foretaste.protocols import Retriever


def read(events: Any, items: Any = None, **columns: str) -> Dataset:
    """A data set from a polars or pandas frame, a file (CSV, JSON lines, Parquet, gzipped or not) or a folder.

    events  : one row per event
    items   : one row per item, likewise; None where nothing is known of the items
    columns : user=, item=, time=, kind=, value=, time_format=, time_zone= where the guess should not decide

    Rows that cannot be used are left out with a warning that counts them; `foretaste check` shows each.
    """
    table = _table(events)
    config, _ = guess_data(table, table.frame[FILE][0], table.frame[FILE][0].split(".")[0])
    data = DataConfig.parse({**config.data.model_dump(exclude_none=True), **columns}, "read()")
    config = config.model_copy(update={"data": data})
    reading = checked(table, config)
    if lost := reading.report.counts["quarantined"]:
        first = next(problem for problem in reading.report.problems if problem.action == "quarantined")
        warnings.warn(f"{lost} rows are left out, the first: {first.sentence} {first.first[0]}", stacklevel=2)
    rows = title = None
    if items is not None:
        frame = _table(items).frame
        found = guess_item_columns(frame, table.frame[data.item], "items")
        rows, title = item_rows(frame, found["item_key"]), found["title"]
    built = Dataset.from_frame(reading.events, rows, kinds=Kinds(config.kinds), title=title, name=config.name)
    return replace(built, user_type=_id_type(table.frame[data.user]), item_type=_id_type(table.frame[data.item]))


def recommend(model: Retriever, data: Dataset, n: int = 10, users: Sequence[Any] | None = None) -> pl.DataFrame:
    """The n best items for each user as a frame: user, item, rank, score, title; ids of the type they came in.

    users : ids, as in your data; None for everybody. What a user already did is not offered again
    """
    if users is None:
        codes = np.arange(data.n_users, dtype=np.int32)
    else:
        names = [str(user) for user in users]
        codes = data.users.codes(names)
        if (codes == NO_USER).any():
            missing = next(name for name, code in zip(names, codes, strict=True) if code == NO_USER)
            raise UnknownNameError(f"The data knows no user '{missing}'; ask for a guest with Queries.guests instead.")
    queries = Queries(codes, data.histories().take(codes))
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


def _table(source: Any) -> Table:
    """A path is read; a frame of any library is taken as it is."""
    return read_table(Path(source)) if isinstance(source, str | Path) else frame_table(source)


def _id_type(column: pl.Series) -> pl.DataType:
    """Whole numbers that were held as floats come out as whole numbers."""
    return pl.Int64() if column.dtype.is_float() else column.dtype
