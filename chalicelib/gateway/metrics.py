"""What the front door counts, in Prometheus' text form: requests by route and status, and their time."""

from __future__ import annotations

import bisect
import hmac
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from chalicelib import settings
from chalicelib.gateway.backend import BackendResponse
from chalicelib.gateway.http.exchange import Exchange

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
ROUTE_HEADER = "x-attune-route"
"""Of the backend's answers: the pattern of the route. Clients do not see it."""
OTHER = "other"
"""Stands for whatever no route has: its values are the client's own, and without bound."""
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_FORWARDED = ("x-forwarded-for", "x-forwarded-host", "forwarded", "via", "x-real-ip")
_LOOPBACK = ("127.0.0.1", "::1")

Kind = Literal["counter", "gauge", "histogram"]
Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Family:
    """Samples of one name."""

    name: str
    kind: Kind
    help: str
    samples: tuple[tuple[str, Labels, float], ...]
    """What follows the name, labels, and the value."""


def gauge(name: str, help: str, values: Mapping[Labels, float] | float) -> Family:
    """Return a family of values that go up and down."""
    labelled = values if isinstance(values, Mapping) else {(): values}
    return Family(name, "gauge", help, tuple(("", labels, value) for labels, value in labelled.items()))


class Requests:
    """Counts requests and how long they took. Used by one task at a time."""

    def __init__(self) -> None:
        self._counted: Counter[tuple[str, str, int]] = Counter()
        self._buckets: dict[str, list[int]] = {}
        self._sums_s: defaultdict[str, float] = defaultdict(float)

    def note(self, method: str, route: str, status: int, took_s: float) -> None:
        """Count one request."""
        self._counted[method if method in _METHODS else OTHER, route, status] += 1
        counts = self._buckets.setdefault(route, [0] * (len(BUCKETS_S) + 1))
        counts[bisect.bisect_left(BUCKETS_S, took_s)] += 1
        self._sums_s[route] += took_s

    def families(self) -> Iterator[Family]:
        """Yield what was counted since the process began."""
        yield Family(
            "attune_http_requests_total",
            "counter",
            "Requests by method, route and status.",
            tuple(
                ("", (("method", method), ("route", route), ("status", str(status))), count)
                for (method, route, status), count in sorted(self._counted.items())
            ),
        )
        samples: list[tuple[str, Labels, float]] = []
        for route, counts in sorted(self._buckets.items()):
            label = ("route", route)
            sums = list(itertools.accumulate(counts))
            edges = [*(f"{edge:g}" for edge in BUCKETS_S), "+Inf"]
            samples += [
                ("_bucket", (label, ("le", edge)), count) for edge, count in zip(edges, sums, strict=True)
            ]
            samples += [("_sum", (label,), self._sums_s[route]), ("_count", (label,), sums[-1])]
        yield Family(
            "attune_http_request_duration_seconds",
            "histogram",
            "From the request's head to the end of its answer.",
            tuple(samples),
        )


def route_of(response: BackendResponse, path: str, own: Iterable[str]) -> str:
    """Return the label of a request's route: the backend's pattern, or a path of the gateway itself."""
    named = (value for name, value in response.headers if name.lower() == ROUTE_HEADER)
    return next(named, path if path in own else OTHER)


def may_read(exchange: Exchange) -> bool:
    """Tell whether a request may see the figures.

    With `ATTUNE_METRICS_KEY` whoever sends it as bearer may. Without it programs on this machine may, unless
    they hand on what somebody else has asked: then it is the key that is missing.
    """
    key = settings.metrics_key()
    if key is not None:
        scheme, _, given = (exchange.header("authorization") or "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), key.encode())
    handed_on = exchange.by_proxy or any(exchange.header(name) is not None for name in _FORWARDED)
    return exchange.source_ip in _LOOPBACK and not handed_on


def text(families: Iterable[Family]) -> str:
    """Return families as Prometheus reads them."""
    return "".join(line for family in families for line in _lines(family))


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {family.help}\n# TYPE {family.name} {family.kind}\n"
    for suffix, labels, value in family.samples:
        named = ",".join(f'{name}="{_escaped(said)}"' for name, said in labels)
        yield f"{family.name}{suffix}{f'{{{named}}}' if named else ''} {value:.12g}\n"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
