"""Detects the encoding of a text file and converts it to UTF-8, in blocks of whole lines."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING, NamedTuple

from foretaste.data.readers.packed import BLOCK, blocks
from foretaste.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BOMS = {  # the longer marks first: the mark of UTF-32 begins with that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\x1a\x1b"))
_UNKNOWN_TO_WINDOWS = b"\x81\x8d\x8f\x90\x9d"
_STRAY = re.compile(r"[\udc80-\udcff]")
_HEAD = 4096


class Encoding(NamedTuple):
    """codec, errors : as Python's codecs call them
    said : for people
    """

    codec: str
    errors: str
    said: str


UTF8 = Encoding("utf-8-sig", "strict", "UTF-8")


def encoding_of(path: Path) -> Encoding:
    """The encoding of a text file, detected in one or two passes over its bytes.

    UTF-16 and UTF-32 by their marks or their zeros, UTF-8, else Windows-1252 and Latin-1, which read anything. A file
    of UTF-8 in which a few bytes are not keeps every other letter; the stray bytes are read as Windows-1252.
    """
    head = next(blocks(path, _HEAD), b"")[:_HEAD]
    for mark, codec in _BOMS.items():
        if head.startswith(mark):
            return Encoding(codec, "replace", codec.upper())
    for codec, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        if len(zeros) > 1 and zeros.count(0) > 0.4 * len(zeros):
            return Encoding(codec, "replace", codec.upper())
    if len(head.translate(None, _CONTROL)) < 0.95 * len(head):
        what = "a spreadsheet or a ZIP archive" if head.startswith(b"PK") else "not text"
        raise DataError(f"{path} is {what}; save the table as CSV, JSON lines or Parquet and give that file.")
    decoder = codecs.getincrementaldecoder("utf-8-sig")("strict")
    try:
        for block in blocks(path):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return _almost_utf8(path)
    return UTF8


def _almost_utf8(path: Path) -> Encoding:
    decoder = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
    letters = stray = unknown = 0
    for block in blocks(path):
        text = decoder.decode(block)
        stray += len(_STRAY.findall(text))
        letters += len(re.findall(r"[^\x00-\x7f]", text))
        unknown += len(block) - len(block.translate(None, _UNKNOWN_TO_WINDOWS))
    if letters - stray > stray:
        return Encoding("utf-8-sig", "surrogateescape", f"UTF-8 but for {stray:,} stray bytes, read as Windows-1252")
    return Encoding("latin-1", "strict", "Latin-1") if unknown else Encoding("cp1252", "strict", "Windows-1252")


def utf8_lines(path: Path, encoding: Encoding, size: int = BLOCK) -> Iterator[bytes]:
    """Blocks of whole lines, about `size` bytes each and at least a line, as UTF-8 without a mark.

    A line ends with a line feed, a carriage return, or both.
    """
    rest = b""
    for block in _utf8(path, encoding, size):
        rest += block
        # A carriage return at the very end may be the first half of a line end.
        end = max(rest.rfind(b"\n"), rest.rfind(b"\r", 0, len(rest) - 1)) + 1
        if end:
            yield rest[:end]
            rest = rest[end:]
    if rest:
        yield rest


def _utf8(path: Path, encoding: Encoding, size: int) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding.codec)(encoding.errors)
    if encoding == UTF8:
        mark = codecs.BOM_UTF8
        for n, block in enumerate(blocks(path, max(size, len(mark)))):
            yield block.removeprefix(mark) if n == 0 else block
        return
    for block in blocks(path, size):
        yield _western(decoder.decode(block)).encode()
    yield _western(decoder.decode(b"", final=True)).encode()


def _western(text: str) -> str:
    """The text with invalid UTF-8 bytes, which Python holds as lone surrogates, decoded as Windows-1252."""
    return _STRAY.sub(lambda found: _letter(bytes([ord(found[0]) - 0xDC00])), text)


def _letter(byte: bytes) -> str:
    return byte.decode("latin-1" if byte in _UNKNOWN_TO_WINDOWS else "cp1252")
