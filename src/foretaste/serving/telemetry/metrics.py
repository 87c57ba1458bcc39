"""What the service counts. Without Prometheus every call here does nothing, so that the engine needs no extra;
`prometheus.py`, which the HTTP side imports, connects them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Series(Protocol):
    """One time series of a metric: as in prometheus_client."""

    def inc(self, amount: float = 1) -> None: ...
    def dec(self, amount: float = 1) -> None: ...
    def observe(self, amount: float) -> None: ...


class _Unconnected:
    """Counts nothing."""

    def inc(self, amount: float = 1) -> None:
        pass

    def dec(self, amount: float = 1) -> None:
        pass

    def observe(self, amount: float) -> None:
        pass


_NOTHING = _Unconnected()


@dataclass
class Metric:
    """A counter, gauge or histogram by its name.

    labels_are : names of its labels, in the order `labels` takes their values
    connected  : the metric of prometheus_client that counts for it; None where nobody reads the metrics
    """

    kind: Literal["counter", "gauge", "histogram"]
    name: str
    summary: str
    labels_are: tuple[str, ...] = ()
    connected: Any = field(default=None, repr=False)

    def labels(self, *values: object) -> Series:
        """The series of these values, one per label."""
        series: Series = _NOTHING if self.connected is None else self.connected.labels(*values)
        return series

    def inc(self, amount: float = 1) -> None:
        """Of a metric without labels: add to it."""
        if self.connected is not None:
            self.connected.inc(amount)

    def dec(self, amount: float = 1) -> None:
        """Of a gauge without labels: take from it."""
        if self.connected is not None:
            self.connected.dec(amount)


REQUESTS = Metric("counter", "foretaste_requests_total", "Requests answered.", ("method", "route", "status"))
LATENCY = Metric("histogram", "foretaste_request_seconds", "From the whole request to the answer.", ("route",))
REFUSED = Metric("counter", "foretaste_refused_total", "Requests refused before any work was done.", ("why",))
UNDER_WAY = Metric("gauge", "foretaste_requests_under_way", "Requests being worked on.")
EVENTS = Metric("counter", "foretaste_events_total", "Events received.", ("status",))
LISTS = Metric("counter", "foretaste_lists_total", "Lists given.", ("scene", "degraded"))
CHANGES = Metric("counter", "foretaste_catalogue_changes_total", "Changes of the catalogue this worker has taken in.")
RELOADS = Metric("counter", "foretaste_reloads_total", "Bundles put to use, and those that could not be.", ("outcome",))
ANSWERS = Metric(
    "counter", "foretaste_answers_total", "Answers written down to be given again, and those left out.", ("outcome",)
)
ALL = (REQUESTS, LATENCY, REFUSED, UNDER_WAY, EVENTS, LISTS, CHANGES, RELOADS, ANSWERS)
