"""HTML to plain text: item descriptions often contain markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser

# Inline tags do not separate words: "<b>H</b>ello" is one word, "<li>red<li>blue" is two.
INLINE = frozenset(
    ("a", "abbr", "b", "big", "cite", "code", "em", "font", "i", "mark", "small", "span", "strong", "sub")
)
INVISIBLE = frozenset(("script", "style", "template"))
_MARKUP = re.compile(r"<[a-zA-Z/!?]|&[#a-zA-Z]")
_SPACE = re.compile(r"\s+")


def plain_text(text: str) -> str:
    """The visible text of possible HTML, on one line, without tags, comments, scripts and styles, entities decoded.

    Of a text without markup only whitespace is normalised; 'a < b' stays as it is.
    """
    if _MARKUP.search(text):
        extractor = _TextExtractor()
        extractor.feed(text)
        extractor.close()
        text = "".join(extractor.parts)
    return _SPACE.sub(" ", text).strip()


class _TextExtractor(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._invisible_depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._invisible_depth += tag in INVISIBLE
        self._gap(tag)

    def handle_endtag(self, tag: str) -> None:
        self._invisible_depth = max(0, self._invisible_depth - (tag in INVISIBLE))
        self._gap(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._gap(tag)

    def handle_data(self, data: str) -> None:
        if not self._invisible_depth:
            self.parts.append(data)

    def _gap(self, tag: str) -> None:
        if tag not in INLINE:
            self.parts.append(" ")
