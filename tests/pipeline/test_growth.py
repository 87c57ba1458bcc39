"""A pipeline whose catalogue has grown: what each part is asked, and where new items stand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

import worlds
from foretaste.data.ids import IdMap
from foretaste.data.items import ItemTable
from foretaste.errors import DataError
from foretaste.pipeline.config import PipelineConfig, RecallConfig, StageConfig
from foretaste.pipeline.pipeline import Pipeline
from foretaste.pipeline.stages.new_items import NewItems, NewItemsConfig
from foretaste.registry import NEW, NEW_ITEMS
from foretaste.types import NO_ITEM, Candidates, History, Queries, Ragged, Run, StageContext

if TYPE_CHECKING:
    from foretaste.data.dataset import Dataset

N = 40
"""Items that were learned from: even ones go together, and odd ones."""


@pytest.fixture(scope="module")
def data() -> Dataset:
    return worlds.parity(n_items=N)


@pytest.fixture(scope="module")
def table(data: Dataset) -> ItemTable:
    """Two new items: one with the words of the even, one with those of the odd."""
    titles = pl.DataFrame({"title": ["The kitten and the puppy", "The rocket and the satellite"]})
    ids = IdMap([*data.items.ids.names.to_list(), "even", "odd"])
    return ItemTable(ids, pl.concat([data.items.frame, titles]), data.items.title)


def trained(data: Dataset, *stages: str, recalls: tuple[str, ...] = ("ease", "tfidf")) -> Pipeline:
    config = PipelineConfig(
        recalls=tuple(RecallConfig(model=name) for name in recalls), stages=tuple(StageConfig(stage=s) for s in stages)
    )
    return Pipeline(config).fit(data, Run())


def test_recalls_that_read_new_items_offer_them_where_no_stage_does(data: Dataset, table: ItemTable) -> None:
    pipeline = trained(data)
    grown = pipeline.with_items(table, Run())
    asked = worlds.everyone(data)
    lists = grown.recommend(asked, 20).items
    found = {code: (lists == code).any(axis=1) for code in (N, N + 1)}
    even = worlds.parity_of_people(data) == 0
    assert found[N][even].mean() > 0.9
    assert found[N + 1][~even].mean() > 0.9
    assert not found[N][~even].any()
    assert pipeline.growth is None
    assert (pipeline.recommend(asked, 20).items < N).all()


def test_old_items_stand_as_they_stood_and_the_stage_alone_places_the_new(data: Dataset, table: ItemTable) -> None:
    pipeline = trained(data, NEW_ITEMS)
    grown = pipeline.with_items(table, Run())
    asked = worlds.everyone(data)
    before, after = pipeline.recommend(asked, 10), grown.recommend(asked, 10)
    np.testing.assert_array_equal(after.items[:, :9], before.items[:, :9])
    even = worlds.parity_of_people(data) == 0
    np.testing.assert_array_equal(after.items[:, 9], np.where(even, N, N + 1))
    np.testing.assert_array_equal(after.scores[:, 9], after.scores[:, 8])
    assert after.sources[-1] == NEW
    assert (after.ranks[:, 9, -1] == 1).all()
    assert (after.found_by[:, 9, -1] > 0).all()
    np.testing.assert_array_equal(grown.most_similar(0), pipeline.most_similar(0))
    assert len(grown.most_similar(N)) == 0


def test_each_recall_is_asked_about_the_items_it_knows(data: Dataset, table: ItemTable) -> None:
    """What one did with a new item counts for those that read it, and the others do not stumble over it."""
    grown = trained(data, NEW_ITEMS).with_items(table, Run())
    old, new = Queries.guests([[0, 2]]), Queries.guests([[0, 2, N + 1]])
    exclude, allowed = Ragged.from_rows([[4, N]]), np.arange(N + 2) != 6
    answer = grown.answer(new, 10, exclude=exclude, allowed=allowed, explain=True)
    assert not set(answer.candidates.items[0].tolist()) & {4, 6, N, N + 1}
    assert grown.recalls is not None
    ease = grown.with_recalls({"ease": grown.recalls["ease"]}).with_stages({})
    of_ease = [ease.recommend(queries, 5).items for queries in (old, new)]
    np.testing.assert_array_equal(of_ease[0], of_ease[1])
    assert answer.reasons is not None
    named = {r.item for reasons in answer.reasons[0] for r in reasons if r.source == "tfidf"}
    assert N + 1 in named or not named
    assert all(r.item != N + 1 for reasons in answer.reasons[0] for r in reasons if r.source == "ease")


def test_it_grows_step_by_step_as_at_once(data: Dataset, table: ItemTable) -> None:
    pipeline = trained(data, NEW_ITEMS)
    one = ItemTable(IdMap(table.ids.names.head(N + 1)), table.frame.head(N + 1), table.title)
    stepwise = pipeline.with_items(one, Run()).with_items(table, Run(), readers=()).with_items(table, Run())
    asked = worlds.everyone(data)
    once = pipeline.with_items(table, Run()).recommend(asked, 10)
    np.testing.assert_array_equal(stepwise.recommend(asked, 10).items, once.items)
    np.testing.assert_array_equal(stepwise.recommend(asked, 10).scores, once.scores)
    unread = pipeline.with_items(table, Run(), readers=())
    assert unread.recalls == pipeline.recalls, "no recall was grown; words decide"
    np.testing.assert_array_equal(unread.recommend(asked, 10).items, once.items)
    with pytest.raises(DataError, match="may only grow"):
        stepwise.with_items(one, Run())


def test_new_items_have_reasons_of_their_own(data: Dataset, table: ItemTable) -> None:
    grown = trained(data, NEW_ITEMS).with_items(table, Run())
    answer = grown.answer(Queries.guests([[0, 2]]), 10, explain=True)
    assert answer.reasons is not None
    assert [(reason.kind, reason.source) for reason in answer.reasons[0][9]] == [("new", NEW)]


# ---- the stage by hand


def stage(share: float, new: int, **settings: object) -> NewItems:
    """Ten old items of which nothing is known, and new ones that say 'word'."""
    old = ItemTable(IdMap([str(i) for i in range(10)]), pl.DataFrame({"title": ["word", *["other"] * 9]}), "title")
    titles = ["word", *["other"] * 9, *["word"] * new]
    grown = ItemTable(IdMap([str(i) for i in range(10 + new)]), pl.DataFrame({"title": titles}), "title")
    config = NewItemsConfig(share=share, **settings)
    return NewItems(config).for_items(old).with_items(grown, Run())


def candidates(n: int) -> Candidates:
    items = np.arange(n, dtype=np.int32)[None]
    return Candidates.of_one_source(items, 10.0 - items.astype(np.float32), "one")


def context(n: int, *out: int, allowed: np.ndarray | None = None) -> StageContext:
    return StageContext(
        n, Ragged.from_rows([list(out)]), allowed, np.zeros(1, np.int64), None, lambda _: np.empty(0, np.int32)
    )


@pytest.mark.parametrize(
    ("share", "n", "new", "places"),
    [(0.1, 10, 3, [10]), (0.2, 10, 3, [5, 10]), (0.1, 4, 3, []), (0.3, 10, 3, [3, 7, 10]), (0.3, 10, 1, [10])],
)
def test_places_are_spread_over_the_ends_and_the_newest_come_first(
    share: float, n: int, new: int, places: list[int]
) -> None:
    for history in ([0], []):
        queries = Queries.guests([history])
        given = candidates(n)
        after = stage(share, new)(queries, given, context(n))
        assert [j + 1 for j, item in enumerate(after.items[0].tolist()) if item >= 10] == places
        assert after.items[0][after.items[0] >= 10].tolist() == [9 + new - i for i in range(len(places))]
        assert after.items[0][after.items[0] < 10].tolist() == list(range(n - len(places)))
        assert (np.diff(after.scores[0]) <= 0).all()
        assert places or after is given


def test_empty_places_are_filled_even_with_what_nobody_likes() -> None:
    queries = Queries.guests([[3]])
    after = stage(0.1, 4)(queries, candidates(7), context(10))
    assert after.items[0].tolist() == [0, 1, 13, 2, 3, 4, 12, 5, 6, 11], (
        "they fill the list, so they are spread over it"
    )
    after = stage(0.0, 4)(queries, candidates(7), context(10, 13))
    assert after.items[0].tolist() == [0, 1, 12, 2, 3, 4, 11, 5, 6, 10]
    after = stage(0.0, 1)(queries, candidates(7), context(10))
    assert after.items[0].tolist() == [*range(7), 10, NO_ITEM, NO_ITEM]


def test_what_was_done_shown_or_is_not_allowed_is_no_news() -> None:
    given = candidates(10)

    def placed(queries: Queries, *out: int, allowed: np.ndarray | None = None, after: int | None = 3) -> int:
        return int(stage(0.1, 3, after=after)(queries, given, context(10, *out, allowed=allowed)).items[0, 9])

    assert placed(Queries.guests([[0]])) == 12
    assert placed(Queries.guests([[0]]), 12) == 11
    assert placed(Queries.guests([[0]]), allowed=np.arange(13) != 12) == 11
    assert placed(Queries.guests([[0, 12]])) == 11
    often = replace(Queries.guests([[0]]), shown=History.of_items([[12, 12, 12]]))
    assert placed(often) == 11
    assert placed(often, after=None) == 12
    assert placed(replace(Queries.guests([[0, 12]]), shown=History.of_items([[12]]))) == 12, "it was shown again"
    assert placed(Queries.guests([[0]]), 10, 11, 12) == 9
    assert stage(0.1, 0)(Queries.guests([[0]]), given, context(10)) is given
