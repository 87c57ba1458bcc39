"""Summaries of a data set: one line, a table for the terminal, a table for a notebook. Fast at any size."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from rich.console import Group

    from foretaste.data.dataset import Dataset

HEAD = 5
"""Number of events in a summary."""


def line(data: Dataset) -> str:
    return f"Dataset({data.name!r}: {len(data):,} events of {data.n_users:,} users about {data.n_items:,} items)"


def facts(data: Dataset) -> list[tuple[str, str]]:
    """(name, value) of each part that the data set has."""
    counts = np.bincount(data.kind, minlength=len(data.kinds))
    parts = [
        ("events", f"{len(data):,}"),
        ("users", f"{data.n_users:,}"),
        ("items", f"{data.n_items:,}"),
        ("kinds", ", ".join(f"{name} {n:,}" for name, n in zip(data.kinds.names, counts, strict=True) if n)),
    ]
    if data.time is not None and len(data):
        first, last = (np.datetime64(int(edge), "us").astype("M8[m]") for edge in (data.time.min(), data.time.max()))
        parts.append(("from, to", f"{str(first).replace('T', ' ')}, {str(last).replace('T', ' ')} UTC"))
    if len(data) and (data.value != 1).any():
        parts.append(("values", f"{data.value.min():g} to {data.value.max():g}, mean {data.value.mean():.2f}"))
    if data.items.frame.width:
        parts.append(("of items", ", ".join(data.items.frame.columns)))
    if data.items.places is not None:
        parts.append(("pictures", f"{len(data.items.places):,}"))
    if data.user_table is not None:
        parts.append(("of users", ", ".join(name for name in data.user_table.columns if name != "user")))
    parts += [(name, f"{len(relation):,} {relation.between}") for name, relation in sorted(data.relations.items())]
    if data.searches is not None:
        parts.append(("searches", f"{len(data.searches):,}"))
    if data.impressions is not None:
        parts.append(("impressions", f"{len(data.impressions):,}"))
    if data.licence:
        parts.append(("licence", data.licence))
    return parts


def head(data: Dataset) -> tuple[list[str], list[list[str]]]:
    """The columns and the first events: names, titles, kinds, times."""
    few = np.zeros(len(data), np.bool_)
    few[:HEAD] = True
    frame = data.where(few).as_frame()
    columns = ["user", "item", "kind", *(["value"] if (data.value != 1).any() else [])]
    rows = [[_cell(value) for value in row] for row in frame.select(columns).iter_rows()]
    if data.items.title is not None:
        titles = data.items.frame[data.items.title].gather(data.item[:HEAD]).to_list()
        columns.append("title")
        rows = [[*row, _cell(title)] for row, title in zip(rows, titles, strict=True)]
    if data.time is not None:
        times = data.time[:HEAD].astype("M8[us]").astype("M8[s]").astype(str)
        columns.append("time")
        rows = [[*row, time.replace("T", " ")] for row, time in zip(rows, times, strict=True)]
    return columns, rows


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 60 else text[:57] + "…"


def view(data: Dataset) -> Group:
    """For a terminal, as rich prints it."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False)
    for name, value in facts(data):
        table.add_row(Text(name, style="bold"), Text(value))
    columns, rows = head(data)
    first = Table(*columns, box=None, header_style="bold")
    for row in rows:
        first.add_row(*(Text(field) for field in row))
    return Group(Text(data.name, style="bold"), table, Text(), first)


def html(data: Dataset) -> str:
    """For a notebook; every name is escaped."""
    about = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in facts(data))
    columns, rows = head(data)
    titles = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(field)}</td>" for field in row) + "</tr>" for row in rows)
    style = ' style="text-align:left"'
    return (
        f"<h4>{escape(data.name)}</h4><table{style}>{about}</table>"
        f"<p>The first events:</p><table{style}><tr>{titles}</tr>{body}</table>"
    )
