"""Reads tables.toml."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

Figures = tuple[float, ...]


@cache
def tables(kind: str) -> dict[str, dict[str, Any]]:
    """Name to block of the tables of one kind: lists, next_item, variants, sampled, ratings."""
    with Path(__file__).with_name("tables.toml").open("rb") as file:
        found: dict[str, dict[str, Any]] = tomllib.load(file)[kind]
    return found


def references(table: dict[str, Any]) -> dict[str, Figures]:
    """Printed values by source, in the order of the table's metrics."""
    return {who: tuple(figures) for who, figures in table.get("references", {}).items()}


def summaries_of(kind: str) -> dict[str, str]:
    """Name to what it measures, in one line."""
    return {name: table["summary"] for name, table in tables(kind).items()}
