"""What to offer, to whom, and why."""

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
"""Column to what it must be: a value, a list of values of which one must be there, or {"min": …, "max": …}."""
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
    """What the guest did; by time where every event has one, else oldest first as sent."""
    likes: Annotated[list[Name], Field(max_length=MAX_LIKES)] = []
    """Labels the guest likes, of those that GET /v1/onboarding gives or any other of their column: they are answered as
    somebody who took what is best known of these, before all that is in the history."""
    columns: ColumnsIn | None = None
    """What is known of the guest beside that, as PUT /v1/users/{id} says it of a person; models that learned from
    columns of people read it."""
    n: N = 10
    explain: bool = False
    exclude: Names | None = None
    """Items not to offer."""
    allowed: Names | None = None
    """The only items to offer; left out, all."""
    filter: Filter | None = None
    """What the columns of an offered item must be: {"genres": ["Drama"], "year": {"min": 1990}}."""
    scene: Name | None = None
    """Where the list is shown: a scene of the project's settings."""
    cursor: Cursor | None = None
    """Of the page before; the next page repeats nothing and is of the same bundle."""


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
            raise ValueError(f"users times n is more than {MAX_BATCH * 50}; ask for fewer at a time")
        return self


class RankIn(Request):
    model_config = request_example({"user": "ann", "items": ["50", "172", "181"]})
    items: Annotated[list[Name], Field(min_length=1, max_length=MAX_N)]
    """What to put in order."""
    user: Name | None = None
    """For whom; or say the history of a guest."""
    history: Annotated[list[PastEvent], Field(max_length=MAX_EVENTS)] | None = None
    columns: ColumnsIn | None = None
    """What is known of them beside that, over what PUT /v1/users/{id} said."""
    explain: bool = False

    @model_validator(mode="after")
    def _one_person(self) -> Self:
        if self.user is not None and self.history is not None:
            raise ValueError("give a user or a history, not both")
        return self


class SourceScore(Response):
    rank: int
    """Place in the source's own list, from 1."""
    score: float | None
    """The source's own score, on its own scale."""


class ReasonOut(Response):
    kind: str
    """because: of something the person did. likes: of a label they said they like. people: with people who say the
    same of themselves. popular: with everyone. new: in the catalogue, and alike what they know. found: by a source that
    cannot say why."""
    item: str | None
    title: str | None
    share: float
    """Its part of all that speaks for the item, 0 to 1."""
    text: str


class RecommendedItem(ScoredItem):
    model_config = response_example(*SHOWN["items"])
    sources: dict[str, SourceScore]
    reasons: list[ReasonOut] | None = None
    """Only with explain=true."""


class TraceStep(Response):
    stage: str
    seconds: float
    kept: int
    outcome: Literal["ran", "timed out", "failed", "missing"] = "ran"
    """Anything but ran makes the answer degraded. timed out: there was no time left. failed: it raised an error.
    missing: it has to be trained first."""


class Recommendations(Response):
    model_config = response_example(SHOWN)
    user: str | None
    recommendation_id: str
    """Events may name it, so that one learns what came of which list."""
    version: str
    degraded: bool
    """A source or a stage was left out, as the trace says, or the models are still being loaded."""
    events_used: int
    items: list[RecommendedItem]
    cursor: str | None = None
    """Of the next page; none after the last."""
    ignored: list[str] | None = None
    """Of a guest: items of the history that nobody knows, or whose kind nobody knows."""
    trace: list[TraceStep] | None = None
    """Only with explain=true."""


class BatchOut(Response):
    model_config = response_example({"answers": [SHOWN]})
    answers: list[Recommendations]
    """One per user, in the order asked."""
