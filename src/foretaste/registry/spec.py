"""What is known of a model before it is imported: what it recommends, needs and costs, and where its class is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from foretaste.data.dataset import Dataset

Need = Literal["people", "events", "order", "times", "texts", "user_columns"]
"""people: enough users with several events. events: enough events to learn by many small steps. order: histories long
enough to have an order. times: timestamps. texts: words in the catalogue. user_columns: attributes of users."""
Growth = Literal["events", "items", "co-occurrences", "events*items", "items^2"]
"""What the time or the memory of learning is proportional to. co-occurrences: pairs of items with a user in common."""
Relation = Literal["behaviour", "content", "nothing"]
"""What makes two items similar to a model: who takes both, what they are, or nothing at all."""
Default = Literal["always", "with_times", "without_times", "never"]

TIME_LIMITS: Mapping[Growth, float] = {"events*items": 500e6}
"""Beyond these, learning takes more than a minute or two on two cores (each pair is compared in every epoch)."""
MEMORY_LIMITS: Mapping[Growth, float] = {"items^2": 20_000**2, "co-occurrences": 200e6}
"""Beyond these, a model holds more than about 1.6 GB."""


@dataclass(frozen=True)
class Size:
    """How large a data set is, in the units of `Growth`."""

    events: int
    items: int
    co_occurrences: int

    @classmethod
    def of(cls, data: Dataset) -> Size:
        """co_occurrences is an upper bound: each user makes pairs of all items they took."""
        ends = data.matrix().indptr.astype("int64")
        taken = ends[1:] - ends[:-1]
        return cls(len(data), data.n_items, min(int((taken**2).sum()), data.n_items**2))

    def __getitem__(self, growth: Growth) -> float:
        return float(
            {
                "events": self.events,
                "items": self.items,
                "co-occurrences": self.co_occurrences,
                "events*items": self.events * self.items,
                "items^2": self.items**2,
            }[growth]
        )


@dataclass(frozen=True)
class Cost:
    """How learning grows with the data.

    time, memory : what they are proportional to
    up_to        : amounts up to which the model is tried unasked, where they differ from TIME_LIMITS and MEMORY_LIMITS
    """

    time: Growth = "events"
    memory: Growth = "items"
    up_to: Mapping[Growth, float] = field(default_factory=dict)

    def too_much(self, size: Size) -> str | None:
        """Why it is not tried unasked on data of this size; None where it is."""
        for what, growth, limits in (("time", self.time, TIME_LIMITS), ("memory", self.memory, MEMORY_LIMITS)):
            limit = self.up_to.get(growth, limits.get(growth, float("inf")))
            if size[growth] > limit:
                return f"its {what} grows with {growth}: {size[growth]:,.0f} here, more than {limit:,.0f}"
        return None


@dataclass(frozen=True)
class ModelSpec:
    """Everything the rest of the system knows of a model without importing it.

    path          : 'package.module:Class', imported only when the model is used
    summary       : what it recommends, in one line
    extra         : the extra of foretaste that brings its packages
    family        : the folder of models it belongs to
    needs         : what it cannot do without; asking for it by name is refused where the data lack one of these
    wants         : what it is of little use without; `check` says so
    cost          : how time and memory of learning grow
    default       : on which data it is tried when nobody names a model
    baseline      : measured to compare with, but no source of candidates
    personalised  : two users may get different lists
    new_items     : can score an item that nobody has taken yet, from what the catalogue says of it
    new_users     : can tell users without a history apart
    relates_by    : what makes two items similar to it
    prior_weight  : its merge weight where nothing can be measured
    """

    path: str
    summary: str
    extra: str | None = None
    family: str = "other"
    needs: tuple[Need, ...] = ()
    wants: tuple[Need, ...] = ("people",)
    cost: Cost = Cost()
    default: Default = "always"
    baseline: bool = False
    personalised: bool = True
    new_items: bool = False
    new_users: bool = False
    relates_by: Relation = "behaviour"
    prior_weight: float = 1.0

    def tried_by_default(self, *, times: bool) -> bool:
        """Whether it is among the models that are tried when nobody names one.

        times : whether every event has a time
        """
        return self.default == "always" or self.default == ("with_times" if times else "without_times")


@dataclass(frozen=True)
class PartSpec:
    """Everything the rest of the system knows of a stage or a ranker without importing it.

    path    : 'package.module:Class', imported only when the part is used
    summary : what it does, in one line
    extra   : the extra of foretaste that brings its packages
    learns  : it has to be fitted; a part that does not learn can be configured anew without training
    """

    path: str
    summary: str
    extra: str | None = None
    learns: bool = True
