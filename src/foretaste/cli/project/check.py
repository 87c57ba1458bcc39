"""foretaste check: what is wrong with the data, row by row, and what it can carry."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foretaste.cli.output import Folder, Html, Json, console, print_json


def check(
    project: Folder = ".",
    html: Html = None,
    card: Annotated[bool, typer.Option(help="Write data-card.json and data-card.md beside foretaste.toml.")] = True,
    as_json: Json = False,
) -> None:
    """Say what is wrong with the project's files, row by row, and what happens to each row."""
    from dataclasses import replace

    from foretaste.data.checks.card import data_card
    from foretaste.data.checks.card_text import card_text
    from foretaste.data.checks.leaks import column_leaks
    from foretaste.data.checks.report_page import report_page
    from foretaste.data.checks.report_view import report_view
    from foretaste.data.project.guess import load_dataset
    from foretaste.data.project.load import events_source
    from foretaste.data.readers.tables import QUARANTINE, stream_tables
    from foretaste.files import write_atomically
    from foretaste.project import Project
    from foretaste.selection.check_report import with_data
    from foretaste.serving.config import ServiceConfig

    opened = Project.open(Path(project))
    config, folder = opened.config, opened.folder
    data, report = load_dataset(config, folder)
    first_part = next(iter(stream_tables(events_source(folder, config.data), query=config.data.query)))
    leaks = tuple(column_leaks(first_part, config))
    report = report.model_copy(update={"problems": (*report.problems, *leaks)})
    report, prepared = with_data(report, data, config.prepare)
    if config.data.licence:
        prepared = replace(prepared, licence=config.data.licence)
    described = data_card(prepared, report)
    written = []
    if card:
        write_atomically(folder / "data-card.json", described.model_dump_json(indent=2) + "\n")
        write_atomically(folder / "data-card.md", card_text(described))
        written.append(f"The data card: {folder / 'data-card.md'} and .json")
    if html is not None:
        write_atomically(html, report_page(report, prepared))
        written.append(f"The same with plots: {html}")
    columns = {*prepared.items.frame.columns, *([prepared.items.title] if prepared.items.title else [])}
    remarks = ServiceConfig.of_project(folder).remarks(columns, prepared.kinds.names)
    if as_json:
        print_json({**report.to_json(), "serve": remarks, "card": described.model_dump(mode="json")})
        return
    if report.counts["quarantined"]:
        written.append(
            f"Rows that could not be used: {folder / QUARANTINE}. Put them right, give the file another name, and it "
            "can be read like the events."
        )
    console().print(report_view(report))
    for remark in remarks:
        console().print(remark, style="yellow", highlight=False, markup=False)
    if written:
        console().print("\n" + "\n".join(written), highlight=False)
