"""foretaste onboarding: what to ask somebody new."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foretaste.cli.output import Folder, Json, console, print_json


def onboarding(
    items: Annotated[int, typer.Option(min=0, max=100, help="How many items.")] = 12,
    labels: Annotated[int, typer.Option(min=0, max=100, help="How many labels.")] = 8,
    chosen: Annotated[list[str] | None, typer.Option(help="An item they chose; as often as you like.")] = None,
    seen: Annotated[list[str] | None, typer.Option(help="An item they passed over.")] = None,
    likes: Annotated[list[str] | None, typer.Option(help="A label they chose.")] = None,
    project: Folder = ".",
    as_json: Json = False,
) -> None:
    """Show what to ask somebody new: items and labels whose choice tells most, and after their answers the next."""
    from rich.table import Table
    from rich.text import Text

    from foretaste.serving.answering.engine import Engine
    from foretaste.serving.answering.onboarding import OnboardingDesk

    with Engine.of_project(Path(project)) as engine:
        desk = OnboardingDesk(engine, patience=float("inf"))
        answer = desk.ask(items, labels, chosen=chosen or (), seen=seen or (), likes=likes or ())
    if as_json:
        print_json(answer.model_dump(mode="json"))
        return
    if answer.ignored:
        console().print(Text(f"No item is called {', '.join(answer.ignored)}; that was overlooked."), style="yellow")
    console().print(Text("What do you like?", style="bold"))
    if answer.labels:
        console().print(Text(f"{answer.column}: {', '.join(answer.labels)}"))
    table = Table("", "title", "id", box=None, header_style="bold")
    for rank, item in enumerate(answer.items, start=1):
        table.add_row(str(rank), Text(item.title), Text(item.id, style="dim"))
    console().print(table)
