from datetime import datetime, timedelta
from uuid import UUID

import pytest

from insula.core import clock
from insula.identity.oauth.client_secrets import digest_of
from tests.support.app import Live
from tests.support.factories import Factories, TenantRow
from tests.support.waiting import within
from tests.tenants.conftest import Hire, Join
from tests.tenants.oauth_clients.support import CALLBACK, FOR_USERS, MACHINE, MANAGERS, registered
from tests.tenants.support import API, ROLES, Caller, Readback, code_of, sameness


class TestCreate:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_owners_and_admins(self, join: Join, tenant: TenantRow, role: str, readback: Readback) -> None:
        answer = await (await join(tenant, role)).post("/oauth-clients", MACHINE | {"scopes": ["tenant:read"]})
        rows = await readback("select name from oauth_client where tenant_id = :id", id=tenant.id)
        if role in MANAGERS:
            assert (answer.status_code, rows) == (201, [{"name": "Export"}])
        else:
            assert (code_of(answer), rows) == ((403, "forbidden"), [])

    async def test_returns_the_secret_once_and_stores_its_hash(self, owner: Caller, readback: Readback) -> None:
        answer = await owner.post("/oauth-clients", MACHINE)
        issued = answer.json()
        assert answer.headers["location"] == f"{API}/oauth-clients/{issued['id']}"
        [stored] = await readback("select * from oauth_client where id = :id", id=UUID(issued["id"]))
        assert stored["secret_hash"] == digest_of(issued["client_secret"])
        assert (stored["tenant_id"], stored["created_by"]) == (owner.home.id, owner.user.id)
        read = await owner.client.get(answer.headers["location"], headers=owner.token)
        assert read.json() == {name: value for name, value in issued.items() if name != "client_secret"}
        listed = await owner.get("/oauth-clients")
        for hidden in (issued["client_secret"].split("_")[3], digest_of(issued["client_secret"]).hex(), "hash"):
            assert hidden not in listed.text + read.text

    async def test_a_repeated_request_is_answered_without_the_secret(self, owner: Caller, readback: Readback) -> None:
        name = {"Idempotency_Key": "register-once"}
        first = await owner.post("/oauth-clients", MACHINE, **name)
        again = await owner.post("/oauth-clients", MACHINE, **name)
        assert again.json() == {**first.json(), "client_secret": None}
        kept = await readback("select body from idempotency_record where tenant_id = :id", id=owner.home.id)
        assert first.json()["client_secret"].encode() not in b"".join(bytes(row["body"]) for row in kept)  # type: ignore[call-overload]  # a column of bytes
        assert len((await owner.get("/oauth-clients")).json()["items"]) == 1

    async def test_a_public_client_has_no_secret(self, owner: Caller, readback: Readback) -> None:
        issued = await registered(owner, FOR_USERS)
        assert (issued["client_secret"], issued["redirect_uris"]) == (None, [CALLBACK])
        assert issued["post_logout_redirect_uris"] == [f"{CALLBACK}/out"]
        rows = await readback("select secret_hash from oauth_client where id = :id", id=UUID(issued["id"]))
        assert rows == [{"secret_hash": None}]
        refused = await owner.post(f"/oauth-clients/{issued['id']}/rotate", {})
        assert code_of(refused) == (409, "client_without_secret")

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"kind": "public"}, "grants"),
            ({"grants": []}, "grants"),
            ({"grants": ["password"]}, "grants.0"),
            ({"grants": ["implicit"]}, "grants.0"),
            ({"grants": ["refresh_token"]}, "grants"),
            ({"grants": ["authorization_code"]}, "redirect_uris"),
            ({"redirect_uris": [CALLBACK]}, "redirect_uris"),
            ({"redirect_uris": ["https://*.example.com/"]}, "redirect_uris.0"),
            ({"redirect_uris": ["https://app.example.com/#"]}, "redirect_uris.0"),
            ({"redirect_uris": [CALLBACK] * 21}, "redirect_uris"),
            ({"post_logout_redirect_uris": [CALLBACK]}, "post_logout_redirect_uris"),
            ({"post_logout_redirect_uris": ["http://app.example.com/"]}, "post_logout_redirect_uris.0"),
            ({"kind": "secret"}, "kind"),
            ({"scopes": []}, "scopes"),
            ({"scopes": ["rack:*"]}, "scopes"),
            ({"scopes": ["nothing:read"]}, "scopes"),
            ({"scopes": ["staff.tenant:read"]}, "scopes"),
            ({"scopes": ["ownership:transfer"]}, "scopes"),
            ({"scopes": ["oauth_client:create"]}, "scopes"),
            ({"scopes": ["api_key:create"]}, "scopes"),
            ({"client_secret": "mine"}, "client_secret"),
            ({"id": str(UUID(int=7))}, "id"),
        ],
    )
    async def test_refuses_contradictions_and_scopes_that_no_machine_can_have(
        self, owner: Caller, changes: dict[str, object], field: str
    ) -> None:
        answer = await owner.post("/oauth-clients", MACHINE | changes)
        assert (answer.status_code, answer.json()["field_errors"][0]["field"]) == (422, field)
        await registered(owner)

    async def test_is_refused_to_callers_who_lack_a_scope(self, hire: Hire, owner: Caller) -> None:
        maker = await hire("oauth_client:create", "rack:read")
        beyond = await maker.post("/oauth-clients", MACHINE | {"scopes": ["rack:read", "rack:create"]})
        assert code_of(beyond) == (403, "scope_not_yours")
        assert "rack:create" in beyond.json()["detail"]
        await registered(maker)
        await registered(owner, scopes=["rack:read", "rack:create"])

    async def test_quota_counts_live_clients(self, make: Factories, join: Join) -> None:
        tenant = await make.tenant(entitlements={"requests_per_minute": 6_000, "oauth_clients": 2})
        owner = await join(tenant, "owner")
        await registered(owner)
        second = await registered(owner)
        assert code_of(await owner.post("/oauth-clients", MACHINE)) == (409, "quota_exceeded")
        await owner.delete(f"/oauth-clients/{second['id']}")
        await registered(owner)

    async def test_is_refused_to_an_api_key(self, owner: Caller, make: Factories) -> None:
        held = await make.api_key(owner.home, "rack:read", "oauth_client:create")
        answer = await owner.client.post(f"{API}/oauth-clients", json=MACHINE, headers=held.headers)
        assert code_of(answer) == (403, "forbidden")
        await registered(owner)


class TestRead:
    async def test_the_list_filters_sorts_and_contains_no_client_of_another_tenant(
        self, owner: Caller, stranger: Caller
    ) -> None:
        machine, phone = await registered(owner, name="b"), await registered(owner, FOR_USERS, name="a")
        await registered(stranger)
        await owner.delete(f"/oauth-clients/{machine['id']}")

        async def found(**params: str) -> list[str]:
            return [each["id"] for each in (await owner.get("/oauth-clients", **params)).json()["items"]]

        assert await found() == [phone["id"], machine["id"]]
        assert await found(sort_by="-name") == [machine["id"], phone["id"]]
        assert await found(kind="public") == await found(status="live") == await found(search="A") == [phone["id"]]
        assert await found(kind="confidential") == await found(status="revoked") == [machine["id"]]
        assert [each["id"] for each in await owner.walk("/oauth-clients", limit=1)] == [phone["id"], machine["id"]]

    async def test_another_tenants_client_is_not_found(self, owner: Caller, stranger: Caller) -> None:
        path = f"/oauth-clients/{(await registered(owner))['id']}"
        nowhere = f"/oauth-clients/{UUID(int=7)}"
        assert sameness(await stranger.get(path)) == sameness(await stranger.get(nowhere))
        assert sameness(await stranger.delete(path)) == sameness(await stranger.delete(nowhere))
        for body in ({"name": "Ours"}, {"scopes": ["rack:read"]}):
            assert sameness(await stranger.patch(path, body)) == sameness(await stranger.patch(nowhere, body))
        assert (await owner.get(path)).json()["status"] == "live"


class TestUpdate:
    async def test_changes_name_uris_and_scopes_alone(self, owner: Caller) -> None:
        issued = await registered(owner, FOR_USERS)
        path = f"/oauth-clients/{issued['id']}"
        changes = {"name": "Tablet", "redirect_uris": [f"{CALLBACK}/2"], "scopes": ["rack:create", "rack:read"]}
        answer = await owner.patch(path, changes, If_Match='"1"')
        assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
        assert {name: answer.json()[name] for name in changes} == changes
        left = {"post_logout_redirect_uris": [CALLBACK]}
        assert (await owner.patch(path, left)).json()["post_logout_redirect_uris"] == [CALLBACK]
        assert (await owner.patch(path, {"name": "Tablet"})).json()["post_logout_redirect_uris"] == [CALLBACK]
        assert code_of(await owner.patch(path, {"name": "Third"}, If_Match='"1"')) == (412, "precondition_failed")
        for more in ({"kind": "confidential"}, {"grants": ["client_credentials"]}, {"secret_hash": "00"}):
            assert (await owner.patch(path, more)).status_code == 422
        assert (await owner.patch(path, {"redirect_uris": []})).status_code == 422
        machine = await registered(owner)
        assert (await owner.patch(f"/oauth-clients/{machine['id']}", {"redirect_uris": [CALLBACK]})).status_code == 422
        assert (await owner.patch(f"/oauth-clients/{machine['id']}", left)).status_code == 422

    async def test_new_scopes_and_new_uris_need_the_callers_own_permissions(self, hire: Hire, owner: Caller) -> None:
        issued = await registered(owner, FOR_USERS)
        path = f"/oauth-clients/{issued['id']}"
        helper = await hire("oauth_client:update", "rack:read")
        assert code_of(await helper.patch(path, {"scopes": ["rack:create"]})) == (403, "scope_not_yours")
        assert code_of(await helper.patch(path, {"redirect_uris": [f"{CALLBACK}/mine"]})) == (403, "scope_not_yours")
        assert (await helper.patch(path, {"scopes": ["rack:read"]})).status_code == 200
        assert (await helper.patch(path, {"redirect_uris": [f"{CALLBACK}/mine"]})).status_code == 200


class TestRotate:
    async def test_the_old_secret_is_kept_until_the_overlap_ends(self, owner: Caller, readback: Readback) -> None:
        old = await registered(owner)
        path = f"/oauth-clients/{old['id']}/rotate"
        new = (await owner.post(path, {"overlap_seconds": 3600})).json()
        left = datetime.fromisoformat(new["overlap_until"]) - clock.now()
        assert timedelta(minutes=59) < left <= timedelta(hours=1)
        held = "select secret_hash, previous_hash from oauth_client where id = :id"
        client_id = UUID(old["id"])
        assert await readback(held, id=client_id) == [
            {"secret_hash": digest_of(new["client_secret"]), "previous_hash": digest_of(old["client_secret"])}
        ]
        last = (await owner.post(path, {"overlap_seconds": 0})).json()
        assert await readback(held, id=client_id) == [
            {"secret_hash": digest_of(last["client_secret"]), "previous_hash": None}
        ]

    async def test_is_refused_to_callers_who_lack_a_scope_of_the_client(self, hire: Hire, owner: Caller) -> None:
        beyond = await registered(owner, scopes=["rack:create", "rack:read"])
        within = await registered(owner)
        helper = await hire("oauth_client:rotate", "rack:read")
        assert code_of(await helper.post(f"/oauth-clients/{beyond['id']}/rotate", {})) == (403, "scope_not_yours")
        assert (await helper.post(f"/oauth-clients/{within['id']}/rotate", {})).status_code == 200


class TestRevoke:
    async def test_a_revoked_client_stays_listed_and_cannot_change(self, owner: Caller, readback: Readback) -> None:
        issued = await registered(owner)
        path = f"/oauth-clients/{issued['id']}"
        for _ in range(2):
            assert (await owner.delete(path)).status_code == 204
        assert (await owner.get(path)).json()["status"] == "revoked"
        assert code_of(await owner.patch(path, {"name": "Third"})) == (409, "client_revoked")
        assert code_of(await owner.post(f"{path}/rotate", {})) == (409, "client_revoked")
        events = await readback(
            "select action from audit_event where tenant_id = :id order by occurred_at", id=owner.home.id
        )
        assert [event["action"] for event in events] == ["oauth_client.created", "oauth_client.revoked"]


async def test_the_audit_log_records_each_change_without_secrets(owner: Caller, readback: Readback) -> None:
    old = await registered(owner)
    path = f"/oauth-clients/{old['id']}"
    await owner.patch(path, {"name": "Import"})
    new = (await owner.post(f"{path}/rotate", {})).json()
    await owner.delete(path)
    events = await readback(
        "select action, actor_id, object_id, before, after from audit_event where tenant_id = :id order by occurred_at",
        id=owner.home.id,
    )
    acts = ["oauth_client.created", "oauth_client.updated", "oauth_client.rotated", "oauth_client.revoked"]
    assert [event["action"] for event in events] == acts
    assert {(event["actor_id"], event["object_id"]) for event in events} == {(owner.user.id, old["id"])}
    assert (events[1]["before"], events[1]["after"]) == ({"name": "Export"}, {"name": "Import"})
    for secret in (old["client_secret"], new["client_secret"]):
        assert secret not in repr(events)
        assert digest_of(secret).hex() not in repr(events)


async def test_a_change_reaches_the_directory_within_a_second(owner: Caller, live: Live) -> None:
    issued = await registered(owner, FOR_USERS)

    async def name() -> str | None:
        client = await live.kernel.directory.oauth_client(UUID(issued["id"]))
        return None if client is None else client.name

    async def is_renamed() -> bool:
        return await name() == "Tablet"

    async def is_gone() -> bool:
        return await name() is None

    assert await name() == "Phone"
    await owner.patch(f"/oauth-clients/{issued['id']}", {"name": "Tablet"})
    await within(1, is_renamed)
    await owner.delete(f"/oauth-clients/{issued['id']}")
    await within(1, is_gone)
