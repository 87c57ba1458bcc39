"""Summaries of a data set, as a table for the terminal and for a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Group

Facts = list[tuple[str, str]]
"""(name, value) of each part of a data set, such as ('events', '1,000')."""
HEAD = 5
"""Number of events in a summary."""


def cell(value: Any) -> str:
    """A value as short text; empty for None."""
    if value is None:
        return ""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 60 else text[:57] + "…"


def view(name: str, facts: Facts, columns: list[str], rows: list[list[str]]) -> Group:
    """For a terminal, as rich prints it."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False)
    for fact, value in facts:
        table.add_row(Text(fact, style="bold"), Text(value))
    first = Table(*columns, box=None, header_style="bold")
    for row in rows:
        first.add_row(*(Text(field) for field in row))
    return Group(Text(name, style="bold"), table, Text(), first)


def html(name: str, facts: Facts, columns: list[str], rows: list[list[str]]) -> str:
    """For a notebook; every name is escaped."""
    about = "".join(f"<tr><th>{escape(fact)}</th><td>{escape(value)}</td></tr>" for fact, value in facts)
    titles = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(field)}</td>" for field in row) + "</tr>" for row in rows)
    style = ' style="text-align:left"'
    return (
        f"<h4>{escape(name)}</h4><table{style}>{about}</table>"
        f"<p>The first events:</p><table{style}><tr>{titles}</tr>{body}</table>"
    )
