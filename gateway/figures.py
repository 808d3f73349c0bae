"""What this gateway has done since its start, in figures, for Prometheus: `headrace_http_…` and what goes with them.

On the way of a request it is a look in a dict and a few additions; the text is made when it is asked for.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from pipeline import log

# Seconds. Who waits for a task (`Prefer: wait`) is answered within a minute.
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
METHODS = frozenset(("GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"))
NO_ROUTE = "none"  # what leads nowhere has no name: anybody can make up any number of addresses
LEFT = 499  # the status of a request whose client went away, as nginx calls it

Endpoint = Callable[..., Any]


class Counted(Struct):
    """Requests of one sort: how many, seconds in all, how many up to each bound and above the last."""

    n: int
    seconds: float
    buckets: list[int]


class Figures:
    """One a gateway. `routes` says at which path an endpoint is."""

    def __init__(self) -> None:
        self.routes: dict[Endpoint, str] = {}
        self.rejected: Counter[str] = Counter()
        self.store_away: Counter[str] = Counter()  # what we were doing when it was
        self.replays = 0
        self._requests: dict[tuple[Endpoint | None, str, int], Counted] = {}

    def answered(self, endpoint: Endpoint | None, method: str, status: int, seconds: float) -> None:
        """A request has been answered, or (status 0) its client has gone."""
        key = (endpoint, method, status)
        counted = self._requests.get(key)
        if counted is None:
            key = (endpoint, method if method in METHODS else "other", status or LEFT)
            counted = self._requests.setdefault(key, Counted(0, 0.0, [0] * (len(BOUNDS) + 1)))
        counted.n += 1
        counted.seconds += seconds
        counted.buckets[bisect_left(BOUNDS, seconds)] += 1

    def collect(self, waiting: int) -> Iterator[Metric]:
        """The families of metrics. `waiting`: requests that wait for a task now."""
        built = GaugeMetricFamily("headrace_build_info", "What runs here.", labels=("service", "version"))
        built.add_metric(("gateway", log.VERSION), 1)
        yield built
        yield from self._http()
        rejected = CounterMetricFamily("headrace_requests_rejected", "Answers of 4xx and 5xx.", labels=("code",))
        for code, n in self.rejected.items():
            rejected.add_metric((code,), n)
        yield rejected
        said = "Submissions that were answered with the task they had made before."
        yield CounterMetricFamily("headrace_idempotent_replays", said, value=self.replays)
        away = CounterMetricFamily("headrace_redis_errors", "Times that the store did not answer.", labels=("op",))
        for op in ("request", "look"):
            away.add_metric((op,), self.store_away[op])
        yield away
        yield GaugeMetricFamily("headrace_waiting_requests", "Requests that wait for a task to end.", value=waiting)

    def _http(self) -> Iterator[Metric]:
        labels = ("route", "method", "status")
        requests = CounterMetricFamily("headrace_http_requests", "Requests that were answered.", labels=labels)
        lasted = HistogramMetricFamily(
            "headrace_http_request_duration_seconds",
            "From the first byte to the last, waiting for a task (Prefer: wait) included.",
            labels=("route", "method"),
        )
        together: dict[tuple[str, str], Counted] = {}
        for (endpoint, method, status), counted in self._requests.items():
            route = self.routes.get(endpoint, NO_ROUTE) if endpoint else NO_ROUTE
            requests.add_metric((route, method, str(status)), counted.n)
            whole = together.setdefault((route, method), Counted(0, 0.0, [0] * (len(BOUNDS) + 1)))
            whole.seconds += counted.seconds
            whole.buckets = [a + b for a, b in zip(whole.buckets, counted.buckets, strict=True)]
        for names, whole in together.items():
            lasted.add_metric(names, cumulative(BOUNDS, whole.buckets), whole.seconds)
        yield requests
        yield lasted


def cumulative(bounds: tuple[float, ...], counts: list[int]) -> list[tuple[str, float]]:
    """Counts between bounds as Prometheus has them: of all up to each bound."""
    found, n = list[tuple[str, float]](), 0
    for bound, count in zip((*(f"{bound:g}" for bound in bounds), "+Inf"), counts, strict=True):
        n += count
        found.append((bound, float(n)))
    return found
