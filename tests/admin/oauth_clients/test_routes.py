"""Staff register, change and revoke the platform's own OAuth clients."""

from typing import Any, Final
from uuid import UUID

import pytest

from insula.core.ids import new_id
from insula.identity.oauth.client_secrets import digest_of
from tests.support.app import Live
from tests.support.provider import Readback
from tests.support.staff import Caller, Hire, code_of
from tests.support.waiting import within

CALLBACK: Final = "https://app.example.com/callback"


def web_app(**changes: object) -> dict[str, object]:
    return {"name": f"Web {new_id().hex}", "kind": "public", "redirect_uris": [CALLBACK], **changes}


async def registered(staff: Caller, **changes: object) -> dict[str, Any]:
    answer = await staff.send("POST", "/oauth-clients", web_app(**changes))
    assert answer.status_code == 201, answer.text
    issued: dict[str, Any] = answer.json()
    return issued


@pytest.mark.parametrize("role", ["superuser", "support", "auditor"])
async def test_superusers_manage_and_all_staff_see(
    hire: Hire, superuser: Caller, readback: Readback, role: str
) -> None:
    issued = await registered(superuser, kind="confidential")
    path = f"/oauth-clients/{issued['id']}"
    staff = await hire(role)
    allowed = {"superuser": 200, "support": 403, "auditor": 403}[role]
    assert (await staff.get(path)).json()["name"] == issued["name"]
    assert issued["id"] in [each["id"] for each in (await staff.get("/oauth-clients")).json()["items"]]
    assert (await staff.send("PATCH", path, {"name": "Changed"})).status_code == allowed
    assert (await staff.send("POST", f"{path}/rotate", {})).status_code == allowed
    assert (await staff.send("POST", "/oauth-clients", web_app())).status_code == {200: 201}.get(allowed, allowed)
    assert (await staff.send("DELETE", path)).status_code == {200: 204}.get(allowed, allowed)
    rows = await readback("select name, revoked_at from first_party_client where id = :id", id=UUID(issued["id"]))
    assert (rows[0]["name"] == "Changed", rows[0]["revoked_at"] is None) == (role == "superuser", role != "superuser")


async def test_only_a_confidential_client_has_a_secret_which_is_shown_once(
    superuser: Caller, readback: Readback
) -> None:
    public, held = await registered(superuser), await registered(superuser, kind="confidential")
    assert public["client_secret"] is None
    assert public["grants"] == ["authorization_code", "refresh_token"]
    refused = await superuser.send("POST", f"/oauth-clients/{public['id']}/rotate", {})
    assert code_of(refused) == (409, "first_party_client_without_secret")
    new = (await superuser.send("POST", f"/oauth-clients/{held['id']}/rotate", {"overlap_seconds": 60})).json()
    [stored] = await readback("select * from first_party_client where id = :id", id=UUID(held["id"]))
    assert stored["secret_hash"] == digest_of(new["client_secret"])
    assert stored["previous_hash"] == digest_of(held["client_secret"])
    shown = (await superuser.get(f"/oauth-clients/{held['id']}")).text
    assert new["client_secret"] not in shown
    assert "secret" not in shown


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"grants": ["client_credentials"]}, "grants.0"),
        ({"grants": ["refresh_token"]}, "grants"),
        ({"redirect_uris": []}, "redirect_uris"),
        ({"redirect_uris": ["http://app.example.com/"]}, "redirect_uris.0"),
        ({"scopes": ["tenant:read"]}, "scopes"),
        ({"tenant_id": str(UUID(int=7))}, "tenant_id"),
    ],
)
async def test_contradictions_are_refused(superuser: Caller, changes: dict[str, object], field: str) -> None:
    answer = await superuser.send("POST", "/oauth-clients", web_app(**changes))
    assert (answer.status_code, answer.json()["field_errors"][0]["field"].split("[")[0]) == (422, field)
    await registered(superuser)


async def test_a_revoked_client_stays_listed_cannot_change_and_is_gone_within_a_second(
    superuser: Caller, live: Live, readback: Readback
) -> None:
    issued = await registered(superuser)
    path = f"/oauth-clients/{issued['id']}"

    async def is_gone() -> bool:
        return await live.kernel.directory.oauth_client(UUID(issued["id"])) is None

    assert not await is_gone()
    for _ in range(2):
        assert (await superuser.send("DELETE", path)).status_code == 204
    await within(1, is_gone)
    assert (await superuser.get(path)).json()["status"] == "revoked"
    assert code_of(await superuser.send("PATCH", path, {"name": "Third"})) == (409, "first_party_client_revoked")
    assert code_of(await superuser.send("POST", f"{path}/rotate", {})) == (409, "first_party_client_revoked")
    events = await readback(
        "select action, actor_kind, actor_id from audit_event where object_id = :id order by sequence", id=issued["id"]
    )
    assert [event["action"] for event in events] == ["first_party_client.created", "first_party_client.revoked"]
    assert {(event["actor_kind"], event["actor_id"]) for event in events} == {("staff", superuser.user.id)}


async def test_a_user_may_come_back_to_registered_uris_after_the_logout(superuser: Caller, readback: Readback) -> None:
    uris = ["https://app.example.com/", "https://app.example.com/bye"]
    issued = await registered(superuser, post_logout_redirect_uris=[*uris, uris[0]])
    assert issued["post_logout_redirect_uris"] == uris
    path = f"/oauth-clients/{issued['id']}"
    for wrong in (["http://app.example.com/"], ["https://*.example.com/"], uris * 11):
        assert (await superuser.send("PATCH", path, {"post_logout_redirect_uris": wrong})).status_code == 422
    changed = await superuser.send("PATCH", path, {"post_logout_redirect_uris": uris[1:]})
    assert (changed.status_code, changed.json()["redirect_uris"]) == (200, [CALLBACK])
    rows = await readback(
        "select post_logout_redirect_uris as uris from first_party_client where id = :id", id=UUID(issued["id"])
    )
    assert rows == [{"uris": uris[1:]}]


async def test_the_list_filters_and_sorts(superuser: Caller) -> None:
    word = new_id().hex
    one, two = await registered(superuser, name=f"B {word}"), await registered(superuser, name=f"A {word}")
    await superuser.send("DELETE", f"/oauth-clients/{one['id']}")

    async def found(**params: str) -> list[str]:
        page = (await superuser.get("/oauth-clients", search=word, **params)).json()
        return [each["id"] for each in page["items"]]

    assert await found() == [two["id"], one["id"]]
    assert await found(sort_by="-name") == [one["id"], two["id"]]
    assert (await found(status="live"), await found(status="revoked")) == ([two["id"]], [one["id"]])
    unknown = await superuser.get(f"/oauth-clients/{new_id()}")
    assert code_of(unknown) == (404, "not_found")
