"""What people were shown, whether they took it or not: the table beside the events that off-policy work reads.

Nothing trains on it yet. An event of kind `shown` is a row of it too, and stays an event as well.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from foretaste.errors import DataError
from foretaste.types import NO_ITEM, NO_USER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foretaste.data.ids import IdMap
    from foretaste.types import BoolArray, FloatArray, IntArray, LongArray

UNKNOWN = -1
"""A position, a scene or a recommendation id that nobody recorded."""
NO_TIME = np.iinfo(np.int64).min
"""Time of an impression whose moment is not known; it belongs to no moment, so no split may learn from it."""


@dataclass(frozen=True, eq=False)
class Impressions:
    """M impressions, sorted by (user, time); at equal times in the order they came in. M may be 0.

    user            : (M,) int32 user codes of the data set
    item            : (M,) int32 item codes of the data set
    time            : (M,) int64 µs since 1970 UTC, NO_TIME where unknown; None where no time is known at all
    position        : (M,) int32 place in the list, 1 the first; −1 unknown
    scene           : (M,) int32 rows of `scenes`; −1 unknown
    scenes          : names of the places where lists are shown: 'home', 'basket'
    recommendation  : (M,) int32 rows of `recommendations`; −1 unknown
    recommendations : (R,) String, ids of the answers that the lists came from
    propensity      : (M,) float32 in (0, 1], probability with which the policy showed this item; nan unknown

    Raises DataError, in one sentence, where columns differ in length or hold a value that cannot be.
    """

    user: IntArray
    item: IntArray
    time: LongArray | None
    position: IntArray
    scene: IntArray
    scenes: tuple[str, ...]
    recommendation: IntArray
    recommendations: pl.Series
    propensity: FloatArray

    def __post_init__(self) -> None:
        columns: dict[str, NDArray[Any]] = {"item": self.item, "position": self.position, "scene": self.scene}
        columns |= {"recommendation": self.recommendation, "propensity": self.propensity}
        columns |= {} if self.time is None else {"time": self.time}
        for name, column in columns.items():
            if column.shape != (len(self),):
                raise DataError(
                    f"Impressions have {len(self)} users and {len(column)} values of '{name}'; give one each."
                )
        _within("user", self.user, 0, None)
        _within("item", self.item, 0, None)
        _within("scene", self.scene, UNKNOWN, len(self.scenes))
        _within("recommendation", self.recommendation, UNKNOWN, len(self.recommendations))
        if (wrong := (self.position < 1) & (self.position != UNKNOWN)).any():
            raise DataError(
                f"An impression has position {self.position[wrong][0]}; positions begin at 1, and −1 is unknown."
            )
        if (wrong := ~(np.isnan(self.propensity) | ((self.propensity > 0) & (self.propensity <= 1)))).any():
            raise DataError(
                f"An impression has propensity {self.propensity[wrong][0]:g}; it is a probability above 0 and at most "
                "1, and nan is unknown."
            )

    @classmethod
    def from_frame(cls, frame: pl.DataFrame, users: IdMap, items: IdMap) -> Impressions:
        """Impressions of a table of names; rows of users or items that have no code are left out.

        frame : columns user, item; optionally time (int64 µs), position, scene, recommendation_id, propensity, each
                null where unknown
        """
        if missing := {"user", "item"} - set(frame.columns):
            raise DataError(f"The impressions have no column '{min(missing)}'. They have: {', '.join(frame.columns)}.")
        scenes, scene = _codes(_column(frame, "scene", pl.String))
        recommendations, recommendation = _codes(_column(frame, "recommendation_id", pl.String))
        known_time = "time" in frame.columns and frame["time"].null_count() < len(frame)
        propensity = _column(frame, "propensity", pl.Float32).fill_null(float("nan")).to_numpy()
        return cls._sorted(
            user=users.codes(frame["user"]),
            item=items.codes(frame["item"]),
            time=frame["time"].cast(pl.Int64).fill_null(NO_TIME).to_numpy() if known_time else None,
            position=_column(frame, "position", pl.Int32).fill_null(UNKNOWN).to_numpy(),
            scene=scene,
            scenes=tuple(scenes.to_list()),
            recommendation=recommendation,
            recommendations=recommendations,
            propensity=propensity,
        )

    @classmethod
    def of_events(cls, user: IntArray, item: IntArray, time: LongArray | None) -> Impressions:
        """(M,) columns of events of kind `shown`, of which no more is known than who, what and when."""
        n = len(user)
        unknown = np.full(n, UNKNOWN, np.int32)
        nothing = pl.Series("recommendation_id", [], dtype=pl.String)
        return cls(user, item, time, unknown, unknown, (), unknown, nothing, np.full(n, np.nan, np.float32))

    @classmethod
    def _sorted(cls, *, user: IntArray, item: IntArray, time: LongArray | None, **columns: object) -> Impressions:
        """From columns in any order; a row whose user or item has no code is left out."""
        known = np.flatnonzero((user != NO_USER) & (item != NO_ITEM))
        keys = (user[known],) if time is None else (time[known], user[known])
        order = known[np.lexsort(keys)]
        some = {name: column[order] for name, column in columns.items() if isinstance(column, np.ndarray)}
        times = None if time is None else time[order]
        return cls(user=user[order], item=item[order], time=times, **{**columns, **some})  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(self.user)

    def __repr__(self) -> str:
        return f"Impressions({len(self):,} items shown to {len(np.unique(self.user)):,} users)"

    @property
    def has_details(self) -> BoolArray:
        """(M,) whether more is known of a row than who was shown what, and when."""
        listed = (self.position != UNKNOWN) | (self.scene != UNKNOWN) | (self.recommendation != UNKNOWN)
        return listed | ~np.isnan(self.propensity)

    def take(self, rows: NDArray[np.integer] | BoolArray) -> Impressions:
        """The chosen rows, in their order here.

        rows : (K,) row numbers, or (M,) true for the rows to keep
        """
        chosen = np.flatnonzero(rows) if rows.dtype == np.bool_ else np.unique(rows)
        return replace(
            self,
            user=self.user[chosen],
            item=self.item[chosen],
            time=None if self.time is None else self.time[chosen],
            position=self.position[chosen],
            scene=self.scene[chosen],
            recommendation=self.recommendation[chosen],
            propensity=self.propensity[chosen],
        )

    def of_users(self, users: IntArray) -> Impressions:
        """The rows of these (U,) user codes; users who were shown nothing have none."""
        return self.take(np.isin(self.user, users))

    def before(self, until: LongArray) -> Impressions:
        """The rows of a known time before until (n_users,) µs of their user: what may be learned from."""
        if self.time is None:
            return self.take(np.zeros(len(self), np.bool_))
        return self.take((self.time != NO_TIME) & (self.time < until[self.user]))

    def recoded(self, user_code: IntArray, item_code: IntArray) -> Impressions:
        """The same under other codes; rows of users or items without a new code are left out.

        user_code : (n_users,) the new code of each user, −1 for none
        item_code : (n_items,) the new code of each item, −1 for none
        """
        columns = {**vars(self), "user": user_code[self.user], "item": item_code[self.item]}
        return Impressions._sorted(**columns)

    def are_among(self, others: Impressions) -> BoolArray:
        """(M,) whether the others say the same of who was shown what, and when."""
        theirs = others._keys(first=False).select("user", "item", "time").unique().with_columns(there=pl.lit(True))
        mine = self._keys(first=True).join(theirs, on=["user", "item", "time"], how="left", maintain_order="left")
        return mine["there"].fill_null(False).to_numpy()

    def merged(self, others: Impressions) -> Impressions:
        """Both together, of the same users and items, each impression once.

        One log may say that an item was shown and another in which position: a row that says no more than who, what
        and when is left out where another row says the same and more, and where `others` repeat a row of this table.
        """
        frame = pl.concat([self._keys(first=True), others._keys(first=False)])
        whom = ["user", "item", "time"]
        known = pl.col("details").any().over(whom) | (pl.col("first").any().over(whom) & ~pl.col("first"))
        keep = frame.select(pl.col("details") | ~known).to_series().to_numpy()
        time = frame["time"].to_numpy()
        scenes, scene = _joined(pl.Series(self.scenes, dtype=pl.String), self.scene, others.scenes, others.scene)
        ids, recommendation = _joined(
            self.recommendations, self.recommendation, others.recommendations, others.recommendation
        )
        return Impressions._sorted(
            user=np.concatenate([self.user, others.user])[keep],
            item=np.concatenate([self.item, others.item])[keep],
            time=None if self.time is None and others.time is None else time[keep],
            position=np.concatenate([self.position, others.position])[keep],
            scene=scene[keep],
            scenes=tuple(scenes.to_list()),
            recommendation=recommendation[keep],
            recommendations=ids,
            propensity=np.concatenate([self.propensity, others.propensity])[keep],
        )

    def _keys(self, *, first: bool) -> pl.DataFrame:
        time = np.full(len(self), NO_TIME) if self.time is None else self.time
        frame = pl.DataFrame({"user": self.user, "item": self.item, "time": time, "details": self.has_details})
        return frame.with_columns(first=pl.lit(first))

    def fingerprint(self) -> str:
        """Hash of every row, by its codes."""
        digest = sha256(json.dumps([self.scenes, self.recommendations.to_list()]).encode())
        for column in (
            self.user,
            self.item,
            self.time,
            self.position,
            self.scene,
            self.recommendation,
            self.propensity,
        ):
            digest.update(b"-" if column is None else np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()[:16]

    def as_frame(self, users: IdMap, items: IdMap) -> pl.DataFrame:
        """The table with names for codes, null where something is unknown: what `from_frame` takes."""
        scene, recommendation = pl.Series(self.scene), pl.Series(self.recommendation)
        time = pl.Series(np.full(len(self), NO_TIME) if self.time is None else self.time)
        return pl.DataFrame(
            {
                "user": users.names.gather(self.user),
                "item": items.names.gather(self.item),
                "time": time.set(time == NO_TIME, None),
                "position": pl.Series(self.position).set(pl.Series(self.position) == UNKNOWN, None),
                "scene": pl.Series(self.scenes, dtype=pl.String).gather(scene.set(scene == UNKNOWN, None)),
                "recommendation_id": self.recommendations.gather(recommendation.set(recommendation == UNKNOWN, None)),
                "propensity": pl.Series(self.propensity).fill_nan(None),
            }
        )


def _within(name: str, codes: IntArray, least: int, n: int | None) -> None:
    wrong = codes < least if n is None else (codes < least) | (codes >= n)
    if wrong.any():
        raise DataError(f"An impression has the {name} code {codes[wrong][0]}, which stands for no {name}.")


def _column(frame: pl.DataFrame, name: str, dtype: type[pl.DataType]) -> pl.Series:
    return frame[name].cast(dtype) if name in frame.columns else pl.Series(name, [None] * len(frame), dtype)


def _codes(names: pl.Series) -> tuple[pl.Series, IntArray]:
    """The different names, sorted, and (M,) int32 the row of each; −1 for null."""
    known = names.drop_nulls().unique().sort()
    return known, _rows_of(names, known)


def _rows_of(names: pl.Series, known: pl.Series) -> IntArray:
    table = pl.DataFrame({"name": known, "row": np.arange(len(known), dtype=np.int32)})
    rows = names.alias("name").to_frame().join(table, on="name", how="left", maintain_order="left")["row"]
    return rows.fill_null(UNKNOWN).to_numpy()


def _joined(
    names: pl.Series, codes: IntArray, more_names: pl.Series | tuple[str, ...], more_codes: IntArray
) -> tuple[pl.Series, IntArray]:
    """One table of names for both, and the codes of both in it."""
    further = pl.Series(more_names, dtype=pl.String)
    known = pl.concat([names.alias("name"), further.alias("name")]).unique().sort()
    rows = [np.append(_rows_of(some, known), np.int32(UNKNOWN)) for some in (names, further)]  # code −1: the last
    return known, np.concatenate([rows[0][codes], rows[1][more_codes]])
