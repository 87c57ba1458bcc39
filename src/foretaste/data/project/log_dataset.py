"""The event log of a project as the data set to train on, and the import of file events into the log."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from foretaste.data.dataset import Dataset
from foretaste.data.project.logged_impressions import logged_impressions
from foretaste.data.project.user_attributes import overlay_user_attributes
from foretaste.events.model import SEARCHED

if TYPE_CHECKING:
    from foretaste.events.protocols import EventLog, EventStore


def log_dataset(store: EventStore, files: Dataset) -> tuple[Dataset, str | None]:
    """The whole log as a data set, with the side tables of the files, and a remark on missing times, if any.

    Events from the service and from files count alike: the log is the training data. User attributes from the service
    override those of the file of users, and searches and impressions of both are merged.
    """
    whole = store.frame()
    searched = whole["kind"] == SEARCHED
    log, remark = with_filled_times(whole.filter(~searched))
    data = Dataset.from_frame(
        log,
        files.items.as_frame(),
        kinds=files.kinds,
        title=files.items.title,
        name=files.name,
    )
    users = overlay_user_attributes(files.user_table, data.users.names, store.user_columns())
    items = replace(data.items, places=files.items.places)
    searches = merged_searches(files.searches, whole.filter(searched))
    beside = replace(data, items=items, user_table=users, relations=files.relations, searches=searches)
    if (shown := logged_impressions(store, whole, data.users, data.items.ids)) is not None:
        beside = replace(beside, impressions=shown)
    if (more := files.impressions_beside_events()) is not None:
        more = more.recoded(data.users.codes(files.users.names), data.items.ids.codes(files.items.ids.names))
        beside = beside.with_impressions(more)
    return replace(beside, licence=files.licence), remark


def merged_searches(of_files: pl.DataFrame | None, of_log: pl.DataFrame) -> pl.DataFrame | None:
    """The searches of the files and of the log together, as in `Dataset.searches`; None where there are none."""
    if not len(of_log):
        return of_files
    of_log = of_log.select("user", pl.col("item").alias("text"), "time")
    if of_files is None:
        return of_log
    known = of_files.with_columns(pl.col("user", "text").cast(pl.String))
    if "time" in known.columns:
        known = known.with_columns(pl.col("time").cast(pl.Int64))
    return pl.concat([known, of_log], how="diagonal")


def with_filled_times(log: pl.DataFrame) -> tuple[pl.DataFrame, str | None]:
    """The log with a time for every event, or without times, and a remark where some times had to be filled.

    Events of an unknown time count as older than all others, in order of arrival, so that no model takes them for
    recent; stores order histories in the same way.
    """
    missing = log["time"].null_count()
    if missing == len(log):
        return log.drop("time"), None
    if not missing:
        return log, None
    remark = (
        f"{missing:,} of {len(log):,} events in the log have no time; they count as older than all others, in the "
        "order they came in."
    )
    return log.with_columns(pl.col("time").fill_null(pl.col("time").min() - 1)), remark


def add_to_log(log: EventLog, files: Dataset) -> int:
    """Import the events of the files into the log, each once; returns how many were new."""
    return log.import_frame(files.as_frame())
