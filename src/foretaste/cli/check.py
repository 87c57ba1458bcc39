"""foretaste check: what is wrong with the data, row by row, and what it can carry."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foretaste.cli.output import Folder, Json, console, print_json


def check(
    project: Folder = ".",
    html: Annotated[Path | None, typer.Option(help="Also write the report there, as one page with plots.")] = None,
    as_json: Json = False,
) -> None:
    """Say what is wrong with the project's files, row by row, and what happens to each row."""
    from foretaste.data.project import load_dataset
    from foretaste.data.report import report_view
    from foretaste.data.report_page import report_page
    from foretaste.project import Project

    opened = Project.open(Path(project))
    data, report = load_dataset(opened.config, opened.folder)
    if html is not None:
        html.write_text(report_page(report, data), encoding="utf-8")
    if as_json:
        print_json(report.to_json())
        return
    console().print(report_view(report))
    if html is not None:
        console().print(f"\nThe same with plots: {html}", highlight=False)
