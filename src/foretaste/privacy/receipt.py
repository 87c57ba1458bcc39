"""The receipt of an erasure: what was found and removed, without anything that identifies the person."""

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
    """Where data of a person was found and removed.

    found   : place → number of entries removed there; 0 where it was searched and held nothing
    remarks : sentences on what could not be removed from here, and what to do about it
    at      : time of the erasure
    id      : of the receipt; it is random and identifies no person
    """

    found: dict[str, int]
    remarks: tuple[str, ...] = ()
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    id: str = field(default_factory=lambda: uuid4().hex)

    @classmethod
    def of_log(cls, found: dict[str, int], remarks: Sequence[str] = ()) -> Receipt:
        """The receipt for a log, with a remark where the log held nothing."""
        return cls(found, tuple(remarks) if any(found.values()) else (NOBODY, *remarks))

    @property
    def total(self) -> int:
        return sum(self.found.values())

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "remarks": list(self.remarks), "at": self.at.isoformat(timespec="seconds")}
