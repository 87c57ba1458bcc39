"""The leaderboard fits terminals of any width without losing model names or digits."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from rich.console import Console

import worlds
from foretaste.data.splits import leave_last
from foretaste.errors import UnknownNameError
from foretaste.evaluation.leaderboard import Leaderboard
from foretaste.evaluation.report.table import segments_view
from foretaste.selection.choose_pipeline import select_pipeline
from foretaste.types import Run


@pytest.fixture(scope="module")
def board() -> Leaderboard:
    found = select_pipeline(worlds.parity(n_users=80), ["random", "popular", "itemknn", "ease"], Run()).leaderboard
    assert found is not None
    return found


@pytest.mark.parametrize("width", [60, 80, 104, 140])
def test_every_name_and_digit_is_shown_at_any_width(board: Leaderboard, width: int) -> None:
    out = io.StringIO()
    Console(width=width, file=out).print(board.view())
    shown = out.getvalue()
    lines = shown.splitlines()
    assert max(len(line) for line in lines) <= width
    for row in board.rows:
        mine = next(line for line in lines if line.startswith(row.model))
        assert f"{row.result.mean('ndcg@10'):.4f} ±" in mine
    assert "…" not in shown
    assert ("recall@20" in lines[0]) == (width >= 104)
    assert ("Not shown" in shown) == (width < 104), "what is missing is said"


def test_in_a_notebook_it_is_the_table_and_as_a_frame_what_can_be_plotted(board: Leaderboard) -> None:
    assert repr(board).splitlines()[0].startswith("model")
    assert "0x" not in repr(board)
    assert repr(replace(board, rows=())) == "Leaderboard without rows"
    frame = board.frame()
    assert frame.columns == ["model", "measure", "mean", "low", "high"]
    assert frame["model"].unique(maintain_order=True).to_list() == [row.model for row in board.sorted()]
    best = frame.row(by_predicate=(pl.col("model") == board.sorted()[0].model) & (pl.col("measure") == "ndcg@10"))
    assert best[2:] == tuple(board.intervals[board.sorted()[0].model]["ndcg@10"])
    assert frame.filter(measure="coverage@10")["low"].null_count() == len(board.rows)


def test_parts_say_what_they_are_in_a_line(board: Leaderboard) -> None:
    split = leave_last(worlds.parity(n_users=80))
    assert "held out: the last event of each user" in repr(split)
    assert repr(split.test).startswith("EvalQueries(80 people, 80 right answers")
    assert repr(board.rows[0].result).startswith("Result(80 users: ndcg@10 0.")
    assert max(len(repr(part)) for part in (split, split.test, board.rows[0].result)) < 250
    with pytest.raises(UnknownNameError, match=r"'ndcg@5' was not measured\. Did you mean 'ndcg@"):
        board.rows[0].result.mean("ndcg@5")


def test_the_document_is_json_and_leaves_out_what_can_be_said_of_nobody(board: Leaderboard) -> None:
    empty = np.full(80, np.nan)
    rows = tuple(
        replace(row, result=replace(row.result, beyond={**row.result.beyond, "serendipity@10": empty}))
        for row in board.rows
    )
    document = replace(board, rows=rows).to_json(per_user=True)
    text = json.dumps(document, allow_nan=False)
    assert json.loads(text)["rows"][0]["per_user"]["serendipity@10"] == [None] * 80
    row = document["rows"][0]
    assert "serendipity@10" not in row["test"]
    assert "serendipity@10" not in row["intervals"]
    assert {"gini@10", "coverage@10", "novelty@10", "diversity@10"} <= set(row["test"])
    assert row["peak_megabytes"] is None or row["peak_megabytes"] >= 0
    assert row["wall_seconds"] >= row["fit_seconds"]
    assert row["protocol"]["versions"]["numpy"] == np.__version__


def test_protocols_say_what_differs(board: Leaderboard) -> None:
    protocol = board.protocol
    assert protocol.differences(protocol) == []
    other = protocol.model_copy(update={"variant": "strict", "versions": {"numpy": "1.0"}, "foretaste": "9"})
    assert protocol.differences(other) == ["variant: refit and strict"], "versions are no other protocol"


@pytest.mark.parametrize("width", [60, 118])
def test_groups_of_people_are_shown_with_their_size(board: Leaderboard, width: int) -> None:
    out = io.StringIO()
    Console(width=width, file=out).print(segments_view(board))
    shown = out.getvalue()
    assert max(len(line) for line in shown.splitlines()) <= width
    assert "activity: least active third" in shown
    assert board.sorted()[0].model in shown
