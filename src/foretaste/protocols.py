"""What parts promise each other. A part promises only what it can do; what it cannot do, it does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from foretaste.config import Config
    from foretaste.data.dataset import Dataset
    from foretaste.data.items import ItemTable
    from foretaste.types import (
        BoolArray,
        Candidates,
        FloatArray,
        IntArray,
        Queries,
        Ragged,
        RankingRows,
        Run,
        StageContext,
    )


class Fittable(Protocol):
    def fit(self, train: Dataset, run: Run) -> Self:
        """Learn from `train` and forget whatever was learned before."""
        ...


class Retriever(Protocol):
    def recommend(
        self, queries: Queries, k: int, *, exclude: Ragged | None = None, allowed: BoolArray | None = None
    ) -> Candidates:
        """The best k items of the catalogue for each query.

        exclude : B rows of items that must not be offered to that query
        allowed : (n_items,) the only items that may be offered to anyone; None allows all
        """
        ...


class Scorer(Protocol):
    def score(self, queries: Queries, items: IntArray) -> FloatArray:
        """Score given items: (B, K) in, (B, K) out; nan where the part cannot judge, as at NO_ITEM."""
        ...


class Saveable(Protocol):
    def save(self, folder: Path | str) -> None: ...

    @classmethod
    def load(cls, folder: Path | str) -> Self: ...


@runtime_checkable
class Recommender(Fittable, Retriever, Scorer, Saveable, Protocol):
    """Learns, retrieves, scores, and can be kept on disk: what a line in the registry names.

    Its class takes one argument, its config, and does nothing with it but keep it.
    """

    config_class: ClassVar[type[Config]]
    grid: ClassVar[tuple[Config, ...]]
    """Settings worth trying on new data, chosen among on validation; the default first."""

    def __init__(self, config: Any = None) -> None: ...


class Rater(Protocol):
    def rate(self, queries: Queries, items: IntArray) -> FloatArray:
        """Expected ratings on the scale of the data: (B, K) in, (B, K) out."""
        ...


@runtime_checkable
class RatingModel(Fittable, Rater, Saveable, Protocol):
    """Learns ratings, expects them, and can be kept on disk: what a line in the registry of raters names.

    People are known by the ratings in their history alone, so a guest is rated for as anybody else is.
    """

    config_class: ClassVar[type[Config]]
    grid: ClassVar[tuple[Config, ...]]
    """Settings worth trying on new data, chosen among on validation; the default first."""

    def __init__(self, config: Any = None) -> None: ...


@runtime_checkable
class InnerProducts(Protocol):
    """Scores are inner products of a query's vector and an item's, so the best items can be looked up in an index."""

    def query_vectors(self, queries: Queries) -> tuple[FloatArray, BoolArray]:
        """((n, D), (B,)): vectors of the n queries that can be answered, in order, and which ones those are."""
        ...

    def scored_vectors(self) -> tuple[FloatArray, BoolArray]:
        """((n_items, D), (n_items,)): vectors of the items, and which of them can be scored."""
        ...


@runtime_checkable
class ReadsNewItems(Protocol):
    """Scores items that came after the training from what the catalogue says of them."""

    def with_items(self, items: ItemTable, run: Run, changed: IntArray | None = None) -> Self:
        """The same model for a catalogue that has grown; nothing is learned, and the model itself stays as it is.

        items   : the catalogue of `fit` with further rows behind it
        changed : codes of old items that are to be read again
        """
        ...


@runtime_checkable
class TakesConfig(Protocol):
    def with_config(self, config: Any) -> Self:
        """The same part by other settings, none of which has to be learned again."""
        ...


class Ranker(Saveable, Protocol):
    """Orders candidates by what it expects each to be worth to the user; a line in the registry of rankers names it.

    Its class takes one argument, its config, and does nothing with it but keep it.
    """

    config_class: ClassVar[type[Config]]

    def __init__(self, config: Any = None) -> None: ...

    def fit(self, rows: RankingRows, run: Run) -> Self:
        """Learn from candidates and what became of them; forget whatever was learned before."""
        ...

    def score(self, queries: Queries, candidates: Candidates) -> FloatArray:
        """(B, K) the higher the better; nan where it cannot judge, as at NO_ITEM."""
        ...


class Stage(Saveable, Protocol):
    """One step of a pipeline between the merge and the answer; a line in the registry of stages names it.

    Its class takes one argument, its config, and does nothing with it but keep it. A stage that learns has
    `fit(train, run)`; one that learns from candidates has `fit_rows` (`LearnsFromRows`); one that reads the catalogue
    has `for_items` (`ReadsCatalogue`); one that treats items of after the training otherwise has `with_items`
    (`ReadsNewItems`), and then the others' `for_items` is not asked of it when the catalogue grows.
    """

    config_class: ClassVar[type[Config]]

    def __init__(self, config: Any = None) -> None: ...

    @property
    def config(self) -> Any: ...

    def extra(self, queries: Queries, n: int) -> int:
        """How many more candidates than n it wants to choose from, for these queries; 0 where it will do nothing."""
        ...

    def __call__(self, queries: Queries, candidates: Candidates, context: StageContext) -> Candidates:
        """Candidates in, candidates out: reordered, rescored, fewer, or more; the same object where nothing changes.

        Whatever it does, items that are excluded or not allowed are masked after the last stage. One that cannot
        finish before `context.deadline` raises TimeoutError, and the list stays as it was.
        """
        ...


@runtime_checkable
class LearnsFromRows(Protocol):
    def fit_rows(self, rows: RankingRows, run: Run) -> Self:
        """Learn from candidates of recalls that knew nothing of the answers, and which of them were taken."""
        ...


@runtime_checkable
class ReadsCatalogue(Protocol):
    def for_items(self, items: ItemTable) -> Self:
        """The same part for another catalogue; nothing is learned, and the part itself stays as it is."""
        ...


class ItemEncoder(Protocol):
    """Turns texts (or pictures) into vectors; the same input always gives the same vector."""

    @property
    def fingerprint(self) -> str:
        """Names the weights and settings: vectors of equal fingerprints may be compared."""
        ...

    def encode(self, texts: Sequence[str], run: Run) -> FloatArray:
        """(n, D) rows of length 1."""
        ...


@runtime_checkable
class ReadsColumns(Protocol):
    @property
    def columns_read(self) -> frozenset[str]:
        """Names of the columns of people that change what it says, where `Queries.columns` has them."""
        ...


@runtime_checkable
class Warmed(Protocol):
    def warm(self) -> None:
        """Load what takes seconds, before a question has to wait for it; done again, it costs nothing."""
        ...


@runtime_checkable
class ColumnExplainer(Protocol):
    def because_of_columns(self, queries: Queries, items: IntArray) -> list[list[tuple[str, float]]]:
        """For each item, what is known of the one person of `queries` that speaks for it.

        items   : (K,) what is offered
        returns : K lists of ('occupation student', share of all that speaks for it), the strongest first
        """
        ...


@runtime_checkable
class Explainer(Protocol):
    def contributions(self, history: IntArray, items: IntArray) -> NDArray[np.float32]:
        """How much each thing a person did speaks for each item.

        history : (H,) what the person did, each item once, oldest first
        items   : (K,) what is offered
        returns : (K, H) float32, 0 where it says nothing
        """
        ...
