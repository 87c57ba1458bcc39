"""A low rating says that somebody did not want it, where the project says so."""

from __future__ import annotations

import polars as pl
import pytest

import foretaste
from foretaste.errors import ConfigError
from foretaste.models.linear.ease import Ease
from foretaste.types import Run

STARS = [5.0, 1.0, 2.9, 3.0, None]


def frame(**more: object) -> pl.DataFrame:
    n = len(STARS)
    return pl.DataFrame({"user": ["ann"] * n, "item": [f"i{k}" for k in range(n)], "rating": STARS, **more})


def kinds_of(data: foretaste.Dataset) -> dict[str, str]:
    events = data.as_frame()
    return dict(zip(events["item"].to_list(), events["kind"].cast(pl.String).to_list(), strict=True))


def test_ratings_below_are_dislikes_and_the_others_as_ever() -> None:
    found = kinds_of(foretaste.read(frame(), dislike_below=3))
    assert found == {"i0": "rating", "i1": "dislike", "i2": "dislike", "i3": "rating", "i4": "rating"}


def test_unless_asked_every_rating_counts_as_wanted() -> None:
    data = foretaste.read(frame())
    assert set(kinds_of(data).values()) == {"rating"}
    assert (data.kinds.weights[data.kind] > 0).all()


def test_what_a_sale_was_worth_is_no_rating() -> None:
    events = frame(kind=["buy", "buy", "rating", "view", "rating"])
    found = kinds_of(foretaste.read(events, dislike_below=3))
    assert found == {"i0": "buy", "i1": "buy", "i2": "dislike", "i3": "view", "i4": "rating"}


def test_what_is_disliked_is_hidden_and_not_learned_as_wanted() -> None:
    """Half the people love the pair a and b, the other half love a and cannot bear b: what goes with a is c."""
    rows = []
    for person in range(40):
        rows += [(f"p{person}", "a", 5.0), (f"p{person}", "b", 1.0 if person % 4 else 5.0)]
        rows += [(f"p{person}", "c", 5.0)] if person % 2 else []
        rows += [(f"p{person}", f"x{person % 7}", 4.0)]
    events = pl.DataFrame(rows, schema=["user", "item", "rating"], orient="row")

    def offered(data: foretaste.Dataset) -> list[str]:
        model = Ease().fit(data, Run())
        return foretaste.recommend(model, data, 3, guests={"guest": ["a"]})["item"].to_list()

    assert offered(foretaste.read(events))[0] == "b", "taken by everybody"
    assert offered(foretaste.read(events, dislike_below=3))[0] == "c"


def test_a_limit_that_is_no_number_is_a_sentence() -> None:
    with pytest.raises(ConfigError, match=r"read\(\): dislike_below = 'low'"):
        foretaste.read(frame(), dislike_below="low")  # type: ignore[arg-type]
