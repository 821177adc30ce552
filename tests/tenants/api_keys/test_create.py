from datetime import UTC, datetime
from uuid import UUID

import anyio
import pytest

from insula.core import clock
from insula.identity.credentials.api_keys import digest_of
from tests.support.apps import INSTALLATION, POLICY
from tests.support.factories import Factories, TenantRow
from tests.tenants.api_keys.support import HOUR, IMPORT, MANAGERS, made, status_with
from tests.tenants.conftest import Join
from tests.tenants.support import API, ROLES, Caller, Readback, code_of


class TestCreate:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_owners_and_admins(self, join: Join, tenant: TenantRow, role: str, readback: Readback) -> None:
        answer = await (await join(tenant, role)).post("/api-keys", {"name": "Import", "actions": ["tenant:read"]})
        rows = await readback("select name from api_key where tenant_id = :id", id=tenant.id)
        if role in MANAGERS:
            assert answer.status_code == 201
            assert rows == [{"name": "Import"}]
        else:
            assert code_of(answer) == (403, "forbidden")
            assert rows == []

    async def test_returns_the_secret_once_and_stores_its_hash(self, owner: Caller, readback: Readback) -> None:
        expires_at = clock.now() + HOUR
        answer = await owner.post("/api-keys", IMPORT | {"expires_at": expires_at.isoformat()})
        issued = answer.json()
        assert answer.headers["location"] == f"{API}/api-keys/{issued['id']}"
        assert answer.headers["etag"] == '"1"'
        [stored] = await readback("select * from api_key where id = :id", id=UUID(issued["id"]))
        assert stored["secret_hash"] == digest_of(issued["key"])
        assert (stored["tenant_id"], stored["created_by"], stored["expires_at"]) == (
            owner.home.id,
            owner.user.id,
            expires_at,
        )
        assert issued["key"].startswith(f"{issued['prefix']}_")
        assert (issued["status"], issued["created_by"]) == ("live", str(owner.user.id))
        read = await owner.client.get(answer.headers["location"], headers=owner.token)
        assert read.json() == {name: value for name, value in issued.items() if name != "key"}
        assert await status_with(owner, issued["key"]) == 200

    async def test_a_repeated_request_is_answered_without_the_secret(self, owner: Caller, readback: Readback) -> None:
        name = {"Idempotency_Key": "make-once"}
        first = await owner.post("/api-keys", IMPORT, **name)
        again = await owner.post("/api-keys", IMPORT, **name)
        assert (first.status_code, again.status_code) == (201, 201)
        assert again.headers["location"] == first.headers["location"]
        assert again.json() == {**first.json(), "key": None}
        kept = await readback("select body from idempotency_record where tenant_id = :id", id=owner.home.id)
        assert first.json()["key"].encode() not in b"".join(bytes(row["body"]) for row in kept)  # type: ignore[call-overload]  # a column of bytes
        assert len((await owner.get("/api-keys")).json()["items"]) == 1

    async def test_accepts_every_action_that_the_creator_has(self, join: Join, tenant: TenantRow) -> None:
        admin = await join(tenant, "admin")
        issued = await made(admin, actions=sorted(POLICY.for_keys, reverse=True) * 2)
        assert issued["actions"] == sorted(POLICY.of_key(POLICY.built_in["admin"])) == sorted(POLICY.for_keys)

    @pytest.mark.parametrize("role", ROLES)
    def test_no_role_can_create_a_key_with_an_action_that_it_lacks(self, role: str) -> None:
        own = INSTALLATION.grants[role]
        assert POLICY.of_key(POLICY.built_in[role]) == own & POLICY.for_keys
        assert not POLICY.of_key(frozenset({"nothing:do"}))

    @pytest.mark.parametrize(
        "actions",
        [
            [],
            ["rack:*"],
            ["*"],
            ["me:read"],
            ["tenant:create"],
            ["api_key:create"],
            ["api_key:read"],
            ["invitation:create"],
            ["member:update"],
            ["ownership:transfer"],
            ["staff:read"],
            ["rack:read", "nothing:read"],
            ["rack:read"] * 101,
        ],
    )
    async def test_refuses_actions_that_no_key_can_have(self, owner: Caller, actions: list[str]) -> None:
        answer = await owner.post("/api-keys", IMPORT | {"actions": actions})
        assert answer.status_code == 422
        assert answer.json()["field_errors"][0]["field"].startswith("actions")
        await made(owner)

    @pytest.mark.parametrize(
        "expires_at",
        [
            "2020-01-01T00:00:00Z",
            "2999-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999999-23:59",
            "0001-01-01T00:00:00+23:59",
            "2027-01-01T00:00:00",
            "never",
            -1,
        ],
    )
    async def test_refuses_an_invalid_expiry(self, owner: Caller, expires_at: object) -> None:
        answer = await owner.post("/api-keys", IMPORT | {"expires_at": expires_at})
        assert (answer.status_code, answer.json()["field_errors"][0]["field"]) == (422, "expires_at")
        await made(owner, expires_at=(datetime.now(UTC) + HOUR).isoformat())

    async def test_quota_counts_live_keys(self, make: Factories, join: Join) -> None:
        tenant = await make.tenant(entitlements={"requests_per_minute": 6_000, "api_keys": 2})
        owner = await join(tenant, "owner")
        await make.api_key(tenant, "rack:read", expires_at=clock.now() - HOUR)
        await made(owner, expires_at=(clock.now() + HOUR).isoformat())
        second = await made(owner)
        assert code_of(await owner.post("/api-keys", IMPORT)) == (409, "quota_exceeded")
        await owner.delete(f"/api-keys/{second['id']}")
        await made(owner)
        assert code_of(await owner.post("/api-keys", IMPORT)) == (409, "quota_exceeded")

    async def test_concurrent_creations_stay_within_the_quota(
        self, make: Factories, join: Join, readback: Readback
    ) -> None:
        tenant = await make.tenant(entitlements={"requests_per_minute": 6_000, "api_keys": 3})
        owner = await join(tenant, "owner")
        statuses: list[int] = []

        async def create() -> None:
            statuses.append((await owner.post("/api-keys", IMPORT)).status_code)

        async with anyio.create_task_group() as group:
            for _ in range(12):
                group.start_soon(create)
        assert sorted(statuses) == [201] * 3 + [409] * 9
        assert await readback("select count(*) from api_key where tenant_id = :id", id=tenant.id) == [{"count": 3}]

    async def test_is_refused_to_an_api_key(self, owner: Caller, make: Factories) -> None:
        """This holds even for a key with the action ``api_key:create``, which no key can get."""
        held = await make.api_key(owner.home, *POLICY.for_keys, "api_key:create")
        answer = await owner.client.post(f"{API}/api-keys", json=IMPORT, headers=held.headers)
        assert code_of(answer) == (403, "forbidden")
        await made(owner)
