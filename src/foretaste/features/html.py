"""Texts of shops are full of markup; models and people read words."""

from __future__ import annotations

import re
from html.parser import HTMLParser

# Only these join the words around them: "<b>H</b>ello" is one word, "<li>red<li>blue" is two.
INLINE = frozenset(
    ("a", "abbr", "b", "big", "cite", "code", "em", "font", "i", "mark", "small", "span", "strong", "sub")
)
SILENT = frozenset(("script", "style", "template"))
_SUSPECT = re.compile(r"<[a-zA-Z/!?]|&[#a-zA-Z]")
_SPACE = re.compile(r"\s+")


def plain_text(text: str) -> str:
    """The words of a text that may be HTML, on one line: tags, comments, scripts and styles go, '&eacute;' is 'é'.

    A text without markup is only tidied, and 'a < b' stays what it is.
    """
    if _SUSPECT.search(text):
        words = _Words()
        words.feed(text)
        words.close()
        text = "".join(words.parts)
    return _SPACE.sub(" ", text).strip()


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in SILENT
        self._gap(tag)

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in SILENT))
        self._gap(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._gap(tag)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)

    def _gap(self, tag: str) -> None:
        if tag not in INLINE:
            self.parts.append(" ")
