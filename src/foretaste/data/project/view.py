"""Guesses as tables for the terminal: role, column, confidence and reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table as RichTable
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from foretaste.data.config import ProjectConfig
    from foretaste.data.guessing.event_columns import Guess


def guess_table(guesses: Sequence[Guess]) -> RichTable:
    table = RichTable("", "column", "for example", "sure", "because", box=None, header_style="bold")
    for guess in guesses:
        column = Text(guess.column, style="bold") if guess.column else Text("–", style="dim")
        style = "yellow" if guess.confidence < 0.5 else "dim"
        sure = Text(f"{guess.confidence:.0%}", style=style) if guess.column else Text("")
        table.add_row(guess.role, column, Text(guess.sample), sure, Text(guess.why, style="dim"))
    return table


def more_table(config: ProjectConfig) -> RichTable | None:
    """The guessed settings of the side tables; None where there are none."""
    rows = list(_beside(config))
    if not rows:
        return None
    table = RichTable("", "file", "columns", box=None, header_style="bold")
    for what, file, columns in rows:
        table.add_row(what, Text(file.rpartition("/")[2]), Text(columns, style="dim"))
    return table


def _beside(config: ProjectConfig) -> Iterator[tuple[str, str, str]]:
    data = config.data
    if data.items:
        image = f", picture {data.image}" if data.image else ""
        yield "items", data.items, f"key {data.item_key}, title {data.title or '–'}{image}"
    if data.users:
        yield "users", data.users, f"key {data.user_key}"
    if data.images:
        yield "images", data.images, "named after the items"
    for name, relation in config.relations.items():
        arrow = f" –{relation.relation}→ " if relation.relation else " → "
        what = "facts" if relation.between == "triples" else f"{relation.between} with {relation.between}"
        yield name, relation.file, f"{what}: {relation.source}{arrow}{relation.target}"
    if searches := config.searches:
        yield "searches", searches.file, f"user {searches.user}, text {searches.text}, time {searches.time or '–'}"
    if shown := config.impressions:
        yield "impressions", shown.file, f"user {shown.user}, item {shown.item}, position {shown.position or '–'}"
