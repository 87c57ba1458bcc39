"""A project folder: one tenant, its settings, its log and its bundles.

shop/
├── foretaste.toml   where the files lie and what their columns mean
├── events.db        the log: everything that happened, the training data
└── bundles/         trained pipelines; `current` names the one in use
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from foretaste.data.dataset import Dataset
from foretaste.data.project import load_dataset, load_project
from foretaste.evaluation.train import Selection, select_pipeline, usable_models
from foretaste.events.sqlite import SqliteStore
from foretaste.pipeline.bundle import activate, save_bundle
from foretaste.pipeline.pipeline import Pipeline
from foretaste.registry import models

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from foretaste.data.project_config import ProjectConfig
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

    def store(self) -> SqliteStore:
        return SqliteStore(self.folder / "events.db")


@dataclass(frozen=True, eq=False)
class Trained:
    version: str
    selection: Selection
    data: Dataset


def logged(store: SqliteStore, files: Dataset) -> Dataset:
    """The whole log as a data set, with the catalogue and the kinds of the files.

    What came through the service counts like what came from files; the log is the training data.
    """
    log = store.frame()
    if log["time"].null_count():  # the files have only an order, and the log keeps it
        log = log.drop("time")
    return Dataset.from_frame(
        log,
        files.items.as_frame(),
        kinds=files.kinds,
        title=files.items.title,
        name=files.name,
    )


def add_to_log(store: SqliteStore, files: Dataset) -> int:
    """Import the events of the files; those already in the log are not counted twice. Returns how many were new."""
    return store.import_frame(files.as_frame())


def train(
    project: Project,
    run: Run,
    *,
    names: Sequence[str] = (),
    variant: Literal["refit", "strict"] = "refit",
) -> Trained:
    """Read the project's files into its log, choose, measure, learn from everything, write a bundle and use it."""
    files, _ = load_dataset(project.config, project.folder)
    return train_on(project.folder, files, run, names=names, variant=variant)


def train_on(
    folder: Path,
    files: Dataset,
    run: Run,
    *,
    names: Sequence[str] = (),
    variant: Literal["refit", "strict"] = "refit",
) -> Trained:
    """`train` for a data set that is already read."""
    folder.mkdir(parents=True, exist_ok=True)
    store = SqliteStore(folder / "events.db")
    try:
        add_to_log(store, files)
        position = store.position
        data = logged(store, files)
    finally:
        store.close()
    selection = select_pipeline(data, usable_models(data, names or list(models())), run, variant=variant)
    pipeline = Pipeline(selection.config).fit(data, run)
    metrics = selection.leaderboard.to_json() if selection.leaderboard else {}
    version = save_bundle(folder / "bundles", pipeline, data, log_position=position, metrics=metrics)
    activate(folder / "bundles", version)
    return Trained(version, selection, data)
