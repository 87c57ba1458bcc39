"""Locations of item pictures: in a folder of files named after the items, in a Parquet file, or at a URL.

A place is a path, an address (https://…), or `file.parquet#ROW`. Nothing is downloaded here.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import polars as pl

from foretaste.data.checks.problem import Problem
from foretaste.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ENDINGS = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"}
    | {".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi"}
)
ADDRESS = r"^(https?|s3|gs)://"
PATH = r"(?i)\.(jpe?g|png|webp|gif|bmp|tiff?|avif|mp4|m4v|mov|webm|mkv|avi)$"
DATABASE = r"\.(db|sqlite3?)(-\w+)?$"
BEGINNINGS = ("_", "-", ".", " ")
"""Characters that may follow the id in a file name: 42_1.jpg, 42-front.png."""


def places_in(source: Path, ids: pl.Series) -> tuple[pl.DataFrame, list[Problem]]:
    """Columns item, picture: one location per item with a picture; and the problems found.

    source : a folder, searched recursively, or a Parquet file with a column of ids and one of pictures
    ids    : names of the items
    """
    if not source.exists():
        raise DataError(f"There is no {source}; name a folder of pictures, or a Parquet file of them.")
    found = _rows(source, ids) if source.is_file() else _files(source, frozenset(ids.to_list()))
    frame = pl.DataFrame(found, schema={"item": pl.String, "picture": pl.String, "file": pl.String}, orient="row")
    if not len(frame):
        raise DataError(f"{source} holds no picture ({', '.join(sorted(ENDINGS))}).")
    known = frame.filter(pl.col("item").is_not_null()).unique("item", keep="first", maintain_order=True)
    strange = frame.filter(pl.col("item").is_null())
    if not len(known):
        raise DataError(f"No picture of {source} is named after an item; the first is {frame['file'][0]}.")
    problems = list(_missing(known, ids))
    if len(strange):
        said = "Pictures that are named after no item; they are left out."
        first = tuple((name, 0, "") for name in strange["file"].head(5))
        problems.append(
            Problem(code="picture-unknown", sentence=said, rows=len(strange), first=first, action="left out")
        )
    return known.select("item", "picture"), problems


def places_of(rows: pl.DataFrame, column: str, folder: Path) -> tuple[pl.DataFrame, list[Problem]]:
    """The same from a column of the item file with URLs, or paths relative to `folder`.

    rows : column item, and that column
    """
    text = rows[column].cast(pl.String).str.strip_chars()
    frame = pl.DataFrame({"item": rows["item"], "picture": text}).filter((pl.col("picture") != "").fill_null(False))
    address = frame["picture"].str.contains(ADDRESS)
    paths = [place if far else str(folder / place) for place, far in zip(frame["picture"], address, strict=True)]
    there = [far or Path(path).is_file() for path, far in zip(paths, address, strict=True)]
    frame = frame.with_columns(picture=pl.Series(paths, dtype=pl.String))
    lost = frame.filter(~pl.Series(there, dtype=pl.Boolean))
    known = frame.filter(pl.Series(there, dtype=pl.Boolean)).unique("item", keep="last", maintain_order=True)
    problems = list(_missing(known, rows["item"].unique()))
    if len(lost):
        said = f"Paths in '{column}' where no file is; those items go without a picture."
        first = tuple((item, 0, place) for item, place in lost.head(5).rows())
        problems.append(Problem(code="picture-lost", sentence=said, rows=len(lost), first=first, action="left out"))
    return known, problems


def looks_like_places(column: pl.Series) -> bool:
    """Whether a column holds paths or URLs of pictures."""
    if column.dtype != pl.String:
        return False
    values = column.str.strip_chars().drop_nulls()
    values = values.filter(values != "").head(200)
    places = values.str.contains(PATH) | values.str.contains(PATH[:-1] + r"\?")
    return len(values) > 0 and int(places.sum()) > 0.8 * len(values)


def picture_bytes(places: Iterable[str]) -> Iterator[bytes | None]:
    """The pictures at these local paths, in order; None for a URL, or where there is no file.

    A database is never opened: clients may put any path, and opening the service's own log as a file would release the
    locks it holds on it (see `events/traces.py`).
    """
    opened: dict[str, pl.Series] = {}
    for place in places:
        file, _, row = place.rpartition("#")
        if file.endswith(".parquet") and row.isdigit():
            if file not in opened:
                opened[file] = pl.read_parquet(file, columns=[_binary_column(Path(file))]).to_series()
            yield opened[file][int(row)]
        else:
            path = Path(place)
            yield path.read_bytes() if path.is_file() and not re.search(DATABASE, path.resolve().name) else None


def _missing(known: pl.DataFrame, ids: pl.Series) -> Iterator[Problem]:
    without = ids.filter(~ids.is_in(known["item"].implode()))
    if len(without):
        first = tuple((item, 0, "") for item in without.head(5))
        said = "Items without a picture: that is normal, and they are recommended all the same."
        yield Problem(code="picture-missing", sentence=said, rows=len(without), first=first, action="kept")


def _files(folder: Path, ids: frozenset[str]) -> Iterator[tuple[str | None, str, str]]:
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in ENDINGS and path.is_file():
            yield _item_of(path, folder, ids), str(path), str(path.relative_to(folder))


def _item_of(path: Path, folder: Path, ids: frozenset[str]) -> str | None:
    """The item a file belongs to: by its name, its folder's name, or the longest id its name begins with.

    Ids with characters that file names cannot have are %-encoded.
    """
    stem = unquote(path.stem)
    if stem in ids:
        return stem
    if path.parent != folder and unquote(path.parent.name) in ids:
        return unquote(path.parent.name)
    begins = (stem[:n] for n, letter in enumerate(stem) if letter in BEGINNINGS)
    return max((name for name in begins if name in ids), key=len, default=None)


def _rows(path: Path, ids: pl.Series) -> Iterator[tuple[str | None, str, str]]:
    picture = _binary_column(path)
    others = [name for name, dtype in pl.read_parquet_schema(path).items() if name != picture and not dtype.is_nested()]
    names = pl.read_parquet(path, columns=others).cast(pl.String)
    wanted = ids.implode()
    key = max(others, key=lambda name: int(names[name].is_in(wanted).sum()), default=None)
    if key is None:
        raise DataError(f"{path} has no column of item ids beside its pictures.")
    known = names[key].is_in(wanted)
    for row, (name, one_of_ours) in enumerate(zip(names[key], known, strict=True)):
        yield name if one_of_ours else None, f"{path}#{row}", f"{path.name} row {row + 1}"


def _binary_column(path: Path) -> str:
    found = [name for name, dtype in pl.read_parquet_schema(path).items() if dtype == pl.Binary]
    if len(found) != 1:
        raise DataError(f"{path} has {len(found)} columns of pictures (binary); it must have one.")
    return found[0]
