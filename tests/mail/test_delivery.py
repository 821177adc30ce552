"""Failures between the claim of an email and its mark as sent: lost answers, refusals, silence, a lost database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from unittest.mock import patch
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from insula.core.ids import new_id
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.identity.accounts.emails import WELCOME
from insula.jobs import effects
from insula.mail import send_mail
from tenants.database import TENANTS
from tests.support.apps import MAIL_JOBS
from tests.support.cluster import superuser_url
from tests.support.factories import Factories
from tests.support.mail import Sink
from tests.support.waiting import until
from tests.support.worker import Readback, quick, statuses, working


async def post(database: Database, tenant_id: UUID, key: str = "one") -> str:
    """Queue an email to a new address."""
    address = f"u-{new_id().hex}@example.com"
    await post_to(address, database, tenant_id, key)
    return address


async def post_to(address: str, database: Database, tenant_id: UUID, key: str) -> None:
    async with database.unit(TENANTS, tenant_id) as unit:
        await send_mail(
            unit, tenant_id=tenant_id, to=address, template=WELCOME, context={"name": "Ada"}, message_key=key
        )


async def ended(readback: Readback, tenant_id: UUID, status: str) -> None:
    async def has_ended() -> bool:
        return await statuses(readback, tenant_id) == {status}

    await until(has_ended)


@asynccontextmanager
async def marks_blocked(settings: Settings) -> AsyncIterator[None]:
    """Block all writes of effects during the block."""
    engine = create_async_engine(superuser_url(settings), poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.execute(text("lock table job_effect in share mode"))
        yield


async def mark_waits(readback: Readback) -> bool:
    """Return whether a write of an effect is blocked."""
    return bool(await readback("select 1 from pg_locks where relation = 'job_effect'::regclass and not granted"))


async def test_an_email_whose_answer_is_lost_is_sent_again_with_the_same_id(
    settings: Settings, database: Database, make: Factories, sink: Sink, readback: Readback
) -> None:
    tenant = await make.tenant()
    address = await post(database, tenant.id)
    sink.losses[address] = 1
    async with working(quick(sink.settings(settings)), MAIL_JOBS):
        await ended(readback, tenant.id, "succeeded")
    first, second = sink.to(address)
    assert first["Message-ID"] == second["Message-ID"]


async def test_an_email_whose_answer_is_lost_twice_fails_until_staff_retry_it(
    settings: Settings, database: Database, make: Factories, sink: Sink, readback: Readback
) -> None:
    tenant = await make.tenant()
    address = await post(database, tenant.id)
    sink.losses[address] = 2
    async with working(quick(sink.settings(settings)), MAIL_JOBS):
        with patch.object(effects, "_log") as log:
            await ended(readback, tenant.id, "failed")
        assert len(sink.to(address)) == 2
        log.error.assert_called_once_with("effect given up", reason="its outcome is unknown", key="mail:one")

        await readback(
            "select jobs.procrastinate_retry_job_v2(id, now(), null, null, null) "
            "from jobs.procrastinate_jobs where tenant_id = :id",
            id=tenant.id,
        )
        await ended(readback, tenant.id, "succeeded")
    assert len(sink.to(address)) == 3


async def test_a_silent_server_blocks_no_database_connection_and_is_abandoned_at_the_deadline(
    settings: Settings, database: Database, make: Factories, sink: Sink, readback: Readback
) -> None:
    tenant = await make.tenant()
    address = await post(database, tenant.id)
    sink.holds[address] = "RCPT"
    mail = sink.settings(settings)
    impatient = mail.model_copy(update={"mail": mail.mail.model_copy(update={"timeout": 0.3})})
    async with working(quick(impatient), MAIL_JOBS):
        await until(lambda: address in sink.held)
        idle = await readback(
            "select query from pg_stat_activity where datname = current_database() "
            "and usename = 'insula_worker' and state like 'idle in transaction%'"
        )
        assert idle == []
        await until(lambda: sink.held.count(address) > 1)  # the first attempt was abandoned and repeated
        del sink.holds[address]
        await ended(readback, tenant.id, "succeeded")
    assert len(sink.to(address)) == 1


async def test_two_jobs_with_one_key_send_one_email(
    settings: Settings, database: Database, make: Factories, sink: Sink, readback: Readback
) -> None:
    tenant = await make.tenant()
    address = await post(database, tenant.id)
    sink.holds[address] = "DATA"
    async with working(quick(sink.settings(settings)), MAIL_JOBS):
        await until(lambda: address in sink.held)
        await post_to(address, database, tenant.id, "one")
        later = await post(database, tenant.id, "two")
        await until(lambda: bool(sink.to(later)))  # jobs run in order, so the second one had its chance
        del sink.holds[address]
        await ended(readback, tenant.id, "succeeded")
    assert len(sink.to(address)) == 1
    assert len(await readback("select 1 from jobs.procrastinate_jobs where tenant_id = :id", id=tenant.id)) == 3


async def test_an_accepted_email_is_marked_in_spite_of_a_lost_database_connection(
    settings: Settings, database: Database, make: Factories, sink: Sink, readback: Readback
) -> None:
    tenant = await make.tenant()
    address = await post(database, tenant.id)
    sink.holds[address] = "DATA"
    async with working(quick(sink.settings(settings)), MAIL_JOBS):
        await until(lambda: address in sink.held)
        async with marks_blocked(settings):
            del sink.holds[address]
            await until(lambda: mark_waits(readback))
            await readback(
                "select pg_terminate_backend(pid) from pg_locks where relation = 'job_effect'::regclass and not granted"
            )
        await ended(readback, tenant.id, "succeeded")
    assert len(sink.to(address)) == 1


async def test_a_stopping_worker_marks_its_sent_email(
    settings: Settings, database: Database, make: Factories, sink: Sink, readback: Readback
) -> None:
    tenant = await make.tenant()
    address = await post(database, tenant.id)
    sink.holds[address] = "DATA"
    async with working(quick(sink.settings(settings)), MAIL_JOBS):
        await until(lambda: address in sink.held)
        asyncio.get_running_loop().call_later(0.2, sink.holds.clear)
    assert await statuses(readback, tenant.id) == {"succeeded"}
    assert len(sink.to(address)) == 1
