"""foretaste demo: real data, an honest leaderboard, ten titles with reasons, then a page to click."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from foretaste.cli.output import Json, console, notes, print_json, project_folder
from foretaste.cli.project.train import described, show
from foretaste.cli.service.recommend import titles
from foretaste.cli.service.serve import Host, Port, check_installed, missing_package, run_server

PERSON = "196"
"""The first person in the file: a film lover of 49."""


def demo(
    serve: Annotated[
        bool | None, typer.Option("--serve/--no-serve", help="Serve the page at the end; default: on a terminal.")
    ] = None,
    project: Annotated[
        str, typer.Option("--project", "-p", callback=project_folder, help="Folder to work in.")
    ] = "foretaste-demo",
    host: Host = "127.0.0.1",
    port: Port = 8000,
    as_json: Json = False,
) -> None:
    """Train on MovieLens 100K, compare the models, show ten titles for a person, serve the page."""
    from foretaste.data.sources import load_source
    from foretaste.progress import progress
    from foretaste.project import train_on
    from foretaste.serving.answering.engine import Engine
    from foretaste.types import Run

    if serve:
        check_installed()  # and not after minutes of training
    elif serve is None:
        serve = sys.stdout.isatty() and missing_package() is None
    out, folder = console(), Path(project)
    data = load_source("movielens-100k")
    if not as_json:
        out.print(
            f"[bold]MovieLens 100K[/bold]: {len(data):,} ratings of {data.n_items:,} films by {data.n_users:,} people. "
            "Several ways to recommend, each tuned on validation:\n",
            highlight=False,
        )
    with progress(notes()) as bars:
        trained = train_on(folder, data, Run(seed=0, progress=bars))
    with Engine.of_project(folder) as engine:
        answer = engine.for_user(PERSON, 10, explain=True)
        profile = engine.profile(PERSON, 3)
    if as_json:
        print_json({**described(trained), "person": answer.model_dump(mode="json")})
        return
    show(trained)
    lately = ", ".join(event.title for event in profile.history)
    out.print(f"\n[bold]For person {PERSON}[/bold], who lately rated {lately}:\n", highlight=False)
    out.print(titles(answer))
    if serve:
        run_server(folder, host, port)
    else:
        out.print(
            f"\nNext: foretaste serve -p {project}   then click a title and see the list change.",
            style="dim",
            highlight=False,
        )
