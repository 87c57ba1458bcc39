"""Schemas of recommendation lists and of the requests for them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, JsonValue, model_validator

from foretaste.api.base import (
    ColumnsIn,
    N,
    Name,
    Request,
    Response,
    Time,
    Value,
    request_example,
    response_example,
)
from foretaste.api.items import ScoredItem
from foretaste.api.limits import MAX_BATCH, MAX_EVENTS, MAX_LIKES, MAX_N
from foretaste.registry import DEFAULT_RECALLS

Cursor = Annotated[str, Field(max_length=8_192, pattern="^[A-Za-z0-9_-]+$")]
Filter = Annotated[dict[Name, JsonValue], Field(max_length=8)]
"""Column to condition: a value, a list of allowed values, or a range {"min": …, "max": …}."""
Names = Annotated[list[Name], Field(max_length=10 * MAX_EVENTS)]
SHOWN: dict[str, Any] = {
    "user": "ann",
    "recommendation_id": "7c9e6679742540de944be07fc1f90ae7",
    "version": "20261121-100000-3f9a1c",
    "degraded": False,
    "events_used": 212,
    "items": [
        {
            "id": "172",
            "title": "The Empire Strikes Back (1980)",
            "score": 0.0487,
            "columns": {"genres": ["Action"], "year": 1980},
            "sources": {DEFAULT_RECALLS[0]: {"rank": 1, "score": 0.81}},
        }
    ],
    "cursor": None,
}


class PastEvent(Request):
    item: Name
    kind: Name | None = None
    time: Time | None = None
    value: Value | None = None


class GuestIn(Request):
    model_config = request_example(
        {"history": [{"item": "50"}, {"item": "172"}], "n": 10, "explain": True},
        {"columns": {"age": 24, "occupation": "student"}, "n": 10},
        {"likes": ["Drama", "War"], "n": 10, "explain": True},
    )
    history: Annotated[list[PastEvent], Field(max_length=MAX_EVENTS)] = []
    """The guest's events. Sorted by time where all of them have one, else taken as oldest first."""
    likes: Annotated[list[Name], Field(max_length=MAX_LIKES)] = []
    """Labels the guest likes: those of GET /v1/onboarding or any other label of the same column. A well-known item of
    each label is put at the beginning of the history."""
    columns: ColumnsIn | None = None
    """Attributes of the guest, as in PUT /v1/users/{id}; read by models that were trained on attributes of users."""
    n: N = 10
    """Number of items."""
    explain: bool = False
    """Whether to return reasons and the trace."""
    exclude: Names | None = None
    """Items not to recommend."""
    allowed: Names | None = None
    """The only items that may be recommended. Default: all."""
    filter: Filter | None = None
    """Conditions on the columns of recommended items: {"genres": ["Drama"], "year": {"min": 1990}}."""
    scene: Name | None = None
    """Where the list is shown: a scene from the project's settings."""
    cursor: Cursor | None = None
    """The cursor of the page before. The next page repeats no item and comes from the same bundle."""


class BatchIn(Request):
    model_config = request_example({"users": ["ann", "bob"], "n": 10})
    users: Annotated[list[Name], Field(min_length=1, max_length=MAX_BATCH)]
    n: N = 10
    explain: bool = False
    filter: Filter | None = None
    scene: Name | None = None

    @model_validator(mode="after")
    def _not_too_much(self) -> Self:
        if len(self.users) * self.n > MAX_BATCH * 50:
            raise ValueError(f"users times n is more than {MAX_BATCH * 50}; request fewer at a time")
        return self


class RankIn(Request):
    model_config = request_example({"user": "ann", "items": ["50", "172", "181"]})
    items: Annotated[list[Name], Field(min_length=1, max_length=MAX_N)]
    """The items to rank."""
    user: Name | None = None
    """The user to rank for; or give the history of a guest."""
    history: Annotated[list[PastEvent], Field(max_length=MAX_EVENTS)] | None = None
    """The history of a guest; excludes `user`."""
    columns: ColumnsIn | None = None
    """Attributes of the user or guest; they take precedence over those of PUT /v1/users/{id}."""
    explain: bool = False
    """Whether to return reasons and the trace."""

    @model_validator(mode="after")
    def _one_person(self) -> Self:
        if self.user is not None and self.history is not None:
            raise ValueError("give a user or a history, not both")
        return self


class SourceScore(Response):
    rank: int
    """Rank in the source's own list, from 1."""
    score: float | None
    """Score by the source, on the source's own scale."""


class ReasonOut(Response):
    kind: str
    """because: an event of the user led to the item. likes: a label they like. people: popular among users with
    the same attributes. popular: popular among all users. new: a new item similar to what they know. found: the source
    gives no reason."""
    item: str | None
    title: str | None
    share: float
    """Share of this reason in the item's score, 0 to 1."""
    text: str
    """The reason as a phrase to display."""


class RecommendedItem(ScoredItem):
    model_config = response_example(*SHOWN["items"])
    sources: dict[str, SourceScore]
    """The sources that proposed the item, with rank and score by each."""
    reasons: list[ReasonOut] | None = None
    """Only with explain=true."""


class TraceStep(Response):
    stage: str
    seconds: float
    kept: int
    """Number of candidates after this step."""
    outcome: Literal["ran", "timed out", "failed", "missing"] = "ran"
    """Any outcome but `ran` makes the response degraded. timed out: no time was left. failed: it raised an error.
    missing: it has to be trained first."""


class Recommendations(Response):
    model_config = response_example(SHOWN)
    user: str | None
    recommendation_id: str
    """Send it with the events that this list leads to, so that lists can be linked to their outcome."""
    version: str
    """The bundle that made the list."""
    degraded: bool
    """Whether a source or a stage was skipped (the trace names it), or the models are still being loaded."""
    events_used: int
    """Number of events in the history that was used."""
    items: list[RecommendedItem]
    """Best first."""
    cursor: str | None = None
    """Pass it to get the next page; null after the last page."""
    ignored: list[str] | None = None
    """For guests: items of the history that are unknown or whose event kind is unknown."""
    trace: list[TraceStep] | None = None
    """Only with explain=true."""


class BatchOut(Response):
    model_config = response_example({"answers": [SHOWN]})
    answers: list[Recommendations]
    """One list per user, in the order of the request."""
