"""The check as a page: everything is said, nothing is loaded, a hostile id stays text."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from foretaste.data.checks.report_page import report_page
from foretaste.data.project.guess import guess_project, load_dataset

HOSTILE = "<script>alert(1)</script>"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href"}]


@pytest.mark.parametrize("timed", [True, False])
def test_the_page_says_everything_and_loads_nothing(tmp_path: Path, timed: bool) -> None:
    rows = [(f"u{i % 9}", f"i{i % 5}", f"2025-01-{i % 28 + 1:02d}") for i in range(60)]
    rows += [(f" {HOSTILE}", "i1", "2025-01-01"), ("", "i1", "2025-01-01")]
    frame = pl.DataFrame(rows, schema=["user", "item", "date"], orient="row")
    (frame if timed else frame.drop("date")).write_csv(tmp_path / f"{HOSTILE.replace('/', '_')}.csv")
    config, _ = guess_project(next(tmp_path.glob("*.csv")))
    data, report = load_dataset(config, tmp_path)
    page = report_page(report, data)
    tags = Tags()
    tags.feed(page)
    assert "script" not in tags.names
    assert tags.addresses == []
    assert tags.names.count("svg") == (3 if timed else 2)
    for problem in report.problems:
        assert problem.action in page
    assert data.fingerprint in page
    assert {problem.code for problem in report.problems} >= {"user-empty", "user-spaces"}
