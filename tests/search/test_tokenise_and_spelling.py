"""Words, their weights, and what was meant by a misspelt one."""

from __future__ import annotations

import math
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.search import bm25
from foretaste.search.bm25 import Bm25, Bm25Config
from foretaste.search.spelling import Spelling, edit_distance
from foretaste.search.tokenise import tokenise


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Amélie’s Café (2001)", ["amelies", "cafe", "2001"]),
        ("STRASSE straße", ["strasse", "strasse"]),
        ("千と千尋", ["千と", "と千", "千尋"]),
        ("雪 3部作", ["雪", "3", "部作"]),
        ("snake_case-and.dots", ["snake", "case", "and", "dots"]),
        ("", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert tokenise(text) == words


def plain_bm25(texts: list[str], query: str, k1: float, b: float) -> list[float]:
    """The slow readable one: the formula."""
    documents = [tokenise(text) for text in texts]
    filled = [len(words) for words in documents if words]
    mean = sum(filled) / len(filled) if filled else 1.0
    scores = []
    for words in documents:
        score = 0.0
        for word in tokenise(query):
            spread = sum(word in other for other in documents)
            idf = math.log(1 + (len(texts) - spread + 0.5) / (spread + 0.5))
            times = words.count(word)
            score += idf * times * (k1 + 1) / (times + k1 * (1 - b + b * len(words) / mean)) if times else 0.0
        scores.append(score)
    return scores


sentences = st.lists(st.sampled_from(["red", "blue", "shoe", "hat", "wool"]), max_size=6).map(" ".join)


@given(st.lists(sentences, min_size=1, max_size=8), st.sets(st.sampled_from(["red", "blue", "shoe", "sock"])))
def test_fast_is_plain(texts: list[str], asked: set[str]) -> None:
    config = Bm25Config(saturation=1.3, length=0.6)
    found = Bm25(texts, config).scores(dict.fromkeys(asked, 1.0))
    np.testing.assert_allclose(found, plain_bm25(texts, " ".join(asked), 1.3, 0.6), rtol=1e-5, atol=1e-6)


@given(st.lists(st.tuples(st.integers(0, 5), sentences), max_size=8), st.sampled_from([0, 2, 500]))
def test_changed_is_as_if_built_anew(changes: list[tuple[int, str]], written_after: int) -> None:
    """Whether the postings are written anew with every change, now and then, or never."""
    texts = ["red shoe", "blue hat", "wool hat"]
    index = Bm25(texts)
    spelling = Spelling(list(index.code), index.document_frequency)
    with mock.patch.object(bm25, "MIN_CHANGED", written_after), mock.patch.object(bm25, "CHANGED_SHARE", 0.0):
        for item, text in changes:
            texts += [""] * (item + 1 - len(texts))
            texts[item] = text
            for word in index.put(np.array([item], np.int32), [text]):
                spelling.put(word, int(index.document_frequency[index.code[word]]))
    anew = Bm25(texts)
    words = ["red", "blue", "shoe", "hat", "wool"]
    np.testing.assert_allclose(
        index.scores(dict.fromkeys(words, 1.0)), anew.scores(dict.fromkeys(words, 1.0)), rtol=1e-5, atol=1e-6
    )
    assert [index.idf(word) for word in words] == [anew.idf(word) for word in words]
    assert [index.is_indexed(word) for word in words] == [anew.is_indexed(word) for word in words]
    fresh = Spelling(list(anew.code), anew.document_frequency)
    for typed in ("rde", "bleu", "sheo", "hta", "wol"):
        assert spelling.corrections(typed) == fresh.corrections(typed)
        assert spelling.split(typed + "shoe") == fresh.split(typed + "shoe")


def test_a_deleted_text_is_not_found() -> None:
    index = Bm25(["red shoe", "red hat"])
    index.delete(np.array([0], np.int32))
    assert index.scores({"red": 1.0}).argmax() == 1
    assert index.scores({"shoe": 1.0}).max() == 0


def test_a_usual_text_that_says_everything_once_is_worth_what_was_asked() -> None:
    index = Bm25(["red shoe", "blue hat"])
    asked = {"red": 1.0, "shoe": 0.5}
    assert index.scores(asked)[0] == pytest.approx(index.full_match_score(asked), rel=1e-6)


def test_a_rare_word_tells_more() -> None:
    index = Bm25(["the shoe", "the hat", "the sock"])
    assert index.idf("hat") > index.idf("the")
    assert index.idf("unheard") == index.idf("hat")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("matirx", "matrix"),
        ("matrx", "matrix"),
        ("matrixx", "matrix"),
        ("mstrix", "matrix"),
        ("goldfingre", "goldfinger"),
    ],
)
def test_a_slip_is_understood(typed: str, meant: str) -> None:
    words = ["matrix", "goldfinger", "metric", "star", "wars", "mat"]
    assert Spelling(words, np.ones(len(words), np.int64)).corrections(typed)[0].word == meant


def test_of_equally_close_words_the_commoner_was_meant() -> None:
    spelling = Spelling(["cart", "care", "carp"], np.array([1, 9, 0]))
    assert [guess.word for guess in spelling.corrections("carx")] == ["care", "cart"], (
        "carp is written nowhere any more"
    )


def test_two_letters_swapped_is_a_slip_before_all_others() -> None:
    spelling = Spelling(["was", "wars"], np.array([90, 1]))
    assert spelling.corrections("wras")[0].word == "wars"


def test_what_is_too_far_is_not_guessed() -> None:
    spelling = Spelling(["star", "wars", "2001"], np.ones(3, np.int64))
    assert spelling.corrections("stxx") == []
    assert spelling.corrections("2002") == [], "another number is another number"
    assert spelling.split("starwars") == ["star", "wars"]
    assert spelling.split("starship") == []


def plain_edits(a: str, b: str) -> int:
    if not a or not b:
        return len(a) + len(b)
    best = min(plain_edits(a[1:], b) + 1, plain_edits(a, b[1:]) + 1, plain_edits(a[1:], b[1:]) + (a[0] != b[0]))
    if len(a) > 1 and len(b) > 1 and a[0] == b[1] and a[1] == b[0]:
        best = min(best, plain_edits(a[2:], b[2:]) + 1)
    return best


short = st.text("ab", max_size=5)


@given(short, short)
def test_edits_are_counted_like_the_plain_recursion(a: str, b: str) -> None:
    assert edit_distance(a, b) == plain_edits(a, b) == edit_distance(b, a)
