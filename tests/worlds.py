"""Small synthetic worlds whose right answer is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from foretaste.data.dataset import Dataset
from foretaste.types import Queries

if TYPE_CHECKING:
    from numpy.typing import NDArray

EVEN_WORDS = ("kitten", "puppy", "rabbit", "hamster", "pony", "duckling")
ODD_WORDS = ("rocket", "satellite", "astronaut", "spaceship", "planet", "galaxy")

HOSTILE_TITLE = "<img src=x onerror=alert(1)> & friends"
"""What a title may hold; it must stay text wherever it is shown."""


def dataset(
    user: NDArray[np.integer], item: NDArray[np.integer], *, n_items: int | None = None, timed: bool = True
) -> Dataset:
    """Events in the given order; person u is 'u<u>', item i is 'i<i>', its title says its parity in words."""
    n_items = int(item.max()) + 1 if n_items is None else n_items
    events = pl.DataFrame({"user": [f"u{u}" for u in user], "item": [f"i{i}" for i in item]})
    if timed:
        events = events.with_columns(time=1_700_000_000_000_000 + np.arange(len(user)) * 60_000_000)
    words = [(EVEN_WORDS if i % 2 == 0 else ODD_WORDS) for i in range(n_items)]
    items = pl.DataFrame(
        {
            "item": [f"i{i}" for i in range(n_items)],
            "title": [f"The {words[i][i // 2 % 6]} and the {words[i][(i // 2 + 1) % 6]}" for i in range(n_items)],
        }
    )
    return Dataset.from_frame(events, items, name="world")


def parity(n_users: int = 60, n_items: int = 40, per_user: int = 10, seed: int = 0) -> Dataset:
    """Even people take even items, odd people odd ones: whoever took some should be offered more of the same."""
    rng = np.random.default_rng(seed)
    halves = [np.arange(0, n_items, 2), np.arange(1, n_items, 2)]
    item = np.concatenate([rng.permutation(halves[u % 2])[:per_user] for u in range(n_users)])
    return dataset(np.repeat(np.arange(n_users), per_user), item, n_items=n_items)


def popularity(n_users: int = 400, n_items: int = 30, per_user: int = 6, seed: int = 0) -> Dataset:
    """Item 0 is wanted most, item 1 next, and so on; nobody has a taste of their own."""
    rng = np.random.default_rng(seed)
    chance = 0.8 ** np.arange(n_items)
    item = np.concatenate(
        [rng.choice(n_items, per_user, replace=False, p=chance / chance.sum()) for _ in range(n_users)]
    )
    return dataset(np.repeat(np.arange(n_users), per_user), item, n_items=n_items)


def noise(n_users: int = 300, n_items: int = 50, per_user: int = 8, seed: int = 0) -> Dataset:
    """Everybody takes anything: nothing can be learned, and no model may claim otherwise."""
    rng = np.random.default_rng(seed)
    item = np.concatenate([rng.permutation(n_items)[:per_user] for _ in range(n_users)])
    return dataset(np.repeat(np.arange(n_users), per_user), item, n_items=n_items)


def everyone(data: Dataset) -> Queries:
    """One question per person, with everything they did."""
    return Queries(np.arange(data.n_users, dtype=np.int32), data.histories())


def parity_of(data: Dataset, codes: NDArray[np.integer]) -> NDArray[np.int64]:
    """0 or 1 for each item code of a world."""
    return np.array([int(name[1:]) % 2 for name in data.items.ids.names_of(codes)])


def parity_of_people(data: Dataset) -> NDArray[np.int64]:
    return np.array([int(name[1:]) % 2 for name in data.users.names.to_list()])
