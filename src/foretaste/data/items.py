"""The item table: the attributes of each item, one row per item code, and item texts made of them."""

from __future__ import annotations

from dataclasses import dataclass
from string import Formatter
from typing import TYPE_CHECKING

import polars as pl

from foretaste.errors import ConfigError, DataError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from foretaste.data.ids import IdMap


@dataclass(frozen=True, eq=False)
class ItemTable:
    """The catalogue of a data set.

    ids    : names ⇄ codes
    frame  : attributes, one row per code; null where unknown
    title  : the column with the display name, or None
    places : locations of pictures: columns item (name), picture (a path, a URL, or `file.parquet#ROW`); or None
    """

    ids: IdMap
    frame: pl.DataFrame
    title: str | None = None
    places: pl.DataFrame | None = None

    def __post_init__(self) -> None:
        if len(self.frame) != len(self.ids) and self.frame.width:
            raise DataError(f"The item table has {len(self.frame)} rows for {len(self.ids)} ids.")
        if self.title not in self.frame.columns:  # as in a bundle without that column: ids are shown instead
            object.__setattr__(self, "title", None)

    @classmethod
    def of(
        cls, ids: IdMap, frame: pl.DataFrame | None = None, *, key: str = "item", title: str | None = None
    ) -> ItemTable:
        """A catalogue from a frame with a column of names `key`; items without a row have nulls."""
        if frame is None:
            return cls(ids, pl.DataFrame(), None)
        rows = frame.with_columns(pl.col(key).cast(pl.String)).unique(key, keep="last", maintain_order=True)
        joined = pl.DataFrame({key: ids.names}).join(rows, on=key, how="left", maintain_order="left")
        if title is None:
            title = next((name for name in ("title", "name") if name in joined.columns), None)
        elif title not in joined.columns:
            raise DataError(
                f"The item table has no column '{title}' of titles.{did_you_mean(title, set(joined.columns) - {key})}"
            )
        return cls(ids, joined.drop(key), title)

    def __len__(self) -> int:
        return len(self.ids)

    def as_frame(self) -> pl.DataFrame:
        """A column item of names, and the attributes: what `Dataset.from_frame` takes."""
        return pl.concat([self.ids.names.alias("item").to_frame(), self.frame], how="horizontal")

    def titles(self) -> list[str]:
        """(n_items,) display name of each item: its title, or its id where it has none."""
        if self.title is None:
            return self.ids.names.to_list()
        return self.frame[self.title].cast(pl.String).fill_null(self.ids.names).to_list()

    @property
    def pictures(self) -> pl.Series | None:
        """(n_items,) location of the picture of each item, null where it has none; None where no item has one."""
        if self.places is None:
            return None
        ids = self.ids.names.to_frame("item")
        return ids.join(self.places, on="item", how="left", maintain_order="left")["picture"]

    def texts(
        self,
        pieces: Sequence[str] | None = None,
        *,
        named: bool = True,
        tidied: Callable[[pl.Series], pl.Series] = lambda words: words,
    ) -> list[str]:
        """(n_items,) one text per item, '' where nothing is known: 'Alien (1979). genres: Horror, Sci-Fi'.

        pieces : parts of the text, in order. A piece is a column ('genres') or a template ('by {brand} in {country}');
                 a piece with an empty field is left out. None for all text columns, the title first
        named  : whether columns other than the title are prefixed with their names, as language models read them; for
                 bag-of-words models a name would be a word of every item
        tidied : applied to the text of each column before they are joined
        """
        read = self.text_columns() if pieces is None else pieces
        parts = [self._piece(piece, named, tidied) for piece in read]
        if not parts:
            return [""] * len(self)
        frame = pl.DataFrame([part.alias(str(i)) for i, part in enumerate(parts)])
        joined = frame.select(pl.concat_str(pl.all(), separator=". ", ignore_nulls=True)).to_series()
        return joined.fill_null("").to_list()

    def _piece(self, piece: str, named: bool, tidied: Callable[[pl.Series], pl.Series]) -> pl.Series:
        """(n_items,) a piece with its fields filled in; null where a field is empty."""
        fields = _parsed(piece)
        if named and "{" not in piece and piece != self.title:
            fields = [(f"{piece}: ", piece)]
        parts: list[pl.Expr] = []
        columns: list[pl.Series] = []
        for literal, name in fields:
            if literal:
                parts.append(pl.lit(literal))
            if name:
                words = tidied(self._words(name))
                columns.append(words.set(words.str.strip_chars() == "", None).alias(str(len(columns))))
                parts.append(pl.col(columns[-1].name))
        return pl.DataFrame(columns).select(pl.concat_str(parts)).to_series()

    def _words(self, name: str) -> pl.Series:
        """(n_items,) a column as text, the values of a list joined by commas."""
        if name not in self.frame.columns:
            raise DataError(f"The item table has no column '{name}'. It has: {', '.join(self.frame.columns)}.")
        column = self.frame[name]
        if isinstance(column.dtype, pl.List):
            column = column.cast(pl.List(pl.String)).list.drop_nulls().list.join(", ")
        return column.cast(pl.String)

    def text_columns(self) -> list[str]:
        """Columns of text and of lists of texts, the title first; without columns of URLs."""
        readable = [
            name
            for name, dtype in self.frame.schema.items()
            if dtype == pl.List(pl.String) or (dtype == pl.String and not _is_addresses(self.frame[name]))
        ]
        return sorted(readable, key=lambda name: name != self.title)


def _parsed(piece: str) -> list[tuple[str, str | None]]:
    """A template as literals, each with the column after it: 'by {brand}!' is [('by ', 'brand'), ('!', None)]."""
    if "{" not in piece:
        return [("", piece)]
    try:
        found = [(literal, name) for literal, name, _, _ in Formatter().parse(piece)]
    except ValueError as error:
        raise ConfigError(f"The template '{piece}' cannot be read ({error}); write it like 'by {{brand}}'.") from None
    if not any(name for _, name in found):
        raise ConfigError(f"The template '{piece}' names no column; write it like 'by {{brand}}'.")
    return found


def _is_addresses(column: pl.Series) -> bool:
    values = column.drop_nulls().head(200)
    return len(values) > 0 and values.str.contains(r"^\s*[a-z0-9]+://\S+\s*$|^\S+\.(jpe?g|png|webp|gif)$").all()
