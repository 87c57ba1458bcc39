"""What an erasure found and removed, without a word that leads back to the person."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Sequence

NOBODY = (
    "Nobody of that name is in the log; nothing was removed from it. A mark is left all the same, so that no later "
    "import of what was before brings them in."
)


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where a person was found, and how often.

    found   : place → number of entries removed there; 0 says that it was looked into and held nothing
    remarks : what the reader should know: what could not be reached from here, and what to do about it
    at      : when it was done
    id      : names the receipt; it says nothing of the person
    """

    found: dict[str, int]
    remarks: tuple[str, ...] = ()
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    id: str = field(default_factory=lambda: uuid4().hex)

    @classmethod
    def of_log(cls, found: dict[str, int], remarks: Sequence[str] = ()) -> Receipt:
        """What the log alone held of a person; it says so where that was nobody."""
        return cls(found, tuple(remarks) if any(found.values()) else (NOBODY, *remarks))

    @property
    def total(self) -> int:
        return sum(self.found.values())

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "remarks": list(self.remarks), "at": self.at.isoformat(timespec="seconds")}
