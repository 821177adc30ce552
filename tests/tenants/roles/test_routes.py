import pytest

from insula.core.ids import new_id
from tenants.roles.service import MOST
from tests.support.apps import POLICY
from tests.support.factories import Factories, TenantRow
from tests.tenants.conftest import Join, PlaceOf
from tests.tenants.invitations.support import invited
from tests.tenants.roles.support import BASIC, EDITS, defined, role
from tests.tenants.support import API, ROLES, Caller, Readback, code_of, sameness

MANAGERS = {"owner", "admin"}
CALLS = [("GET", "/permissions"), ("GET", "/roles"), ("POST", "/roles"), ("GET", ""), ("PATCH", ""), ("DELETE", "")]


class TestAccess:
    @pytest.mark.parametrize("held", ROLES)
    @pytest.mark.parametrize(("method", "path"), CALLS)
    async def test_is_for_owners_and_admins(
        self, owner: Caller, join: Join, tenant: TenantRow, held: str, method: str, path: str
    ) -> None:
        path = path or f"/roles/{(await defined(owner, 'rack:read'))['id']}"
        body = {"POST": role("rack:read"), "PATCH": {"name": "Other"}}.get(method)
        answer = await (await join(tenant, held)).send(method, path, json=body)
        assert answer.is_success if held in MANAGERS else code_of(answer) == (403, "forbidden")

    @pytest.mark.parametrize(("method", "path"), CALLS)
    async def test_is_refused_to_api_keys(self, owner: Caller, make: Factories, method: str, path: str) -> None:
        """A key is refused even with the actions, which no key can get; the same key can read racks."""
        path = path or f"/roles/{(await defined(owner, 'rack:read'))['id']}"
        body = {"POST": role("rack:read"), "PATCH": {"name": "Other"}}.get(method)
        key = await make.api_key(owner.home, "rack:read")
        assert (await owner.client.get(f"{API}/racks", headers=key.headers)).status_code == 200
        answer = await owner.client.request(method, API + path, json=body, headers=key.headers)
        assert code_of(answer) == (403, "forbidden")
        assert (await owner.send(method, path, json=body)).is_success

    async def test_no_key_can_get_the_actions(self, owner: Caller) -> None:
        body = {"name": "Role maker", "actions": ["role:create"]}
        assert (await owner.post("/api-keys", body)).status_code == 422
        assert (await owner.post("/api-keys", {**body, "actions": ["rack:read"]})).status_code == 201


class TestPermissions:
    async def test_lists_the_permissions_that_roles_can_have(self, owner: Caller) -> None:
        listed = {known["code"]: known for known in (await owner.get("/permissions")).json()["items"]}
        assert set(listed) == POLICY.published.keys()
        assert listed["rack:create"] == {
            "code": "rack:create",
            "meaning": "Create racks",
            "app": "tenants",
            "for_people": False,
            "in_every_role": False,
        }
        assert listed["role:update"]["for_people"]
        assert {code: known["app"] for code, known in listed.items()} == {
            permission.code: permission.app for permission in POLICY.published.values()
        }
        assert "ownership:transfer" not in listed


class TestCreate:
    async def test_defines_a_role(self, owner: Caller) -> None:
        answer = await owner.post("/roles", role(*EDITS, *EDITS, key="editor", description="Edits."))
        made = answer.json()
        assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
        assert answer.headers["location"] == f"{API}/roles/{made['id']}"
        assert {name: made[name] for name in ("key", "name", "description", "permissions")} == {
            "key": "editor",
            "name": "Editor",
            "description": "Edits.",
            "permissions": sorted({*EDITS, *BASIC}),
        }
        assert (await owner.get(f"/roles/{made['id']}")).json() == made

    async def test_without_permissions_has_those_of_every_role(self, owner: Caller) -> None:
        assert (await defined(owner))["permissions"] == BASIC

    async def test_needs_a_key_that_is_free_in_the_tenant(self, owner: Caller, stranger: Caller) -> None:
        body = role("rack:read", key="editor")
        assert (await owner.post("/roles", body)).status_code == 201
        assert code_of(await owner.post("/roles", body)) == (409, "role_key_taken")
        assert (await stranger.post("/roles", body)).status_code == 201

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            *(("key", taken) for taken in (*ROLES, "superuser", "support", "auditor")),
            *(("key", bad) for bad in ("", "x", "Editor", "an editor", "-a", "a-", "a--b", "é", "x" * 41)),
            ("permissions", ["rack:fly"]),
            ("permissions", ["*"]),
            ("permissions", ["ownership:transfer"]),
            ("permissions", ["me:read"]),
            ("permissions", ["staff.tenant:suspend"]),
            ("permissions", ["rack:read"] * 201),
            ("permissions", None),
            ("name", ""),
            ("name", "x" * 121),
            ("description", "x" * 2_001),
            ("tenant_id", "0190a8c8-0000-7000-8000-000000000001"),
            ("built_in", True),
        ],
    )
    async def test_refuses_invalid_values(self, owner: Caller, field: str, value: object) -> None:
        answer = await owner.post("/roles", {**role("rack:read"), field: value})
        assert (answer.status_code, answer.json()["field_errors"][0]["field"].split(".")[0]) == (422, field)
        await defined(owner, "rack:read")

    async def test_names_permissions_that_no_role_can_have(self, owner: Caller) -> None:
        answer = await owner.post("/roles", role("rack:read", "rack:fly", "me:read"))
        assert code_of(answer) == (422, "invalid_request")
        assert answer.json()["field_errors"] == [
            {
                "field": "permissions",
                "message": "no custom role can have: me:read, rack:fly",
                "code": "value_error",
            }
        ]

    async def test_is_refused_at_the_limit_of_roles(
        self, owner: Caller, make: Factories, tenant: TenantRow, stranger: Caller
    ) -> None:
        for _ in range(MOST - 1):
            await make.role(tenant, "rack:read")
        last = await defined(owner, "rack:read")
        assert code_of(await owner.post("/roles", role("rack:read"))) == (409, "roles_used_up")
        await defined(stranger, "rack:read")
        assert (await owner.delete(f"/roles/{last['id']}")).status_code == 204
        await defined(owner, "rack:read")


class TestList:
    async def test_shows_the_built_in_roles_and_the_tenants_own(self, owner: Caller, stranger: Caller) -> None:
        await defined(stranger, "rack:read")
        own = [await defined(owner, "rack:read", key=key) for key in ("writer", "editor")]
        listed = (await owner.get("/roles")).json()
        assert {known["key"]: set(known["permissions"]) for known in listed["built_in"]} == POLICY.built_in
        assert listed["own"] == own[::-1]


class TestUpdate:
    async def test_changes_only_the_sent_fields(self, owner: Caller) -> None:
        before = await defined(owner, *EDITS)
        answer = await owner.patch(f"/roles/{before['id']}", {"name": "Writer", "permissions": ["book:read"]})
        after = answer.json()
        assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
        changed = {"name": "Writer", "permissions": sorted({"book:read", *BASIC})}
        assert after == {**before, **changed, "updated_at": after["updated_at"], "version": 2}
        assert (await owner.get(f"/roles/{before['id']}")).json() == after

    async def test_keeps_the_key(self, owner: Caller) -> None:
        made = await defined(owner, *EDITS)
        assert (await owner.patch(f"/roles/{made['id']}", {"key": "other"})).status_code == 422
        assert (await owner.patch(f"/roles/{made['id']}", {"name": "Other"})).json()["key"] == made["key"]

    async def test_with_a_stale_version_is_refused(self, owner: Caller) -> None:
        path = f"/roles/{(await defined(owner, *EDITS))['id']}"
        tag = (await owner.get(path)).headers["etag"]
        assert (await owner.patch(path, {"name": "First"}, if_match=tag)).status_code == 200
        assert code_of(await owner.patch(path, {"name": "Second"}, if_match=tag)) == (412, "precondition_failed")
        assert code_of(await owner.delete(path, if_match=tag)) == (412, "precondition_failed")
        assert (await owner.get(path)).json()["name"] == "First"


class TestDelete:
    async def test_deletes_a_role_that_nobody_has(self, owner: Caller) -> None:
        path = f"/roles/{(await defined(owner, *EDITS))['id']}"
        assert (await owner.delete(path)).status_code == 204
        assert code_of(await owner.get(path)) == (404, "not_found")

    async def test_is_refused_while_members_have_it(
        self, owner: Caller, join: Join, tenant: TenantRow, place_of: PlaceOf
    ) -> None:
        made = await defined(owner, *EDITS)
        held = [await place_of(await join(tenant, made["key"])) for _ in range(2)]
        answer = await owner.delete(f"/roles/{made['id']}")
        assert code_of(answer) == (409, "role_in_use")
        assert "2; open invitations to it: 0" in answer.json()["detail"]
        assert (await owner.patch(held[0], {"role": "viewer"})).status_code == 200
        assert code_of(await owner.delete(f"/roles/{made['id']}")) == (409, "role_in_use")
        assert (await owner.delete(held[1])).status_code == 204
        assert (await owner.delete(f"/roles/{made['id']}")).status_code == 204

    async def test_is_refused_while_somebody_is_invited_to_it(self, owner: Caller) -> None:
        made = await defined(owner, *EDITS)
        invitation = await invited(owner, role=made["key"])
        answer = await owner.delete(f"/roles/{made['id']}")
        assert code_of(answer) == (409, "role_in_use")
        assert "0; open invitations to it: 1" in answer.json()["detail"]
        assert (await owner.delete(invitation)).status_code == 204
        assert (await owner.delete(f"/roles/{made['id']}")).status_code == 204
        assert (await owner.get(invitation)).json()["role"] == made["key"]


class TestAnothersRole:
    @pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
    async def test_is_not_found(self, owner: Caller, stranger: Caller, method: str) -> None:
        made = await defined(owner, *EDITS)
        body = {"name": "Mine"} if method == "PATCH" else None
        foreign = await stranger.send(method, f"/roles/{made['id']}", json=body)
        assert sameness(foreign) == sameness(await stranger.send(method, f"/roles/{new_id()}", json=body))
        assert code_of(foreign) == (404, "not_found")
        assert (await owner.get(f"/roles/{made['id']}")).json() == made
        assert (await owner.send(method, f"/roles/{made['id']}", json=body)).is_success


class TestRecord:
    async def test_names_the_changes(self, owner: Caller, tenant: TenantRow, readback: Readback) -> None:
        made = await defined(owner, "rack:read", key="editor")
        await owner.patch(f"/roles/{made['id']}", {"permissions": ["book:read"]})
        await owner.delete(f"/roles/{made['id']}")
        events = await readback(
            "select action, actor_id, object_id, before, after from audit_event where tenant_id = :id "
            "and object_type = 'role' order by sequence",
            id=tenant.id,
        )
        first = {name: made[name] for name in ("key", "name", "description", "permissions")}
        changed = {"permissions": sorted({"book:read", *BASIC})}
        assert [tuple(event.values()) for event in events] == [
            ("role.created", owner.user.id, made["id"], None, first),
            ("role.updated", owner.user.id, made["id"], {"permissions": first["permissions"]}, changed),
            ("role.deleted", owner.user.id, made["id"], first | changed, None),
        ]
