"""The built-in stages against the plain sentence of each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.pipeline.seen import first_of_each
from foretaste.pipeline.stages.demote_similar import DemoteSimilar, DemoteSimilarConfig
from foretaste.pipeline.stages.fatigue import Fatigue, FatigueConfig
from foretaste.types import NO_ITEM, Candidates, History, Queries, Ragged, StageContext

DAY = 86_400_000_000
NOW = 1_000 * DAY
LISTS = st.lists(st.lists(st.integers(0, 9), max_size=8, unique=True), min_size=1, max_size=3)


def _candidates(rows: list[list[int]]) -> Candidates:
    items = np.full((len(rows), 8), NO_ITEM, np.int32)
    for b, row in enumerate(rows):
        items[b, : len(row)] = row
    scores = np.where(items == NO_ITEM, np.nan, 10.0 - np.arange(8)).astype(np.float32)
    return Candidates.of_one_source(items, scores, "one")


def _context(B: int, similar: dict[int, list[int]] | None = None) -> StageContext:
    nothing = Ragged.from_rows([[] for _ in range(B)])
    of = lambda code: np.array((similar or {}).get(code, []), np.int32)  # noqa: E731
    return StageContext(5, nothing, None, np.full(B, NOW, np.int64), None, of)


def _plainly(candidates: Candidates, factor: dict[tuple[int, int], float]) -> list[list[int]]:
    lists = []
    for b, row in enumerate(candidates.items.tolist()):
        scored = [
            (float(candidates.scores[b, j]) * factor.get((b, i), 1.0), -j, i) for j, i in enumerate(row) if i >= 0
        ]
        lists.append([i for _, _, i in sorted(scored, reverse=True)])
    return lists


def _lists(candidates: Candidates) -> list[list[int]]:
    return [[i for i in row if i != NO_ITEM] for row in candidates.items.tolist()]


@settings(deadline=None)
@given(LISTS, st.data())
def test_fatigue_is_the_plain_formula(rows: list[list[int]], data: st.DataObject) -> None:
    shown = [data.draw(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 30)), max_size=9)) for _ in rows]
    flat = [event for events in shown for event in events]
    history = History(
        np.array([item for item, _ in flat], np.int32),
        np.cumsum([0, *map(len, shown)], dtype=np.int64),
        np.array([NOW - age * DAY for _, age in flat], np.int64),
        np.zeros(len(flat), np.uint8),
        np.ones(len(flat), np.float32),
    )
    factor = {}
    for b, events in enumerate(shown):
        for item in {item for item, _ in events}:
            times = sum(0.5 ** (age / 7.0) for i, age in events if i == item)
            factor[b, item] = 0.5 ** max(0.0, times - 2 + 1)
    candidates = _candidates(rows)
    queries = Queries(np.full(len(rows), -1, np.int32), History.of_items(rows), shown=history)
    stage = Fatigue(FatigueConfig(after=2, half_life_days=7.0))
    after = stage(queries, candidates, _context(len(rows)))
    assert [sorted(row) for row in _lists(after)] == [sorted(row) for row in rows]
    expected = _plainly(candidates, factor)
    for b, row in enumerate(_lists(after)):  # equal but for rounding: neighbours may change places where they are tied
        scores = {i: float(s) for i, s in zip(after.items[b].tolist(), after.scores[b].tolist(), strict=True)}
        np.testing.assert_allclose([scores[i] for i in row], [scores[i] for i in expected[b]], rtol=1e-5)


def test_fatigue_by_hand() -> None:
    def remains(times: int) -> float:
        history = History.of_items([[4] * times])
        queries = Queries(np.full(1, -1, np.int32), History.of_items([[]]), shown=history)
        after = Fatigue()(queries, _candidates([[4]]), _context(1))
        return float(after.scores[0, 0]) / 10

    assert [remains(times) for times in (0, 2, 3, 4)] == [1, 1, 0.5, 0.25]


@settings(deadline=None)
@given(LISTS, st.data())
def test_what_is_similar_to_rejected_items_moves_down(rows: list[list[int]], data: st.DataObject) -> None:
    similar = {code: data.draw(st.lists(st.integers(0, 9), max_size=4, unique=True)) for code in range(10)}
    rejected = [data.draw(st.lists(st.integers(0, 9), max_size=4, unique=True)) for _ in rows]
    factor: dict[tuple[int, int], float] = {}
    for b, codes in enumerate(rejected):
        for code in codes[-2:]:
            for other in similar[code]:
                factor[b, other] = factor.get((b, other), 1.0) * 0.25
    queries = Queries(
        np.full(len(rows), -1, np.int32), History.of_items(rows), disliked=Ragged.from_rows([list(r) for r in rejected])
    )
    stage = DemoteSimilar(DemoteSimilarConfig(factor=0.25, latest=2))
    candidates = _candidates(rows)
    assert _lists(stage(queries, candidates, _context(len(rows), similar))) == _plainly(candidates, factor)


def test_a_stage_without_anything_to_do_gives_the_very_same_candidates() -> None:
    candidates = _candidates([[1, 2, 3]])
    queries = Queries(np.full(1, -1, np.int32), History.of_items([[]]))
    for stage in (Fatigue(), DemoteSimilar()):
        assert stage(queries, candidates, _context(1)) is candidates
        assert stage.extra(queries, 10) == 0


@pytest.mark.parametrize("rows", [[[3, -1, 3, 1, -1, 1]], [[3, -1, 3, 1, -1, 1], [1, 1, 3, 3, -1, 2]]])
def test_one_of_each_group_and_all_without_one(rows: list[list[int]]) -> None:
    for keep, row in zip(first_of_each(np.array(rows, np.int32)), rows, strict=True):
        plain = [group < 0 or group not in row[:j] for j, group in enumerate(row)]
        assert keep.tolist() == plain
