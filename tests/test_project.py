"""The log of a project as training data: events without times, and data beside the events."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
import pytest

import worlds
from foretaste.data.dataset import Dataset
from foretaste.data.prepare.config import PrepareConfig
from foretaste.data.project.log_dataset import log_dataset, with_filled_times
from foretaste.data.relations import Relation
from foretaste.errors import BundleError
from foretaste.events.model import Event
from foretaste.events.sqlite.store import SqliteStore
from foretaste.pipeline.bundle import current_version
from foretaste.project import train_on
from foretaste.types import Run

if TYPE_CHECKING:
    from pathlib import Path


def history(data: Dataset, user: str) -> list[str]:
    code = data.users.code(user)
    assert code is not None
    return data.items.ids.names_of(data.histories().row(code))


def test_events_without_a_time_count_as_older_than_all_others_in_their_order(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "events.db")
    store.append([Event("live-1", "ann", "d", "view", 2_000), Event("live-2", "bob", "d", "view", 1_000)])
    files = Dataset.from_frame(pl.DataFrame({"user": ["ann"] * 3 + ["cid"], "item": ["c", "a", "b", "a"]}))
    store.import_frame(files.as_frame())
    data, remark = log_dataset(store, files)
    assert history(data, "ann") == ["c", "a", "b", "d"]
    assert store.history("ann").item == ["c", "a", "b", "d"], "the service sees the same order"
    assert data.time is not None
    assert sorted(data.time.tolist()) == [999, 999, 999, 999, 1_000, 2_000]
    assert remark is not None
    assert remark.startswith("4 of 6 events in the log have no time")
    store.close()


def test_a_log_wholly_with_or_wholly_without_times_is_left_alone() -> None:
    log = pl.DataFrame({"user": ["a", "a"], "item": ["x", "y"], "time": [5, 3]})
    assert with_filled_times(log)[0].equals(log)
    bare, remark = with_filled_times(log.with_columns(time=pl.lit(None, pl.Int64)))
    assert "time" not in bare.columns
    assert remark is None


def test_one_timeless_import_leaves_the_times_of_the_others_and_train_says_so(tmp_path: Path) -> None:
    data = worlds.parity(n_users=30)
    train_on(tmp_path, data, Run(seed=0), names=["ease"])
    late = replace(worlds.parity(n_users=30, seed=1), time=None)
    trained = train_on(tmp_path, late, Run(seed=0), names=["ease"])
    assert trained.data.time is not None
    assert any("have no time" in remark for remark in trained.selection.remarks)


def test_what_the_service_was_told_of_people_is_learned_from(tmp_path: Path) -> None:
    files = worlds.parity()
    store = SqliteStore(tmp_path / "events.db")
    for user, parity in zip(files.users.names, worlds.parity_of_people(files), strict=True):
        store.put_user(user, {"side": "odd" if parity else "even"})
    store.close()
    trained = train_on(tmp_path, files, Run(seed=0), names=["ease", "demographic"])
    assert {recall.model for recall in trained.selection.config.recalls} == {"ease", "demographic"}
    store = SqliteStore(tmp_path / "events.db")
    bare, _ = log_dataset(store, replace(files, user_table=None))
    assert bare.user_table is not None
    assert bare.user_table["side"].to_list() == ["odd" if p else "even" for p in worlds.parity_of_people(bare)]
    for user in files.users.names:
        store.erase(user)
    assert log_dataset(store, files)[0].user_table is None
    store.close()


def test_what_lies_beside_the_events_survives_the_log(tmp_path: Path) -> None:
    files = worlds.parity(n_users=6)
    beside = replace(
        files,
        user_table=pl.DataFrame({"user": files.users.names, "age": range(6)}),
        relations={"friends": Relation("users", pl.DataFrame({"source": ["u1"], "target": ["u2"]}))},
        searches=pl.DataFrame({"user": ["u1"], "text": ["kittens"], "time": [1]}),
        items=replace(files.items, places=pl.DataFrame({"item": ["i3"], "picture": ["3.jpg"]})),
    )
    store = SqliteStore(tmp_path / "events.db")
    store.append([Event("new", "a new person", "a new item", "view", 1)])
    store.import_frame(beside.as_frame())
    data, _ = log_dataset(store, beside)
    store.close()
    ages = dict(zip(data.users.names, data.user_table["age"], strict=True)) if data.user_table is not None else {}
    assert ages == {**dict(zip(files.users.names, range(6), strict=True)), "a new person": None}
    links = data.links("friends")
    assert data.users.names_of(links.source) == ["u1"]
    assert data.searched is not None
    assert data.items.pictures is not None
    assert data.items.pictures[int(data.items.ids.codes(["i3"])[0])] == "3.jpg"


def test_the_log_is_prepared_as_the_project_asks_and_train_says_so(tmp_path: Path) -> None:
    data = worlds.parity(n_users=30)
    asked = PrepareConfig(min_item_events=8)
    trained = train_on(tmp_path, data, Run(seed=0), names=["ease"], preparation=asked)
    assert trained.data.n_items < data.n_items
    assert any("8 events or more" in remark for remark in trained.selection.remarks)
    store = SqliteStore(tmp_path / "events.db")
    assert len(store.frame()) == len(data), "the log itself stays whole"
    store.close()


def test_a_bundle_that_cannot_be_read_back_is_not_put_to_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(folder: Path) -> None:
        raise BundleError(f"The bundle {folder.name} is damaged.")

    data = worlds.parity(n_users=30)
    first = train_on(tmp_path, data, Run(seed=0), names=["itemknn"])
    monkeypatch.setattr("foretaste.project.load_bundle", broken)
    with pytest.raises(BundleError, match="is damaged"):
        train_on(tmp_path, data, Run(seed=0), names=["itemknn"])
    assert current_version(tmp_path / "bundles") == first.version
