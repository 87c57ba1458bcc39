"""Cold-start splits: no future event and no event of a new item is trained on."""

from __future__ import annotations

import numpy as np
import pytest

import worlds
from foretaste.data.splits import leave_last
from foretaste.errors import DataError
from foretaste.evaluation.cold_start import (
    RestrictedToItems,
    item_cold_start,
    new_items,
    new_users,
    with_short_histories,
)
from foretaste.evaluation.evaluator import evaluate
from foretaste.models.plain.popular import Popular
from foretaste.types import Run


@pytest.fixture(scope="module")
def data():
    return worlds.parity(n_users=80, n_items=60, per_user=12)


def test_new_items_are_a_share_of_the_catalogue_and_apart(data) -> None:
    validation, test = new_items(data, 0.1)
    assert validation.sum() == test.sum() == 6
    assert not (validation & test).any()


def test_no_event_of_a_new_item_is_learned_from(data) -> None:
    validation, test = new_items(data, 0.1)
    split = item_cold_start(data, validation, test)
    assert not (validation | test)[split.train.item].any()
    assert not (validation | test)[split.test.queries.history.items].any()
    assert test[split.test.relevant.indices].all()
    assert validation[split.validation.relevant.indices].all()


def test_nothing_a_person_did_after_being_asked_is_learned_from(data) -> None:
    split = item_cold_start(data, *new_items(data, 0.1))
    for questions in (split.validation, split.test):
        for b, user in enumerate(questions.queries.user):
            own = data.item[data.user == user].tolist()
            asked_for = own.index(questions.relevant[[b]].indices[0])
            learned = split.train.item[split.train.user == user].tolist()
            assert set(learned) <= set(own[:asked_for])
            assert set(questions.queries.history.row(b).tolist()) <= set(own[:asked_for])


def test_the_last_to_appear_are_new() -> None:
    user, item = np.tile(np.arange(30), 10), np.repeat(np.arange(10), 30)  # item 9 comes last of all
    data = worlds.dataset(user, item, n_items=10)
    _, test = new_items(data, 0.1, by_first_event=True)
    assert data.items.ids.names_of(np.flatnonzero(test)) == ["i9"]


def test_too_much_held_out_is_refused(data) -> None:
    with pytest.raises(DataError, match="leaves none to learn from"):
        new_items(data, 0.5)


def test_of_cold_people_only_the_newest_events_are_known(data) -> None:
    questions = leave_last(data).test
    cold = with_short_histories(questions, 2)
    assert (cold.queries.history.lengths == 2).all()
    assert cold.queries.history.row(0).tolist() == questions.queries.history.row(0)[-2:].tolist()
    assert cold.relevant is questions.relevant


@pytest.mark.parametrize("events", [1, 3])
def test_new_people_are_learned_from_by_nobody_and_asked_for_what_came_next(data, events: int) -> None:
    split = new_users(data, events)
    asked = {*split.test.queries.user.tolist(), *split.validation.queries.user.tolist()}
    assert len(asked) == len(split.test) + len(split.validation) == 16
    assert not asked & set(split.train.user.tolist())
    assert len(split.train) == len(data) - 16 * 12
    for questions in (split.test, split.validation):
        for b, user in enumerate(questions.queries.user):
            own = data.item[data.user == user].tolist()
            assert questions.queries.history.row(b).tolist() == own[:events]
            assert questions.relevant[[b]].indices.tolist() == [own[events]]


def test_what_a_new_person_did_before_is_no_answer() -> None:
    data = worlds.dataset(np.repeat(np.arange(30), 4), np.tile([3, 3, 5, 3], 30), n_items=6)
    five = data.items.ids.code("i5")
    assert set(new_users(data, 1).test.relevant.indices.tolist()) == {five}
    assert len(new_users(data, 3).test) == 0, "nothing new came after"


def test_too_many_new_people_are_refused(data) -> None:
    with pytest.raises(DataError, match="too few to learn from"):
        new_users(data, 1, 0.4)


def test_lists_among_new_items_hold_nothing_else(data) -> None:
    _, test = new_items(data, 0.1)
    model = Popular().fit(data, Run())
    questions = leave_last(data).test
    shown = evaluate(RestrictedToItems(model, test), questions, ("ndcg@10",)).exposure
    assert shown[test].sum() > 0
    assert shown[~test].sum() == 0
    found = RestrictedToItems(model, test).recommend(questions.queries, 5, allowed=~test).items
    assert (found == -1).all()


def test_all_new_items_of_a_person_are_asked_for_before_the_first_of_them() -> None:
    user, item = np.array([0, 0, 0, 0, 1, 1, 2]), np.array([0, 4, 1, 5, 2, 3, 4])
    data = worlds.dataset(user, item, n_items=6)
    names = data.items.ids.names.to_list()
    to_validation, to_test = (np.array([name in chosen for name in names]) for chosen in (["i3"], ["i4", "i5"]))
    split = item_cold_start(data, to_validation, to_test, every=True)
    assert data.users.names_of(split.test.queries.user) == ["u0"], "who did nothing before the first is not asked"
    history, relevant = split.test.queries.history.row(0), split.test.relevant
    assert data.items.ids.names_of(history) == ["i0"]
    assert sorted(data.items.ids.names_of(relevant[[0]].indices)) == ["i4", "i5"]
    assert sorted(data.items.ids.names_of(split.train.item)) == ["i0", "i2"], "what came after the query is unknown"
