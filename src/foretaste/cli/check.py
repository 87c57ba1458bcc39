"""foretaste check: what is wrong with the data, row by row, and what it can carry."""

from __future__ import annotations

from pathlib import Path

from foretaste.cli.output import Folder, Json, console, print_json


def check(project: Folder = ".", as_json: Json = False) -> None:
    """Say what is wrong with the project's files, row by row, and what happens to each row."""
    from foretaste.data.check import report_view
    from foretaste.data.project import load_dataset
    from foretaste.project import Project

    opened = Project.open(Path(project))
    _, report = load_dataset(opened.config, opened.folder)
    if as_json:
        print_json(report.to_json())
    else:
        console().print(report_view(report))
