"""The catalogue: one row per item, in the order of the codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from foretaste.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from foretaste.data.ids import IdMap


@dataclass(frozen=True, eq=False)
class ItemTable:
    """ids   : names ⇄ codes
    frame : one row per code; any columns; nulls where nothing is known
    title : the column a person would read first, or None
    places : where pictures are, by name: columns item, picture (a path, an address, or `file.parquet#ROW`); or None
    """

    ids: IdMap
    frame: pl.DataFrame
    title: str | None = None
    places: pl.DataFrame | None = None

    def __post_init__(self) -> None:
        if len(self.frame) != len(self.ids) and self.frame.width:
            raise DataError(f"The item table has {len(self.frame)} rows for {len(self.ids)} ids.")

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
        return cls(ids, joined.drop(key), title)

    def __len__(self) -> int:
        return len(self.ids)

    def as_frame(self) -> pl.DataFrame:
        """A column item of names and every other column: what `Dataset.from_frame` takes."""
        return pl.concat([self.ids.names.alias("item").to_frame(), self.frame], how="horizontal")

    def titles(self) -> list[str]:
        """What to call each item: its title, its id where it has none."""
        if self.title is None:
            return self.ids.names.to_list()
        return self.frame[self.title].cast(pl.String).fill_null(self.ids.names).to_list()

    @property
    def pictures(self) -> pl.Series | None:
        """(n_items,) where the picture of each item is, null where it has none; None where nothing has one."""
        if self.places is None:
            return None
        ids = self.ids.names.to_frame("item")
        return ids.join(self.places, on="item", how="left", maintain_order="left")["picture"]

    def texts(self, columns: Sequence[str] | None = None) -> list[str]:
        """(n_items,) one text per item, the title first: 'Alien (1979). genres: Horror, Sci-Fi'."""
        chosen = self.text_columns() if columns is None else list(columns)
        if unknown := [name for name in chosen if name not in self.frame.columns]:
            raise DataError(f"The item table has no column '{unknown[0]}'. It has: {', '.join(self.frame.columns)}.")
        parts = []
        for name in chosen:
            column = self.frame[name]
            if column.dtype == pl.List(pl.String):
                column = column.list.join(", ")
            text = pl.col(name) if name == self.title else pl.format(f"{name}: {{}}", pl.col(name))
            parts.append(column.cast(pl.String).to_frame(name).select(text).to_series())
        if not parts:
            return [""] * len(self)
        joined = pl.DataFrame(parts).select(pl.concat_str(pl.all(), separator=". ", ignore_nulls=True)).to_series()
        return joined.fill_null("").to_list()

    def text_columns(self) -> list[str]:
        """The columns worth reading: words and lists of words, the title first; addresses are no words."""
        readable = [
            name
            for name, dtype in self.frame.schema.items()
            if dtype == pl.List(pl.String) or (dtype == pl.String and not _is_addresses(self.frame[name]))
        ]
        return sorted(readable, key=lambda name: name != self.title)


def _is_addresses(column: pl.Series) -> bool:
    values = column.drop_nulls().head(200)
    return len(values) > 0 and values.str.contains(r"^\s*[a-z0-9]+://\S+\s*$|^\S+\.(jpe?g|png|webp|gif)$").all()
