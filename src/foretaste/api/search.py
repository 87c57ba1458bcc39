"""Schemas of search results."""

from __future__ import annotations

from foretaste.api.base import Response, response_example
from foretaste.api.items import ScoredItem


class SearchHit(ScoredItem):
    model_config = response_example(
        {"id": "50", "title": "Star Wars (1977)", "columns": {}, "score": 0.91, "found_by": {"words": 1.0}}
    )
    found_by: dict[str, float]
    """Score by each source. words: share of the query's words that match. meaning, picture: cosine similarity.
    taste: the score of a recommendation model for the user."""


class SearchResults(Response):
    model_config = response_example(
        {
            "query": "star wras",
            "corrected": "star wars",
            "user": None,
            "remembered": False,
            "version": "20261121-100000-3f9a1c",
            "sources": ["words", "meaning"],
            "items": [
                {
                    "id": "50",
                    "title": "Star Wars (1977)",
                    "columns": {},
                    "score": 0.91,
                    "found_by": {"words": 1.02, "meaning": 0.8},
                }
            ],
        }
    )
    query: str | None
    """The text of the search; null for a search by picture."""
    corrected: str | None
    """The spelling-corrected text that was searched instead; null where nothing was corrected."""
    user: str | None
    remembered: bool
    """Whether the search was stored in the user's history."""
    version: str
    sources: list[str]
    """The sources used: words, meaning (once the language model is loaded), taste (for a user with a history)."""
    items: list[SearchHit]
