"""What is read of an item: the chosen fields, and words only."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.data.ids import IdMap
from foretaste.data.items import ItemTable
from foretaste.errors import ConfigError, DataError
from foretaste.features.html import plain_text
from foretaste.features.item_texts import item_texts, readable_columns, with_reviews


@pytest.fixture
def shop() -> ItemTable:
    frame = pl.DataFrame(
        {
            "item": ["a", "b", "c"],
            "title": ["<b>R</b>ed shoe &amp; sock", "Hat", None],
            "brand": ["Acme", "", None],
            "tags": [["warm", "soft"], [], None],
            "price": [9.5, None, 3.0],
            "picture": ["https://x/a.jpg", "https://x/b.jpg", None],
        }
    )
    return ItemTable.of(IdMap(["a", "b", "c"]), frame)


def test_words_are_read_and_links_are_not(shop: ItemTable) -> None:
    assert readable_columns(shop) == ["title", "brand", "tags"]
    assert item_texts(shop) == ["Red shoe & sock. brand: Acme. tags: warm, soft", "Hat", ""]


def test_where_words_are_counted_columns_do_not_say_their_names(shop: ItemTable) -> None:
    assert item_texts(shop, named=False) == ["Red shoe & sock. Acme. warm, soft", "Hat", ""]
    assert item_texts(shop, ["tags", "by {brand}"], named=False)[0] == "warm, soft. by Acme", "a template is as written"


def test_a_template_with_an_empty_field_is_left_out(shop: ItemTable) -> None:
    pieces = ["title", "made by {brand}, {tags}", "costs {price} {{net}}"]
    assert item_texts(shop, pieces) == [
        "Red shoe & sock. made by Acme, warm, soft. costs 9.5 {net}",
        "Hat",
        "costs 3.0 {net}",
    ]


@pytest.mark.parametrize(
    ("piece", "error", "says"),
    [
        ("colour", DataError, "no column 'colour'. It has: title, brand"),
        ("in {colour}", DataError, "no column 'colour'"),
        ("in {colour", ConfigError, "cannot be read"),
        ("in {{colour}}", ConfigError, "names no column"),
    ],
)
def test_a_wrong_template_says_what_is_wrong(shop: ItemTable, piece: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        item_texts(shop, [piece])


def test_the_newest_reviews_are_read(shop: ItemTable) -> None:
    reviews = pl.DataFrame(
        {"item": ["b", "a", "b", "b"], "text": ["old", "warm!", "newest", "new"], "time": [1, 2, 9, 5]}
    )
    read = item_texts(with_reviews(shop, reviews, most=2), ["title", "people say: {reviews}"])
    assert read[1] == "Hat. people say: newest, new"
    assert read[2] == ""
    with pytest.raises(DataError, match="no column 'text'"):
        with_reviews(shop, reviews.drop("text"))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("<ul><li>red<li>blue</ul>", "red blue"),
        ("<p>caf&eacute; &#128512;</p><!-- secret --><script>alert('x')</script>", "café 😀"),
        ('<a href="a>b">link</a>ed', "linked"),
        ("a < b and c > d", "a < b and c > d"),
        ("AT&T  sells\n phones", "AT&T sells phones"),
        ("<style>p{}</style>only words<br/>here", "only words here"),
    ],
)
def test_markup_goes_and_words_stay(written: str, read: str) -> None:
    assert plain_text(written) == read


@given(st.text())
def test_any_text_is_read_without_a_crash(text: str) -> None:
    plain_text(text)
    if not set(text) & set("<&"):
        assert plain_text(text) == " ".join(text.split())
