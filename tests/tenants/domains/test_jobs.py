"""A missing proof is tolerated for a while; then the host is no longer served."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest

from insula.core import clock
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.engine.roles import WORKER
from insula.db.models import TenantDomain
from insula.jobs import JobContext
from insula.tenancy import CHALLENGE
from insula.worker.mailers import mailer_of
from tenants.domains.jobs import TOLERATED, recheck
from tests.support.app import Live
from tests.support.dns import NameServer
from tests.support.factories import Factories, TenantRow
from tests.support.waiting import until
from tests.tenants.support import Readback

DAY = timedelta(days=1)


@pytest.fixture
async def context(settings: Settings) -> AsyncIterator[JobContext]:
    database = await Database.open(settings, [WORKER])
    yield JobContext(settings, database, mailer_of(settings), None, 1, 1)
    await database.close()


@pytest.fixture
async def domain(make: Factories, tenant: TenantRow, dns_server: NameServer) -> TenantDomain:
    """Create a domain whose published proof was last found two days ago."""
    domain = TenantDomain(
        tenant_id=tenant.id,
        host=f"{uuid4().hex}.example.com",
        verified_at=clock.now() - 2 * DAY,
        checked_at=clock.now() - 2 * DAY,
    )
    await make.insert(domain)
    dns_server.publish(f"{CHALLENGE}.{domain.host}", domain.token)
    return domain


async def kept(readback: Readback, domain: TenantDomain) -> dict[str, object]:
    columns = "verified_at, checked_at, failing_since"
    [row] = await readback(f"select {columns} from tenant_domain where id = :id", id=domain.id)  # noqa: S608 - as above
    return row


async def withdrawn(domain: TenantDomain, dns_server: NameServer, readback: Readback, failing: timedelta) -> None:
    """Remove the proof, and record that it has been missing for ``failing``."""
    dns_server.publish(f"{CHALLENGE}.{domain.host}", "something else")
    statement = "update tenant_domain set failing_since = :since where id = :id"
    await readback(statement, since=clock.now() - failing, id=domain.id)


async def test_a_found_proof_is_recorded(
    context: JobContext, domain: TenantDomain, dns_server: NameServer, readback: Readback
) -> None:
    await readback("update tenant_domain set failing_since = now() where id = :id", id=domain.id)
    await recheck(context, dns_server.resolver())
    found = await kept(readback, domain)
    assert (found["verified_at"], found["failing_since"]) == (domain.verified_at, None)
    assert found["checked_at"] != domain.checked_at


async def test_a_missing_proof_is_recorded_and_tolerated(
    context: JobContext, domain: TenantDomain, dns_server: NameServer, readback: Readback, live: Live
) -> None:
    dns_server.publish(f"{CHALLENGE}.{domain.host}", "something else")
    await recheck(context, dns_server.resolver())
    found = await kept(readback, domain)
    assert found["verified_at"] == domain.verified_at
    assert found["failing_since"] == found["checked_at"]
    await withdrawn(domain, dns_server, readback, TOLERATED - DAY)
    await recheck(context, dns_server.resolver())
    assert (await kept(readback, domain))["verified_at"] == domain.verified_at
    assert await live.kernel.directory.tenant_for_host(domain.host) == domain.tenant_id


async def test_a_proof_missing_for_long_ends_the_host_within_a_second_and_frees_it(
    context: JobContext, domain: TenantDomain, dns_server: NameServer, readback: Readback, live: Live, make: Factories
) -> None:
    directory = live.kernel.directory
    assert await directory.tenant_for_host(domain.host) == domain.tenant_id
    await withdrawn(domain, dns_server, readback, TOLERATED)
    await recheck(context, dns_server.resolver())

    async def lost() -> bool:
        return await directory.tenant_for_host(domain.host) is None

    await until(lost, seconds=1)
    assert (await kept(readback, domain))["verified_at"] is None
    [event] = await readback("select * from audit_event where object_id = :id", id=str(domain.id))
    assert (event["tenant_id"], event["actor_kind"], event["action"]) == (domain.tenant_id, "system", "domain.lost")
    await make.domain(await make.tenant(), domain.host)


async def test_a_recently_checked_domain_is_not_checked_again(
    context: JobContext, domain: TenantDomain, dns_server: NameServer, readback: Readback
) -> None:
    await readback("update tenant_domain set checked_at = now() where id = :id", id=domain.id)
    before = await kept(readback, domain)
    await recheck(context, dns_server.resolver())
    assert await kept(readback, domain) == before
    assert f"{CHALLENGE}.{domain.host}" not in dns_server.queries


async def test_an_unverified_domain_is_not_checked(
    context: JobContext, tenant: TenantRow, make: Factories, dns_server: NameServer
) -> None:
    claim = await make.domain(tenant, f"{uuid4().hex}.example.com", verified=False)
    await recheck(context, dns_server.resolver())
    assert f"{CHALLENGE}.{claim.host}" not in dns_server.queries
