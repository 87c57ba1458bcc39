"""What polars found over a column, as the number it is."""

from __future__ import annotations


def number(found: object) -> float:
    """A mean, median or maximum of numbers or truths; 0 of nothing. Polars types it as anything a column may hold."""
    return 0.0 if found is None else float(found)  # type: ignore[arg-type]
