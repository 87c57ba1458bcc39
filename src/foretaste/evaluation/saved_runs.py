"""Runs saved by `foretaste evaluate --save`, read back for a comparison."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from foretaste.errors import DataError, UnknownNameError, did_you_mean
from foretaste.evaluation.protocol import EvaluationProtocol
from foretaste.evaluation.segments import Segment
from foretaste.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from foretaste.evaluation.leaderboard import Leaderboard


@dataclass(frozen=True, eq=False)
class SavedRow:
    """What a comparison needs of a row.

    per_user : metric to (B,) values in the order of the queries, nan where the metric is undefined
    """

    model: str
    main: str
    protocol: EvaluationProtocol
    per_user: Mapping[str, NDArray[np.float64]]
    segments: tuple[Segment, ...]


def rows_by_model(board: Leaderboard) -> dict[str, SavedRow]:
    return {
        row.model: SavedRow(
            row.model, board.main, board.protocol, {**row.result.per_user, **row.result.beyond}, board.segments
        )
        for row in board.sorted()
    }


def save_run(path: Path, document: Mapping[str, Any]) -> None:
    write_atomically(path, json.dumps(document, indent=None, allow_nan=False) + "\n")


def read_run(path: Path) -> dict[str, SavedRow]:
    """The rows of a saved run by model, the best first."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        segments = tuple(
            Segment(part["group"], part["label"], np.asarray(part["people"], np.int64))
            for part in document.get("segments", ())
        )
        rows = {row["model"]: _row(row, document["main"], segments) for row in document["rows"]}
    except OSError as error:
        raise DataError(f"There is no run to read at {path} ({error.strerror}).") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DataError(
            f"{path} is not a run with per-user metrics; `foretaste evaluate --save {path}` writes one."
        ) from None
    if not rows:
        raise DataError(f"{path} has no rows to compare.")
    return rows


def row_of_model(rows: Mapping[str, SavedRow], model: str | None, where: str) -> SavedRow:
    """The row of a model, the best where none is named."""
    if model is None:
        return next(iter(rows.values()))
    if model not in rows:
        raise UnknownNameError(f"{where} has no row for '{model}'.{did_you_mean(model, rows)}")
    return rows[model]


def _row(row: dict[str, Any], main: str, segments: tuple[Segment, ...]) -> SavedRow:
    columns = {name: np.array(values, np.float64) for name, values in row["per_user"].items()}  # None becomes nan
    return SavedRow(row["model"], main, EvaluationProtocol.parse(row["protocol"], "protocol"), columns, segments)
