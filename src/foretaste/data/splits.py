"""Questions whose answers are known: what to learn from, what to choose by, what to be judged by.

train       learned from while choosing
validation  questions settings are chosen by
refit       learned from before the test: train and the validation part (variant "refit"; "strict" stays at train)
test        questions nothing was chosen by
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from foretaste.errors import DataError
from foretaste.types import Queries

if TYPE_CHECKING:
    from foretaste.data.dataset import Dataset
    from foretaste.types import BoolArray, LongArray


@dataclass(frozen=True, eq=False)
class Questions:
    """queries  : what is known of each person at the moment of the question
    relevant : (B, n_items) CSR, 1 for every item the person took next
    """

    queries: Queries
    relevant: csr_array

    def __len__(self) -> int:
        return len(self.queries)

    def sample(self, n: int) -> Questions:
        """At most n of the questions. Rows stand in the order of the user codes, which follow a hash: a fair sample."""
        if len(self) <= n:
            return self
        return Questions(self.queries.take(np.arange(n)), self.relevant[:n])


@dataclass(frozen=True, eq=False)
class Split:
    data: Dataset
    train: Dataset
    validation: Questions
    refit: Dataset
    test: Questions
    rule: str
    """What was held out, in words: 'the last event of each user'."""
    left_out: int
    """People with events but without a test question: too few events, or nothing new after the cut."""


def leave_last(data: Dataset, n: int = 1) -> Split:
    """Each person's last n events are the test, the n before them the validation.

    A person needs at least 2 n + 1 events to be asked; the others are only learned from. A test question knows the
    validation events in both variants; they differ in what the model was fitted on.
    """
    if n < 1:
        raise DataError(f"leave_last holds out n events per person, and n is {n}; give 1 or more.")
    length = np.diff(data.offsets)
    asked = length >= 2 * n + 1
    from_end = (length[data.user] - 1) - data.position  # 0 for the newest event
    is_test = asked[data.user] & (from_end < n)
    is_validation = asked[data.user] & (from_end >= n) & (from_end < 2 * n)
    rule = "the last event of each user" if n == 1 else f"the last {n} events of each user"
    return _split(data, is_test, is_validation, rule)


def by_time(data: Dataset, test_share: float = 0.1, validation_share: float = 0.1) -> Split:
    """One moment for everybody: the newest `test_share` of all events are the test, the share before it validation.

    Nobody's future is learned from: this is what a deployed system meets. People are asked once, at the cut, about all
    they did after it.
    """
    if data.time is None:
        raise DataError("A time split needs events with times; these have only an order. Use leave-one-out.")
    if not 0 < test_share < 1 or not 0 < validation_share < 1 - test_share:
        raise DataError(f"Shares of {test_share} (test) and {validation_share} (validation) leave nothing to train on.")
    first, second = np.quantile(data.time, [1 - test_share - validation_share, 1 - test_share]).astype(np.int64)
    is_test = data.time > second
    is_validation = (data.time > first) & ~is_test
    rule = f"the newest {test_share:.0%} of all events, after {np.datetime64(int(second), 'us').astype('M8[s]')}Z"
    return _split(data, is_test, is_validation, rule, cuts=(int(first), int(second)))


def fixed(data: Dataset, is_test: BoolArray, is_validation: BoolArray, rule: str) -> Split:
    """The split a data set fixes: (L,) true for the events of each part."""
    if is_test.shape != (len(data),) or is_validation.shape != (len(data),) or (is_test & is_validation).any():
        raise DataError("A fixed split needs one flag per event and part, and no event in two parts.")
    return _split(data, is_test, is_validation, rule)


def _split(
    data: Dataset,
    is_test: BoolArray,
    is_validation: BoolArray,
    rule: str,
    cuts: tuple[int, int] | None = None,
) -> Split:
    known_at_test = ~is_test
    train = ~is_test & ~is_validation
    test = _questions(data, known_at_test, is_test, cuts and cuts[1])
    return Split(
        data=data,
        train=data.where(train),
        validation=_questions(data, train, is_validation, cuts and cuts[0]),
        refit=data.where(known_at_test),
        test=test,
        rule=rule,
        left_out=int((np.diff(data.offsets) > 0).sum()) - len(test),
    )


def _questions(data: Dataset, known: BoolArray, held_out: BoolArray, cut: int | None) -> Questions:
    """One question per person who took something new among the held-out events.

    An item the person already had is no answer: lists never offer it, and to be asked for it would be unfair.
    """
    n = np.int64(data.n_items)
    pair = data.user.astype(np.int64) * n + data.item
    wanted = data.kinds.weights[data.kind] > 0
    answer = held_out & wanted & ~np.isin(pair, pair[known])
    people = np.unique(data.user[answer])
    row_of = np.full(data.n_users, -1, np.int64)
    row_of[people] = np.arange(len(people))
    relevant = csr_array(
        (np.ones(answer.sum(), np.float32), (row_of[data.user[answer]], data.item[answer].astype(np.int64))),
        shape=(len(people), data.n_items),
    )
    relevant.sum_duplicates()
    relevant.data[:] = 1
    history = data.where(known).histories().take(people.astype(np.int64))
    asked_at: LongArray | None = None
    if cut is not None:
        asked_at = np.full(len(people), cut, np.int64)
    elif data.time is not None:
        asked_at = np.full(len(people), np.iinfo(np.int64).max, np.int64)
        np.minimum.at(asked_at, row_of[data.user[answer]], data.time[answer])
        # A split fixed by the data may know events later than an answer; then the question comes after them.
        if history.time is not None and len(history.items):
            last = history.time[np.maximum(history.offsets[1:] - 1, 0)]
            asked_at = np.where(history.lengths > 0, np.maximum(asked_at, last), asked_at)
    return Questions(Queries(people.astype(np.int32), history, asked_at=asked_at), relevant)
