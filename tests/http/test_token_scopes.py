"""A token's ``scope`` claim limits its actions to fewer than the role of its user allows."""

from collections.abc import Collection
from dataclasses import dataclass

import httpx
import pytest

from insula.core.settings import Settings
from tests.probe.racks.permissions import Action
from tests.support.app import Live, SignIn
from tests.support.apps import MOUNTS, audience
from tests.support.documents import operations_of
from tests.support.factories import Factories, TenantRow, UserRow
from tests.support.tokens import Forge
from tests.tenants.support import API, code_of, joined

RACK = {"name": "Temple"}


@dataclass(frozen=True)
class Tokens:
    """Signs tokens of one user's session, as they are issued to clients of every kind."""

    forge: Forge
    settings: Settings
    make: Factories

    async def __call__(
        self,
        user: UserRow,
        tenant: TenantRow | None,
        *,
        app: str = "tenants",
        client: str = "insula",
        scope: Collection[str] | None = None,
    ) -> dict[str, str]:
        """Return the headers of a request with the token. Without ``scope`` the token has no such claim."""
        claims: dict[str, object] = {"sub": str(user.id), "sid": str(await self.make.session(user))}
        claims |= {"aud": audience(self.settings, app), "client_id": client}
        claims |= {"tenant": str(tenant.id)} if tenant is not None else {}
        claims |= {"scope": " ".join(scope)} if scope is not None else {}
        return {"Authorization": f"Bearer {self.forge.sign(self.forge.claims(**claims))}"}


@pytest.fixture
async def token(live: Live, settings: Settings, make: Factories) -> Tokens:
    return Tokens(await Forge.of(settings, live.kernel.keys), settings, make)


@pytest.fixture
async def tenant(make: Factories) -> TenantRow:
    return await make.tenant(plan="pro")


@pytest.fixture
async def owner(make: Factories, tenant: TenantRow) -> UserRow:
    return await make.member(tenant, role="owner")


async def test_a_token_allows_only_the_actions_in_its_scope(
    client: httpx.AsyncClient, token: Tokens, owner: UserRow, tenant: TenantRow
) -> None:
    reading = await token(owner, tenant, scope=[Action.READ])
    both = await token(owner, tenant, scope=[Action.READ, Action.CREATE])
    read, refused = (
        await client.get(f"{API}/racks", headers=reading),
        await client.post(f"{API}/racks", json=RACK, headers=reading),
    )
    created = await client.post(f"{API}/racks", json=RACK, headers=both)

    assert (read.status_code, created.status_code) == (200, 201)
    assert code_of(refused) == (403, "insufficient_scope")
    assert refused.headers["www-authenticate"] == (
        f'Bearer resource_metadata="{token.settings.public_url}/.well-known/oauth-protected-resource/api", '
        'error="insufficient_scope", scope="rack:create"'
    )
    assert not [answer for answer in (read, created) if "www-authenticate" in answer.headers]


async def test_a_scope_beyond_the_role_is_refused(
    client: httpx.AsyncClient, token: Tokens, make: Factories, tenant: TenantRow
) -> None:
    viewer = await make.member(tenant, role="viewer")
    both = await token(viewer, tenant, scope=[Action.READ, Action.CREATE])

    assert (await client.get(f"{API}/racks", headers=both)).status_code == 200
    assert code_of(await client.post(f"{API}/racks", json=RACK, headers=both)) == (403, "forbidden")


@pytest.mark.parametrize(
    ("name", "scope", "status"),
    [
        ("insula", None, 200),
        ("insula", [], 403),
        ("another", None, 403),
        ("another", [], 403),
        ("another", ["rack:read"], 200),
        ("another", ["rack:update", "racks", "rack", "*", "RACK:READ"], 403),
    ],
)
async def test_without_a_scope_the_first_party_client_has_the_role_and_others_have_nothing(
    client: httpx.AsyncClient,
    token: Tokens,
    owner: UserRow,
    tenant: TenantRow,
    name: str,
    scope: list[str] | None,
    status: int,
) -> None:
    answer = await client.get(f"{API}/racks", headers=await token(owner, tenant, client=name, scope=scope))
    assert answer.status_code == status
    assert status == 200 or answer.json()["code"] == "insufficient_scope"


async def test_a_personal_route_requires_its_action_in_the_scope(
    client: httpx.AsyncClient, token: Tokens, owner: UserRow
) -> None:
    named = await token(owner, None, scope=["me:read"])
    other = await token(owner, None, scope=[Action.READ])

    assert (await client.get(f"{API}/me", headers=named)).status_code == 200
    assert code_of(await client.get(f"{API}/me", headers=other)) == (403, "insufficient_scope")


async def test_staff_tokens_are_limited_by_their_scope(
    client: httpx.AsyncClient, token: Tokens, make: Factories
) -> None:
    superuser = await make.staff("superuser")
    named = await token(superuser, None, app="admin", scope=["staff.tenant:read"])
    other = await token(superuser, None, app="admin", scope=["staff.tenant:suspend"])

    assert (await client.get("/admin/v1/tenants", headers=named)).status_code == 200
    assert code_of(await client.get("/admin/v1/tenants", headers=other)) == (403, "insufficient_scope")


async def test_a_limited_token_cannot_create_a_key_with_more_actions(
    client: httpx.AsyncClient, token: Tokens, owner: UserRow, tenant: TenantRow
) -> None:
    limited = await token(owner, tenant, scope=["api_key:create", Action.READ])
    reading = await client.post(f"{API}/api-keys", json={"name": "R", "actions": ["rack:read"]}, headers=limited)
    writing = await client.post(f"{API}/api-keys", json={"name": "W", "actions": ["rack:create"]}, headers=limited)

    assert reading.status_code == 201
    assert code_of(writing) == (403, "action_not_yours")


async def test_a_limited_token_cannot_create_a_role_with_more_permissions(
    client: httpx.AsyncClient, token: Tokens, owner: UserRow, tenant: TenantRow
) -> None:
    role = {"key": "reader", "name": "Reader", "permissions": ["rack:delete"]}
    limited = await token(owner, tenant, scope=["role:create"])
    whole = await token(owner, tenant)

    assert code_of(await client.post(f"{API}/roles", json=role, headers=limited)) == (403, "outranked")
    assert (await client.post(f"{API}/roles", json=role, headers=whole)).status_code == 201


async def test_an_api_key_is_limited_only_by_its_actions(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, tenant: TenantRow
) -> None:
    caller = await joined(client, make, sign_in, tenant)
    made = await caller.post("/api-keys", {"name": "Reading", "actions": ["rack:read"]})
    key = {"X-API-Key": made.json()["key"]}

    assert (await client.get(f"{API}/racks", headers=key)).status_code == 200
    assert code_of(await client.post(f"{API}/racks", json=RACK, headers=key)) == (403, "forbidden")


@pytest.mark.parametrize("app", [mount for mount in MOUNTS.values() if mount])
async def test_the_document_names_the_scope_of_each_operation(app: str, client: httpx.AsyncClient) -> None:
    document = (await client.get(f"{app}/openapi.json")).json()
    secured = [
        (operation, way)
        for operations in operations_of(document).values()
        for operation in operations.values()
        for way in operation.get("security", ())
    ]

    assert secured
    for operation, way in secured:
        assert [len(scopes) for scopes in way.values()] == [1]
        problems = operation["responses"]["403"]["content"]["application/problem+json"]["examples"]
        assert "insufficient_scope" in problems


async def test_the_document_names_the_action_that_the_route_requires(client: httpx.AsyncClient) -> None:
    document = (await client.get("/api/openapi.json")).json()
    assert document["paths"]["/v1/racks"]["post"]["security"] == [
        {"bearer": ["rack:create"]},
        {"oauth": ["rack:create"]},
    ]
