"""A project folder: the settings, event log and bundles of one tenant; training from its files to a new bundle.

shop/
├── foretaste.toml   settings: the data files and the meaning of their columns
├── events.db        the event log, which is the training data
├── foretaste.key    the key of its pseudonyms and encrypted names; without it no user name can be read
└── bundles/         trained pipelines; `current` names the one in use
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from foretaste.data.prepare.prepare import prepare
from foretaste.data.project.guess import load_dataset, load_project
from foretaste.data.project.log_dataset import add_to_log, log_dataset
from foretaste.events.opening import open_store
from foretaste.files import create_folder
from foretaste.pipeline.bundle import activate, load_bundle, save_bundle
from foretaste.pipeline.pipeline import Pipeline
from foretaste.selection.choose_pipeline import Selection, select_pipeline
from foretaste.selection.model_fit import checked_models, default_models, not_installed_defaults
from foretaste.serving.config import ServiceConfig

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from foretaste.data.config import ProjectConfig
    from foretaste.data.dataset import Dataset
    from foretaste.data.prepare.config import PrepareConfig
    from foretaste.events.protocols import EventStore
    from foretaste.types import Run


@dataclass(frozen=True)
class Project:
    """A project folder with its settings."""

    folder: Path
    config: ProjectConfig

    @classmethod
    def open(cls, folder: Path) -> Project:
        """The project in a folder; ConfigError where foretaste.toml cannot be read."""
        return cls(folder, load_project(folder))

    @property
    def bundles(self) -> Path:
        return self.folder / "bundles"

    def store(self) -> EventStore:
        return open_store(None, self.folder)


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """The outcome of a training.

    version   : name of the bundle, now in use
    selection : the chosen pipeline, its leaderboard and remarks
    data      : the prepared data it was trained on
    """

    version: str
    selection: Selection
    data: Dataset


def train(
    project: Project,
    run: Run,
    *,
    names: Sequence[str] = (),
    variant: Literal["refit", "strict"] = "refit",
    budget: float | None = None,
) -> TrainingResult:
    """Import the project's files into its log, select and evaluate models, fit on all data, activate the new bundle.

    names   : models to try; empty: the default models for this data
    variant : "refit" or "strict", as in `select_pipeline`
    budget  : seconds for the search of settings; None tries the grid of each model

    raises : DataError where a named model does not fit the data
    """
    files, _ = load_dataset(project.config, project.folder)
    return train_on(
        project.folder, files, run, names=names, variant=variant, budget=budget, preparation=project.config.prepare
    )


def train_on(
    folder: Path,
    files: Dataset,
    run: Run,
    *,
    names: Sequence[str] = (),
    variant: Literal["refit", "strict"] = "refit",
    budget: float | None = None,
    preparation: PrepareConfig | None = None,
) -> TrainingResult:
    """`train` for a data set that is already read.

    preparation : settings of the preparation of the training data; the log itself is not changed
    """
    create_folder(folder)
    store = open_store(None, folder)
    try:
        add_to_log(store, files)
        position = store.position
        data, remark = log_dataset(store, files)
    finally:
        store.close()
    remarks = [remark] if remark else []
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
    load_bundle(folder / "bundles" / version)  # a bundle that cannot be read back is never activated
    activate(folder / "bundles", version)
    return TrainingResult(version, selection, data)
