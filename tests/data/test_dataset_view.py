"""A data set at a glance: true, short, quick, and a hostile title stays text."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import polars as pl
from rich.console import Console

import worlds
from foretaste.data.dataset import Dataset
from worlds import HOSTILE_TITLE


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)


def hostile() -> Dataset:
    frame = pl.DataFrame(
        {
            "user": ["u<1>", "u2"],
            "item": ["i1", "i2"],
            "kind": ["view", "buy"],
            "value": [1.0, 2.5],
            "time": [0, 60_000_000],
        }
    )
    items = pl.DataFrame({"item": ["i1"], "title": [HOSTILE_TITLE], "price": [3.0]})
    data = Dataset.from_frame(frame, items, name="<shop>")
    return replace(data, licence="ours", user_table=pl.DataFrame({"user": data.users.names, "age": [1, 2]}))


def test_one_line_says_how_much_there_is() -> None:
    assert repr(hostile()) == "Dataset('<shop>': 2 events of 2 users about 2 items)"
    assert len(repr(worlds.parity())) < 100


def test_a_notebook_gets_tables_and_no_scripts() -> None:
    page = hostile()._repr_html_()
    tags = Tags()
    tags.feed(page)
    assert set(tags.names) == {"h4", "table", "tr", "th", "td", "p"}
    for said in ("2.5", "view 1, buy 1", "title, price", "age", "ours", "1970-01-01 00:01 UTC", "u&lt;1&gt;"):
        assert said in page


def test_a_terminal_gets_the_same() -> None:
    console = Console(width=120, record=True, file=None, quiet=False)
    with console.capture() as captured:
        console.print(hostile())
    shown = captured.get()
    assert HOSTILE_TITLE in shown
    assert "view 1, buy 1" in shown
    assert "1970-01-01 00:00:00" in shown


def test_nothing_is_said_of_what_is_not_there() -> None:
    data = Dataset.from_frame(pl.DataFrame({"user": ["a"], "item": ["b"]}))
    page = data._repr_html_()
    for absent in ("values", "pictures", "licence", "from, to", "searches", "of items"):
        assert f"<th>{absent}</th>" not in page
    empty = data.where(np.zeros(1, np.bool_))
    assert "<td>0</td>" in empty._repr_html_()
