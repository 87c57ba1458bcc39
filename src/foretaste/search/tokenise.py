"""Tokenisation: lower case, without accents; character bigrams in scripts without spaces."""

from __future__ import annotations

import re
from functools import lru_cache
from unicodedata import combining, normalize

_APOSTROPHE = re.compile(r"(?<=\w)['’](?=\w)")
_WORD = re.compile(r"[^\W_]+")
# Han, kana, Thai, Lao, Khmer, Burmese: a run of characters is a sentence and not a word.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")


def tokenise(text: str) -> list[str]:
    """Words of a text. 'Amélie’s Café (2001)' is amelies cafe 2001; '千と千尋' is 千と と千 千尋."""
    plain = text if text.isascii() else _without_accents(text)
    plain = _APOSTROPHE.sub("", plain.lower())
    words = _WORD.findall(plain)
    if plain.isascii():
        return words
    return [piece for word in words for piece in _split_unspaced(word)]


def _without_accents(text: str) -> str:
    return "".join(letter for letter in normalize("NFKD", text.casefold()) if not combining(letter))


@lru_cache(maxsize=100_000)
def _split_unspaced(word: str) -> tuple[str, ...]:
    pieces: list[str] = []
    end = 0
    for run in _UNSPACED.finditer(word):
        if run.start() > end:
            pieces.append(word[end : run.start()])
        characters = run.group()
        pieces += [characters[i : i + 2] for i in range(max(1, len(characters) - 1))]
        end = run.end()
    return (*pieces, *((word[end:],) if end < len(word) else ()))
