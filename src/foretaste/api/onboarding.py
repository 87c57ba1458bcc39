"""What a new person is asked first."""

from __future__ import annotations

from foretaste.api.base import Response, response_example
from foretaste.api.items import Item


class Onboarding(Response):
    """Things to show to somebody new: what of these do you like?"""

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
    """Well-known items, the most telling first; after what was chosen, the next."""
    labels: list[str]
    """Labels that split the catalogue best, the most telling first; `likes` of a guest's request takes them."""
    column: str | None
    """Of the catalogue, whose labels these are; none where no column has any."""
    ignored: list[str]
    """Items chosen or seen that no model knows."""
    degraded: bool
    """The models are still being loaded or compared, so the items are merely popular."""
