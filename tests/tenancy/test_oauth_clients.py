"""A change of an OAuth client, a tenant's or the platform's, reaches the directory's cache within a second."""

import pytest
from sqlalchemy import event

from insula.core.ids import new_id
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.engine.roles import GATE
from insula.identity.oauth.client_secrets import digest_of
from insula.tenancy import Directory
from tests.support.factories import Factories, MadeClient, TenantRow
from tests.support.provider import Readback

CALLBACK = "https://app.example.com/callback"


@pytest.fixture
async def tenant(make: Factories) -> TenantRow:
    return await make.tenant(plan="pro")


@pytest.fixture
async def made(make: Factories, tenant: TenantRow) -> MadeClient:
    return await make.oauth_client(tenant, "rack:read")


@pytest.fixture
def queries(database: Database) -> list[str]:
    """Record the statements of the gate role."""
    sent: list[str] = []
    event.listen(database.engine(GATE).sync_engine, "before_cursor_execute", lambda *given: sent.append(str(given[2])))
    return sent


async def test_a_tenants_client_is_read_once_with_its_tenant(
    directory: Directory, tenant: TenantRow, made: MadeClient, queries: list[str]
) -> None:
    found = [await directory.oauth_client(made.id) for _ in range(3)]
    assert len(queries) == 1
    assert found[0] == found[1] == found[2]
    client = found[0]
    assert client is not None
    assert client.tenant is not None
    assert (client.client_id, client.tenant.id, client.name) == (made.id, tenant.id, "Made")
    assert (client.confidential, client.grants) == (True, frozenset({"client_credentials"}))
    assert client.scopes == frozenset({"rack:read"})
    assert made.secret is not None
    assert client.accepts(digest_of(made.secret), 0.0)
    assert not client.accepts(digest_of(f"{made.secret}x"), 0.0)


async def test_a_client_of_the_platform_has_no_tenant_and_no_limit_of_scopes(
    directory: Directory, make: Factories
) -> None:
    made = await make.first_party_client(CALLBACK)
    client = await directory.oauth_client(made.id)
    assert client is not None
    assert (client.tenant, client.scopes, client.confidential) == (None, None, False)
    assert (client.redirect_uris, client.post_logout_redirect_uris) == ((CALLBACK,), ())
    assert not client.accepts(digest_of(""), 0.0)


@pytest.mark.parametrize("subject", ["client", "tenant"])
async def test_a_change_drops_the_cached_client(
    directory: Directory, tenant: TenantRow, made: MadeClient, queries: list[str], subject: str
) -> None:
    directory.listener_alive = True
    await directory.oauth_client(made.id)
    directory.notify(f"{subject}:{new_id()}")
    await directory.oauth_client(made.id)
    assert len(queries) == 1
    directory.notify(f"{subject}:{made.id if subject == 'client' else tenant.id}")
    await directory.oauth_client(made.id)
    assert len(queries) == 2


async def test_unknown_and_revoked_clients_evict_no_valid_one(
    settings: Settings, database: Database, made: MadeClient, make: Factories, tenant: TenantRow, readback: Readback
) -> None:
    directory = Directory(settings, database, size=1)
    directory.listener_alive = True
    revoked = [(await make.oauth_client(tenant, "rack:read")).id, (await make.first_party_client(CALLBACK)).id]
    await readback("update oauth_client set revoked_at = now() where id = :id", id=revoked[0])
    await readback("update first_party_client set revoked_at = now() where id = :id", id=revoked[1])
    first = await directory.oauth_client(made.id)
    for client_id in (new_id(), *revoked):
        assert await directory.oauth_client(client_id) is None
    assert await directory.oauth_client(made.id) is first
    await directory.close()
