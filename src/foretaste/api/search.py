"""What a search gives."""

from __future__ import annotations

from foretaste.api.base import Response, response_example
from foretaste.api.items import ScoredItem


class SearchHit(ScoredItem):
    model_config = response_example(
        {"id": "50", "title": "Star Wars (1977)", "columns": {}, "score": 0.91, "found_by": {"words": 1.0}}
    )
    found_by: dict[str, float]
    """words: the share of the question's words that are there. meaning, picture: cosine. taste: a model's own score."""


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
    """None where a picture was sent."""
    corrected: str | None
    """What was searched for instead, where a word is written nowhere and a near one is."""
    user: str | None
    remembered: bool
    """Whether the search is now in the person's history."""
    version: str
    sources: list[str]
    """What was asked: words, meaning (once the language model is loaded), taste (of a person with a history)."""
    items: list[SearchHit]
