"""Each public data set from an archive of the published shape, made here and served from a file: address."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from hashlib import md5
from pathlib import Path

import polars as pl
import pytest

from foretaste.data.dataset import Dataset
from foretaste.data.sources import SOURCES, downloads_folder, load_source
from foretaste.data.sources.datasets import movielens
from foretaste.errors import DataError

US = 1_000_000


@pytest.fixture(autouse=True)
def _fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORETASTE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FORETASTE_ACCEPT_LICENCE", raising=False)


def zipped(files: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()


def tarred(files: dict[str, bytes], mode: str = "w:gz") -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return held.getvalue()


def published(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, *contents: bytes) -> Dataset:
    """The data set as if these were the files at its official addresses, checksums and all."""
    family, _, choice = name.partition(":")
    source = SOURCES[family]
    files = []
    for file, content in zip(source.files, contents, strict=True):
        path = tmp_path / "official" / file.of(choice).name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        digest = f"md5:{md5(content).hexdigest()}" if file.checksum else None
        files.append(file._replace(address=path.as_uri(), checksum=digest))
    monkeypatch.setitem(SOURCES, family, source._replace(files=tuple(files), installed="", by_hand=""))
    data = load_source(name, accept_licence=True)
    for path in (tmp_path / "official").iterdir():
        path.unlink()
    again = load_source(name)
    assert again.fingerprint == data.fingerprint, "the second time it comes from the cache"
    assert data.name == name
    return data


def events(data: Dataset) -> list[tuple[object, ...]]:
    frame = data.as_frame().select("user", "item", "kind", "value", *(["time"] if data.time is not None else []))
    return sorted(frame.iter_rows())


def test_movielens_100k(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = zipped(
        {
            "ml-100k/u.data": b"1\t10\t5\t874965758\n2\t11\t3\t876893171\n",
            "ml-100k/u.genre": b"unknown|0\nAction|1\nSci-Fi|2\n\n",
            "ml-100k/u.user": b"1|24|M|technician|85711\n2|53|F|other|V1N3Y\n",
            "ml-100k/u.item": (
                "10|Empire Strikes Back, The (1980)|01-Jan-1980||http://x|0|1|1\n11|Café (1990)|||http://y|1|0|0\n"
            ).encode("latin-1"),
        }
    )
    data = published(monkeypatch, tmp_path, "movielens-100k", archive)
    assert sorted(data.items.titles()) == ["Café (1990)", "The Empire Strikes Back (1980)"]
    assert data.items.texts()[data.items.ids.code("10")] == "The Empire Strikes Back (1980). genres: Action, Sci-Fi"
    assert data.user_table is not None
    assert data.user_table.row(data.users.code("2"))[1:] == (53, "F", "other", "V1N3Y")


def test_movielens_1m_has_its_colons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = zipped(
        {
            "ml-1m/ratings.dat": b"1::1193::5::978300760\n1::661::3::978302109\n2::1193::4::978298413\n",
            "ml-1m/movies.dat": "1193::One: Flew, The (1975)::Drama\n661::Été à :: la (1996)::Action|War\n".encode(
                "latin-1"
            ),
            "ml-1m/users.dat": b"1::F::1::10::48067\n2::M::56::16::70072-0001\n",
        }
    )
    data = published(monkeypatch, tmp_path, "movielens-1m", archive)
    assert events(data) == [
        ("1", "1193", "rating", 5.0, 978300760 * US),
        ("1", "661", "rating", 3.0, 978302109 * US),
        ("2", "1193", "rating", 4.0, 978298413 * US),
    ]
    row = data.items.frame.row(data.items.ids.code("661"), named=True)
    assert row == {"title": "Été à :: la (1996)", "year": 1996, "genres": ["Action", "War"]}


@pytest.mark.parametrize("name", ["movielens-20m", "movielens-32m", "movielens-latest", "movielens-latest-small"])
def test_movielens_in_csv(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = zipped(
        {
            "ml/ratings.csv": b"userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n2,1029,3.0,1260759179\n",
            "ml/movies.csv": b'movieId,title,genres\n31,"Dangerous, Minds (1995)",Drama\n1029,X,(no genres listed)\n',
            "ml/tags.csv": b'userId,movieId,tag,timestamp\n2,31,"dark, ""so"" dark",1260759999\n2,31,1984,1260760000\n',
            "__MACOSX/ml/._ratings.csv": b"junk",
        }
    )
    data = published(monkeypatch, tmp_path, name, archive)
    assert events(data)[0] == ("1", "31", "rating", 2.5, 1260759144 * US)
    assert data.items.frame.row(data.items.ids.code("1029"), named=True) == {"title": "X", "year": None, "genres": None}
    assert data.relations["user_item_tags"].frame["target"].to_list() == ['dark, "so" dark', "1984"]


def test_amazon_of_2014(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ratings = b"A39,0439886341,1.0,1334707200\nA40,0000031887,5.0,1370995200\n"
    meta = gzip.compress(
        b"{'asin': '0439886341', 'title': 'Digital \\'Organizer\\'', 'price': 8.15, "
        b"'categories': [['Electronics', 'Computers'], ['Electronics', 'PDAs']], 'imUrl': 'http://x/y.jpg'}\n"
        b"{'asin': broken\n__import__('os').system('false')\n"
    )
    data = published(monkeypatch, tmp_path, "amazon-2014:Electronics", ratings, meta)
    assert events(data)[1] == ("A40", "0000031887", "rating", 5.0, 1370995200 * US)
    row = data.items.frame.row(data.items.ids.code("0439886341"), named=True)
    assert row["title"] == "Digital 'Organizer'"
    assert row["categories"] == ["Electronics", "Computers", "PDAs"]
    assert data.items.titles()[data.items.ids.code("0000031887")] == "0000031887", "the leading zeros stay"


@pytest.mark.parametrize("family", ["amazon-2023", "amazon-2023-5core"])
def test_amazon_of_2023(family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ratings = gzip.compress(b"user_id,parent_asin,rating,timestamp\nAGKA,B00YQ6X8EO,5.0,1588687728923\n")
    row = {
        "parent_asin": "B00YQ6X8EO",
        "title": "Herbs",
        "store": "Howard",
        "price": "from 3.99",
        "categories": ["Hair", "Care"],
        "images": [{"large": "http://x/l.jpg"}],
        "average_rating": 4.8,
        "rating_number": 10,
    }
    meta = gzip.compress((json.dumps(row) + "\nnot json\n").encode())
    data = published(monkeypatch, tmp_path, f"{family}:All_Beauty", ratings, meta)
    assert events(data) == [("AGKA", "B00YQ6X8EO", "rating", 5.0, 1588687728923 * 1000)]
    assert data.items.frame.row(0, named=True) == {
        "title": "Herbs",
        "brand": "Howard",
        "price": None,
        "categories": ["Hair", "Care"],
        "image": "http://x/l.jpg",
    }, "the average rating would give the answer away"


def test_gowalla_runs_forwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkins = gzip.compress(
        b"0\t2010-10-19T23:55:27Z\t30.23\t-97.79\t22847\n"
        b"0\t2010-10-18T22:17:43Z\t30.26\t-97.76\t420315\n"
        b"0\t2010-10-18T22:17:43Z\t30.25\t-97.75\t316637\n"
    )
    edges = gzip.compress(b"0\t1\n1\t0\n")
    data = published(monkeypatch, tmp_path, "gowalla", checkins, edges)
    assert data.items.ids.names_of(data.item) == ["316637", "420315", "22847"]
    assert data.time is not None
    assert data.time[-1] == 1287532527 * US
    assert data.relations["social"].frame.rows() == [("0", "1"), ("1", "0")]


YELP = {
    "yelp_academic_dataset_review.json": b'{"review_id":"r","user_id":"u1","business_id":"b1","stars":3.0,"useful":0,'
    b'"text":"a \\"tar\\" of","date":"2018-07-07 22:09:11"}\n',
    "yelp_academic_dataset_business.json": b'{"business_id":"b1","name":"Caf\xc3\xa9","city":"Tampa","state":"FL",'
    b'"stars":5.0,"review_count":9,"attributes":{"x":"1"},"categories":"Bars, Pubs"}\n',
    "yelp_academic_dataset_user.json": b'{"user_id":"u1","name":"W","friends":"u2, u3"}\n'
    b'{"user_id":"u2","name":"V","friends":"None"}\n',
}


@pytest.mark.parametrize("inside_a_zip", [False, True])
def test_yelp(inside_a_zip: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tar = tarred(YELP, "w" if inside_a_zip else "w:gz")
    data = published(
        monkeypatch, tmp_path, "yelp", zipped({"Yelp JSON/yelp_dataset.tar": tar}) if inside_a_zip else tar
    )
    assert events(data) == [("u1", "b1", "rating", 3.0, 1531001351 * US)]
    assert data.items.frame.row(0) == ("Café", "Tampa", "FL", ["Bars", "Pubs"])
    assert data.relations["social"].frame.rows() == [("u1", "u2"), ("u1", "u3")]


def test_steam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reviews = gzip.compress(
        b"{u'username': u'Chaos', u'hours': 0.1, u'product_id': u'725280', u'date': u'2017-12-17', u'text': u'a'}\n"
        b"{u'username': u'Chaos', u'product_id': u'328100', u'date': u'2017-12-17', u'text': u\"it's\"}\n"
        b"{u'username': u'lost', u'product_id': u'1', u'date': u'2017-13-17'}\n"
    )
    games = gzip.compress(
        b"{u'id': u'725280', u'app_name': u'Lost', u'genres': [u'Action', u'Indie'], u'price': 4.99}\n"
    )
    data = published(monkeypatch, tmp_path, "steam", reviews, games)
    assert data.items.ids.names_of(data.item) == ["725280", "328100"]
    assert data.value.tolist() == [pytest.approx(0.1), 1.0]
    assert data.items.frame.row(data.items.ids.code("725280"), named=True)["genres"] == ["Action", "Indie"]


def test_mind_keeps_the_order_of_the_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train = zipped(
        {
            "MINDsmall_train/behaviors.tsv": b"1\tU1\t11/11/2019 9:05:58 AM\tN1 N2\tN3-1 N4-0\n"
            b"2\tU1\t11/12/2019 6:11:30 PM\tN1 N2\tN5-0 N6-1\n3\tU2\t11/13/2019 8:00:00 AM\t\tN3-0\n",
            "MINDsmall_train/news.tsv": b'N3\tsports\tgolf\tA "big\tAbstract\thttp://u\t[]\t[]\n',
        }
    )
    dev = zipped(
        {
            "behaviors.tsv": b"1\tU1\t11/15/2019 8:55:22 AM\tN1 N2 N3\tN7-1\n",
            "news.tsv": b"N7\tnews\tx\tT\t\tu\t[]\t[]\n",
        }
    )
    data = published(monkeypatch, tmp_path, "mind-small", train, dev)
    code = data.users.code("U1")
    assert code is not None
    start, end = data.offsets[code], data.offsets[code + 1]
    clicks = [
        name
        for name, kind in zip(data.items.ids.names_of(data.item[start:end]), data.kind[start:end], strict=True)
        if data.kinds.names[kind] == "click"
    ]
    assert clicks == ["N1", "N2", "N3", "N6", "N7"]
    assert set(data.kinds.names) == {"click", "shown"}
    assert data.items.titles()[data.items.ids.code("N3")] == 'A "big'


def test_retailrocket_says_only_what_was_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = zipped(
        {
            "events.csv": b"timestamp,visitorid,event,itemid,transactionid\n1433221332117,257597,view,355908,\n"
            b"1433224214164,992329,transaction,248676,7\n1433224214165,992329,addtocart,248676,\n",
            "item_properties_part1.csv": b"timestamp,itemid,property,value\n1435460400000,248676,categoryid,1338\n"
            b"1441508400000,248676,categoryid,99\n1441508400000,248676,888,n552.000 639502\n",
            "item_properties_part2.csv": b"timestamp,itemid,property,value\n1433041200000,355908,available,0\n",
            "category_tree.csv": b"categoryid,parentid\n1338,213\n213,\n",
        }
    )
    data = published(monkeypatch, tmp_path, "retailrocket", archive)
    assert [row[2] for row in events(data)] == ["view", "buy", "cart"]
    assert data.items.frame["category"][data.items.ids.code("248676")] == "1338"
    assert data.relations["categories"].frame.select("source", "relation", "target").rows() == [
        ("248676", "category", "category 1338"),
        ("category 1338", "parent", "category 213"),
    ]


def test_lastfm_2k(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = zipped(
        {
            "user_artists.dat": b"userID\tartistID\tweight\r\n2\t51\t13883\r\n2\t52\t11690\r\n",
            "artists.dat": 'id\tname\turl\tpictureURL\n51\tDuran "Duran\tu\tp\n52\tMorcheebá\tu\tp\n'.encode(),
            "tags.dat": b"tagID\ttagValue\r\n1\tm\xe9tal\r\n",
            "user_taggedartists.dat": b"userID\tartistID\ttagID\tday\tmonth\tyear\r\n2\t52\t1\t1\t4\t2009\r\n",
            "user_friends.dat": b"userID\tfriendID\r\n2\t275\r\n",
        }
    )
    data = published(monkeypatch, tmp_path, "lastfm-2k", archive)
    assert events(data) == [("2", "51", "listen", 13883.0), ("2", "52", "listen", 11690.0)]
    assert sorted(data.items.titles()) == ['Duran "Duran', "Morcheebá"]
    assert data.relations["user_item_tags"].frame.rows() == [("52", "métal", "tag")]


def test_lastfm_360k(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = "lastfm-dataset-360K"
    archive = tarred(
        {
            f"{folder}/usersha1-artmbid-artname-plays.tsv": b"00a\t3bd7\tbetty blowtorch\t2137\n00a\t\tnobody\t 12\n"
            b"00b\t\t\t7\n",
            f"{folder}/usersha1-profile.tsv": b"00a\tf\t22\tGermany\tFeb 1, 2007\n",
        }
    )
    data = published(monkeypatch, tmp_path, "lastfm-360k", archive)
    assert events(data) == [("00a", "3bd7", "listen", 2137.0), ("00a", "nobody", "listen", 12.0)]
    assert data.user_table is not None
    assert data.user_table.row(0, named=True)["country"] == "Germany"


@pytest.mark.parametrize("name", [name for name, source in SOURCES.items() if source.by_hand])
def test_what_a_person_must_fetch_is_said_and_then_read(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"fetched by a person.*Put .* into .*downloads") as error:
        load_source(name)
    assert str(downloads_folder(name)) in str(error.value)
    assert SOURCES[name].licence in str(error.value)
    if name == "yelp":  # under another name it goes around by
        (downloads_folder(name) / "yelp_dataset.tgz").write_bytes(tarred(YELP))
        assert len(load_source(name)) == 1


def test_a_copy_of_the_wheel_needs_no_licence_question(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = movielens.Tables(pl.DataFrame({"user": [1], "item": [2], "kind": ["rating"]}))
    monkeypatch.setattr(movielens, "from_wheel", lambda: tables)
    assert len(load_source("movielens-100k")) == 1


def test_every_line_of_the_catalogue_is_whole() -> None:
    for name, source in SOURCES.items():
        assert source.summary, name
        assert source.licence.endswith((".", ")")), name
        assert source.terms.startswith("https://"), name
        for file in source.files:
            assert (file.address is None) == bool(source.by_hand), name
            assert file.address is None or file.address.startswith("https://"), name
            assert ("{choice}" in file.name) == bool(source.choices), name


def test_a_file_of_another_shape_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = zipped({"ml/ratings.csv": b"a,b\n1,2\n", "ml/movies.csv": b"x\n1\n", "ml/tags.csv": b"y\n2\n"})
    with pytest.raises(DataError, match=r"movielens-20m has another shape than was published.*ml-20m\.zip"):
        published(monkeypatch, tmp_path, "movielens-20m", wrong)
    assert not (tmp_path / "cache" / "movielens-20m").exists()
    assert not list((tmp_path / "cache").glob(".*")), "nothing half-read is left"
