"""What people may say themselves, and what training sees of it: names in are names out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import worlds
from foretaste.data.kinds import usual_kinds
from foretaste.data.project.log_dataset import add_to_log, log_dataset
from foretaste.events.model import Event
from foretaste.events.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path


def test_less_of_this_speaks_against_an_item_and_hides_it() -> None:
    kinds = usual_kinds(["view", "less"])
    assert kinds.weights[kinds.code("less")] < 0
    assert kinds.hides[kinds.code("less")]


def test_training_reads_the_names_that_came_in_and_not_those_who_left(tmp_path: Path) -> None:
    files = worlds.parity(n_users=30)
    store = SqliteStore(tmp_path / "events.db")
    assert add_to_log(store, files) == len(files)
    data, _ = log_dataset(store, files)
    assert sorted(data.users.names) == sorted(files.users.names)
    columns = data.as_frame().columns
    assert data.as_frame().sort("user", "item").equals(files.as_frame().select(columns).sort("user", "item"))

    gone, stays = files.users.names[3], files.users.names[4]
    item = files.items.ids.names[0]
    store.append([Event("1", stays, item, "less", 1)])
    store.erase(gone)
    assert add_to_log(store, files) == 0, "the file still names them; the log does not take them back"
    data, _ = log_dataset(store, files)
    assert gone not in set(data.users.names)
    assert set(data.users.names) == set(files.users.names) - {gone}
    assert (data.kinds.weights[data.kind] < 0).sum() == 1
    assert np.isin(data.item, np.arange(len(files.items))).all()
    store.close()
