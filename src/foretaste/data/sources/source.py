"""What a public data set is: where it lies, under which licence, and who reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

Progress = Callable[[str, int, int], None]
"""Called with (what, done, total), like `Run.progress`."""


def silent(what: str, done: int, total: int) -> None:
    """Progress nobody looks at."""


class RemoteFile(NamedTuple):
    name: str
    """What it is called in the cache; {choice} stands for the category asked for."""
    address: str | None = None
    """Official address; None where people fetch it themselves, after a log-in or a form."""
    checksum: str | None = None
    """'md5:…' or 'sha256:…' where one is published; None: the first file seen is remembered and trusted."""
    also: tuple[str, ...] = ()
    """Other names under which people's copies go around."""

    def of(self, choice: str) -> RemoteFile:
        return self._replace(
            name=self.name.format(choice=choice),
            address=self.address and self.address.format(choice=choice),
            also=tuple(name.format(choice=choice) for name in self.also),
        )


class Source(NamedTuple):
    reader: str
    """'package.module:function': Fetched in, Tables out; imported when the source is used."""
    summary: str
    licence: str
    """What one may do with the data, in a sentence or two; shown and accepted before a download."""
    terms: str
    """Where the publisher says so."""
    files: tuple[RemoteFile, ...]
    by_hand: str = ""
    """What a person must do where no program may fetch the files."""
    choices: tuple[str, ...] = ()
    """Categories, one of which is named behind a colon: amazon-2023:Video_Games."""
    offline: str = ""
    """What else helps without a network."""
    installed: str = ""
    """'package.module:function' that gives Tables from an installed package, or None; asked before any download."""


@dataclass(frozen=True)
class Fetched:
    """What a reader gets.

    files   : paths in the order of `Source.files`
    scratch : an empty folder on the disk of the cache for what must be unpacked; it is removed after reading
    choice  : the category asked for, '' where there is none
    """

    files: tuple[Path, ...]
    scratch: Path
    choice: str = ""
    progress: Progress = silent


@dataclass(frozen=True)
class Tables:
    """What a reader gives.

    events    : columns user, item and, where known, kind, time (µs UTC), value; lazy where it may be large
    items     : a column item and whatever else is known, or None
    users     : a column user and whatever else is known, or None
    relations : further tables under their names, with the columns that tables.py knows
    """

    events: pl.LazyFrame | pl.DataFrame
    items: pl.DataFrame | None = None
    users: pl.DataFrame | None = None
    relations: Mapping[str, pl.LazyFrame | pl.DataFrame] = field(default_factory=dict)
