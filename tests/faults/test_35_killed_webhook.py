"""Fault 35: a process that is killed before the commit does not acknowledge the webhook.

If it is killed between storing the event and its effect, the sweeper applies it, and a redelivery has no second effect.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from billing.webhooks.sweep import sweep
from insula.core import clock
from insula.core.settings import Settings
from tests.support.app import Live, environment_of, free_port
from tests.support.factories import Factories
from tests.support.processes import started
from tests.support.provider import (
    STRIPE_PATH,
    Provider,
    Readback,
    event,
    make_customer,
    plan_of,
    sign,
    stored,
    subscription,
)
from tests.support.waiting import answers, within

LONG_AFTER = timedelta(hours=3)
STARTS_WITHIN = 20.0


class Victim:
    """A server to kill, and a webhook call to it."""

    def __init__(self, settings: Settings) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        arguments = ("--factory", "insula.asgi:create_app", "--port", str(port))
        self.process = started("uvicorn", *arguments, environment=environment_of(settings))

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    async def health(self) -> httpx.Response:
        async with httpx.AsyncClient() as client:
            try:
                return await client.get(f"{self.url}/healthz")
            except httpx.TransportError:
                return httpx.Response(503)

    async def deliver(self, body: bytes, signature: str) -> httpx.Response:
        async with httpx.AsyncClient(timeout=60) as client:
            return await client.post(self.url + STRIPE_PATH, content=body, headers={"Stripe-Signature": signature})


@pytest.fixture
def victim(settings: Settings) -> Iterator[Victim]:
    victim = Victim(settings)
    yield victim
    victim.kill()


@asynccontextmanager
async def holding(settings: Settings, lock: str) -> AsyncIterator[None]:
    """Hold a lock that the server waits for."""
    engine = create_async_engine(
        make_url(settings.database_url).set(drivername="postgresql+asyncpg"), poolclass=NullPool
    )
    async with engine.begin() as connection:
        await connection.execute(text(lock))
        yield


async def waiting_for_a_lock(readback: Readback) -> bool:
    (row,) = await readback(
        "select count(*) as n from pg_stat_activity "
        "where usename = 'insula_billing' and wait_event_type = 'Lock' and datname = current_database()"
    )
    return row["n"] != 0


async def test_an_event_is_not_acknowledged_by_a_process_killed_before_storing_it(
    settings: Settings, victim: Victim, provider: Provider, make: Factories, readback: Readback
) -> None:
    tenant = await make.tenant()
    message = event("customer.subscription.updated", subscription(await make_customer(make, tenant)))
    body = json.dumps(message).encode()
    await answers(200, victim.health, STARTS_WITHIN)

    async with holding(settings, "lock table webhook_event in share row exclusive mode"):
        delivery = asyncio.create_task(victim.deliver(body, sign(body, provider.secret)))
        await within(10, lambda: waiting_for_a_lock(readback))
        victim.kill()
        with pytest.raises(httpx.TransportError):
            await delivery

    assert await plan_of(readback, tenant) == "free"
    assert (await provider.send(message)).status_code == 200
    assert len(await stored(readback, message)) == 1
    assert await plan_of(readback, tenant) == "pro"


async def test_the_sweeper_applies_an_event_stored_by_a_killed_process_and_redelivery_does_nothing(
    settings: Settings, victim: Victim, live: Live, provider: Provider, make: Factories, readback: Readback
) -> None:
    tenant = await make.tenant()
    message = event("customer.subscription.updated", subscription(await make_customer(make, tenant)))
    body = json.dumps(message).encode()
    await answers(200, victim.health, STARTS_WITHIN)

    async with holding(settings, f"select 1 from tenant where id = '{tenant.id}' for update"):  # noqa: S608 - our own id
        delivery = asyncio.create_task(victim.deliver(body, sign(body, provider.secret)))
        await within(10, lambda: waiting_for_a_lock(readback))
        victim.kill()
        with pytest.raises(httpx.TransportError):
            await delivery
    (row,) = await stored(readback, message)
    assert (row["status"], await plan_of(readback, tenant)) == ("pending", "free")

    async def finished() -> bool:
        with clock.moved(LONG_AFTER):
            await sweep(live.kernel.database)
        return (await stored(readback, message))[0]["status"] == "handled"

    await within(10, finished)
    assert (await provider.send(message)).status_code == 200
    assert await plan_of(readback, tenant) == "pro"
    assert await readback("select version from tenant where id = :id", id=tenant.id) == [{"version": 2}]
