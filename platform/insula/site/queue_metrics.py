"""Metrics of the job queue and the apps' gauges, read from the database on request, at most every few seconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.exposition import generate_latest
from sqlalchemy import Executable, text

from insula.core import clock
from insula.db.engine.failures import UNREACHABLE
from insula.db.engine.roles import GATE
from insula.db.engine.shared_load import SharedLoad
from insula.http.kernel import Kernel

_SECONDS_KEPT: Final = 5.0
_QUERY: Final = text("""
SELECT queue_name AS queue, status::text AS status, count(*) AS jobs,
       extract(epoch FROM now() - min(greatest(enqueued_at, scheduled_at)) FILTER (
           WHERE status = 'todo' AND coalesce(scheduled_at <= now(), true)
       )) AS oldest
FROM jobs.procrastinate_jobs GROUP BY 1, 2
""")


@dataclass(frozen=True, slots=True)
class DatabaseGauge:
    """A gauge of an app, and its query; the role ``insula_gate`` runs the query."""

    name: str
    documentation: str
    query: Executable


class QueueMetrics:
    """The number of jobs by status, the time for which the oldest has been due, and the apps' gauges."""

    def __init__(self, gauges: Sequence[DatabaseGauge] = ()) -> None:
        self._gauges = gauges
        self._kernel: Kernel | None = None
        self._load: SharedLoad[bytes] | None = None
        self._seen = b""
        self._looked_at = 0.0

    async def render(self, kernel: Kernel) -> bytes:
        """Return the metrics in Prometheus' text format; nothing while the database is away.

        Concurrent callers share one result or failure.
        """
        load = self._load_from(kernel)
        if not 0 <= clock.timestamp() - self._looked_at < _SECONDS_KEPT:
            try:
                self._seen = await load()
            except UNREACHABLE:
                return b""
            self._looked_at = clock.timestamp()
        return self._seen

    def _load_from(self, kernel: Kernel) -> SharedLoad[bytes]:
        if self._load is None or self._kernel is not kernel:
            self._kernel, self._looked_at = kernel, 0.0
            self._load = SharedLoad(partial(_measure, kernel, self._gauges))
        return self._load


async def _measure(kernel: Kernel, gauges: Sequence[DatabaseGauge]) -> bytes:
    registry = CollectorRegistry()
    jobs = Gauge("insula_jobs", "Jobs in the database.", ("queue", "status"), registry=registry)
    oldest = Gauge("insula_jobs_oldest_seconds", "How long the oldest job is due.", ("queue",), registry=registry)
    async with kernel.database.engine(GATE).connect() as connection:
        for row in await connection.execute(_QUERY):
            jobs.labels(row.queue, row.status).set(row.jobs)
            if row.status == "todo":
                oldest.labels(row.queue).set(max(0.0, float(row.oldest or 0)))
        for gauge in gauges:
            number = (await connection.execute(gauge.query)).scalar_one()
            Gauge(gauge.name, gauge.documentation, registry=registry).set(number)
    return generate_latest(registry)
