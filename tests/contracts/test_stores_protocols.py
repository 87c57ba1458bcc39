"""Every store keeps each of the four protocols, and whoever is given one of them needs no other."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, cast

import pytest

from foretaste.events.memory import MemoryStore
from foretaste.events.model import Event, Mark
from foretaste.events.postgres.store import PostgresStore
from foretaste.events.protocols import Erasable, EventLog, EventStore, LiveCatalogue, PeopleTable
from foretaste.events.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[[], EventStore]

PROTOCOLS = (EventLog, LiveCatalogue, PeopleTable, Erasable)
STORES = (MemoryStore, SqliteStore, PostgresStore)


def promised(protocol: type) -> set[str]:
    return {name for name in vars(protocol) if not name.startswith("_")}


class Only:
    """A store of which only what one protocol promises can be used."""

    def __init__(self, store: EventStore, protocol: type) -> None:
        self._store, self._names = store, promised(protocol)

    def __getattr__(self, name: str) -> Any:
        assert name in self._names, name
        return getattr(self._store, name)


def test_no_method_belongs_to_two_protocols_and_a_store_is_all_four() -> None:
    names = [name for protocol in PROTOCOLS for name in promised(protocol)]
    assert len(names) == len(set(names)) == 23
    assert promised(EventStore) == {"close"}
    assert set(PROTOCOLS) < set(EventStore.__mro__)


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.__name__)
@pytest.mark.parametrize("store", STORES, ids=lambda store: store.__name__)
def test_a_store_has_each_method_with_its_parameters(store: type, protocol: type) -> None:
    for name in promised(protocol):
        wanted, has = getattr(protocol, name), getattr(store, name)
        if isinstance(wanted, property):
            assert isinstance(has, property)
        else:
            assert inspect.signature(has) == inspect.signature(wanted), name


@pytest.mark.parametrize("store", STORES, ids=lambda store: store.__name__)
def test_a_store_promises_nothing_besides(store: type) -> None:
    names = {name for name in vars(store) if not name.startswith("_")}
    assert names == {"close"}.union(*map(promised, PROTOCOLS))


def test_the_log_alone_is_enough_to_keep_read_and_follow_events(make: Make) -> None:
    log = cast("EventLog", Only(make(), EventLog))
    start = log.mark()
    assert log.append([Event("1", "ann", "tea", "view", 5)])[0].status == "accepted"
    assert log.history("ann").item == ["tea"]
    assert log.count("ann") == len(log.frame()) == 1
    assert log.users(1) == [("ann", 1)]
    news = log.follow(start)
    assert [event.item for event in news.events] == ["tea"]
    assert news.mark == Mark(log.position, *start[1:])
    assert log.import_frame(log.frame(whole=True)) == 0, "what it exports it has already"
    assert log.last_stamp() == 0


def test_the_catalogue_alone_is_enough_to_put_hide_and_delete_items(make: Make) -> None:
    catalogue = cast("LiveCatalogue", Only(make(), LiveCatalogue))
    (tea,) = catalogue.put_items({"tea": {"price": 2}})
    hidden = catalogue.hide_item("tea")
    assert hidden is not None
    assert hidden.change > tea.change
    assert catalogue.delete_item("tea") == catalogue.item("tea") == catalogue.items()[0]


def test_the_table_of_people_alone_is_enough_to_keep_what_is_known_of_them(make: Make) -> None:
    people = cast("PeopleTable", Only(make(), PeopleTable))
    assert people.user("ann") is None
    people.put_user("ann", {"age": 30})
    assert people.user("ann") == {"age": 30}
    assert people.user_columns() == {"ann": {"age": 30}}


def test_the_right_to_be_forgotten_needs_no_other_protocol(make: Make) -> None:
    store = make()
    for n, item in enumerate(("tea", "mug", "pot", "cup")):
        store.append([Event(str(n), "ann", item, "view", n)])
    erasable = cast("Erasable", Only(store, Erasable))
    held = erasable.export_person("ann")
    assert held is not None
    assert len(held["events"]) == 4
    assert erasable.forget("ann", "mug") == 1
    assert erasable.forget_before(1) == 1
    assert erasable.reset("ann") == 2
    assert erasable.erase("ann").total == 0
    assert erasable.export_person("ann") is None
