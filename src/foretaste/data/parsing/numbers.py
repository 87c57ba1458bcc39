"""Aggregates of polars as plain floats."""

from __future__ import annotations


def number(found: object) -> float:
    """A mean, median or maximum as a float; 0 for an empty column. Polars types it as anything a column may hold."""
    return 0.0 if found is None else float(found)  # type: ignore[arg-type]
