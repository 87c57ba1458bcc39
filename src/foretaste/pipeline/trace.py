"""What a pipeline did for an answer, step by step, and what it left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from foretaste.types import Candidates

Outcome = Literal["ran", "timed out", "failed", "missing"]


class Step(NamedTuple):
    """One line of the trace."""

    stage: str
    seconds: float
    kept: int
    """Candidates alive after it, over the whole batch."""
    outcome: Outcome = "ran"
    """timed out: there was no time left for it. failed: it raised an error. missing: it has to be trained first."""


@dataclass(eq=False)
class Trace:
    """deadline : value of time.perf_counter at which the answer is due; None for never"""

    deadline: float | None = None
    steps: list[Step] = field(default_factory=list)
    since: float = field(default_factory=perf_counter)

    @property
    def late(self) -> bool:
        return self.deadline is not None and perf_counter() > self.deadline

    @property
    def degraded(self) -> bool:
        """Whether something was left out."""
        return any(step.outcome != "ran" for step in self.steps)

    def add(self, stage: str, candidates: Candidates) -> None:
        self._note(stage, candidates, "ran")

    def left_out(self, stage: str, candidates: Candidates, outcome: Outcome) -> None:
        """candidates : as they stay"""
        self._note(stage, candidates, outcome)

    def _note(self, stage: str, candidates: Candidates, outcome: Outcome) -> None:
        now = perf_counter()
        self.steps.append(Step(stage, now - self.since, int((candidates.items >= 0).sum()), outcome))
        self.since = now
