"""The data set: every event as columns of codes, sorted by (user, time), and the tables beside the events."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from foretaste.data import dataset_view
from foretaste.data.dataset_columns import coded, kind_codes, microseconds, object_column, table_hash
from foretaste.data.impressions import Impressions
from foretaste.data.interaction_matrix import interaction_matrix
from foretaste.data.items import ItemTable
from foretaste.data.kinds import SHOWN, Kinds, usual_kinds
from foretaste.data.searches import ALWAYS, NEVER, Searches
from foretaste.errors import DataError, UnknownNameError, did_you_mean
from foretaste.types import BoolArray, FloatArray, History, IntArray, LongArray

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from rich.console import Group
    from scipy.sparse import csr_array

    from foretaste.data.ids import IdMap
    from foretaste.data.relations import Links, Relation, Triples


@dataclass(frozen=True, eq=False)
class Dataset:
    """All L events, sorted by (user, time); events of one user at equal times keep their original order.

    users, items : names ⇄ codes, and the attributes of each item
    user, item   : (L,) int32 codes
    time         : (L,) int64 µs since 1970 UTC, or None where only the order of the events is known
    kind         : (L,) uint8 rows of `kinds`
    value        : (L,) float32, a rating, a share watched; 1 where there is none
    user_table   : attributes of users, one row per user code; or None
    relations    : name of the table → friends, similar items, facts of a knowledge graph
    searches     : columns user (names), text and, where known, time (µs); or None
    impressions  : what was shown, including every event of kind `shown`; None where nothing was
    name         : name of the data set
    licence      : terms of use in a sentence, or None where unknown
    user_type, item_type : types of the ids in the source, in which they are returned
    """

    users: IdMap
    items: ItemTable
    user: IntArray
    item: IntArray
    time: LongArray | None
    kind: NDArray[np.uint8]
    value: FloatArray
    kinds: Kinds
    user_table: pl.DataFrame | None = None
    relations: Mapping[str, Relation] = field(default_factory=dict)
    searches: pl.DataFrame | None = None
    impressions: Impressions | None = None
    name: str = "data"
    licence: str | None = None
    user_type: pl.DataType = field(default_factory=pl.String)
    item_type: pl.DataType = field(default_factory=pl.String)

    @classmethod
    def from_frame(
        cls,
        events: pl.DataFrame | pl.LazyFrame,
        items: pl.DataFrame | None = None,
        *,
        users: IdMap | None = None,
        item_ids: IdMap | None = None,
        kinds: Kinds | None = None,
        title: str | None = None,
        name: str = "data",
    ) -> Dataset:
        """A data set from a frame of events.

        events : columns user, item; optionally time (Datetime, or int64 µs UTC), kind, value. Rows of one user at
                 the same time, or without any time, keep the order of the frame. A lazy frame, as `pl.scan_parquet`
                 gives, is read one column after the other, and never held whole
        items  : a column item, and one column per attribute
        users, item_ids : existing id maps, to be extended rather than made anew
        """
        if not isinstance(events, pl.DataFrame | pl.LazyFrame):
            kind = f"{type(events).__module__.partition('.')[0]} {type(events).__name__}"
            raise DataError(f"from_frame takes a frame of polars, and this is a {kind}; foretaste.read takes any.")
        lazy = events.lazy()
        columns = lazy.collect_schema().names()
        if missing := {"user", "item"} - set(columns):
            raise DataError(f"The events have no column '{missing.pop()}'. They have: {', '.join(columns)}.")

        def column(name: str) -> pl.Series:
            return lazy.select(name).collect().to_series()

        users, user = coded(column("user"), users)
        item_ids, item = coded(column("item"), item_ids, None if items is None else items["item"])
        n = len(user)
        if "kind" in columns:
            kinds, kind = kind_codes(column("kind").cast(pl.String), kinds)
        else:
            kinds, kind = kinds or usual_kinds([]), np.zeros(n, np.uint8)
        value = np.ones(n, np.float32)
        if "value" in columns:
            value = column("value").cast(pl.Float32).fill_null(1.0).fill_nan(1.0).to_numpy()
        return cls.sorted(
            users=users,
            items=ItemTable.of(item_ids, items, title=title),
            user=user,
            item=item,
            time=microseconds(column("time")) if "time" in columns else None,
            kind=kind,
            value=value,
            kinds=kinds,
            name=name,
        )

    @classmethod
    def sorted(
        cls,
        *,
        users: IdMap,
        items: ItemTable,
        user: IntArray,
        item: IntArray,
        time: LongArray | None,
        kind: NDArray[np.uint8],
        value: FloatArray,
        kinds: Kinds,
        name: str = "data",
    ) -> Dataset:
        """A data set from (L,) columns in any order; events of kind `shown` become impressions as well."""
        if time is None or (time[1:] >= time[:-1]).all():
            order = np.argsort(user, kind="stable")  # most logs are in order of time already: half the work
        else:
            order = np.lexsort((time, user))
        # One column after the other, so that at most half of the columns are held twice.
        user = user[order]
        item = item[order]
        time = None if time is None else time[order]
        kind = kind[order]
        value = value[order]
        data = cls(users, items, user, item, time, kind, value, kinds, name=name)
        return replace(data, impressions=data.shown_events()) if SHOWN in kinds.names else data

    def __len__(self) -> int:
        return len(self.user)

    def __repr__(self) -> str:
        return f"Dataset({self.name!r}: {len(self):,} events of {self.n_users:,} users about {self.n_items:,} items)"

    def __rich__(self) -> Group:
        return dataset_view.view(self.name, self._facts(), *self._head())

    def _repr_html_(self) -> str:
        return dataset_view.html(self.name, self._facts(), *self._head())

    def _facts(self) -> list[tuple[str, str]]:
        """(name, value) of each part that the data set has."""
        counts = np.bincount(self.kind, minlength=len(self.kinds))
        parts = [
            ("events", f"{len(self):,}"),
            ("users", f"{self.n_users:,}"),
            ("items", f"{self.n_items:,}"),
            ("kinds", ", ".join(f"{name} {n:,}" for name, n in zip(self.kinds.names, counts, strict=True) if n)),
        ]
        if self.time is not None and len(self):
            first, last = (
                np.datetime64(int(edge), "us").astype("M8[m]") for edge in (self.time.min(), self.time.max())
            )
            parts.append(("from, to", f"{str(first).replace('T', ' ')}, {str(last).replace('T', ' ')} UTC"))
        if len(self) and (self.value != 1).any():
            parts.append(("values", f"{self.value.min():g} to {self.value.max():g}, mean {self.value.mean():.2f}"))
        if self.items.frame.width:
            parts.append(("of items", ", ".join(self.items.frame.columns)))
        if self.items.places is not None:
            parts.append(("pictures", f"{len(self.items.places):,}"))
        if self.user_table is not None:
            parts.append(("of users", ", ".join(name for name in self.user_table.columns if name != "user")))
        parts += [(name, f"{len(relation):,} {relation.between}") for name, relation in sorted(self.relations.items())]
        if self.searches is not None:
            parts.append(("searches", f"{len(self.searches):,}"))
        if self.impressions is not None:
            parts.append(("impressions", f"{len(self.impressions):,}"))
        if self.licence:
            parts.append(("licence", self.licence))
        return parts

    def _head(self) -> tuple[list[str], list[list[str]]]:
        """The columns and the first events: names, titles, kinds, times."""
        few = np.zeros(len(self), np.bool_)
        few[: dataset_view.HEAD] = True
        frame = self.where(few).as_frame()
        columns = ["user", "item", "kind", *(["value"] if (self.value != 1).any() else [])]
        rows = [[dataset_view.cell(value) for value in row] for row in frame.select(columns).iter_rows()]
        if self.items.title is not None:
            titles = self.items.frame[self.items.title].gather(self.item[: dataset_view.HEAD]).to_list()
            columns.append("title")
            rows = [[*row, dataset_view.cell(title)] for row, title in zip(rows, titles, strict=True)]
        if self.time is not None:
            times = self.time[: dataset_view.HEAD].astype("M8[us]").astype("M8[s]").astype(str)
            columns.append("time")
            rows = [[*row, time.replace("T", " ")] for row, time in zip(rows, times, strict=True)]
        return columns, rows

    @property
    def n_users(self) -> int:
        return len(self.users)

    @property
    def n_items(self) -> int:
        return len(self.items)

    @cached_property
    def offsets(self) -> LongArray:
        """(n_users + 1,) row pointers: the events of user u are rows offsets[u]:offsets[u + 1]."""
        return np.searchsorted(self.user, np.arange(self.n_users + 1)).astype(np.int64)

    @cached_property
    def position(self) -> LongArray:
        """(L,) index of each event in its user's history, 0 the oldest."""
        return np.arange(len(self)) - np.repeat(self.offsets[:-1], np.diff(self.offsets))

    def histories(self) -> History:
        """The histories, one row per user code; empty for users without events."""
        return History(self.item, self.offsets, self.time, self.kind, self.value)

    def matrix(self) -> csr_array:
        """(n_users, n_items) float32, 1 where the summed feedback of the user on the item is positive."""
        return interaction_matrix(self.histories(), self.n_items, self.kinds.weights)

    def as_frame(self) -> pl.DataFrame:
        """The events with names instead of codes: user, item, kind, value and, where known, time in µs UTC."""
        names = np.array(self.kinds.names, dtype=object)
        frame = pl.DataFrame(
            {
                "user": self.users.names.gather(self.user),
                "item": self.items.ids.names.gather(self.item),
                "kind": pl.Series(names[self.kind].tolist(), dtype=pl.String),
                "value": self.value,
            }
        )
        return frame if self.time is None else frame.with_columns(time=self.time)

    def links(self, name: str) -> Links:
        """A relation between users or between items, as codes."""
        relation = self._relation(name, triples=False)
        return relation.links(self.users if relation.between == "users" else self.items.ids)

    def triples(self, name: str) -> Triples:
        """A knowledge graph, as codes."""
        return self._relation(name, triples=True).triples(self.items.ids)

    def _relation(self, name: str, *, triples: bool) -> Relation:
        known = [key for key, relation in self.relations.items() if (relation.between == "triples") == triples]
        if name not in known:
            what = "knowledge graph" if triples else "relation between users or items"
            raise UnknownNameError(f"{self.name} has no {what} called '{name}'.{did_you_mean(name, known)}")
        return self.relations[name]

    @cached_property
    def searched(self) -> Searches | None:
        """The searches as codes, or None."""
        return None if self.searches is None else Searches.of(self.searches, self.users)

    def columns_of(self, users: IntArray) -> dict[str, NDArray[Any]]:
        """The attributes of these users from the user table, as in `Queries.columns`; {} where there is none.

        Whole numbers, texts and lists are objects, None where nothing is known: a missing one makes no float of others.
        """
        if self.user_table is None:
            return {}
        rows = self.user_table.drop("user", strict=False)[np.asarray(users).tolist()]
        return {name: object_column(rows[name]) for name in rows.columns}

    def searched_before(self, until: LongArray) -> Dataset:
        """The same events, and only the searches that were made before until (n_users,) µs of their user."""
        if self.searches is None:
            return self
        code = self.users.codes(self.searches["user"])
        if "time" not in self.searches.columns:
            return replace(self, searches=self.searches.clear())
        early = (
            self.searches["time"].fill_null(ALWAYS).to_numpy() < np.append(until, NEVER)[code]
        )  # code −1: unknown users
        return replace(self, searches=self.searches.filter(early))

    def impressions_before(self, until: LongArray) -> Dataset:
        """The same events, and only the impressions of a known time before until (n_users,) µs of their user."""
        return self if self.impressions is None else replace(self, impressions=self.impressions.before(until))

    def shown_events(self) -> Impressions | None:
        """The events of kind `shown` as impressions; None where there are none."""
        if SHOWN not in self.kinds.names or not (shown := self.kind == self.kinds.code(SHOWN)).any():
            return None
        return Impressions.of_events(
            self.user[shown], self.item[shown], None if self.time is None else self.time[shown]
        )

    def impressions_beside_events(self) -> Impressions | None:
        """The impressions that hold more than the events of kind `shown` do; None where there are none."""
        if (table := self.impressions) is None or (events := self.shown_events()) is None:
            return table
        more = table.has_details | ~table.are_among(events)
        return table.take(more) if more.any() else None

    def with_impressions(self, more: Impressions) -> Dataset:
        """The same with further impressions of its users and items; duplicates count once (`Impressions.merged`)."""
        return replace(self, impressions=more if self.impressions is None else more.merged(self.impressions))

    def where(self, keep: BoolArray) -> Dataset:
        """The events for which keep (L,) is true; users and items keep their codes.

        The tables beside the events stay whole: `searched_before` and `impressions_before` cut them at a moment.
        """
        return replace(
            self,
            user=self.user[keep],
            item=self.item[keep],
            time=None if self.time is None else self.time[keep],
            kind=self.kind[keep],
            value=self.value[keep],
        )

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all events, names, relations, searches and impressions: equal fingerprints mean equal data."""
        digest = sha256(self.users.fingerprint().encode() + self.items.ids.fingerprint().encode())
        for column in (self.user, self.item, self.time, self.kind, self.value):
            digest.update(b"-" if column is None else np.ascontiguousarray(column).tobytes())
        digest.update(repr(self.kinds.names).encode())
        for name, relation in sorted(self.relations.items()):
            digest.update(f"{name} {relation.between} {table_hash(relation.frame)}".encode())
        if self.searches is not None:
            digest.update(table_hash(self.searches).encode())
        if (shown := self.impressions_beside_events()) is not None:
            digest.update(shown.fingerprint().encode())
        return digest.hexdigest()[:16]
