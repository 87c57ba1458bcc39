"""The data card: statistics of a data set, without the name of any user or item.

After "Data Cards" (Pushkarna et al. 2022): what people need to know to judge whether a model of these data is for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foretaste.config import Config

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foretaste.data.checks.report import Report
    from foretaste.data.dataset import Dataset

NEWEST = 0.1
"""Share of the newest events in which new users and new items are counted."""
UNKNOWN_LICENCE = "not stated"


class Spread(Config):
    """Minimum, median, mean and maximum of a number over users, items or events."""

    least: float
    median: float
    mean: float
    most: float


class DataCard(Config):
    name: str
    licence: str = UNKNOWN_LICENCE
    """Terms of use; foretaste.toml states them as [data] licence."""
    fingerprint: str
    """Hash of the data set: equal fingerprints mean equal data."""
    events: int
    users: int
    items: int
    """Number of items in the catalogue, with or without events."""
    kinds: dict[str, int]
    """Events of each kind, most frequent first."""
    first_event: str | None = None
    last_event: str | None = None
    """Days, UTC."""
    values: Spread | None = None
    """Ratings, shares watched; None where no event has one."""
    events_per_user: Spread
    events_per_item: Spread
    """Of users and items with any event."""
    density: float
    """Events over users x items with any event."""
    users_with_one_event: int
    items_without_events: int
    top_tenth_of_items: float
    """Share of all events on the most popular tenth of the items; the rest is the long tail."""
    gini: float
    """Gini coefficient of events over items with any: 0 for equal shares, towards 1 if one item has all events."""
    new_users: float | None = None
    new_items: float | None = None
    """Shares of the newest tenth of the events that are of new users, and on new items; None without times."""
    items_with_words: int = 0
    items_with_pictures: int = 0
    relations: dict[str, int] = {}
    """Number of links or facts of each relation."""
    searches: int = 0
    quarantined: int | None = None
    """Number of rows that could not be used; None where the data did not come from files."""
    problems: dict[str, int] = {}
    """Code of each problem that `foretaste check` found → number of rows."""


def data_card(data: Dataset, report: Report | None = None) -> DataCard:
    """The card of a data set, with counts of the report of its check if there is one."""
    per_user = np.bincount(data.user, minlength=data.n_users)
    per_item = np.bincount(data.item, minlength=data.n_items)
    per_user, touched = per_user[per_user > 0], np.sort(per_item[per_item > 0])
    by_kind = np.bincount(data.kind, minlength=len(data.kinds))
    order = np.argsort(-by_kind, kind="stable")
    new_users, new_items = _newcomers(data)
    pictures = data.items.pictures
    return DataCard(
        name=data.name,
        licence=data.licence or UNKNOWN_LICENCE,
        fingerprint=data.fingerprint,
        events=len(data),
        users=data.n_users,
        items=data.n_items,
        kinds={data.kinds.names[code]: int(by_kind[code]) for code in order if by_kind[code]},
        first_event=None if data.time is None or not len(data) else _day(int(data.time.min())),
        last_event=None if data.time is None or not len(data) else _day(int(data.time.max())),
        values=_spread(data.value) if len(data) and (data.value != 1).any() else None,
        events_per_user=_spread(per_user),
        events_per_item=_spread(touched),
        density=len(data) / max(1, len(per_user) * len(touched)),
        users_with_one_event=int((per_user == 1).sum()),
        items_without_events=int((per_item == 0).sum()),
        top_tenth_of_items=float(touched[-max(1, len(touched) // 10) :].sum()) / max(1, len(data)),
        gini=_gini(touched),
        new_users=new_users,
        new_items=new_items,
        items_with_words=sum(1 for text in data.items.texts() if text),
        items_with_pictures=0 if pictures is None else len(pictures) - pictures.null_count(),
        relations={name: len(relation) for name, relation in sorted(data.relations.items())},
        searches=0 if data.searches is None else len(data.searches),
        quarantined=None if report is None else int(report.counts["quarantined"]),
        problems={} if report is None else {problem.code: problem.rows for problem in report.problems},
    )


def _spread(numbers: NDArray[np.integer] | NDArray[np.floating]) -> Spread:
    if not len(numbers):
        return Spread(least=0, median=0, mean=0, most=0)
    return Spread(
        least=float(numbers.min()),
        median=float(np.median(numbers)),
        mean=float(numbers.mean(dtype=np.float64)),
        most=float(numbers.max()),
    )


def _gini(rising: NDArray[np.integer]) -> float:
    n = len(rising)
    if not n:
        return 0.0
    weighted = (np.arange(1, n + 1) * rising).sum(dtype=np.float64)
    return float(2 * weighted / (n * rising.sum(dtype=np.float64)) - (n + 1) / n)


def _newcomers(data: Dataset) -> tuple[float | None, float | None]:
    """Shares of the newest events whose user, and whose item, has no older event."""
    if data.time is None or not len(data):
        return None, None
    cut = np.quantile(data.time, 1 - NEWEST, method="lower")
    newest = data.time > cut
    if not newest.any():
        return None, None

    def share(code: NDArray[np.int32], n: int) -> float:
        known = np.zeros(n, np.bool_)
        known[code[~newest]] = True
        return float(1 - known[code[newest]].mean())

    return share(data.user, data.n_users), share(data.item, data.n_items)


def _day(time: int) -> str:
    return str(np.datetime64(time, "us").astype("M8[D]"))
