"""Where the pictures of items are: in folders, in columns, in Parquet; missing ones are normal, and counted."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from foretaste.data.ids import IdMap
from foretaste.data.items import ItemTable
from foretaste.data.pictures import looks_like_places, picture_bytes, places_in, places_of
from foretaste.data.project.guess import guess_project, load_dataset, load_project, write_project
from foretaste.data.sources import load_source
from foretaste.errors import ConfigError, DataError

POSTERS = Path(__file__).parents[3] / "shared" / "data" / "ml-latest-small-posters"
IDS = pl.Series(["1", "2", "a/b", "42", "none"])


def draw(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())


def test_files_are_named_after_items_in_many_ways(tmp_path: Path) -> None:
    draw(tmp_path, "1.JPG", "2/front.png", "2/back.png", "a%2Fb.webp", "42_large.jpeg", "banner.jpg", "notes.txt")
    places, problems = places_in(tmp_path, IDS)
    assert {item: Path(place).name for item, place in places.rows()} == {
        "1": "1.JPG",
        "2": "back.png",
        "a/b": "a%2Fb.webp",
        "42": "42_large.jpeg",
    }
    said = {problem.code: (problem.rows, problem.first[0][0], problem.action) for problem in problems}
    assert said == {"picture-missing": (1, "none", "kept"), "picture-unknown": (1, "banner.jpg", "left out")}


def test_an_exact_name_is_taken_before_a_longer_one(tmp_path: Path) -> None:
    draw(tmp_path, "42_1.jpg", "a-b_2.jpg")
    places, _ = places_in(tmp_path, pl.Series(["42", "42_1", "a", "a-b"]))
    assert {item: Path(place).name for item, place in places.rows()} == {"42_1": "42_1.jpg", "a-b": "a-b_2.jpg"}


@pytest.mark.parametrize(
    ("files", "message"),
    [((), "There is no"), (("x.txt",), "holds no picture"), (("x.jpg",), "is named after an item")],
)
def test_a_wrong_folder_is_one_sentence(tmp_path: Path, files: tuple[str, ...], message: str) -> None:
    draw(tmp_path / "pictures", *files)
    with pytest.raises(DataError, match=message):
        places_in(tmp_path / "pictures", IDS)


def test_a_column_of_paths_and_addresses(tmp_path: Path) -> None:
    draw(tmp_path, "p/1.jpg")
    rows = pl.DataFrame(
        {"item": ["1", "2", "3", "4"], "poster": ["p/1.jpg", " https://shop.example/2.jpg ", "p/gone.jpg", None]}
    )
    places, problems = places_of(rows, "poster", tmp_path)
    assert places.rows() == [("1", str(tmp_path / "p/1.jpg")), ("2", "https://shop.example/2.jpg")]
    assert {problem.code: problem.rows for problem in problems} == {"picture-missing": 2, "picture-lost": 1}
    assert list(picture_bytes(places["picture"])) == [b"p/1.jpg", None]
    assert looks_like_places(rows["poster"])
    assert looks_like_places(pl.Series(["https://x.example/a.png?w=200", "https://x.example/b.png"]))
    assert not looks_like_places(pl.Series(["https://x.example/shop", "a.txt"]))
    assert not looks_like_places(pl.Series([1, 2]))


def test_a_database_is_never_opened_as_a_picture(tmp_path: Path) -> None:
    """A client may put any path; to open the log beside SQLite would give up the locks of the service."""
    draw(tmp_path, "events.db", "events.db-shm", "db.png")
    (tmp_path / "mask.png").symlink_to(tmp_path / "events.db")
    names = ("events.db", "events.db-shm", "mask.png", "db.png")
    assert list(picture_bytes(str(tmp_path / name) for name in names)) == [None, None, None, b"db.png"]


@pytest.mark.parametrize("by", ["folder", "column", "parquet"])
def test_a_project_with_pictures(tmp_path: Path, by: str) -> None:
    (tmp_path / "e.csv").write_text("user,item\na,1\na,2\nb,1\nb,3\n")
    draw(tmp_path / "posters", "1.jpg", "2.jpg")
    (tmp_path / "i.csv").write_text("item,title,poster\n1,One,posters/1.jpg\n2,Two,posters/2.jpg\n3,Three,\n")
    pl.DataFrame({"id": [2, 1, 9], "jpeg": [b"two", b"one", b"nine"]}).write_parquet(tmp_path / "p.parquet")
    images = {"folder": tmp_path / "posters", "column": None, "parquet": tmp_path / "p.parquet"}[by]
    config, _ = guess_project(tmp_path / "e.csv", tmp_path / "i.csv", images=images)
    assert config.data.image == (None if images else "poster")
    write_project(tmp_path, config)
    data, report = load_dataset(load_project(tmp_path), tmp_path)
    pictures = data.items.pictures
    assert pictures is not None
    found = dict(zip(data.items.ids.names, picture_bytes(place or "" for place in pictures), strict=True))
    one, two = (b"one", b"two") if by == "parquet" else (b"1.jpg", b"2.jpg")
    assert found == {"1": one, "2": two, "3": None}
    assert {problem.code: problem.rows for problem in report.problems}["picture-missing"] == 1
    assert "poster" not in data.items.text_columns(), "an address is nothing to read"
    wrong = config.model_copy(update={"data": config.data.model_copy(update={"images": None, "image": "postr"})})
    with pytest.raises(ConfigError, match="Did you mean 'poster'"):
        load_dataset(wrong, tmp_path)


def test_pictures_follow_their_items_through_a_new_numbering() -> None:
    places = pl.DataFrame({"item": ["b"], "picture": ["b.jpg"]})
    for names in (["a", "b"], ["b", "c", "a"], ["c"]):
        table = ItemTable(IdMap(names), pl.DataFrame(), None, places)
        assert table.pictures is not None
        assert dict(zip(names, table.pictures, strict=True)) == {n: "b.jpg" if n == "b" else None for n in names}


def test_the_posters_of_a_public_set_are_found() -> None:
    if not POSTERS.is_dir():
        pytest.skip(f"needs the data set in {POSTERS}")
    data = load_source(f"folder:{POSTERS}")
    assert data.items.pictures is not None
    assert data.items.pictures.count() == 971
    first = data.items.pictures.drop_nulls().head(3)
    assert all(picture is not None and picture.startswith(b"\xff\xd8\xff") for picture in picture_bytes(first))
