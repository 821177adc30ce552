from uuid import UUID

import pytest

from insula.core import clock
from insula.identity.credentials.api_keys import digest_of
from tests.support.factories import Factories, TenantRow
from tests.tenants.api_keys.support import HOUR, MANAGERS, made, status_with
from tests.tenants.conftest import Join
from tests.tenants.support import API, ROLES, Caller, Readback, code_of, sameness


class TestRead:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_owners_and_admins(self, owner: Caller, join: Join, tenant: TenantRow, role: str) -> None:
        issued = await made(owner)
        caller = await join(tenant, role)
        for path in ("/api-keys", f"/api-keys/{issued['id']}"):
            answer = await caller.get(path)
            assert (answer.status_code == 200) == (role in MANAGERS)

    async def test_the_list_contains_no_secret_and_no_key_of_another_tenant(
        self, owner: Caller, stranger: Caller
    ) -> None:
        issued, theirs = await made(owner), await made(stranger)
        answer = await owner.get("/api-keys")
        assert [key["id"] for key in answer.json()["items"]] == [issued["id"]]
        for hidden in (issued["key"].split("_")[3], digest_of(issued["key"]).hex(), theirs["id"], "hash"):
            assert hidden not in answer.text

    async def test_following_the_cursors_returns_each_key_once_in_order(self, owner: Caller) -> None:
        for name in ("b", "a", "c"):
            await made(owner, name=name)
        for sort_by, names in (("name", "abc"), ("-name", "cba"), ("created_at", "bac"), ("-created_at", "cab")):
            found = await owner.walk("/api-keys", sort_by=sort_by, limit=2)
            assert "".join(key["name"] for key in found) == names

    async def test_filters_by_status_and_search(self, owner: Caller, make: Factories) -> None:
        live, revoked = await made(owner, name="Live"), await made(owner, name="Revoked")
        past = await make.api_key(owner.home, "rack:read", expires_at=clock.now() - HOUR)
        assert (await owner.delete(f"/api-keys/{revoked['id']}")).status_code == 204

        async def found(**params: str) -> list[str]:
            return [key["id"] for key in (await owner.get("/api-keys", sort_by="created_at", **params)).json()["items"]]

        assert await found() == [live["id"], revoked["id"], str(past.id)]
        for status, key_id in (("live", live["id"]), ("revoked", revoked["id"]), ("expired", str(past.id))):
            assert await found(status=status) == [key_id]
            assert (await owner.get(f"/api-keys/{key_id}")).json()["status"] == status
        assert await found(search="LIV") == [live["id"]]
        assert await found(search="%") == []


class TestUpdate:
    async def test_changes_only_the_name(self, owner: Caller, stranger: Caller) -> None:
        issued = await made(owner)
        path = f"/api-keys/{issued['id']}"
        answer = await owner.patch(path, {"name": "Export"}, If_Match='"1"')
        assert (answer.status_code, answer.json()["name"], answer.headers["etag"]) == (200, "Export", '"2"')
        assert code_of(await owner.patch(path, {"name": "Third"}, If_Match='"1"')) == (412, "precondition_failed")
        for more in ({"actions": ["rack:delete"]}, {"secret_hash": "00"}, {"expires_at": None}, {"name": None}):
            assert (await owner.patch(path, more)).status_code == 422
        theirs = await stranger.patch(path, {"name": "Ours"})
        assert sameness(theirs) == sameness(await stranger.patch(f"/api-keys/{UUID(int=7)}", {"name": "Ours"}))
        assert (await owner.get(path)).json()["name"] == "Export"


class TestRevoke:
    async def test_ends_every_secret_and_stays_listed(self, owner: Caller) -> None:
        old = await made(owner)
        path = f"/api-keys/{old['id']}"
        new = (await owner.post(f"{path}/rotate", {})).json()
        assert (await owner.delete(path)).status_code == 204
        assert [await status_with(owner, key) for key in (old["key"], new["key"])] == [401, 401]
        assert (await owner.get(path)).json()["status"] == "revoked"

    async def test_is_idempotent(self, owner: Caller, readback: Readback) -> None:
        key = await made(owner)
        for _ in range(2):
            assert (await owner.delete(f"/api-keys/{key['id']}")).status_code == 204
        events = await readback(
            "select action from audit_event where tenant_id = :id order by occurred_at", id=owner.home.id
        )
        assert [event["action"] for event in events] == ["api_key.created", "api_key.revoked"]

    async def test_of_another_tenants_key_is_not_found(self, owner: Caller, stranger: Caller) -> None:
        key = await made(owner)
        refused = await stranger.delete(f"/api-keys/{key['id']}")
        assert sameness(refused) == sameness(await stranger.delete(f"/api-keys/{UUID(int=7)}"))
        assert await status_with(owner, key["key"]) == 200


class TestAudit:
    async def test_records_each_change_without_secrets(self, owner: Caller, readback: Readback) -> None:
        old = await made(owner, name="Import")
        path = f"/api-keys/{old['id']}"
        await owner.patch(path, {"name": "Export"})
        new = (await owner.post(f"{path}/rotate", {})).json()
        await owner.delete(path)
        events = await readback(
            "select action, actor_id, object_id, before, after from audit_event where tenant_id = :id"
            " order by occurred_at",
            id=owner.home.id,
        )
        expected_actions = ["api_key.created", "api_key.updated", "api_key.rotated", "api_key.revoked"]
        assert [event["action"] for event in events] == expected_actions
        assert {(event["actor_id"], event["object_id"]) for event in events} == {(owner.user.id, old["id"])}
        assert (events[1]["before"], events[1]["after"]) == ({"name": "Import"}, {"name": "Export"})
        for secret in (old["key"], new["key"]):
            assert secret not in repr(events)
            assert digest_of(secret).hex() not in repr(events)

    async def test_names_the_api_key_as_actor(self, owner: Caller, readback: Readback) -> None:
        key = await made(owner, name="Import", actions=["rack:create"])
        answer = await owner.client.post(f"{API}/racks", json={"name": "Imported"}, headers={"X-API-Key": key["key"]})
        assert answer.status_code == 201
        [event] = await readback(
            "select actor_kind, actor_id, actor_label from audit_event where action = 'rack.created'"
            " and tenant_id = :id",
            id=owner.home.id,
        )
        assert event == {"actor_kind": "api_key", "actor_id": UUID(key["id"]), "actor_label": "Import"}
