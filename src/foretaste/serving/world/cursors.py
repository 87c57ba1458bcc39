"""Where a page ended: the bundle it was made by, and what was on it and the pages before.

A cursor carries what was shown rather than a place in some list. So nothing is shown twice, whatever the person did
or the shop changed between two pages, and no worker has to remember anything.
"""

from __future__ import annotations

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

import numpy as np

from foretaste.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

FORM = 1


class Cursor(NamedTuple):
    version: str
    shown: NDArray[np.uint32]
    """Checksums of the ids shown. Two ids with one checksum (1 in 40,000 lists of 100) cost the second its place."""

    def text(self) -> str:
        version = self.version.encode()
        raw = struct.pack("<BB", FORM, len(version)) + version + self.shown.astype("<u4").tobytes()
        return urlsafe_b64encode(raw).rstrip(b"=").decode()

    def and_then(self, ids: Iterable[str]) -> Cursor:
        return Cursor(self.version, np.concatenate([self.shown, checksums(list(ids))]))


def read_cursor(text: str) -> Cursor:
    """DataError where it is not one of ours; a forged one could only leave items out of its own list."""
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        form, length = struct.unpack_from("<BB", raw)
        if form != FORM or (len(raw) - 2 - length) % 4 or len(raw) < 2 + length:
            raise ValueError
        return Cursor(raw[2 : 2 + length].decode(), np.frombuffer(raw, "<u4", offset=2 + length).astype(np.uint32))
    except (ValueError, struct.error):
        raise DataError("cursor: it is not one that this service gave; leave it out for the first page.") from None


def checksums(ids: Sequence[str]) -> NDArray[np.uint32]:
    """(n,) uint32"""
    return np.fromiter((crc32(name.encode()) for name in ids), np.uint32, len(ids))
