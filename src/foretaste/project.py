"""A project folder: one tenant, its settings, its log and its bundles.

shop/
├── foretaste.toml   where the files lie and what their columns mean
├── events.db        the log: everything that happened, the training data
├── foretaste.key    what its pseudonyms and sealed names are made with; without it nobody in the log has a name
└── bundles/         trained pipelines; `current` names the one in use
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import polars as pl

from foretaste.data.dataset import Dataset
from foretaste.data.prepare.prepare import prepare
from foretaste.data.project.guess import load_dataset, load_project
from foretaste.data.project.logged_impressions import logged_impressions
from foretaste.data.user_attributes import overlay_user_attributes
from foretaste.events.model import SEARCHED
from foretaste.events.opening import open_store
from foretaste.files import create_folder
from foretaste.pipeline.bundle import activate, load_bundle, save_bundle
from foretaste.pipeline.pipeline import Pipeline
from foretaste.selection.model_fit import checked_models, default_models, not_installed_defaults
from foretaste.selection.train import Selection, select_pipeline
from foretaste.serving.config import ServiceConfig

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from foretaste.data.config import ProjectConfig
    from foretaste.data.prepare.config import PrepareConfig
    from foretaste.events.protocols import EventLog, EventStore
    from foretaste.types import Run


@dataclass(frozen=True)
class Project:
    folder: Path
    config: ProjectConfig

    @classmethod
    def open(cls, folder: Path) -> Project:
        return cls(folder, load_project(folder))

    @property
    def bundles(self) -> Path:
        return self.folder / "bundles"

    def store(self) -> EventStore:
        return open_store(None, self.folder)


@dataclass(frozen=True, eq=False)
class Trained:
    version: str
    selection: Selection
    data: Dataset


def logged(store: EventStore, files: Dataset) -> tuple[Dataset, str | None]:
    """The whole log as a data set, with what the files know beside the events, and a remark on its times, if any.

    What came through the service counts like what came from files; the log is the training data. What was put of a
    person through the service counts before what the file of users says.
    """
    whole = store.frame()
    searched = whole["kind"] == SEARCHED
    log, remark = with_times(whole.filter(~searched))
    data = Dataset.from_frame(
        log,
        files.items.as_frame(),
        kinds=files.kinds,
        title=files.items.title,
        name=files.name,
    )
    users = overlay_user_attributes(files.user_table, data.users.names, store.user_columns())
    items = replace(data.items, places=files.items.places)
    searches = with_searches(files.searches, whole.filter(searched))
    beside = replace(data, items=items, user_table=users, relations=files.relations, searches=searches)
    if (shown := logged_impressions(store, whole, data.users, data.items.ids)) is not None:
        beside = replace(beside, impressions=shown)
    if (more := files.impressions_beside_events()) is not None:
        more = more.recoded(data.users.codes(files.users.names), data.items.ids.codes(files.items.ids.names))
        beside = beside.with_impressions(more)
    return replace(beside, licence=files.licence), remark


def with_searches(of_files: pl.DataFrame | None, logged: pl.DataFrame) -> pl.DataFrame | None:
    """What people searched for, by the files and by the service, as `Dataset.searches` has it."""
    if not len(logged):
        return of_files
    of_service = logged.select("user", pl.col("item").alias("text"), "time")
    if of_files is None:
        return of_service
    known = of_files.with_columns(pl.col("user", "text").cast(pl.String))
    if "time" in known.columns:
        known = known.with_columns(pl.col("time").cast(pl.Int64))
    return pl.concat([known, of_service], how="diagonal")


def with_times(log: pl.DataFrame) -> tuple[pl.DataFrame, str | None]:
    """The log with a time for every event, or for none, and a sentence where some had to be given one.

    An event of an unknown time is taken to be older than all others, so that nothing is ever learned from it as news;
    a store orders a person's history likewise. Among themselves such events keep the order they came in.
    """
    missing = log["time"].null_count()
    if missing == len(log):
        return log.drop("time"), None
    if not missing:
        return log, None
    said = (
        f"{missing:,} of {len(log):,} events in the log have no time; they count as older than all others, in the "
        "order they came in."
    )
    return log.with_columns(pl.col("time").fill_null(pl.col("time").min() - 1)), said


def add_to_log(log: EventLog, files: Dataset) -> int:
    """Import the events of the files; those already in the log are not counted twice. Returns how many were new."""
    return log.import_frame(files.as_frame())


def train(
    project: Project,
    run: Run,
    *,
    names: Sequence[str] = (),
    variant: Literal["refit", "strict"] = "refit",
    budget: float | None = None,
) -> Trained:
    """Read the project's files into its log, choose, measure, learn from everything, write a bundle and use it."""
    files, _ = load_dataset(project.config, project.folder)
    asked = project.config.prepare
    return train_on(project.folder, files, run, names=names, variant=variant, budget=budget, preparation=asked)


def train_on(
    folder: Path,
    files: Dataset,
    run: Run,
    *,
    names: Sequence[str] = (),
    variant: Literal["refit", "strict"] = "refit",
    budget: float | None = None,
    preparation: PrepareConfig | None = None,
) -> Trained:
    """`train` for a data set that is already read.

    preparation : what is done to the log before anything learns from it; the log itself stays as it is
    """
    create_folder(folder)
    store = open_store(None, folder)
    try:
        add_to_log(store, files)
        position = store.position
        data, said = logged(store, files)
    finally:
        store.close()
    remarks = [said] if said else []
    if preparation is not None:
        data, steps = prepare(data, preparation)
        remarks += [step.sentence for step in steps.steps]
    models = checked_models(data, names) if names else default_models(data)
    remarks += [] if names else not_installed_defaults(data)
    stages = ServiceConfig.of_project(folder).stage_configs()
    selection = select_pipeline(data, models, run, variant=variant, budget=budget, stages=stages)
    selection = replace(selection, remarks=(*remarks, *selection.remarks))
    pipeline = Pipeline(selection.config).fit(data, run)
    metrics = selection.leaderboard.to_json() if selection.leaderboard else {}
    version = save_bundle(folder / "bundles", pipeline, data, log_position=position, metrics=metrics)
    del pipeline  # not twice in memory
    load_bundle(folder / "bundles" / version)  # what cannot be read back never comes into use
    activate(folder / "bundles", version)
    return Trained(version, selection, data)
