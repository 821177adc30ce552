"""Counts and durations of requests, and how late the event loop runs, for Prometheus.

Labels have few values, all chosen by the server: never a path or an id that a client sent.
"""

from typing import Final

from prometheus_client import CollectorRegistry, GCCollector, Histogram, PlatformCollector, ProcessCollector

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LAG_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "WEBSOCKET"})
_Key = tuple[str, str, str, int]


class RequestMetrics:
    """The registry of one process, the histogram of its requests and that of its event loop's lag."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._seconds = Histogram(
            "insula_request_duration_seconds",
            "Time from a request's first to its answer's last byte.",
            ("app", "method", "route", "status"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.observe_lag = Histogram(
            "insula_event_loop_lag_seconds",
            "By how much a timer fired late, looked at ten times a second.",
            buckets=_LAG_BUCKETS,
            registry=self.registry,
        ).observe
        self._children: dict[_Key, Histogram] = {}  # bounded: routes x methods x status classes

    def observe(self, *, app: str, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request that was answered with ``status``."""
        key = (app, method if method in _METHODS else "OTHER", route, status // 100)
        child = self._children.get(key)
        if child is None:
            child = self._seconds.labels(key[0], key[1], route, f"{key[3]}xx")
            self._children[key] = child
        child.observe(seconds)
