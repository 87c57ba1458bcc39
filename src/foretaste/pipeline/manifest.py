"""What a bundle says of itself: manifest.json as classes."""

from __future__ import annotations

from typing import Any

from foretaste.config import Config
from foretaste.data.checks.card import DataCard

FORMAT = 2
"""2: the pipeline has stages."""
READ = (1, FORMAT)
"""Formats that are opened: a bundle of format 1 has no stages."""


class DataSummary(Config):
    name: str
    fingerprint: str
    events: int
    users: int
    items: int
    items_fingerprint: str
    """Of the ids in order: a longer catalogue that begins with these may be used, no other."""
    first_event: str | None = None
    last_event: str | None = None


class Manifest(Config):
    format: int = FORMAT
    foretaste: str
    version: str
    created: str
    data: DataSummary
    data_card: DataCard | None = None
    """What it learned from, in numbers; None in bundles older than data cards."""
    log_position: int
    """The last event of the log that was learned from."""
    title: str | None
    """The column of the catalogue that people read first."""
    config: dict[str, Any]
    metrics: dict[str, Any]
    """The leaderboard it was chosen by, with protocol and intervals."""
    files: dict[str, str] = {}
    """Path to SHA-256 of every other file."""
