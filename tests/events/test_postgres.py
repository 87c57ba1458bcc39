"""What only the store in PostgreSQL promises: other hosts see it, and it outlives its server's absence."""

from __future__ import annotations

import subprocess
import threading
from typing import TYPE_CHECKING, Any

import pytest

from foretaste.errors import StoreError, StoreUnavailableError
from foretaste.events.model import Event, Mark
from foretaste.events.opening import open_store

if TYPE_CHECKING:
    from pathlib import Path


def one(k: int | str, user: str = "ann") -> Event:
    return Event(str(k), user, f"i{k}", "view", 1_000)


@pytest.fixture
def url(postgres_server: Any) -> str:
    """The address of a server with no store in it."""
    postgres_server.psql("DROP SCHEMA IF EXISTS foretaste CASCADE;")
    return postgres_server.get_uri()


def test_what_is_acknowledged_is_synced(url: str, tmp_path: Path) -> None:
    from foretaste.events.postgres.store import PostgresStore

    store = PostgresStore(url, tmp_path)
    with store._connection() as connection:
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
    store.close()


def test_two_hosts_share_it_and_a_follower_misses_nothing(url: str, tmp_path: Path) -> None:
    """Events become visible in the order of their seq, or a follower would pass by those that commit late."""
    first, second = open_store(url, tmp_path), open_store(url, tmp_path)
    seen: list[int] = []
    done = threading.Event()

    def follow() -> None:
        mark, last = Mark(), False
        while not last:
            last = done.is_set()
            news = second.follow(mark, limit=50)
            seen.extend(event.seq for event in news.events)
            mark, last = news.mark, last and len(news.events) < 50

    def write(store: Any, prefix: str) -> None:
        for i in range(40):
            assert store.append([one(f"{prefix}{i}", prefix), one(f"{prefix}{i}-b", prefix)])[0].status == "accepted"

    follower = threading.Thread(target=follow)
    follower.start()
    writers = [threading.Thread(target=write, args=pair) for pair in ((first, "a"), (second, "b"), (first, "c"))]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    follower.join()
    assert seen == list(range(1, 241))
    assert first.frame().equals(second.frame())
    first.close()
    second.close()


def test_a_server_that_stops_is_said_to_be_away_and_found_again(postgres_server: Any, url: str, tmp_path: Path) -> None:
    store = open_store(url, tmp_path)
    store.append([one(1)])
    store.put_items({"tea": {}})
    binary = postgres_server.bin_path / "pg_ctl"

    def control(*words: str) -> None:
        command = [str(binary), "-D", str(postgres_server.pgdata), "-w", *words]
        subprocess.run(command, check=True, user=postgres_server.system_user, stdout=subprocess.DEVNULL)

    threads_failed = []

    def write(k: int) -> None:
        try:
            store.append([one(f"t{k}")])
        except StoreUnavailableError:
            threads_failed.append(k)

    control("stop", "-m", "immediate")
    try:
        for call in (
            lambda: store.append([one(2)]),
            lambda: store.history("ann"),
            store.mark,
            lambda: store.erase("x"),
        ):
            with pytest.raises(
                StoreUnavailableError, match=r"PostgreSQL does not answer just now .*next call tries again"
            ):
                call()
        threads = [threading.Thread(target=write, args=(k,)) for k in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(threads_failed) == [0, 1, 2, 3]
        with pytest.raises(StoreUnavailableError):
            open_store(url, tmp_path)
    finally:
        control("start", "-o", f'-h "" -k {postgres_server.pgdata}', "-l", str(postgres_server.log))
    assert store.history("ann").item == ["i1"], "the next call has found it by itself"
    assert [outcome.status for outcome in store.append([one(1), one(2)])] == ["duplicate", "accepted"]
    assert store.count("ann") == 2
    store.close()


def test_an_address_without_a_server_is_said_without_its_password(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(StoreUnavailableError, match="does not answer") as error:
        open_store("postgresql://someone:hunter2@127.0.0.1:1/nothing", tmp_path)
    assert "hunter2" not in str(error.value)


def test_without_the_key_of_the_store_it_is_refused(url: str, tmp_path: Path) -> None:
    open_store(url, tmp_path).close()
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(StoreError, match=r"foretaste\.key is missing"):
        open_store(url, other)
    assert not list(other.iterdir())
    from foretaste.privacy.keys import make_keys

    make_keys(other / "foretaste.key")
    with pytest.raises(StoreError, match="is not the key that the store in PostgreSQL was written with"):
        open_store(url, other)


def test_a_store_of_a_newer_foretaste_is_refused(postgres_server: Any, url: str, tmp_path: Path) -> None:
    open_store(url, tmp_path).close()
    postgres_server.psql("UPDATE foretaste.meta SET number = 9 WHERE name = 'version';")
    with pytest.raises(StoreError, match="of version 9, and this foretaste reads version 2"):
        open_store(url, tmp_path)


def test_nobodys_name_is_in_the_tables(postgres_server: Any, url: str, tmp_path: Path) -> None:
    store = open_store(url, tmp_path)
    store.append([Event("order-of-ann.smith-1", "ann.smith", "tea", "buy", 1_000), one(2, "bob")])
    store.put_user("ann.smith", {"street": "Abbey Road 3"})

    def dump() -> str:
        tables = ("person", "event", "item", "kind", "gone", "erased", "meta")
        rows = [
            postgres_server.psql(f"SELECT t::text, encode(t::text::bytea, 'escape') FROM foretaste.{t} t;")
            for t in tables
        ]
        return "".join(rows)

    secret = ("ann.smith", "Abbey Road", b"ann.smith".hex(), b"Abbey Road".hex())
    assert not any(text in dump() for text in secret)
    assert "buy" in dump() or b"buy".hex() in dump(), "or this sees nothing"
    receipt = store.erase("ann.smith")
    assert receipt.found == {"events": 1, "names": 1, "columns": 1, "items nobody else touched": 1}
    assert any("write-ahead log" in remark for remark in receipt.remarks)
    assert b"tea".hex() not in dump()
    store.close()
