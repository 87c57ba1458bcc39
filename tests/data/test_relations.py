"""Relations and searches: as people give them, as codes, and never from the future."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.data.dataset import Dataset
from foretaste.data.project.guess import guess_project, load_dataset, load_project, write_project
from foretaste.data.relations import Relation
from foretaste.data.searches import Searches
from foretaste.data.sources import load_source
from foretaste.data.splits import by_time, leave_last
from foretaste.errors import ConfigError, DataError, UnknownNameError
from foretaste.types import NO_ITEM

SHARED = Path(__file__).parents[3] / "shared" / "data"
EVENTS = "user,item,time\n" + "".join(f"u{i % 4},i{i % 6},{1_700_000_000 + i}\n" for i in range(24))


def small() -> Dataset:
    return Dataset.from_frame(pl.DataFrame({"user": list("aabbc"), "item": list("xyxzz"), "time": [1, 2, 3, 4, 5]}))


def test_links_are_codes_of_known_people_with_their_weights() -> None:
    frame = pl.DataFrame({"source": ["a", "b", "a"], "target": ["b", "nobody", "c"], "weight": [2.0, 1.0, None]})
    data = replace(small(), relations={"friends": Relation("users", frame)})
    links = data.links("friends")
    assert (data.users.names_of(links.source), data.users.names_of(links.target)) == (["a", "a"], ["b", "c"])
    assert (links.weight.tolist(), links.unknown, len(links)) == ([2.0, 1.0], 1, 2)
    matrix = links.matrix().toarray()
    assert matrix.shape == (3, 3)
    assert matrix[links.source[0], links.target[0]] == 2.0
    with pytest.raises(UnknownNameError, match="Did you mean 'friends'"):
        data.links("freinds")
    with pytest.raises(UnknownNameError, match="no knowledge graph"):
        data.triples("friends")
    with pytest.raises(DataError, match="needs a column 'relation'"):
        Relation("triples", frame)


@pytest.mark.parametrize("mapped", [False, True])
def test_facts_know_which_entity_each_item_is(mapped: bool) -> None:
    names = {"x": "e1", "y": "e2"} if mapped else {"x": "x", "y": "y"}
    facts = pl.DataFrame({"source": [names["x"], "g"], "relation": ["by", "of"], "target": ["ann", names["y"]]})
    entities = pl.DataFrame({"item": list(names), "entity": list(names.values())}) if mapped else None
    data = replace(small(), relations={"kg": Relation("triples", facts, entities)})
    graph = data.triples("kg")
    said = [
        (graph.entities.name(h), graph.relations.name(r), graph.entities.name(t))
        for h, r, t in zip(graph.head.tolist(), graph.relation.tolist(), graph.tail.tolist(), strict=True)
    ]
    assert said == facts.rows()
    of_item = dict(zip(data.items.ids.names, graph.entity_of_item.tolist(), strict=True))
    assert {item: graph.entities.name(code) for item, code in of_item.items() if code != NO_ITEM} == names
    assert of_item["z"] == NO_ITEM


def test_a_project_with_every_table_beside_its_events(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text(EVENTS)
    (tmp_path / "friends.csv").write_text("from,to,strength\nu0,u1,0.5\nu1, u2 ,1\nu1,,2\nu1,stranger,1\n")
    (tmp_path / "also_bought.jsonl").write_text('{"item":"i0","other":"i1"}\n')
    (tmp_path / "kg.csv").write_text("head,relation,tail\ne0,directed by,Ann\ne1,directed by,Ann\n")
    (tmp_path / "map.csv").write_text("item_id,entity_id\ni0,e0\ni1,e1\n")
    searches = ["u0,red shoes,1700000002", "u0,blue shoes,1700000010", "stranger,x,1700000002", "u1,,1700000002"]
    more = [f"stranger,{n},1700000002" for n in range(9)]
    (tmp_path / "searches.csv").write_text(
        "user,query,timestamp\n" + "\n".join([*searches, "u1,green,never", *more]) + "\n"
    )
    relations = [tmp_path / name for name in ("friends.csv", "also_bought.jsonl", "kg.csv", "map.csv")]
    config, _ = guess_project(tmp_path / "e.csv", relations=relations, searches=tmp_path / "searches.csv")
    write_project(tmp_path, config)
    data, report = load_dataset(load_project(tmp_path), tmp_path)
    assert {name: relation.between for name, relation in data.relations.items()} == {
        "friends": "users",
        "also_bought": "items",
        "kg": "triples",
    }
    friends = data.links("friends")
    assert (data.users.names_of(friends.target), friends.weight.tolist()) == (["u1", "u2"], [0.5, 1.0])
    assert (data.triples("kg").entity_of_item >= 0).sum() == 2
    assert data.searches is not None
    assert data.searches.rows() == [
        ("u0", "red shoes", 1_700_000_002_000_000),
        ("u0", "blue shoes", 1_700_000_010_000_000),
        ("u1", "green", None),
    ]
    said = {problem.code: (problem.rows, problem.first[0][1]) for problem in report.problems}
    assert {code: said[code] for code in said if code.startswith(("friends", "search"))} == {
        "friends-without-id": (1, 4),
        "friends-unknown": (1, 5),
        "search-user-unknown": (10, 4),
        "search-empty": (1, 5),
        "search-time": (1, 6),
    }
    wrong = config.model_copy(
        update={"searches": config.searches.model_copy(update={"text": "qery"}) if config.searches else None}
    )
    with pytest.raises(ConfigError, match="Did you mean 'query'"):
        load_dataset(wrong, tmp_path)


def test_tables_that_cannot_be_relations_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text(EVENTS)
    (tmp_path / "r.csv").write_text("a,b\nq1,q2\n")
    with pytest.raises(DataError, match="neither users nor items"):
        guess_project(tmp_path / "e.csv", relations=[tmp_path / "r.csv"])
    (tmp_path / "s.csv").write_text("user,when\nu1,2025-01-01\n")
    with pytest.raises(DataError, match="what they searched for"):
        guess_project(tmp_path / "e.csv", searches=tmp_path / "s.csv")


def searching(events: list[tuple[int, int, int]], searches: list[tuple[int, int | None]]) -> Dataset:
    """Events (user, item, time) and searches (user, time), whose text is their time."""
    data = Dataset.from_frame(pl.DataFrame(events, schema=["user", "item", "time"], orient="row"))
    frame = pl.DataFrame(
        {
            "user": [str(user) for user, _ in searches],
            "time": pl.Series([time for _, time in searches], dtype=pl.Int64),
            "text": [str(time) for _, time in searches],
        }
    )
    return replace(data, searches=frame)


times = st.integers(1, 30)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), times), min_size=25, max_size=40),
    st.lists(st.tuples(st.integers(0, 3), st.none() | times), min_size=1, max_size=30),
    st.booleans(),
)
def test_nothing_searched_after_the_question_is_seen(
    events: list[tuple[int, int, int]], searches: list[tuple[int, int | None]], timed: bool
) -> None:
    data = searching(events, searches)
    split = by_time(data) if timed else leave_last(data)
    assert data.time is not None
    for part, questions in ((split.train, split.validation), (split.refit, split.test)):
        held_out = data.where(~np.isin(np.arange(len(data)), kept(data, part)))
        assert held_out.time is not None
        assert part.searches is not None
        first = {
            user: int(held_out.time[held_out.user == code].min(initial=1 << 60))
            for user, code in ((name, data.users.code(name)) for name in data.users.names)
        }
        assert all(time is not None and time < first[user] for user, time, _ in part.searches.rows())
        assert questions.queries.searches is not None
        for code, texts in zip(questions.queries.user.tolist(), questions.queries.searches, strict=True):
            name = data.users.name(code)
            assert questions.queries.asked_at is not None
            known = sorted(time for user, time in searches if str(user) == name and time and time < first[name])
            limit = known if not timed else [t for t in known if t <= int(questions.queries.asked_at.max())]
            assert [int(text) for text in texts] == limit[-5:]


def kept(data: Dataset, part: Dataset) -> np.ndarray:
    """Where the events of a part stand in the whole; both are sorted alike."""
    assert data.time is not None
    assert part.time is not None
    left = list(zip(part.user.tolist(), part.item.tolist(), part.time.tolist(), strict=True))
    at = []
    for n, event in enumerate(zip(data.user.tolist(), data.item.tolist(), data.time.tolist(), strict=True)):
        if event in left:
            left.remove(event)
            at.append(n)
    return np.array(at)


def test_without_times_no_search_is_seen_before_a_question() -> None:
    data = searching([(0, i, i + 1) for i in range(5)], [(0, 1)])
    split = leave_last(replace(data, time=None))
    assert split.train.searches is not None
    assert len(split.train.searches) == 0
    assert split.test.queries.searches == ((),)


def test_the_last_searches_of_a_person_newest_last() -> None:
    frame = pl.DataFrame(
        {"user": ["a", "b", "a", "a", "z"], "text": ["2", "9", "1", "?", "9"], "time": [2, 9, 1, None, 9]}
    )
    searches = Searches.of(frame, small().users)
    codes = small().users.codes(["b", "a", "c"])
    assert searches.latest(codes) == (("9",), ("?", "1", "2"), ())
    assert searches.latest(codes, np.array([9, 2, 9])) == ((), ("1",), ())
    assert searches.latest(codes, n=1) == (("9",), ("2",), ())


def test_the_fingerprint_knows_relations_and_searches() -> None:
    data = small()
    friends = Relation("users", pl.DataFrame({"source": ["a"], "target": ["b"]}))
    more = replace(data, relations={"f": friends})
    asked = replace(data, searches=pl.DataFrame({"user": ["a"], "text": ["x"]}))
    assert len({data.fingerprint, more.fingerprint, asked.fingerprint}) == 3


COUNTS = {
    "yelp-social": ("social", 143_765),
    "ciao": ("trust", 40_133),
    "filmtrust": ("trust", 1_853),
    "lastfm-hetrec": ("kg", 15_518),
    "ml-100k": ("kg", 91_631),
}


@pytest.mark.parametrize("name", COUNTS)
def test_public_sets_bring_their_relations(name: str) -> None:
    if not (SHARED / name).is_dir():
        pytest.skip(f"needs the data set in {SHARED / name}")
    data = load_source(f"folder:{SHARED / name}")
    relation, rows = COUNTS[name]
    assert len(data.relations[relation]) == rows
    if name == "lastfm-hetrec":
        graph = data.triples("kg")
        assert (len(graph.entities), len(graph.relations)) == (9_366, 60)
        assert int((graph.entity_of_item >= 0).sum()) == 3_846
