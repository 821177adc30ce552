"""The event loop's lag: measured, reported by /metrics and /readyz, and not mistaken for a silent peer."""

import asyncio
import re
import time
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from prometheus_client import generate_latest

from insula.core import lag
from insula.core.lag import LagMeter
from insula.http.metrics import RequestMetrics
from insula.site.health import LAG_DEGRADED, ReadinessCheck
from tests.support.app import Live
from tests.support.waiting import until

OFTEN = 0.01
BUSY = 0.3


def block(seconds: float = BUSY) -> None:
    """Block the event loop."""
    time.sleep(seconds)


@pytest.fixture
def meter() -> Iterator[LagMeter]:
    built = LagMeter(period=OFTEN)
    yield built
    built.stop()


async def test_a_blocked_loop_counts_as_late_for_a_while(meter: LagMeter) -> None:
    meter.start()
    assert meter.worst(within=5) < BUSY / 2

    block()
    assert meter.worst(within=5) >= BUSY / 2, "known before the next iteration of the loop"
    await asyncio.sleep(0)

    assert BUSY / 2 <= meter.worst(within=5) < 5
    await until(lambda: meter.worst(within=BUSY / 2) < BUSY / 2)
    assert meter.worst(within=30) >= BUSY / 2


async def test_a_stopped_meter_counts_nothing_as_lag(meter: LagMeter) -> None:
    meter.start()
    meter.stop()
    block(0.05)
    assert meter.worst(within=5) == 0


async def test_every_measurement_is_observed() -> None:
    metrics = RequestMetrics()
    observing = LagMeter(metrics.observe_lag, OFTEN)
    observing.start()
    block()

    def counted() -> bool:
        exposed = generate_latest(metrics.registry).decode()
        return 'insula_event_loop_lag_seconds_bucket{le="0.1"} 0.0' not in exposed

    await until(counted)
    observing.stop()
    exposed = dict(line.rsplit(" ", 1) for line in generate_latest(metrics.registry).decode().splitlines())
    assert float(exposed["insula_event_loop_lag_seconds_sum"]) >= BUSY / 2


@pytest.mark.parametrize(("worst", "status", "check"), [(0.0, "ready", "ok"), (LAG_DEGRADED, "degraded", "late")])
async def test_readyz_reports_the_lag_and_is_degraded_by_a_long_one(
    live: Live, monkeypatch: pytest.MonkeyPatch, worst: float, status: str, check: str
) -> None:
    meter = LagMeter()
    monkeypatch.setattr(meter, "worst", lambda within: worst if within > 0 else 0)

    found = await ReadinessCheck().run(replace(live.kernel, lag=meter))

    assert (found.status, found.checks["event_loop"], found.loop_lag_seconds) == (status, check, worst)


async def test_the_lag_of_the_live_app_is_in_its_metrics(client: httpx.AsyncClient) -> None:
    async def is_reported() -> bool:
        exposed = (await client.get("/metrics")).text
        return re.search(r"^insula_event_loop_lag_seconds_count [1-9]", exposed, re.MULTILINE) is not None

    await until(is_reported)


async def test_a_time_limit_expires_without_a_result() -> None:
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        async with lag.timeout(0.1):
            await asyncio.Event().wait()
    assert time.monotonic() - started >= 0.09


async def test_a_late_loop_does_not_use_up_a_time_limit() -> None:
    """Each turn takes longer than the whole limit; the awaited result arrives after ten."""
    loop = asyncio.get_running_loop()
    answered = asyncio.Event()
    turns = 10

    def busy() -> None:
        nonlocal turns
        block(0.03)
        turns -= 1
        if turns:
            loop.call_soon(busy)
        else:
            answered.set()

    loop.call_soon(busy)
    async with lag.timeout(0.02):
        await answered.wait()

    answered.clear()
    with pytest.raises(TimeoutError):
        async with lag.timeout(0.02):
            await answered.wait()


async def test_a_time_limit_lets_a_cancellation_and_an_error_of_the_body_pass() -> None:
    async def body() -> None:
        async with lag.timeout(30):
            await asyncio.Event().wait()

    task = asyncio.create_task(body())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(KeyError):
        async with lag.timeout(30):
            raise KeyError
