"""The caller lists and withdraws their consents to OAuth clients."""

from uuid import UUID

import pytest

from insula.core.ids import new_id
from tests.support.factories import Factories, MadeClient, TenantRow
from tests.tenants.support import Caller, Readback, code_of, sameness

STORED = "select id from oauth_consent where user_id = :id order by id"


@pytest.fixture
async def planner(make: Factories, tenant: TenantRow) -> MadeClient:
    return await make.oauth_client(tenant, "rack:read", "rack:create")


class TestList:
    async def test_shows_those_of_all_tenants_the_last_changed_first(
        self, owner: Caller, stranger: Caller, planner: MadeClient, make: Factories, readback: Readback
    ) -> None:
        elsewhere = await make.oauth_client(stranger.home, "rack:read")
        first = await make.consent(owner.home, planner, owner.user, "rack:read", "openid")
        second = await make.consent(stranger.home, elsewhere, owner.user, "rack:read")
        await make.consent(owner.home, planner, stranger.user, "rack:create")
        await readback(
            "update oauth_consent set updated_at = created_at + interval '1 hour' where id = :id returning id", id=first
        )

        page = (await owner.get("/me/consents")).json()

        assert [(consent["id"], consent["scopes"]) for consent in page["items"]] == [
            (str(first), ["openid", "rack:read"]),
            (str(second), ["rack:read"]),
        ]
        shown = page["items"][0]
        assert {name: shown[name] for name in ("client_id", "client_name", "tenant_id", "tenant_name")} == {
            "client_id": str(planner.id),
            "client_name": "Made",
            "tenant_id": str(owner.home.id),
            "tenant_name": owner.home.name,
        }
        assert shown["created_at"] < shown["updated_at"]
        assert page["next_cursor"] is None

    async def test_needs_no_tenant(
        self, newcomer: Caller, tenant: TenantRow, planner: MadeClient, make: Factories
    ) -> None:
        assert (await newcomer.get("/me/consents")).json()["items"] == []
        made = await make.consent(tenant, planner, newcomer.user, "rack:read")
        assert [consent["id"] for consent in (await newcomer.get("/me/consents")).json()["items"]] == [str(made)]


class TestWithdraw:
    async def test_deletes_it_and_no_other(
        self, owner: Caller, stranger: Caller, planner: MadeClient, make: Factories, readback: Readback
    ) -> None:
        other = await make.oauth_client(owner.home, "rack:read")
        withdrawn = await make.consent(owner.home, planner, owner.user, "rack:read")
        kept = await make.consent(owner.home, other, owner.user, "rack:read")
        theirs = await make.consent(owner.home, planner, stranger.user, "rack:read")

        answer = await owner.delete(f"/me/consents/{withdrawn}")

        assert (answer.status_code, answer.content) == (204, b"")
        assert await readback(STORED, id=owner.user.id) == [{"id": kept}]
        assert await readback(STORED, id=stranger.user.id) == [{"id": theirs}]
        assert [consent["id"] for consent in (await owner.get("/me/consents")).json()["items"]] == [str(kept)]
        assert code_of(await owner.delete(f"/me/consents/{withdrawn}")) == (404, "not_found")

    async def test_is_recorded_in_the_clients_tenant(
        self, newcomer: Caller, tenant: TenantRow, planner: MadeClient, make: Factories, readback: Readback
    ) -> None:
        made = await make.consent(tenant, planner, newcomer.user, "rack:read")
        answer = await newcomer.delete(f"/me/consents/{made}")
        events = await readback(
            "select tenant_id, action, actor_kind, actor_id, object_type, object_id, before, after from audit_event "
            "where request_id = :id",
            id=answer.headers["x-request-id"],
        )
        assert events == [
            {
                "tenant_id": tenant.id,
                "action": "oauth_consent.withdrawn",
                "actor_kind": "user",
                "actor_id": newcomer.user.id,
                "object_type": "oauth_consent",
                "object_id": str(made),
                "before": {
                    "client_id": str(planner.id),
                    "user_id": str(newcomer.user.id),
                    "scopes": ["rack:read"],
                },
                "after": None,
            }
        ]

    async def test_another_users_is_not_found(
        self, owner: Caller, stranger: Caller, planner: MadeClient, make: Factories, readback: Readback
    ) -> None:
        mine = await make.consent(owner.home, planner, owner.user, "rack:read")
        theirs: UUID = await make.consent(owner.home, planner, stranger.user, "rack:read")

        refused = await owner.delete(f"/me/consents/{theirs}")

        assert sameness(refused) == sameness(await owner.delete(f"/me/consents/{new_id()}"))
        assert refused.status_code == 404
        assert await readback(STORED, id=stranger.user.id) == [{"id": theirs}]
        assert (await owner.delete(f"/me/consents/{mine}")).status_code == 204
