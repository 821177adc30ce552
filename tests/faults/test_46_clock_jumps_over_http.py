"""Fault 46, over HTTP: a process's clock jumps five minutes: no lockout, no repeated effect and no stale response."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial

import httpx
import pytest
from pydantic import JsonValue

from insula.cli.commands.doctor import examine
from insula.core import clock
from insula.core.lag import LagMeter
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.engine.roles import WORKER
from insula.jobs import JobContext, enqueue
from insula.limits import Limits, close, connect
from insula.site.health import ReadinessCheck
from insula.worker.recovery import recover
from tenants.database import TENANTS
from tests.support.app import PASSWORD, Live, SignIn
from tests.support.apps import DECLARED
from tests.support.factories import Factories
from tests.support.visitors import problem, visitor_at
from tests.support.waiting import until
from tests.support.worker import Readback, quick, statuses, working
from tests.tenants.support import joined

JUMP = timedelta(minutes=5)
both_ways = pytest.mark.parametrize("jump", [JUMP, -JUMP], ids=["ahead", "back"])


@both_ways
async def test_a_signed_in_user_needs_at_most_one_refresh(
    live: Live, settings: Settings, make: Factories, jump: timedelta
) -> None:
    tenant, user = await make.tenant(), await make.user(password=PASSWORD)
    await make.membership(tenant, user=user)
    async with visitor_at(live, settings) as visitor:
        first = (await visitor.login(user.email, tenant=tenant.slug)).json()
        with clock.moved(jump):
            kept = await visitor.get("/api/v1/racks", first["access_token"])
            assert kept.status_code == (200 if jump > timedelta() else 401)
            second = (await visitor.refresh(first["refresh_token"], tenant=tenant.slug)).json()
            assert (await visitor.get("/api/v1/racks", second["access_token"])).status_code == 200
        third = await visitor.refresh(second["refresh_token"], tenant=tenant.slug)
        assert third.status_code == 200
        assert (await visitor.get("/api/v1/racks", third.json()["access_token"])).status_code == 200
        with clock.moved(jump):
            again = await visitor.refresh(first["refresh_token"], tenant=tenant.slug)
        assert problem(again) == (401, "refresh_token_refused")


@both_ways
async def test_an_expired_token_is_refused_by_the_process_that_jumped(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, settings: Settings, jump: timedelta
) -> None:
    caller = await joined(client, make, sign_in, await make.tenant())
    assert (await caller.get("/racks")).status_code == 200
    with clock.moved(jump + timedelta(seconds=settings.auth.access_token_seconds) + JUMP + timedelta(seconds=30)):
        assert (await caller.get("/racks")).status_code == 401


@both_ways
async def test_each_minute_admits_the_limit_whatever_the_clock_does(
    client: httpx.AsyncClient, make: Factories, jump: timedelta
) -> None:
    tenant = await make.tenant(entitlements={"requests_per_minute": 30, "racks": 1})
    key = await make.api_key(tenant, "rack:read")
    statuses = [(await client.get("/api/v1/racks", headers=key.headers)).status_code for _ in range(10)]
    with clock.moved(jump):
        statuses += [(await client.get("/api/v1/racks", headers=key.headers)).status_code for _ in range(10)]
    statuses += [(await client.get("/api/v1/racks", headers=key.headers)).status_code for _ in range(20)]

    assert statuses.count(200) == 30
    assert statuses[-10:] == [429] * 10


@both_ways
async def test_a_repeated_key_still_has_one_effect(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, readback: Readback, jump: timedelta
) -> None:
    caller = await joined(client, make, sign_in, await make.tenant(plan="pro"))
    key = await make.api_key(caller.home, "rack:create")
    create = partial(client.post, "/api/v1/racks", json={"name": "Temple"})
    headers = {**key.headers, "Idempotency-Key": "once"}
    first = await create(headers=headers)
    with clock.moved(jump):
        second = await create(headers=headers)

    assert (first.status_code, second.status_code) == (201, 201)
    assert (second.headers["idempotency-replayed"], second.json()["id"]) == ("true", first.json()["id"])
    assert len(await readback("select 1 from rack where tenant_id = :id", id=caller.home.id)) == 1


@both_ways
async def test_readiness_is_checked_again_after_a_jump(live: Live, jump: timedelta) -> None:
    check, nobody = ReadinessCheck(), connect("redis://127.0.0.1:1/0")
    away, unhurried = Limits.build(nobody), replace(live.kernel, lag=LagMeter())
    with clock.moved(jump):
        assert (await check.run(unhurried)).checks["redis"] == "ok"
    assert (await check.run(replace(unhurried, limits=away))).checks["redis"] == "away"
    await away.close()
    await close(nobody)


@pytest.mark.parametrize(
    ("jump", "clock_state"),
    [(JUMP, "ahead of the database's"), (-JUMP, "behind the database's")],
    ids=["ahead", "back"],
)
async def test_health_and_doctor_report_a_clock_that_differs_from_the_databases(
    live: Live, settings: Settings, jump: timedelta, clock_state: str
) -> None:
    calm = replace(live.kernel, lag=LagMeter())
    with clock.moved(jump):
        seen = await ReadinessCheck().run(calm)
        found = {finding.subject: finding for finding in await examine(settings, DECLARED)}
    assert seen.status == "degraded"
    assert clock_state in seen.checks["clock"]
    assert _seconds(seen.checks["clock"]) == pytest.approx(JUMP.total_seconds(), abs=10)
    assert clock_state in found["clock"].state
    assert found["clock"].fix == "run NTP on this machine and on the database's"

    well = {finding.subject: finding for finding in await examine(settings, DECLARED)}
    assert (well["clock"].state, well["clock"].fix) == ("within 5 s of the database's", "")
    with clock.moved(jump / 100):  # 3 s: within the leeway
        assert (await ReadinessCheck().run(calm)).status == "ready"


def _seconds(check: str) -> float:
    return float(check.partition(" s ")[0])


@both_ways
async def test_a_job_runs_at_once_and_is_not_requeued_while_it_runs(
    settings: Settings, database: Database, make: Factories, readback: Readback, jump: timedelta
) -> None:
    tenant, entered, leave, runs = await make.tenant(), asyncio.Event(), asyncio.Event(), []

    async def work(_context: JobContext, _arguments: Mapping[str, JsonValue]) -> None:
        runs.append(clock.now())
        entered.set()
        await leave.wait()

    async def status_is(status: str) -> bool:
        return await statuses(readback, tenant.id) == {status}

    with clock.moved(jump):
        async with database.unit(TENANTS, tenant.id) as unit:
            await enqueue(unit, "probe.work", {}, tenant_id=tenant.id)
    calm = quick(settings, stalled_seconds=20.0)
    other = await Database.open(calm, [WORKER])
    async with working(calm, {"probe.work": work}):
        await asyncio.wait_for(entered.wait(), 10)
        with clock.moved(jump):
            await recover(other, calm.jobs)
        assert await status_is("doing")
        leave.set()
        await until(lambda: status_is("succeeded"), 10)
    await other.close()
    assert len(runs) == 1
