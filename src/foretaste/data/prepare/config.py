"""The settings of [prepare]: how data are prepared before training; by default nothing is done."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from foretaste.config import Config


class PrepareConfig(Config):
    """Applied in this order: repeats, sessions, k-core, missing numbers, HTML. Each step reports what it changed."""

    called = "[prepare]"
    repeats: Literal["keep", "exact", "first", "last", "sum"] = "keep"
    """Events of one user, item and kind: keep all; drop exact copies (same time and value); or one of each run: its
    first, its last, or its first with all values added up."""
    repeats_within_seconds: float | None = Field(None, gt=0)
    """A run ends where the next event comes later than this after the one before; empty: all of them are one run."""
    session_gap_minutes: float | None = Field(None, gt=0)
    """Cut each history where nothing happened for longer; each session then learns as a user of its own, named
    'user#1'. Empty: no cutting."""
    min_user_events: int = Field(0, ge=0)
    """Leave out users (sessions, where they were cut) with fewer events, and items below the next number, until
    nothing changes: the k-core."""
    min_item_events: int = Field(0, ge=0)
    """Leave out items with fewer events, from the catalogue too."""
    core_counts: Literal["events", "pairs"] = "events"
    """What the two numbers above count: every event, or each pair of user and item once."""
    missing_values: Literal["one", "median", "user-mean", "item-mean", "quarantine"] = "one"
    """What an event without a readable value is worth: 1; the median of all; the mean of its user's or its item's
    others (the median where there are none); or the row goes to quarantine. Done while the file is read."""
    missing_numbers: Literal["keep", "median", "mean", "zero"] = "keep"
    """What stands for a missing number in the item file."""
    strip_html: bool = False
    """Take tags, scripts and entities out of the item file's texts."""

    @property
    def changes_data(self) -> bool:
        """Whether any step is configured beyond the reading of the file."""
        return self.model_copy(update={"missing_values": "one"}) != PrepareConfig(core_counts=self.core_counts)
