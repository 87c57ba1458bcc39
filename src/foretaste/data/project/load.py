"""Loads a project's files as a data set: valid rows in it, invalid ones in quarantine.csv, and a report of both."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from foretaste.data.checks.check import Problem, Report, checked_parts
from foretaste.data.checks.columns import columns_exist
from foretaste.data.checks.rows import guess_key, row_problems, rows_by_id
from foretaste.data.dataset import Dataset
from foretaste.data.kinds import Kinds
from foretaste.data.project.side_tables import place, with_tables
from foretaste.data.readers.packed import BLOCK
from foretaste.data.readers.tables import FILE, QUARANTINE, ROW, Table, read_table, stream_tables
from foretaste.errors import ConfigError, did_you_mean
from foretaste.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from foretaste.data.checks.check import Reading
    from foretaste.data.config import DataConfig, ProjectConfig


def load_dataset(config: ProjectConfig, folder: Path, *, block: int = BLOCK) -> tuple[Dataset, Report]:
    """The project's files as a data set, and the report on them. Invalid rows are written to quarantine.csv.

    block : bytes of text read at once; of rows read before, only the events stay in memory
    """
    data = config.data
    tables = stream_tables(events_source(folder, data), query=data.query, block=block)
    reading = checked_parts(with_all_columns(tables, data), config)
    if len(reading.quarantined):
        rows = reading.quarantined.sort(FILE, ROW, maintain_order=True)
        write_atomically(folder / QUARANTINE, rows.write_csv())
    items, about_items = _rows_of(folder, data.items, data.item_key, "item", reading)
    users, about_users = _rows_of(folder, data.users, data.user_key, "user", reading)
    kinds = Kinds(config.kinds) if config.kinds else None
    title = _title(data, items)
    events, report = reading.events, reading.report
    del reading  # frees the file and row of each event
    dataset = Dataset.from_frame(events, items, kinds=kinds, title=title, name=config.name)
    if users is not None:
        named = pl.DataFrame({"user": dataset.users.names})
        rows = users.unique("user", keep="last", maintain_order=True)
        dataset = replace(dataset, user_table=named.join(rows, on="user", how="left", maintain_order="left"))
    dataset = replace(dataset, licence=data.licence)
    dataset, about_tables = with_tables(dataset, config, folder, items)
    problems = (*report.problems, *about_items, *about_users, *about_tables)
    return dataset, report.model_copy(update={"problems": problems})


def events_source(folder: Path, data: DataConfig) -> Path | str:
    """The path or URL of the events, with `#TABLE` for a table of a database."""
    source = f"{data.events}#{data.table}" if data.table else data.events
    return place(folder, source)


def with_all_columns(tables: Iterable[Table], data: DataConfig) -> Iterator[Table]:
    """The tables with all configured columns: a part of a JSON file may lack one that other parts have.

    ConfigError where no part has it.
    """
    needed = [name for name in (data.user, data.item, data.time, data.kind, data.value) if name]
    seen: dict[str, pl.DataType] = {}
    for table in tables:
        seen |= table.frame.schema
        missing = [name for name in needed if name not in table.frame.columns]
        if missing and table.format.startswith("JSON"):
            empty = [pl.lit(None, pl.String).alias(name) for name in missing]
            yield Table(table.frame.with_columns(empty), table.broken, table.format)
        else:
            yield table
    columns_exist(data, pl.DataFrame(schema=seen))


def _title(data: DataConfig, items: pl.DataFrame | None) -> str | None:
    """The title column; None where it is the key, because items without a title are shown by their id anyway."""
    if items is None or data.title in {None, data.item_key}:
        return None
    if data.title not in items.columns:
        raise ConfigError(
            f"foretaste.toml: [data] title = '{data.title}': the item file has no such column."
            f"{did_you_mean(str(data.title), set(items.columns) - {'item'})}"
        )
    return data.title


def _rows_of(
    folder: Path, file: str | None, key: str | None, name: str, reading: Reading
) -> tuple[pl.DataFrame | None, list[Problem]]:
    """One row per item or user if there is such a file, and its problems."""
    if file is None:
        return None, []
    table = read_table(place(folder, file))
    if name == "user" and key is None:  # a project written before there was a user_key
        key = guess_key(table.frame, reading.events[name], file, "users")
    rows = rows_by_id(table.frame, key, name)
    return rows, list(row_problems(table, str(key), name, reading.events[name], reading.where))
