"""The report page is self-contained, agrees with the leaderboard, and escapes names."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

import worlds
from foretaste.data.splits import Holdout
from foretaste.evaluation.feedback_loop import simulate_feedback_loop
from foretaste.evaluation.leaderboard import Leaderboard
from foretaste.evaluation.report.page import report_page
from foretaste.evaluation.report.plots import Line, Point, Whisker, _Scale, bars, lines, scatter, whiskers
from foretaste.evaluation.robustness.stability import StabilityOptions, with_stability
from foretaste.selection.choose_pipeline import select_pipeline
from foretaste.types import Run

HOSTILE = "<script>alert(1)</script>\"'&"


@pytest.fixture(scope="module")
def board() -> Leaderboard:
    found = select_pipeline(worlds.parity(n_users=80), ["random", "popular", "itemknn", "ease"], Run()).leaderboard
    assert found is not None
    return found


def test_every_model_figure_and_the_protocol_are_on_the_page(board: Leaderboard) -> None:
    data = worlds.parity(n_users=80)
    full = with_stability(board, Holdout()(data), Holdout(), Run(), StabilityOptions(seeds=2, leakage=True))
    page = report_page(full, bubble=simulate_feedback_loop("itemknn", {}, data, Run(), rounds=2), remarks=("Ship it.",))
    assert "Learning curves" not in page, "none of these learns in epochs"
    learned = replace(full, rows=tuple(replace(row, validation_curve=(0.1, 0.3, 0.2)) for row in full.rows[:1]))
    assert "Learning curves" in report_page(learned)
    for row in board.rows:
        assert f"{row.result.mean('ndcg@10'):.4f}" in page
        assert row.model in page
    assert "Ship it." in page
    assert "seen items excluded" in page
    titles = [
        "Accuracy with intervals",
        "Accuracy against coverage",
        "segment: activity",
        "Tuning",
        "Feedback loop",
    ]
    for title in titles:
        assert title in page
    assert page.count("<svg") == page.count("</svg>") >= 6
    assert "nan" not in re.sub(r"<[^>]*>", " ", page).split()


def test_nothing_is_loaded_from_elsewhere(board: Leaderboard) -> None:
    page = report_page(board)
    assert not re.search(r"<script|<link|<img|@import|url\(|src=|href=", page)
    assert set(re.findall(r"https?://[^\"' <]+", page)) <= {"http://www.w3.org/2000/svg"}


def test_hostile_names_stay_text(board: Leaderboard) -> None:
    rows = tuple(replace(row, model=f"{HOSTILE}{n}") for n, row in enumerate(board.rows))
    page = report_page(
        replace(board, rows=rows, protocol=board.protocol.model_copy(update={"data": HOSTILE})), remarks=(HOSTILE,)
    )
    assert "<script" not in page

    class Tags(HTMLParser):
        found: set[str] = set()

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.found.add(tag)

    tags = Tags()
    tags.feed(page)
    assert "script" not in tags.found


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 1.0), (0.0, 0.0), (-0.3, 0.0), (1e-5, 2e-5), (5.0, 5.0), (0.013, 0.0834), (0, 12_345)]
)
def test_edges_have_round_numbers_around_the_values(low: float, high: float) -> None:
    scale = _Scale.of([low, high], 0, 100, from_zero=False)
    assert scale.low - 1e-12 <= low <= high <= scale.high + 1e-12
    assert 2 <= len(scale.ticks) <= 12
    assert len(set(scale.words())) == len(scale.words())


def test_plots_of_one_or_of_equal_values_are_drawn() -> None:
    point = Point("a", 1.0, 1.0, 0, "a")
    assert scatter([point, point], "x", "y").count("<circle") == 2
    assert "polyline" in lines([Line("a", (1.0,), (0.0,), 0)], "x", "y")
    assert bars([("group", [point])], "y").count("<rect") == 1
    assert whiskers([Whisker("a", 0.0, 0, (("people", 0.0, 0.0),))], "x").count("<rect") == 1
