"""Simulated feedback loop: does diversity shrink when users take from the lists and the model is trained again?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from foretaste.data.dataset import Dataset
from foretaste.errors import ConfigError
from foretaste.evaluation.beyond_accuracy_metrics import K, TrainingStatistics
from foretaste.evaluation.measure import build_model
from foretaste.metrics.beyond_accuracy import exposure, gini, intra_list_diversity, novelty
from foretaste.types import NO_ITEM, Queries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Group

    from foretaste.types import FloatArray, IntArray, Run

PAIRS = 2000
"""Random pairs of users whose lists are compared."""


class Round(NamedTuple):
    """The lists of one round, before anything is taken from them.

    diversity : mean distance between the items of a list
    coverage  : share of the catalogue that is recommended to at least one user
    gini      : how unevenly items are recommended
    novelty   : self-information of the recommended items by their popularity before the first round, in bits
    alike     : mean Jaccard similarity of two users' lists; 1 where all lists are the same
    """

    diversity: float
    coverage: float
    gini: float
    novelty: float
    alike: float


@dataclass(frozen=True)
class FeedbackLoopResult:
    """with_lists : rounds in which users take from the lists; control : the same rounds without lists"""

    model: str
    people: int
    with_lists: tuple[Round, ...]
    control: tuple[Round, ...]

    def change(self, measure: str) -> float:
        """Relative change of a metric from the first to the last round, less the change in the control run."""
        first, last = getattr(self.with_lists[0], measure), getattr(self.with_lists[-1], measure)
        control = getattr(self.control[-1], measure) - getattr(self.control[0], measure)
        return float((last - first - control) / first) if first else float("nan")

    def sentence(self) -> str:
        diversity, coverage, alike = (self.change(name) for name in ("diversity", "coverage", "alike"))
        verdict = "shrinks" if diversity < -0.01 else "does not shrink"
        return (
            f"When {self.people:,} users follow {self.model} for {len(self.with_lists) - 1} rounds, the diversity of "
            f"their lists {verdict} ({diversity:+.1%}), coverage changes by {coverage:+.1%} and the overlap of two "
            f"lists by {alike:+.1%}, relative to a control run without lists."
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "people": self.people,
            "followed": [step._asdict() for step in self.with_lists],
            "alone": [step._asdict() for step in self.control],
            "change": {name: self.change(name) for name in Round._fields},
            "sentence": self.sentence(),
        }

    def view(self) -> Group:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table("round", box=None, header_style="bold", padding=(0, 1), pad_edge=False)
        for name in Round._fields:
            table.add_column(name, justify="right")
        for number, (with_list, without) in enumerate(zip(self.with_lists, self.control, strict=True)):
            table.add_row(str(number), *(f"{a:.3f} ({b:.3f})" for a, b in zip(with_list, without, strict=True)))
        note = "In brackets: the control run, in which the same users choose by popularity and see no lists."
        return Group(table, Text(note, style="dim"), Text(self.sentence()))


def simulate_feedback_loop(
    name: str, settings: Mapping[str, Any], data: Dataset, run: Run, *, rounds: int = 5, people: int = 500
) -> FeedbackLoopResult:
    """Recommend K items, let each user take one, retrain on everything, and repeat.

    The position bias is that of NDCG: an item is taken with probability ∝ 1 / log2(rank + 1). In the control run users
    choose by popularity and see no lists. Both retrain in each round (Chaney, Stewart, Engelhardt, RecSys 2018).

    people : most users that take part, those with the smallest codes (a random sample); the others do not change

    raises : ConfigError where `rounds` is less than 1
    """
    if rounds < 1:
        raise ConfigError(f"A simulation needs at least one round, and rounds is {rounds}.")
    taking = np.flatnonzero(np.diff(data.offsets) > 0)[:people].astype(np.int32)
    statistics = TrainingStatistics.of(data)

    def run_rounds(follow: bool) -> tuple[Round, ...]:
        rng, now, steps = run.rng(), data, []
        for number in range(rounds + 1):
            model = build_model(name, settings).fit(now, replace(run, progress=lambda what, done, total: None))
            queries = Queries(taking, now.histories().take(taking), columns=now.columns_of(taking))
            items = model.recommend(queries, K, exclude=queries.history).items
            steps.append(_round(items, statistics, rng))
            run.progress("feedback loop" if follow else "control run", number + 1, rounds + 1)
            taken = _from_the_list(items, rng) if follow else _by_popularity(statistics.popularity, len(taking), rng)
            now = _with_events(now, taking[taken != NO_ITEM], taken[taken != NO_ITEM])
        return tuple(steps)

    return FeedbackLoopResult(name, len(taking), run_rounds(True), run_rounds(False))


def _round(items: IntArray, statistics: TrainingStatistics, rng: np.random.Generator) -> Round:
    shown = exposure(items, len(statistics.popularity))
    pairs = np.sort(items[rng.integers(0, len(items), (PAIRS, 2))].reshape(PAIRS, -1), axis=1)
    pairs[pairs == NO_ITEM] = -1 - np.arange((pairs == NO_ITEM).sum())  # padding has nothing in common with padding
    pairs = np.sort(pairs, axis=1)
    both = (pairs[:, 1:] == pairs[:, :-1]).sum(axis=1)
    union = (pairs >= 0).sum(axis=1) - both
    return Round(
        diversity=_mean(intra_list_diversity(items, statistics.vectors)),
        coverage=float((shown > 0).mean()),
        gini=gini(shown),
        novelty=_mean(novelty(items, statistics.popularity)),
        alike=float((both / np.maximum(union, 1)).mean()),
    )


def _from_the_list(items: IntArray, rng: np.random.Generator) -> IntArray:
    """(B,) one item of each list, with position bias; NO_ITEM for an empty list."""
    chance = np.where(items == NO_ITEM, 0, 1 / np.log2(np.arange(items.shape[1]) + 2))
    # The largest of ln(u) / weight is a draw by weight (Efraimidis & Spirakis 2006).
    with np.errstate(divide="ignore"):
        key = np.where(chance > 0, np.log(rng.random(items.shape)) / chance, -np.inf)
    return items[np.arange(len(items)), key.argmax(axis=1)]


def _by_popularity(popularity: FloatArray, n: int, rng: np.random.Generator) -> IntArray:
    chance = popularity.astype(np.float64)
    return rng.choice(len(chance), n, p=chance / chance.sum()).astype(np.int32)


def _with_events(data: Dataset, user: IntArray, item: IntArray) -> Dataset:
    """`data` with one more event for each of these users, newer than all others."""
    n = len(user)
    wanted = int(np.argmax(np.bincount(data.kind, minlength=len(data.kinds)) * (data.kinds.weights > 0)))
    time = None if data.time is None else np.r_[data.time, np.full(n, data.time.max() + 1)]
    grown = Dataset.sorted(
        users=data.users,
        items=data.items,
        user=np.r_[data.user, user],
        item=np.r_[data.item, item],
        time=time,
        kind=np.r_[data.kind, np.full(n, wanted, np.uint8)],
        value=np.r_[data.value, np.ones(n, np.float32)],
        kinds=data.kinds,
        name=data.name,
    )
    return replace(grown, user_table=data.user_table, relations=data.relations, searches=data.searches)


def _mean(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
