"""Columns of an item or user table as vectors: categories, multi-label columns, numbers, prices, dates.

Vocabularies and quantiles are learned from training rows alone.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import polars as pl
from pydantic import Field, PositiveInt

from foretaste.config import Config
from foretaste.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from foretaste.types import BoolArray, FloatArray

ColumnKind = Literal["category", "labels", "number", "price", "date", "skip"]
LABELS = r"[|;]"
"""Separators of labels within one text: 'Drama|War'."""
PRICE = r"(?i)(^|_)(price|cost|amount|msrp|fee)($|_)"
YEAR_DAYS = 365.2425
DAY_SECONDS = 86_400
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ColumnsConfig(Config):
    """How columns become vectors."""

    kinds: dict[str, ColumnKind] = {}
    """Type of a column, where the guess is wrong; "skip" leaves it out."""
    most_values: PositiveInt = 200
    """Vocabulary size of a category or label column: the most frequent values; others count as unknown."""
    least_rows: PositiveInt = 2
    """Minimum number of rows with a value: a value of one row makes it similar to no other."""
    buckets: int = Field(8, ge=2)
    """Number of quantiles by which a number is interpolated."""


class Column(Config):
    """The learned encoding of one column."""

    name: str
    kind: ColumnKind
    values: tuple[str, ...] = ()
    """Of a category or labels, most frequent first: one component each."""
    knots: tuple[float, ...] = ()
    """Of a number, a price (its logarithm) or a date (days since 1970): quantiles, ascending."""

    @property
    def width(self) -> int:
        """Components of the block."""
        return len(self.values) + len(self.knots) + (2 if self.kind == "date" else 0)

    @property
    def names(self) -> list[str]:
        """(width,) names of the components."""
        parts = [*self.values, *(f"{knot:.6g}" for knot in self.knots)]
        return [f"{self.name}={part}" for part in parts] + [f"{self.name}:season"] * (2 if self.kind == "date" else 0)


class ColumnVectors:
    """Concatenated blocks, one per column, each of length 1, or 0 where the value is unknown.

    category : one-hot.  labels : multi-hot of length 1.  number : linear interpolation between the two neighbouring
    quantiles, so that close numbers have close vectors.  price : the same of its logarithm.  date : the same of its
    day, plus the day of the year as an angle.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = tuple(columns)

    @classmethod
    def fit(cls, frame: pl.DataFrame, config: ColumnsConfig | None = None, rows: BoolArray | None = None) -> Self:
        """Learn vocabularies and quantiles from a table of items or users; DataError for an unknown column in `kinds`.

        rows : (n,) bool, true for training rows; None for all
        """
        config = config or ColumnsConfig()
        if unknown := set(config.kinds) - set(frame.columns):
            raise DataError(f"The table has no column '{unknown.pop()}'. It has: {', '.join(frame.columns)}.")
        training_rows = frame if rows is None else frame.filter(pl.Series(rows))
        learned = (_learned(training_rows[name], config) for name in frame.columns)
        return cls([column for column in learned if column is not None and column.width])

    @property
    def width(self) -> int:
        """Components of a vector."""
        return sum(column.width for column in self.columns)

    @property
    def names(self) -> list[str]:
        """(width,) name of each component: 'genre=Drama'."""
        return [name for column in self.columns for name in column.names]

    def transform(self, frame: pl.DataFrame) -> FloatArray:
        """(n, width) float32; a column missing from `frame` is 0 in every row."""
        blocks = [
            _block(frame[column.name], column)
            if column.name in frame.columns
            else np.zeros((len(frame), column.width), np.float32)
            for column in self.columns
        ]
        return np.concatenate(blocks, axis=1) if blocks else np.zeros((len(frame), 0), np.float32)

    def to_json(self) -> str:
        """The learned columns as a JSON list."""
        return json.dumps([column.model_dump() for column in self.columns])

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Inverse of `to_json`; ConfigError for unknown fields."""
        return cls([Column.parse(column, "columns") for column in json.loads(text)])


def guessed_kind(column: pl.Series) -> ColumnKind:
    """The probable type of a column; free text, whose values hardly repeat, is left to the text encoder: "skip"."""
    dtype = column.dtype
    if isinstance(dtype, pl.List):
        return "labels" if dtype.inner == pl.String or isinstance(dtype.inner, pl.Categorical) else "skip"
    if dtype.is_temporal():
        return "date" if dtype in (pl.Date, pl.Datetime) else "skip"
    if dtype.is_numeric():
        return "price" if pl.Series([column.name]).str.contains(PRICE)[0] else "number"
    if dtype == pl.Boolean:
        return "category"
    if dtype not in (pl.String, pl.Categorical, pl.Enum):
        return "skip"
    values = column.cast(pl.String).drop_nulls()
    if int(values.str.contains(LABELS).sum()) > 0.1 * len(values):
        return "labels"
    return "category" if 3 * values.n_unique() <= 2 * len(values) else "skip"


def _learned(column: pl.Series, config: ColumnsConfig) -> Column | None:
    kind = config.kinds.get(column.name) or guessed_kind(column)
    if kind == "skip":
        return None
    if kind in ("category", "labels"):
        counts = Counter(value for values in _values(column, kind) for value in set(values))
        common = sorted(((-n, value) for value, n in counts.items() if n >= config.least_rows))[: config.most_values]
        return Column(name=column.name, kind=kind, values=tuple(value for _, value in common))
    numbers = _numbers(column, kind)
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers):
        return None
    knots = np.unique(np.quantile(numbers, np.linspace(0, 1, config.buckets)))
    return Column(name=column.name, kind=kind, knots=tuple(knots.tolist()))


def _block(column: pl.Series, learned: Column) -> FloatArray:
    if learned.kind in ("category", "labels"):
        return category_block(_values(column, learned.kind), learned)
    return number_block(_numbers(column, learned.kind), learned)


def number_block(numbers: NDArray[np.float64], learned: Column) -> FloatArray:
    """(n, width) block of a number, price or date column.

    numbers : (n,) nan where unknown; prices as log(1 + price), dates as days since 1970
    """
    block = np.concatenate([_hat_functions(numbers, np.array(learned.knots)), _season(numbers, learned.kind)], axis=1)
    length = np.linalg.norm(block, axis=1, keepdims=True)
    return np.divide(block, length, out=np.zeros_like(block), where=length > 0).astype(np.float32)


def category_block(values: Sequence[Sequence[str]], learned: Column) -> FloatArray:
    """(n, width) block of a category or label column; `values` are the labels of each row, empty where unknown."""
    code = {value: i for i, value in enumerate(learned.values)}
    block = np.zeros((len(values), len(code)), np.float32)
    for row, words in enumerate(values):
        codes = [code[word] for word in set(words) if word in code]
        block[row, codes] = 1 / np.sqrt(max(1, len(codes)))
    return block


def _hat_functions(numbers: NDArray[np.float64], knots: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, K) linear interpolation weights between the two neighbouring knots, clamped at the ends; 0 for nan."""
    finite = np.isfinite(numbers)
    inside = np.clip(np.where(finite, numbers, knots[0]), knots[0], knots[-1])
    right = np.clip(np.searchsorted(knots, inside, side="right"), 1, max(1, len(knots) - 1))
    block = np.zeros((len(numbers), len(knots)), np.float64)
    rows = np.arange(len(numbers))
    if len(knots) == 1:
        block[:, 0] = 1
    else:
        share = (inside - knots[right - 1]) / (knots[right] - knots[right - 1])
        block[rows, right - 1] = 1 - share
        block[rows, right] = share
    block[~finite] = 0
    return block


def _season(days: NDArray[np.float64], kind: ColumnKind) -> NDArray[np.float64]:
    """(n, 2) the day of the year as a point on a circle, so that December is close to January."""
    if kind != "date":
        return np.zeros((len(days), 0))
    angle = 2 * np.pi * days / YEAR_DAYS
    return np.nan_to_num(0.5 * np.stack([np.sin(angle), np.cos(angle)], axis=1), nan=0.0)


def _values(column: pl.Series, kind: ColumnKind) -> list[list[str]]:
    if isinstance(column.dtype, pl.List):
        lists = column.cast(pl.List(pl.String)).to_list()
        return [[value for value in values or () if value] for values in lists]
    words = column.cast(pl.String)
    if kind == "labels":
        split = words.str.replace_all(LABELS, "|").str.split("|").to_list()
        return [[part.strip() for part in parts or () if part.strip()] for parts in split]
    return [[value] if value else [] for value in words.to_list()]


def _numbers(column: pl.Series, kind: ColumnKind) -> NDArray[np.float64]:
    """(n,) float64; nan where unknown. Prices as log(1 + price), dates as days since 1970."""
    if kind == "date" and column.dtype == pl.String:
        return np.array([days_since_1970(value) for value in column.to_list()], np.float64)
    if kind == "date":
        column = (column.cast(pl.Datetime("us"), strict=False) if not column.dtype.is_temporal() else column).dt.epoch(
            "ms"
        )
        return column.cast(pl.Float64).fill_null(float("nan")).to_numpy() / 86_400_000
    numbers = column.cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()
    if kind == "price":
        return np.log1p(np.where(numbers < 0, np.nan, numbers))
    return np.where(np.isinf(numbers), np.nan, numbers)


def days_since_1970(value: Any) -> float:
    """Days since 1970 of a date, datetime or ISO string, in UTC where it has no zone; nan for anything else."""
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime):
        try:
            value = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            return float("nan")
    moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value
    return (moment - EPOCH).total_seconds() / DAY_SECONDS
