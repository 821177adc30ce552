"""An app's own kind of caller: sign-in, the check at each request, and the loss of access."""

import asyncpg
import httpx
import pytest

from insula.db.engine.connection import TenantConnection
from tests.callers.conftest import Desk
from tests.callers.desk import AgentRole
from tests.isolation.matrix.routes import live_routes
from tests.support.app import SignIn
from tests.support.apps import INSTALLATION
from tests.support.factories import Factories, UserRow
from tests.support.visitors import problem
from tests.support.waiting import answers


async def token_of(at_desk: Desk, user: UserRow, role: AgentRole = AgentRole.LEAD) -> str:
    await at_desk.hire(user, role)
    answer = await at_desk.sign_in(user)
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["access_token"]
    return token


class TestSigningIn:
    async def test_an_agent_gets_a_token_without_a_tenant(self, at_desk: Desk, user: UserRow) -> None:
        await at_desk.hire(user, AgentRole.CLERK)

        answer = await at_desk.sign_in(user)

        assert answer.status_code == 200
        assert answer.json()["tenant"] is None

    async def test_a_member_without_a_row_gets_no_token(self, at_desk: Desk, user: UserRow, make: Factories) -> None:
        tenant = await make.tenant()
        await make.member(tenant, role="owner", user=user)

        assert problem(await at_desk.sign_in(user)) == (403, "desk_only")
        assert problem(await at_desk.sign_in(user, tenant=tenant.slug)) == (403, "desk_only")
        await at_desk.hire(user, AgentRole.CLERK)
        assert (await at_desk.sign_in(user)).status_code == 200

    async def test_an_agent_who_names_a_tenant_gets_no_token(
        self, at_desk: Desk, user: UserRow, make: Factories
    ) -> None:
        tenant = await make.tenant()
        await make.member(tenant, role="owner", user=user)
        await at_desk.hire(user, AgentRole.CLERK)

        assert problem(await at_desk.sign_in(user, tenant=tenant.slug)) == (403, "desk_only")

    async def test_an_app_without_sign_in_is_unknown(self, at_desk: Desk, user: UserRow) -> None:
        await at_desk.hire(user, AgentRole.CLERK)

        answer = await at_desk.sign_in(user, resource=f"{at_desk.context.audience}/")

        assert problem(answer) == (400, "invalid_target")


class TestEachRequest:
    async def test_an_agent_is_an_app_specific_principal(self, at_desk: Desk, user: UserRow) -> None:
        token = await token_of(at_desk, user)

        answer = await at_desk.tickets(token)

        assert answer.status_code == 200
        assert answer.json() == {"kind": "desk_agent", "role": "desk_lead", "creates": True}
        assert (await at_desk.create(token)).status_code == 200

    async def test_a_refusal_names_the_apps_own_metadata(self, at_desk: Desk, user: UserRow) -> None:
        metadata = f'resource_metadata="{at_desk.client.base_url}/.well-known/oauth-protected-resource/desk"'
        missing = await at_desk.client.get("/desk/v1/tickets")
        refused = await at_desk.tickets("nonsense")
        assert (missing.status_code, missing.headers["www-authenticate"]) == (401, f"Bearer {metadata}")
        assert refused.headers["www-authenticate"] == f'Bearer {metadata}, error="invalid_token"'
        served = await at_desk.tickets(await token_of(at_desk, user))
        assert (served.status_code, "www-authenticate" in served.headers) == (200, False)

    async def test_a_role_has_the_actions_that_it_was_granted(self, at_desk: Desk, user: UserRow) -> None:
        token = await token_of(at_desk, user, AgentRole.CLERK)

        assert (await at_desk.tickets(token)).json()["creates"] is False
        assert problem(await at_desk.create(token)) == (403, "forbidden")

    async def test_a_deleted_row_ends_access_at_once(self, at_desk: Desk, user: UserRow) -> None:
        token = await token_of(at_desk, user)
        assert (await at_desk.tickets(token)).status_code == 200

        await at_desk.dismiss(user)

        assert problem(await at_desk.tickets(token)) == (403, "forbidden")
        await at_desk.hire(user, AgentRole.CLERK)
        assert (await at_desk.tickets(token)).json()["role"] == "desk_clerk"

    async def test_a_token_for_another_app_is_refused(
        self, at_desk: Desk, user: UserRow, sign_in: SignIn, make: Factories
    ) -> None:
        tenant = await make.tenant()
        await make.member(tenant, role="owner", user=await make.staff(user=user))
        token = await token_of(at_desk, user)

        for other in (await sign_in.token(user, "tenants", tenant), await sign_in.token(user, "admin")):
            assert problem(await at_desk.tickets(other)) == (401, "wrong_audience")
        assert (await at_desk.tickets(token)).status_code == 200

    async def test_the_apps_token_is_refused_by_other_apps(
        self, at_desk: Desk, user: UserRow, client: httpx.AsyncClient, make: Factories
    ) -> None:
        token = await token_of(at_desk, await make.staff(user=user))
        guarded = {
            route.app: f"{route.mount}{route.template}"
            for route in live_routes().values()
            if route.guard is not None and route.method == "GET" and "{" not in route.template
        }
        assert guarded.keys() == {app.name for app in INSTALLATION.apps}
        for path in guarded.values():
            answer = await client.get(path, headers={"Authorization": f"Bearer {token}"})
            assert problem(answer) == (401, "wrong_audience")

    async def test_an_api_key_is_refused_where_none_is_declared(self, at_desk: Desk, make: Factories) -> None:
        key = await make.api_key(await make.tenant())

        answer = await at_desk.client.get("/desk/v1/tickets", headers=key.headers)

        assert problem(answer) == (401, "unauthenticated")

    async def test_reading_the_row_costs_one_round_trip(
        self, at_desk: Desk, user: UserRow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        token = await token_of(at_desk, user)
        await at_desk.tickets(token)
        fetch, sent = TenantConnection.fetch, []

        async def noted(self: TenantConnection, query: str, *arguments: object) -> list[asyncpg.Record]:
            sent.append(query)
            records: list[asyncpg.Record] = await fetch(self, query, *arguments)
            return records

        monkeypatch.setattr(TenantConnection, "fetch", noted)
        await at_desk.tickets(token)

        assert len(sent) == 1
        assert "desk_agent" in sent[0]


async def test_a_suspended_user_is_refused(at_desk: Desk, user: UserRow) -> None:
    token = await token_of(at_desk, user)
    assert (await at_desk.tickets(token)).status_code == 200

    await at_desk.readback("""UPDATE "user" SET status = 'suspended' WHERE id = :id""", id=user.id)

    await answers(401, lambda: at_desk.tickets(token))
