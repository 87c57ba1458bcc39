"""The report of a preparation: each step with its counts before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from foretaste.config import Config

if TYPE_CHECKING:
    from foretaste.data.dataset import Dataset


class Counts(Config):
    events: int
    users: int
    items: int

    @classmethod
    def of(cls, data: Dataset) -> Self:
        return cls(events=len(data), users=data.n_users, items=data.n_items)


class PrepareStep(Config):
    name: str
    sentence: str
    before: Counts
    after: Counts


class PrepareReport(Config):
    steps: tuple[PrepareStep, ...] = ()
