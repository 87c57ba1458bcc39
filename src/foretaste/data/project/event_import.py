"""The import of one more file of events into a project's log, read like its own files where it has their columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foretaste.data.checks.check import checked_parts
from foretaste.data.checks.columns import ROLES
from foretaste.data.checks.report import left_out
from foretaste.data.dataset import Dataset
from foretaste.data.kinds import Kinds
from foretaste.data.project.file import FILE_NAME, load_project
from foretaste.data.project.guess import guess_data
from foretaste.data.project.load import with_all_columns
from foretaste.data.read import with_progress
from foretaste.data.readers.sample import sample_table
from foretaste.errors import DataError
from foretaste.notebook import auto_progress

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from foretaste.data.config import DataConfig, ProjectConfig
    from foretaste.data.guessing.event_columns import Guess
    from foretaste.data.readers.tables import Table

SURE = 0.5
"""Confidence of a guess below which an import is refused, because a wrong import is hard to notice in a log."""


def imported_events(file: Path, folder: Path) -> tuple[pl.DataFrame, list[str]]:
    """The events of a file for `EventLog.import_frame`, and remarks on how it was read and what was left out."""
    project = load_project(folder) if (folder / FILE_NAME).exists() else None
    sample = sample_table(file)
    if project is not None and {project.data.user, project.data.item} <= set(sample.frame.columns):
        config, remarks = _as_project(project, sample, file)
    else:
        config, remarks = _guessed(project, sample, file)
    with auto_progress() as report:
        reading = checked_parts(with_all_columns(with_progress(file, report), config.data), config)
    if said := left_out(reading.report):
        remarks.append(said)
    kinds = Kinds(config.kinds) if config.kinds else None
    return Dataset.from_frame(reading.events, kinds=kinds).as_frame(), remarks


def _as_project(project: ProjectConfig, sample: Table, file: Path) -> tuple[ProjectConfig, list[str]]:
    asked = {role: name for role in ROLES if (name := getattr(project.data, role)) is not None}
    missing = {role: name for role, name in asked.items() if name not in sample.frame.columns}
    there = project.data.model_copy(update={"events": str(file), **dict.fromkeys(missing)})
    remarks = [
        f"{file} has no column '{name}'; its events are kept without a {role}." for role, name in missing.items()
    ]
    return project.model_copy(update={"data": there}), remarks


def _guessed(project: ProjectConfig | None, sample: Table, file: Path) -> tuple[ProjectConfig, list[str]]:
    """The settings guessed from the file's own columns; its words for kinds are read as in the project."""
    config, guesses = guess_data(sample, str(file), file.name)
    for guess in guesses:
        if guess.role in {"user", "item"} and guess.confidence < SURE:
            raise DataError(_unsure(guess, file, project.data if project else None))
    if project is not None:
        config = config.model_copy(update={"kind_names": {**config.kind_names, **project.kind_names}})
    read = ", ".join(f"{guess.role} = {guess.column}" for guess in guesses if guess.column)
    return config, [f"The columns of {file} are guessed: {read}."]


def _unsure(guess: Guess, file: Path, data: DataConfig | None) -> str:
    as_project = f"as in {FILE_NAME} ('{data.user}', '{data.item}'), or " if data else ""
    return (
        f"{file} does not seem to be a file of events: the ids of its {guess.role}s would be '{guess.column}', "
        f"{guess.why}. Is it the right file? If so, name its columns {as_project}user and item."
    )
