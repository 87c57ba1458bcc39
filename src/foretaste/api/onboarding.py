"""Schema of onboarding: items and labels to show to a new user."""

from __future__ import annotations

from foretaste.api.base import Response, response_example
from foretaste.api.items import Item


class Onboarding(Response):
    """Items and labels to show to a new user, who chooses what they like."""

    model_config = response_example(
        {
            "version": "20261121-100000-3f9a1c",
            "items": [{"id": "50", "title": "Star Wars (1977)", "columns": {"year": 1977}}],
            "labels": ["Drama", "Comedy"],
            "column": "genres",
            "ignored": [],
            "degraded": False,
        }
    )
    version: str
    items: list[Item]
    """Well-known items, the most informative first, given what was chosen so far."""
    labels: list[str]
    """Labels that split the catalogue best, the most informative first; send the chosen ones as `likes` of a guest."""
    column: str | None
    """The catalogue column of these labels; null where no column has labels."""
    ignored: list[str]
    """Chosen or seen items that no model knows."""
    degraded: bool
    """Whether the models are still being loaded, so that the items are only popular ones."""
