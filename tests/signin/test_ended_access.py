"""A client loses access for a user with the consent, with a scope, with itself, and with the browser's session.

Every process refuses its access tokens within a second; its refresh tokens and its unused codes are refused too.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import httpx
import pytest

from insula.core.settings import Settings
from tests.signin.conftest import GRANTS
from tests.support.app import PASSWORD, Live, SignIn
from tests.support.browsers import browser_at
from tests.support.emails import Readback
from tests.support.factories import Factories, TenantRow, UserRow
from tests.support.oauth_flow import CALLBACK, Flow, parameters_of
from tests.support.waiting import answers

RACKS: Final = "/api/v1/racks"
SESSIONS: Final = "select id, parent_id, consent_id, revoked_at from auth_session where client_id = :id order by id"
CONSENTS: Final = "select id, user_id from oauth_consent where client_id = :id"
TOKENS: Final = "select hash from refresh_token where session_id = :id"
Processes = tuple[httpx.AsyncClient, ...]


@dataclass(frozen=True)
class Held:
    """What a client holds for a user: an access token, a refresh token, and a code that it has not used."""

    flow: Flow
    access: dict[str, str]
    refresh_token: str
    code: str

    async def is_good(self, processes: Processes) -> None:
        """Assert that every process takes the access token."""
        for process in processes:
            assert (await process.get(RACKS, headers=self.access)).status_code == 200

    async def is_refused(self, processes: Processes, error: tuple[int, str] = (400, "invalid_grant")) -> None:
        """Assert that every process refuses all of it, the access token within a second."""
        for process in processes:
            await answers(401, partial(process.get, RACKS, headers=self.access))
        for process in processes:
            for answer in (
                await self.flow.refresh(process, self.refresh_token),
                await self.flow.exchange(process, self.code),
            ):
                assert (answer.status_code, answer.json()["error"]) == error

    async def is_whole(self, processes: Processes) -> None:
        """Assert that all of it is taken. It is used up."""
        await self.is_good(processes)
        for answer in (
            await self.flow.refresh(processes[0], self.refresh_token),
            await self.flow.exchange(processes[0], self.code),
        ):
            assert answer.status_code == 200, answer.text


@pytest.fixture
def processes(client: httpx.AsyncClient, other_process: httpx.AsyncClient) -> Processes:
    return client, other_process


@pytest.fixture
async def signed_in(flow: Flow, user: UserRow) -> Flow:
    """Return the flow of a user who is signed in and has agreed to nothing yet."""
    await flow.sign_in(await flow.authorize(), user.email)
    return flow


async def held(flow: Flow, processes: Processes, scope: str = "openid rack:read") -> Held:
    """Agree if asked; return what the client gets."""
    page = await flow.authorize(scope=scope)
    if page.status_code == 200:
        await flow.decide(page)
    body = (await flow.exchange(processes[0], await flow.code(scope=scope))).json()
    access = {"Authorization": f"Bearer {body['access_token']}"}
    found = Held(flow, access, body["refresh_token"], await flow.code(scope=scope))
    await found.is_good(processes)
    return found


async def another(flow: Flow, make: Factories, tenant: TenantRow) -> Flow:
    """Return the flow of another client of the tenant, in the same browser."""
    made = await make.oauth_client(tenant, "rack:read", kind="public", grants=GRANTS, redirect_uris=[CALLBACK])
    return replace(flow, client=made)


class TestConsents:
    @pytest.mark.parametrize("by", ["the user", "the tenant"])
    async def test_withdrawn_it_ends_what_the_client_has_and_must_be_given_anew(
        self,
        processes: Processes,
        signed_in: Flow,
        make: Factories,
        user: UserRow,
        own_tenant: TenantRow,
        sign_in: SignIn,
        readback: Readback,
        by: str,
    ) -> None:
        lost = await held(signed_in, processes)
        kept = await held(await another(signed_in, make, own_tenant), processes)
        [consent], [session] = [await readback(each, id=signed_in.client.id) for each in (CONSENTS, SESSIONS)]
        assert session["consent_id"] == consent["id"]
        assert len(await readback(TOKENS, id=session["id"])) == 1
        of_whom = "me" if by == "the user" else f"oauth-clients/{signed_in.client.id}"
        answer = await processes[0].delete(
            f"/api/v1/{of_whom}/consents/{consent['id']}", headers=await sign_in(user, own_tenant)
        )
        assert answer.status_code == 204

        await lost.is_refused(processes)
        assert await readback(SESSIONS, id=signed_in.client.id) == []
        assert await readback(TOKENS, id=session["id"]) == []
        asked = await signed_in.authorize(scope="openid rack:read")
        assert "asks for access" in asked.text
        assert parameters_of(await signed_in.authorize(prompt="none"))["error"] == "consent_required"
        await kept.is_whole(processes)
        await signed_in.decide(asked)
        await lost.is_refused(processes)
        await (await held(signed_in, processes)).is_whole(processes)

    async def test_those_with_a_scope_that_the_client_loses_end_and_others_stay(
        self,
        processes: Processes,
        signed_in: Flow,
        live: Live,
        make: Factories,
        user: UserRow,
        own_tenant: TenantRow,
        settings: Settings,
        sign_in: SignIn,
        readback: Readback,
    ) -> None:
        other = await make.member(own_tenant, user=await make.user(password=PASSWORD))
        async with browser_at(live, settings.public_url) as elsewhere:
            theirs = replace(signed_in, browser=elsewhere)
            await theirs.sign_in(await theirs.authorize(), other.email)
            kept = await held(theirs, processes, "openid rack:read")
            lost = await held(signed_in, processes, "openid rack:read rack:create")
            answer = await processes[0].patch(
                f"/api/v1/oauth-clients/{signed_in.client.id}",
                json={"scopes": ["rack:read"]},
                headers=await sign_in(user, own_tenant),
            )
            assert answer.status_code == 200

            await lost.is_refused(processes)
            assert [row["user_id"] for row in await readback(CONSENTS, id=signed_in.client.id)] == [other.id]
            assert len(await readback(SESSIONS, id=signed_in.client.id)) == 1
            await kept.is_whole(processes)
            assert "asks for access" in (await signed_in.authorize(scope="openid rack:read")).text

    async def test_they_stay_when_a_client_gets_more_scopes(
        self,
        processes: Processes,
        signed_in: Flow,
        user: UserRow,
        own_tenant: TenantRow,
        sign_in: SignIn,
    ) -> None:
        kept = await held(signed_in, processes)
        answer = await processes[0].patch(
            f"/api/v1/oauth-clients/{signed_in.client.id}",
            json={"scopes": ["rack:read", "rack:create", "rack:update"]},
            headers=await sign_in(user, own_tenant),
        )
        assert answer.status_code == 200
        await kept.is_whole(processes)


class TestClients:
    async def test_a_revoked_one_of_a_tenant_loses_consents_and_sessions(
        self,
        processes: Processes,
        signed_in: Flow,
        make: Factories,
        user: UserRow,
        own_tenant: TenantRow,
        sign_in: SignIn,
        readback: Readback,
    ) -> None:
        lost = await held(signed_in, processes)
        kept = await held(await another(signed_in, make, own_tenant), processes)
        answer = await processes[0].delete(
            f"/api/v1/oauth-clients/{signed_in.client.id}", headers=await sign_in(user, own_tenant)
        )
        assert answer.status_code == 204

        await lost.is_refused(processes, (401, "invalid_client"))
        assert await readback(CONSENTS, id=signed_in.client.id) == []
        assert await readback(SESSIONS, id=signed_in.client.id) == []
        await kept.is_whole(processes)

    async def test_a_revoked_one_of_the_platform_loses_its_sessions(
        self,
        processes: Processes,
        own_flow: Flow,
        make: Factories,
        user: UserRow,
        sign_in: SignIn,
        readback: Readback,
    ) -> None:
        await own_flow.sign_in(await own_flow.authorize(), user.email)
        lost = await held(own_flow, processes)
        kept = await held(replace(own_flow, client=await make.first_party_client(CALLBACK)), processes)
        answer = await processes[0].delete(
            f"/admin/v1/oauth-clients/{own_flow.client.id}", headers=await sign_in(await make.staff(), None, "admin")
        )
        assert answer.status_code == 204

        await lost.is_refused(processes, (401, "invalid_client"))
        rows = await readback(SESSIONS, id=own_flow.client.id)
        assert [row["revoked_at"] is not None for row in rows] == [True]
        await kept.is_whole(processes)


class TestSessionsOfBrowsers:
    @pytest.mark.parametrize("by", ["the user", "staff"])
    async def test_ended_by_somebody_ends_what_clients_got_by_it(
        self,
        processes: Processes,
        signed_in: Flow,
        live: Live,
        make: Factories,
        user: UserRow,
        own_tenant: TenantRow,
        settings: Settings,
        sign_in: SignIn,
        readback: Readback,
        by: str,
    ) -> None:
        lost = await held(signed_in, processes)
        [session] = await readback(SESSIONS, id=signed_in.client.id)
        async with browser_at(live, settings.public_url) as elsewhere:
            same = replace(signed_in, browser=elsewhere)
            await same.sign_in(await same.authorize(scope="rack:read"), user.email)
            kept = await held(same, processes)
            if by == "staff":
                path = f"/admin/v1/users/{user.id}/sessions/{session['parent_id']}"
                headers = await sign_in(await make.staff(), None, "admin")
            else:
                path = f"/api/v1/me/sessions/{session['parent_id']}"
                headers = await sign_in(user, own_tenant)
            assert (await processes[0].delete(path, headers=headers)).status_code == 204

            await lost.is_refused(processes)
            rows = await readback(SESSIONS, id=signed_in.client.id)
            assert [row["revoked_at"] is not None for row in rows] == [True, False]
            assert (await signed_in.authorize()).headers["location"].startswith("/auth/sign-in?")
            await kept.is_whole(processes)

    async def test_a_clients_own_session_ends_alone(
        self,
        processes: Processes,
        signed_in: Flow,
        make: Factories,
        user: UserRow,
        own_tenant: TenantRow,
        sign_in: SignIn,
        readback: Readback,
    ) -> None:
        lost = await held(signed_in, processes)
        kept = await held(await another(signed_in, make, own_tenant), processes)
        [session] = await readback(SESSIONS, id=signed_in.client.id)
        headers = await sign_in(user, own_tenant)
        assert (await processes[0].delete(f"/api/v1/me/sessions/{session['id']}", headers=headers)).status_code == 204

        for process in processes:
            await answers(401, partial(process.get, RACKS, headers=lost.access))
        refused = await signed_in.refresh(processes[0], lost.refresh_token)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
        await kept.is_whole(processes)
        assert "code" in parameters_of(await signed_in.authorize(scope="openid rack:read"))
