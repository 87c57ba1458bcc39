"""Reads files as blocks of bytes and decompresses them; the compression is detected by the first bytes."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import BufferedIOBase
    from pathlib import Path

BLOCK = 4 << 20
"""Bytes read at once. Python's strings take ten times the bytes they were cut from, so this is small."""
PACKED = (".gz", ".zst", ".bz2", ".xz")
UNPACKERS: dict[bytes, Callable[[Path], BufferedIOBase]] = {
    b"\x1f\x8b": gzip.GzipFile,
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}
ZSTD = b"\x28\xb5\x2f\xfd"
UNREADABLE = (
    *(gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError, OSError),
    *(pl.exceptions.PolarsError, pl.exceptions.PanicException),
)
"""Errors raised for truncated or damaged files; polars panics on damaged Parquet."""


def blocks(path: Path, size: int = BLOCK) -> Iterator[bytes]:
    """The decompressed bytes of a file, about `size` at a time."""
    with path.open("rb") as raw:
        head = raw.read(6)
    if head.startswith(ZSTD):
        yield from _zstd_blocks(path, size)
        return
    unpack = next((unpack for mark, unpack in UNPACKERS.items() if head.startswith(mark)), None)
    with unpack(path) if unpack else path.open("rb") as stream:
        while block := stream.read(size):
            yield block


def _zstd_blocks(path: Path, size: int) -> Iterator[bytes]:
    """polars knows zstd and Python before 3.14 does not: each line as one field, and put together again."""
    lines = pl.scan_csv(
        path,
        has_header=False,
        separator="\x1f",
        quote_char=None,
        infer_schema=False,
        empty_string_is_null=False,
        new_columns=["line"],
    )
    for batch in lines.collect_batches(chunk_size=max(1, size // 64), maintain_order=True):
        yield ("\n".join(batch["line"].fill_null("").to_list()) + "\n").encode()
